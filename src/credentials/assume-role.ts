/** The STS call: attempts, Regions, tracing. */
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssumeRoleCommand, type AssumeRoleCommandOutput, type STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { type SessionParameters, toAssumeRoleInput } from '../identity/session-parameters.ts'
import { collectSecrets, createStsClients, STS_LIMITS } from './sts-client.ts'
import { assumeRoleError, isCallerExpired, isRefusedByRegion, isWorthAnotherAttempt } from './sts-error.ts'

/** The credentials of one AssumeRole call, in the shape that the SDK's credential providers have. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
  /** The target's account. The SDK sends requests to that account's own DynamoDB endpoint. */
  readonly accountId: string
}

/**
 * Why the role is assumed: before the first invocation, in it, ahead of the expiration, near or past it, because
 * DynamoDB rejected the token, or because a policy explicitly denied a request of an older session.
 */
export type AssumeRoleReason = 'prefetch' | 'first' | 'refresh' | 'expired' | 'rejected' | 'denied'

/**
 * Assumes the role, in up to three attempts. Rejects with a `CrossAccountDynamoError` only. Aborting the signal cancels the request
 * that is in flight, and no further attempt follows.
 */
export type AssumeRole = (reason: AssumeRoleReason, signal: AbortSignal) => Promise<Credentials>

const ATTEMPTS = 3
/** Full jitter between attempts: up to `base` for the first pause, twice as much for each next one, up to `cap`. */
const PAUSE_MS = { base: 100, cap: 1000 }
/** How long the Region that worked is tried first: until the next refresh, which comes within the hour. */
const PREFERENCE_MS = 60 * 60_000

/** What subscribers of the tracing channel `middy-cross-account-dynamo:assume-role` receive. */
export interface AssumeRoleTrace {
  readonly reason: AssumeRoleReason
  readonly roleArn: string
  /** Region of the last attempt. */
  region?: string
  attempts: number
  /** Of the whole call, in milliseconds. */
  durationMs?: number
  /** When the new credentials expire. */
  expiration?: Date
}

const channel = tracingChannel<'middy-cross-account-dynamo:assume-role', AssumeRoleTrace>(
  'middy-cross-account-dynamo:assume-role',
)

/** As many as `stsClientOptions.maxAttempts` says, and one for each Region at least. */
const attemptsOf = ({ stsRegions, stsClientOptions: { maxAttempts } }: Configuration): number =>
  Math.max(Number.isInteger(maxAttempts) ? Number(maxAttempts) : ATTEMPTS, stsRegions.length)

/** The longest time that an AssumeRole call can take, with all its attempts and pauses, in milliseconds. */
export const maxAssumeRoleDurationMs = (configuration: Configuration): number =>
  attemptsOf(configuration) * (STS_LIMITS.requestTimeout + PAUSE_MS.cap)

/** Creates the calls of all sessions, which share one connection pool and the Region that worked last. */
export const createAssumeRole = (
  configuration: Configuration,
): ((parameters: SessionParameters) => AssumeRole) => {
  const { contextKey, stsRegions } = configuration
  const attempts = attemptsOf(configuration)
  // With several Regions, a silent one gets less time, so that another one can answer within the invocation's time.
  const requestTimeout = STS_LIMITS.requestTimeout / Math.min(stsRegions.length, ATTEMPTS)
  const clients = createStsClients(configuration)
  let preferred: { readonly region: string | undefined; readonly until: number } = {
    region: undefined,
    until: 0,
  }

  /** One request to one Region. */
  const attempt = async (
    parameters: SessionParameters,
    client: STSClient,
    signal: AbortSignal,
    secrets: string[],
  ): Promise<Credentials> => {
    const command = new AssumeRoleCommand(toAssumeRoleInput(parameters))
    collectSecrets(command, secrets)
    // The SDK's own timeouts end when the headers of the answer arrive. This one covers the body.
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)])
    // By the local clock, which may differ from that of AWS: the lifetime counts from before the request.
    const expiration = new Date(Date.now() + parameters.durationSeconds * 1000)
    const answer = await client.send(command, { abortSignal })
    return readAnswer(answer, parameters, expiration)
  }

  const preferredRegion = (): string | undefined =>
    Date.now() < preferred.until ? preferred.region : undefined
  /** A Region that refuses one account may accept the others, so a refusal does not change the order for them. */
  const prefer = (region: string, failures: readonly FailedAttempt[]): void => {
    if (!failures.some(isRefusal)) preferred = { region, until: Date.now() + PREFERENCE_MS }
  }

  const tryRegion = async (
    parameters: SessionParameters,
    region: string,
    signal: AbortSignal,
  ): Promise<Credentials | FailedAttempt> => {
    const secrets: string[] = []
    let client: STSClient | undefined
    try {
      client = clients.get(region)
      return await attempt(parameters, client, signal, secrets)
    } catch (thrown) {
      const error = assumeRoleError(thrown, parameters, { region, contextKey, secrets })
      return { thrown, error, renew: () => clients.renew(region, client) }
    }
  }

  /** Tries the Regions in turn, the one that worked last first. */
  const assume = async (
    parameters: SessionParameters,
    signal: AbortSignal,
    trace: AssumeRoleTrace,
  ): Promise<Credentials> => {
    const queue = toQueue(stsRegions, preferredRegion())
    const failures: FailedAttempt[] = []
    for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
      const { region } = current
      current.attempts += 1
      trace.region = region
      trace.attempts += 1
      const result = await tryRegion(parameters, region, signal)
      if (!('error' in result)) {
        prefer(region, failures)
        return result
      }
      failures.push(result)
      const step = nextStep(result, current)
      if (trace.attempts >= attempts || signal.aborted) break
      requeue(queue, current, step)
      await sleep(pauseMs(step, queue[0], current))
    }
    throw mostTelling(failures)
  }

  return (parameters) => async (reason, signal) => {
    const trace: AssumeRoleTrace = { reason, roleArn: parameters.roleArn, attempts: 0 }
    const startedAt = Date.now()
    const assumed: Credentials[] = []
    // Subscribers receive what the traced function returns, so it returns nothing.
    await channel.tracePromise(async () => {
      try {
        const credentials = await assume(parameters, signal, trace)
        trace.expiration = credentials.expiration
        assumed.push(credentials)
      } finally {
        trace.durationMs = Date.now() - startedAt
      }
    }, trace)
    const [credentials] = assumed
    if (credentials === undefined) throw new TypeError('AssumeRole returned nothing')
    return credentials
  }
}

