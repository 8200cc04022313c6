/** Tries what the options ask for, and variations of it, in a sandbox that has the documents of the options. */
import type { CrossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import type { Clients } from '../sandbox/clients.ts'
import { parseEngineName } from '../sandbox/engine.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  ALLOW_ALL_POLICY,
  deployPolicies,
  SECOND_EXECUTION_ROLE_ARN,
} from '../sandbox/policy-test-accounts.ts'
import { EXECUTION_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { runtimeVariables, setEnvironment } from './lambda.ts'
import { callerAttempts, strangerAttempts } from './set-up-callers.ts'
import { keyAttempts, requestAttempts } from './set-up-requests.ts'
import { clientOf, type SetUp } from './set-up-sent.ts'

export interface Attempt {
  readonly what: string
  /** `done`, or the action that is denied, and by which policy. */
  readonly expected: string
  readonly run: () => Promise<unknown>
}

export interface Result extends Omit<Attempt, 'run'> {
  readonly outcome: string
}

type Which = (attempt: Attempt) => boolean

export const askedFor: Which = ({ expected }) => expected === 'done'

/** Runs the attempts one after the other. */
export const tryAll = async (
  setUp: SetUp,
  documents: CrossAccountPolicies,
  sandbox: Sandbox,
  clients: Clients,
  which: Which = () => true,
): Promise<Result[]> => {
  deployPolicies(sandbox, documents)
  setEnvironment(runtimeVariables(sandbox))
  const all = (attempts: readonly Attempt[]) => results(attempts.filter(which))
  const withClient = async (how: string, isScoped: boolean, ofThem: Which = () => true) => {
    const client = clientOf(setUp, isScoped)
    const come: Attempt = { what: `a client ${how}`, expected: 'done', run: () => client }
    const requests = await client.then(
      (dynamo) => requestAttempts(setUp, dynamo, how).filter(ofThem),
      () => [],
    )
    return all([come, ...requests])
  }
  const tried = [
    ...(await all(callerAttempts(setUp, sandbox, clients))),
    ...(await withClient('', false)),
    // A scope of the same tables and actions removes nothing.
    ...(await withClient('with a scope', true, askedFor)),
    ...(await all(keyAttempts(setUp, documents.permissionsPolicy))),
  ]
  // Account B must not rely on the policies of account A.
  for (const arn of [EXECUTION_ROLE_ARN, SECOND_EXECUTION_ROLE_ARN])
    sandbox.getRole(arn).policies = [ALLOW_ALL_POLICY]
  return [...tried, ...(await all(strangerAttempts(setUp, sandbox, clients)))]
}

const results = async (attempts: readonly Attempt[]): Promise<Result[]> => {
  const all: Result[] = []
  for (const { what, expected, run } of attempts) {
    const outcome = await run().then(() => 'done', nameOfRefusal)
    all.push({ what, expected, outcome })
  }
  return all
}

const nameOfRefusal = ({ name, message }: Error): string => {
  const { action, policy } =
    /is not authorized to perform: (?<action>[\w:]+)(?:.* because no (?<policy>\S+) policy)?/.exec(message)
      ?.groups ?? {}
  if (action !== undefined) return `${action} refused${policy === undefined ? '' : ` by ${policy}`}`
  // IAM allows it, and the engine does not implement it.
  if (name === 'UnknownOperationException' && parseEngineName() === 'dynalite') return 'done'
  return /^kms:\w+ refused$/.test(message) ? message : `${name}: ${message}`
}
