/** Deploys the documents of crossAccountPolicies() to the sandbox, and runs attempts that they must allow or deny. */
import type { CrossAccountPolicies, CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import type { Clients } from '../sandbox/clients.ts'
import { parseEngineName } from '../sandbox/engine.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  ALLOW_ALL_POLICY,
  deployPolicies,
  SECOND_EXECUTION_ROLE_ARN,
} from '../sandbox/policy-test-accounts.ts'
import { EXECUTION_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { createRuntimeVariables, setEnvironment } from './lambda.ts'
import { createAssumeRoleAttempts, createDeniedAssumeRoleAttempts } from './policies-assume-role-attempts.ts'
import { createClient } from './policies-client.ts'
import { createDynamoDbAttempts, createKmsAttempts } from './policies-request-attempts.ts'

export interface Attempt {
  readonly description: string
  /** `allowed`, or the action that is denied and the type of the policy that denies it. */
  readonly expected: string
  readonly run: () => Promise<unknown>
}

/** An attempt and its outcome, which has the same format as `expected`, or is the name and the message of another error. */
export interface Result extends Omit<Attempt, 'run'> {
  readonly outcome: string
}

type AttemptFilter = (attempt: Attempt) => boolean

export const shouldBeAllowed: AttemptFilter = ({ expected }) => expected === 'allowed'

export const isDenied = ({ outcome }: Result): boolean => /^[\w:]+ denied\b/.test(outcome)

/** Deploys the documents and runs the attempts that pass the filter, one after another. */
export const runAttempts = async (
  options: CrossAccountPoliciesOptions,
  documents: CrossAccountPolicies,
  sandbox: Sandbox,
  clients: Clients,
  filter: AttemptFilter = () => true,
): Promise<Result[]> => {
  deployPolicies(sandbox, documents)
  setEnvironment(createRuntimeVariables(sandbox))
  const runFiltered = (attempts: readonly Attempt[]) => runInSequence(attempts.filter(filter))
  const runWithClient = async (
    clientDescription: string,
    hasScope: boolean,
    requestFilter: AttemptFilter = () => true,
  ) => {
    const client = createClient(options, hasScope)
    const clientAttempt: Attempt = {
      description: `a client ${clientDescription}`,
      expected: 'allowed',
      run: () => client,
    }
    // If the client cannot be created, the result of `clientAttempt` contains the error.
    const requestAttempts = await client.then(
      (dynamo) => createDynamoDbAttempts(options, dynamo, clientDescription).filter(requestFilter),
      () => [],
    )
    return runFiltered([clientAttempt, ...requestAttempts])
  }
  const results = [
    ...(await runFiltered(createAssumeRoleAttempts(options, sandbox, clients))),
    ...(await runWithClient('', false)),
    // A scope of the same tables and actions must not deny any of the allowed requests.
    ...(await runWithClient('with a scope', true, shouldBeAllowed)),
    ...(await runFiltered(createKmsAttempts(options, documents.permissionsPolicy))),
  ]
  // The trust policy must deny these requests even if the policies of account A allow everything.
  for (const arn of [EXECUTION_ROLE_ARN, SECOND_EXECUTION_ROLE_ARN])
    sandbox.getRole(arn).policies = [ALLOW_ALL_POLICY]
  return [...results, ...(await runFiltered(createDeniedAssumeRoleAttempts(options, sandbox, clients)))]
}

const runInSequence = async (attempts: readonly Attempt[]): Promise<Result[]> => {
  const results: Result[] = []
  for (const { description, expected, run } of attempts) {
    const outcome = await run().then(() => 'allowed', toOutcome)
    results.push({ description, expected, outcome })
  }
  return results
}

const toOutcome = ({ name, message }: Error): string => {
  const { action, policy } =
    /is not authorized to perform: (?<action>[\w:]+)(?:.* because no (?<policy>\S+) policy)?/.exec(message)
      ?.groups ?? {}
  if (action !== undefined) return `${action} denied${policy === undefined ? '' : ` by ${policy}`}`
  // The sandbox evaluates the policies before the engine reports that it does not implement the operation.
  if (name === 'UnknownOperationException' && parseEngineName() === 'dynalite') return 'allowed'
  return /^kms:\w+ denied$/.test(message) ? message : `${name}: ${message}`
}
