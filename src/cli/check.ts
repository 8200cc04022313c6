/** `check`: tries the configuration with the credentials at hand, as a doctor would, from the feet up. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { type Credentials, createAssumeRole } from '../assume-role.ts'
import { createClock } from '../clock.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../limits.ts'
import { createOptionReader } from '../option-reader.ts'
import { type Configuration, readConfiguration } from '../options.ts'
import { checkScope, checkScopeTarget, type Scope } from '../policies/scope.ts'
import type { SessionIdentity } from '../session-identity.ts'
import { demand, environmentOf, type Flags, WrongUse } from './flags.ts'
import { type Step, told } from './report.ts'
import { type Examination, examineTable } from './tables.ts'
import type { ExitCode, Terminal } from './terminal.ts'

/** The middleware's own limits for STS. */
const PATIENCE = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true }

const HARMLESS =
  'Tables were tried with a key that fits none, under a condition that cannot hold: nothing was changed.'

export const check = async (flags: Flags, terminal: Terminal): Promise<ExitCode> => {
  const examination = prepare(flags)
  const steps: Step[] = []
  for await (const step of examine(examination)) {
    steps.push(step)
    if (flags.json === undefined) terminal.out(`${told(step, terminal)}\n`)
  }
  const failed = steps.filter(({ outcome }) => outcome === 'failed').length
  const isTried = steps.some(({ subject }) => examination.asked?.tables.includes(subject))
  const note = isTried ? HARMLESS : undefined
  if (flags.json !== undefined)
    terminal.out(`${JSON.stringify({ ok: failed === 0, steps, note }, undefined, 2)}\n`)
  else if (note !== undefined) terminal.out(`${note}\n`)
  return failed === 0 ? 0 : 1
}

const prepare = (flags: Flags): Examination => {
  const envPrefix = flags['env-prefix']
  const { table, access, ...others } = flags
  const environment = environmentOf(others)
  const options = createOptionReader({ envPrefix }, environment, [])
  const isScoped = options.isSet('scope')
  demand(
    {
      'role-arn': options.isSet('roleArn'),
      region: options.isSet('region') || Boolean(environment.AWS_REGION),
      table: access === undefined || table !== undefined || isScoped,
      access: table === undefined || access !== undefined || isScoped,
    },
    flags,
  )
  const configuration = readConfiguration({ envPrefix }, environment)
  // Variables hold no resolvers.
  const identity = configuration.identity as SessionIdentity

  // What is asked may be more than the session is narrowed to: finding that is what this is for.
  const asked = createOptionReader({ envPrefix }, environmentOf(flags), []).readOption('scope') as
    | Scope
    | undefined
  const target = { ...parseRoleArn(identity.roleArn), region: configuration.region }
  const problems = asked === undefined ? [] : [...checkScope(asked)]
  if (asked !== undefined && problems.length === 0) problems.push(...checkScopeTarget(asked, target))
  if (problems.length > 0)
    throw new WrongUse(['nothing was tried:', ...problems.map((problem) => `  - ${problem}`)].join('\n'))
  return { configuration, identity, asked, key: keyOf(flags) }
}

const keyOf = ({ key }: Flags): Examination['key'] => {
  if (key === undefined) return undefined
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined)
    throw new WrongUse('--key is the name and the value of a partition key, such as tenant=acme')
  return [name, value]
}

async function* examine(examination: Examination): AsyncGenerator<Step> {
  const { configuration, identity, asked } = examination
  const caller = await whoCalls(configuration)
  if (caller !== undefined) {
    yield { subject: 'credentials', outcome: 'ok', message: `those of ${caller}` }
    yield { subject: 'STS', outcome: 'ok', message: `answers in ${configuration.stsRegions[0]}` }
  }

  const clock = createClock()
  const assumeRole = createAssumeRole(configuration, clock)
  const assume = (as: SessionIdentity) => assumeRole(as)('first', new AbortController().signal)
  let credentials: Credentials
  try {
    credentials = await assume(identity)
  } catch (error) {
    yield await refusalOf(error as CrossAccountDynamoError, caller, identity, assume)
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
  const client = new DynamoDBClient({ region: configuration.region, credentials, requestHandler: PATIENCE })
  try {
    for (const table of asked.tables) yield* examineTable(client, table, asked.access, examination)
  } finally {
    client.destroy()
  }
}

/** The ARN of whoever calls. `undefined` when STS does not say: AssumeRole will hear why. */
const whoCalls = async ({ stsRegions }: Configuration): Promise<string | undefined> => {
  const client = new STSClient({
    region: stsRegions[0] as string,
    maxAttempts: 1,
    requestHandler: PATIENCE,
  })
  try {
    return (await client.send(new GetCallerIdentityCommand())).Arn
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

/** The middleware's own words, and what else can be found out. */
const refusalOf = async (
  error: CrossAccountDynamoError,
  caller: string | undefined,
  identity: SessionIdentity,
  assume: (identity: SessionIdentity) => Promise<unknown>,
): Promise<Step> => {
  const { code, message } = error
  const isDenied = code === 'ASSUME_ROLE_DENIED'
  const subject = error.retryable ? 'STS' : caller === undefined && !isDenied ? 'credentials' : 'role'
  const culprits = isDenied ? await culpritsOf(identity, assume) : []
  const found = culprits.map((culprit) => `The role can be assumed without ${culprit}: only that is refused.`)
  if (subject === 'credentials')
    found.push(
      'Outside of Lambda, sign in first: the SDK looks in the environment, and in the profile of AWS_PROFILE.',
    )
  return { subject, outcome: 'failed', message: [message, ...found].join('\n') }
}

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  )

/** What the role could be assumed without. AWS does not say which condition it is that does not hold. */
const culpritsOf = async (
  identity: SessionIdentity,
  assume: (identity: SessionIdentity) => Promise<unknown>,
): Promise<string[]> => {
  const { sourceIdentity, ...withoutSource } = identity
  const suspects: readonly (readonly [string, SessionIdentity | undefined])[] = [
    [
      'the session tags',
      identity.sessionTags.length === 0 ? undefined : { ...identity, sessionTags: [], transitiveTagKeys: [] },
    ],
    ['the source identity', sourceIdentity === undefined ? undefined : withoutSource],
  ]
  const tried = await Promise.all(
    suspects.map(async ([name, without]) =>
      without !== undefined && (await succeeds(assume(without))) ? [name] : [],
    ),
  )
  return tried.flat()
}