/** What can be sent in a header. Other credentials would fail each request. */
const isUsable = (text: string | undefined): text is string => /^[\u0021-\u007e]+$/.test(text ?? '')

/** @throws Error if the answer cannot be that to the request: credentials must never serve another session. */
const readAnswer = (
  { Credentials: issued, AssumedRoleUser }: AssumeRoleCommandOutput,
  { roleArn, sessionName }: SessionParameters,
  expiration: Date,
): Credentials => {
  const { AccessKeyId, SecretAccessKey, SessionToken } = issued ?? {}
  if (!isUsable(AccessKeyId) || !isUsable(SecretAccessKey) || !isUsable(SessionToken))
    throw new Error('the answer contains no complete credentials')
  const { accountId, name } = parseRoleArn(roleArn)
  const arn = AssumedRoleUser?.Arn
  if (arn !== undefined && !arn.endsWith(`::${accountId}:assumed-role/${name}/${sessionName}`))
    throw new Error('the answer is for another session')
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration,
    accountId,
  }
}

/** How often a Region has been tried in one call. */
interface RegionAttempts {
  readonly region: string
  attempts: number
  /** Whether the caller's credentials have been read again for it. */
  hasRenewed: boolean
}

const toQueue = (regions: readonly string[], first = regions[0]): RegionAttempts[] =>
  regions
    .toSorted((a, b) => Number(b === first) - Number(a === first))
    .map((region) => ({ region, attempts: 0, hasRenewed: false }))

const isRefusal = ({ thrown }: FailedAttempt): boolean => isRefusedByRegion(thrown)

/** The latest error. What a Region that is not enabled reports says less than what another Region reports. */
const mostTelling = (failures: readonly FailedAttempt[]): CrossAccountDynamoError | undefined =>
  (failures.findLast((failure) => !isRefusal(failure)) ?? failures[0])?.error

type NextStep = 'again-now' | 'again-later' | 'other-region' | 'stop'

interface FailedAttempt {
  /** What the SDK threw. */
  readonly thrown: unknown
  readonly error: CrossAccountDynamoError
  /** Makes the next attempt read the caller's credentials again. Returns `false` if they are fixed. */
  readonly renew: () => boolean
}

const nextStep = ({ thrown, renew }: FailedAttempt, current: RegionAttempts): NextStep => {
  if (!current.hasRenewed && isCallerExpired(thrown) && renew()) {
    current.hasRenewed = true
    return 'again-now'
  }
  if (isWorthAnotherAttempt(thrown)) return 'again-later'
  return isRefusedByRegion(thrown) ? 'other-region' : 'stop'
}

const requeue = (queue: RegionAttempts[], current: RegionAttempts, step: NextStep): void => {
  if (step === 'again-now') queue.unshift(current)
  else if (step === 'again-later') queue.push(current)
  else if (step === 'stop') queue.length = 0
}

/** No pause before a Region that has been tried less often; full jitter before one that has failed as often. */
const pauseMs = (step: NextStep, next: RegionAttempts | undefined, { attempts }: RegionAttempts): number =>
  step === 'again-now' || next === undefined || next.attempts < attempts
    ? 0
    : Math.random() * Math.min(PAUSE_MS.cap, PAUSE_MS.base * 2 ** (attempts - 1))
