/** The command `check`: tries the configuration with the caller's credentials, and reports each step from STS to the tables. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import { type Credentials, createAssumeRoleFactory } from '../credentials/assume-role.ts'
import { STS_LIMITS } from '../credentials/sts-client.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import { redact } from '../redact.ts'
import { escapeLines } from '../text.ts'
import type { CheckContext } from './check-context.ts'
import { readCheckPlan } from './check-plan.ts'
import { explainFailure, isFulfilled, isSessionOfAny } from './denial.ts'
import type { Flags } from './flags.ts'
import { formatStep, type Step } from './report.ts'
import { checkTable } from './tables.ts'
import type { ExitCode, Terminal } from './terminal.ts'

const NOTHING_CHANGED =
  'Nothing was changed: requests named a key that no table has, and conditional writes had a condition that is never met.'

/**
 * Writes the steps of the check. Returns 1 if a step failed.
 *
 * @throws UsageError or CrossAccountDynamoError `CONFIG_INVALID` if a flag or variable is missing or invalid.
 */
export const runCheckCommand = async (flags: Flags, terminal: Terminal): Promise<ExitCode> => {
  const plan = readCheckPlan(flags, await readSdkRegion())
  const context: CheckContext = { ...plan, caller: await readCaller(plan.configuration) }
  const steps: Step[] = []
  for await (const step of yieldSteps(context)) {
    steps.push(step)
    if (flags.json === undefined) terminal.out(`${formatStep(step, terminal)}\n`)
  }
  const isOk = steps.every(({ outcome }) => outcome !== 'failed')
  const note = steps.some(({ subject }) => subject.kind === 'table') ? NOTHING_CHANGED : undefined
  if (flags.json !== undefined)
    terminal.out(`${escapeLines(JSON.stringify({ ok: isOk, steps, note }, undefined, 2))}\n`)
  else if (note !== undefined) terminal.out(`${note}\n`)
  return isOk ? 0 : 1
}

const EXTERNAL_ID_ADVICE =
  'Add the condition on sts:ExternalId that the policies command writes, or give --allow-missing-external-id.'

async function* yieldSteps(context: CheckContext): AsyncGenerator<Step> {
  yield* describeCaller(context)
  const assumeRole = createAssumeRoleFactory(context.configuration)
  const assume = (parameters: SessionParameters): Promise<Credentials> =>
    assumeRole(parameters)('first', new AbortController().signal)
  let credentials: Credentials
  try {
    credentials = await assume(context.parameters)
  } catch (error) {
    if (!(error instanceof CrossAccountDynamoError)) throw error
    yield await explainFailure(error, context, assume)
    return
  }
  yield* describeRole(context, assume)
  yield describeSession(context, credentials)
  yield* checkTables(context, credentials)
}

function* describeCaller({ caller, configuration, executionRoles }: CheckContext): Generator<Step> {
  if (caller === undefined) return
  yield { subject: { kind: 'credentials' }, outcome: 'ok', message: `the caller is ${caller}` }
  if (executionRoles.length > 0 && !isSessionOfAny(caller, executionRoles))
    yield {
      subject: { kind: 'credentials' },
      outcome: 'note',
      message: `the caller is not ${executionRoles.join(', ')}. The check uses the caller's credentials. Its advice is for ${executionRoles.length === 1 ? 'this role' : 'these roles'}.`,
    }
  yield { subject: { kind: 'sts' }, outcome: 'ok', message: `responds in ${configuration.stsRegions[0]}` }
}

async function* describeRole(
  { caller, parameters, isMissingExternalIdAllowed }: CheckContext,
  assume: (parameters: SessionParameters) => Promise<Credentials>,
): AsyncGenerator<Step> {
  if (caller === undefined)
    yield { subject: { kind: 'credentials' }, outcome: 'note', message: 'STS did not report the caller' }
  yield {
    subject: { kind: 'role' },
    outcome: 'ok',
    message: `${parameters.roleArn} can be assumed with ${describeParameters(parameters)}`,
  }
  const { externalId, ...withoutExternalId } = parameters
  if (externalId !== undefined && (await isFulfilled(assume(withoutExternalId))))
    yield {
      subject: { kind: 'role' },
      outcome: isMissingExternalIdAllowed ? 'note' : 'failed',
      message: [
        'the role can also be assumed without the external ID, because the trust policy does not require one',
        ...(isMissingExternalIdAllowed ? [] : [EXTERNAL_ID_ADVICE]),
      ].join('\n'),
    }
}

const describeSession = ({ configuration }: CheckContext, { expiration }: Credentials): Step => {
  const minutes = Math.round((expiration.getTime() - Date.now()) / 60_000)
  const refreshBeforeMinutes = Math.round(configuration.refreshBeforeSeconds / 60)
  return {
    subject: { kind: 'session' },
    outcome: 'ok',
    message: `expires after ${minutes} minutes. The middleware refreshes it ${refreshBeforeMinutes} minutes before the expiration.`,
  }
}

async function* checkTables(context: CheckContext, credentials: Credentials): AsyncGenerator<Step> {
  const { scope, configuration } = context
  if (scope === undefined) {
    yield {
      subject: { kind: 'tables' },
      outcome: 'note',
      message: 'no requests to tables were tried; give --table and --access',
    }
    return
  }
  const client = new DynamoDBClient({ region: configuration.region, credentials, requestHandler: STS_LIMITS })
  try {
    for (const table of scope.tables) yield* checkTable({ client, table, context }, scope.access)
  } finally {
    client.destroy()
  }
}

/** Returns the Region of the caller's profile or of `AWS_REGION`. Returns `undefined` if neither is set. */
const readSdkRegion = async (): Promise<string | undefined> => {
  const client = new STSClient({})
  try {
    return await client.config.region()
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

/** Returns the ARN of the caller. Returns `undefined` if the request fails, because the AssumeRole call then reports the cause. */
const readCaller = async ({ stsRegions }: Configuration): Promise<string | undefined> => {
  const client = new STSClient({
    ...(stsRegions[0] !== undefined && { region: stsRegions[0] }),
    maxAttempts: 1,
    requestHandler: STS_LIMITS,
  })
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand())
    return Arn === undefined ? undefined : redact(Arn)
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

const describeParameters = (parameters: SessionParameters): string => {
  const { externalId, sessionTags, sourceIdentity, sessionName, policy } = parameters
  const keys = sessionTags.map(({ Key }) => Key).join(', ')
  return [
    `session name ${sessionName}`,
    externalId === undefined ? 'no external ID' : 'an external ID',
    keys === '' ? 'no session tags' : `session tags ${keys}`,
    ...(sourceIdentity === undefined ? [] : [`source identity ${sourceIdentity}`]),
    ...(policy === undefined ? [] : ['a session policy']),
  ].join(', ')
}
