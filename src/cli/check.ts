/** `check`: tries the configuration with the credentials at hand, as a doctor would, from the feet up. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { type Credentials, createAssumeRole, STS_LIMITS } from '../assume-role.ts'
import { createClock } from '../clock.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import type { Configuration } from '../options.ts'
import type { SessionIdentity } from '../session-identity.ts'
import { escapeControls } from '../values.ts'
import { type Examination, readExamination } from './examination.ts'
import { type Flags, inFlags } from './flags.ts'
import { isOneOf, refusalOf, succeeds } from './refusal.ts'
import { type Step, told } from './report.ts'
import { examineTable } from './tables.ts'
import { type ExitCode, printable, type Terminal } from './terminal.ts'

const HARMLESS =
  'Tables were tried with a key that fits none, under a condition that cannot hold: nothing was changed.'

export const check = async (flags: Flags, terminal: Terminal): Promise<ExitCode> => {
  const examination = readExamination(flags)
  const steps: Step[] = []
  for await (const found of examine(examination)) {
    const step = found.subject === 'role' ? { ...found, message: inFlags(found.message, flags) } : found
    steps.push(step)
    if (flags.json === undefined) terminal.out(`${told(step, terminal)}\n`)
  }
  const failed = steps.filter(({ outcome }) => outcome === 'failed').length
  const isTried = steps.some(({ subject }) => examination.asked?.tables.includes(subject))
  const note = isTried ? HARMLESS : undefined
  if (flags.json !== undefined)
    terminal.out(`${printable(JSON.stringify({ ok: failed === 0, steps, note }, undefined, 2))}\n`)
  else if (note !== undefined) terminal.out(`${note}\n`)
  return failed === 0 ? 0 : 1
}

async function* examine(examination: Examination): AsyncGenerator<Step> {
  const { configuration, identity, asked, executionRoles } = examination
  const caller = await whoCalls(configuration)
  const visit = { ...examination, caller }
  if (caller !== undefined) {
    yield { subject: 'credentials', outcome: 'ok', message: `those of ${caller}` }
    if (executionRoles.length > 0 && !isOneOf(caller, executionRoles))
      yield {
        subject: 'credentials',
        outcome: 'note',
        message: `not those of ${executionRoles.join(', ')}: what is tried here is tried as the caller, and the advice is for that role`,
      }
    yield { subject: 'STS', outcome: 'ok', message: `answers in ${configuration.stsRegions[0]}` }
  }

  const clock = createClock()
  const assumeRole = createAssumeRole(configuration, clock)
  const assume = (as: SessionIdentity) => assumeRole(as)('first', new AbortController().signal)
  let credentials: Credentials
  try {
    credentials = await assume(identity)
  } catch (error) {
    yield await refusalOf(error as CrossAccountDynamoError, visit, assume)
    return
  }
  if (caller === undefined)
    yield { subject: 'credentials', outcome: 'note', message: 'STS did not say whose they are' }
  yield {
    subject: 'role',
    outcome: 'ok',
    message: `${identity.roleArn} assumed with ${acceptedOf(identity)}`,
  }
  const { externalId, ...withoutExternalId } = identity
  if (externalId !== undefined && (await succeeds(assume(withoutExternalId))))
    yield {
      subject: 'role',
      outcome: 'note',
      message: 'it can be assumed without the external ID, too: the trust policy does not ask for it',
    }
  const minutes = Math.round((credentials.expiration.getTime() - clock.now()) / 60_000)
  const before = Math.round(configuration.refreshBefore / 60)
  yield {
    subject: 'session',
    outcome: 'ok',
    message: `lives for ${minutes} minutes, and is refreshed ${before} minutes before its end`,
  }

  if (asked === undefined) {
    yield {
      subject: 'tables',
      outcome: 'note',
      message: 'none were tried: name them with --table and --access',
    }
    return
  }
  const client = new DynamoDBClient({ region: configuration.region, credentials, requestHandler: STS_LIMITS })
  try {
    for (const table of asked.tables) yield* examineTable(client, table, asked.access, visit)
  } finally {
    client.destroy()
  }
}

/** The ARN of whoever calls. `undefined` when STS does not say: AssumeRole will hear why. */
const whoCalls = async ({ stsRegions }: Configuration): Promise<string | undefined> => {
  const client = new STSClient({
    region: stsRegions[0] as string,
    maxAttempts: 1,
    requestHandler: STS_LIMITS,
  })
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand())
    return Arn === undefined ? undefined : escapeControls(Arn)
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

const acceptedOf = ({
  externalId,
  sessionTags,
  sourceIdentity,
  sessionName,
  policy,
}: SessionIdentity): string =>
  [
    `session name ${sessionName}`,
    externalId === undefined ? 'no external ID' : 'an external ID',
    sessionTags.length === 0
      ? 'no session tags'
      : `session tags ${sessionTags.map(({ Key }) => Key).join(', ')}`,
    ...(sourceIdentity === undefined ? [] : [`source identity ${sourceIdentity}`]),
    ...(policy === undefined ? [] : ['a session policy']),
  ].join(', ')
