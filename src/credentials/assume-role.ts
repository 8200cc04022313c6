/** Calls AssumeRole, with retries across Regions and tracing. */
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssumeRoleCommand, type AssumeRoleCommandOutput, type STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { type SessionParameters, toAssumeRoleInput } from '../identity/session-parameters.ts'
import { collectSecrets, createStsClients, STS_LIMITS } from './sts-client.ts'
import { assumeRoleError, isCallerExpired, isRefusedByRegion, isWorthAnotherAttempt } from './sts-error.ts'

/** The credentials of one AssumeRole call, in the format of the SDK's credential providers. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
  /** The account of the target role. The SDK sends requests to the account-based DynamoDB endpoint of this account. */
  readonly accountId: string
}

/**
 * Why the role is assumed.
 *
 * - `prefetch`: before the first invocation
 * - `first`: in an invocation, because the session has no credentials yet
 * - `refresh`: in the background, before the credentials expire
 * - `expired`: because the credentials are about to expire or have expired
 * - `rejected`: because DynamoDB rejected the session token
 * - `denied`: because a policy explicitly denied a request of an older session
 */
export type AssumeRoleReason = 'prefetch' | 'first' | 'refresh' | 'expired' | 'rejected' | 'denied'

/**
 * Assumes the role. Makes up to three attempts, or `stsClientOptions.maxAttempts`, and at least one for each Region.
 * Rejects only with a `CrossAccountDynamoError`. Aborting the signal cancels the request in flight and prevents further
 * attempts.
 */
export type AssumeRole = (reason: AssumeRoleReason, signal: AbortSignal) => Promise<Credentials>

const ATTEMPTS = 3
/**
 * The pause between attempts, with full jitter, in milliseconds. The upper bound starts at `base` and doubles with each
 * attempt, up to `cap`.
 */
const PAUSE_MS = { base: 100, cap: 1000 }
/** How long the Region that succeeded last is tried first: one hour, because the next refresh happens within an hour. */
const PREFERENCE_MS = 60 * 60_000

/** The message that subscribers of the tracing channel `middy-cross-account-dynamo:assume-role` receive. */
export interface AssumeRoleTrace {
  readonly reason: AssumeRoleReason
  readonly roleArn: string
  /** The Region of the last attempt. */
  region?: string
  attempts: number
  /** The duration of the call with all its attempts and pauses, in milliseconds. */
  durationMs?: number
  /** When the new credentials expire. */
  expiration?: Date
}

const channel = tracingChannel<'middy-cross-account-dynamo:assume-role', AssumeRoleTrace>(
  'middy-cross-account-dynamo:assume-role',
)

/** Returns `stsClientOptions.maxAttempts`, or 3 if it is not set, and at least the number of Regions. */
const getMaxAttempts = ({ stsRegions, stsClientOptions: { maxAttempts } }: Configuration): number =>
  Math.max(Number.isInteger(maxAttempts) ? Number(maxAttempts) : ATTEMPTS, stsRegions.length)

/** Returns the maximum duration of an AssumeRole call with all its attempts and pauses, in milliseconds. */
export const maxAssumeRoleDurationMs = (configuration: Configuration): number =>
  getMaxAttempts(configuration) * (STS_LIMITS.requestTimeout + PAUSE_MS.cap)

/** Creates the `AssumeRole` functions of sessions. They share one connection pool and the Region that succeeded last. */
export const createAssumeRole = (
  configuration: Configuration,
): ((parameters: SessionParameters) => AssumeRole) => {
  const { contextKey, stsRegions } = configuration
  const attempts = getMaxAttempts(configuration)
  // With several Regions, each request gets a shorter timeout. If one Region does not respond, another one can still
  // respond within the invocation's time.
  const requestTimeout = STS_LIMITS.requestTimeout / Math.min(stsRegions.length, ATTEMPTS)
  const clients = createStsClients(configuration)
  /** The Region that succeeded last, and until when it is tried first. */
  let preferred = { region: stsRegions[0], until: 0 }
  const preferredRegion = () => (Date.now() < preferred.until ? preferred.region : stsRegions[0])
  /** A Region that refuses one account may accept other accounts, so a refusal does not change the order. */
  const prefer = (region: string, failures: readonly FailedAttempt[]): void => {
    if (!failures.some(isRefusal)) preferred = { region, until: Date.now() + PREFERENCE_MS }
  }

  /** Sends one request to one Region. */
  const tryRegion = async (
    parameters: SessionParameters,
    region: string,
    signal: AbortSignal,
  ): Promise<Credentials | FailedAttempt> => {
    const secrets: string[] = []
    let client: STSClient | undefined
    try {
      client = clients.get(region)
      const command = new AssumeRoleCommand(toAssumeRoleInput(parameters))
      collectSecrets(command, secrets)
      // The SDK's own timeouts end when the response headers arrive. This timeout also covers the body.
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)])
      // The local clock may differ from the clock of AWS, so the expiration is computed from the local time before the
      // request instead of being read from the response.
      const expiration = new Date(Date.now() + parameters.durationSeconds * 1000)
      return readAnswer(await client.send(command, { abortSignal }), parameters, expiration)
    } catch (thrown) {
      const error = assumeRoleError(thrown, parameters, { region, contextKey, secrets })
      return { thrown, error, renew: () => clients.renew(region, client) }
    }
  }

  /** Tries the Regions in turn, beginning with the Region that succeeded last. */
  const assume = async (
    parameters: SessionParameters,
    signal: AbortSignal,
    trace: AssumeRoleTrace,
  ): Promise<Credentials> => {
    const queue = toQueue(stsRegions, preferredRegion())
    const failures: FailedAttempt[] = []
    for (let current = queue.shift(); current; current = queue.shift()) {
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
      const isRenewed = requeue(queue, current, result)
      if (trace.attempts >= attempts || signal.aborted) break
      if (!isRenewed) await sleep(pauseMs(queue[0], current))
    }
    throw selectError(failures)
  }

  return (parameters) => async (reason, signal) => {
    const trace: AssumeRoleTrace = { reason, roleArn: parameters.roleArn, attempts: 0 }
    const startedAt = Date.now()
    let credentials!: Credentials
    // Subscribers of the channel receive the return value of the traced function, so it must not return credentials.
    await channel.tracePromise(async () => {
      try {
        credentials = await assume(parameters, signal, trace)
        trace.expiration = credentials.expiration
      } finally {
        trace.durationMs = Date.now() - startedAt
      }
    }, trace)
    return credentials
  }
}

/** Returns whether a text can be sent in an HTTP header. With any other credential, every request would fail. */
const isUsable = (text: string | undefined): text is string => /^[\u0021-\u007e]+$/.test(text ?? '')

/**
 * Reads the credentials from a response.
 *
 * @throws Error if the response has no complete credentials or is for another session, because credentials must never be
 * used for another session.
 */
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

/** The attempts in one Region during one AssumeRole call. */
interface RegionAttempts {
  readonly region: string
  attempts: number
  /** Whether the caller's credentials have already been read again for this Region. */
  hasRenewed: boolean
}

const toQueue = (regions: readonly string[], first: string | undefined): RegionAttempts[] =>
  regions
    .toSorted((a, b) => Number(b === first) - Number(a === first))
    .map((region) => ({ region, attempts: 0, hasRenewed: false }))

const isRefusal = ({ thrown }: FailedAttempt): boolean => isRefusedByRegion(thrown)

/** Returns the latest error. Errors of Regions that are not enabled are less useful, so other errors take precedence. */
const selectError = (failures: readonly FailedAttempt[]): CrossAccountDynamoError | undefined =>
  (failures.findLast((failure) => !isRefusal(failure)) ?? failures[0])?.error

interface FailedAttempt {
  /** The value that the SDK threw. */
  readonly thrown: unknown
  readonly error: CrossAccountDynamoError
  /** Makes the next attempt read the caller's credentials again. Returns `false` if they are fixed. */
  readonly renew: () => boolean
}

/**
 * Puts the Region of a failed attempt back into the queue if another attempt may succeed, and empties the queue if no Region
 * can succeed. Returns whether the next attempt reads the caller's credentials again.
 */
const requeue = (
  queue: RegionAttempts[],
  current: RegionAttempts,
  { thrown, renew }: FailedAttempt,
): boolean => {
  if (!current.hasRenewed && isCallerExpired(thrown) && renew()) {
    current.hasRenewed = true
    queue.unshift(current)
    return true
  }
  if (isWorthAnotherAttempt(thrown)) queue.push(current)
  else if (!isRefusedByRegion(thrown)) queue.length = 0
  return false
}

/** Returns 0 if the next Region has had fewer attempts than the current one, else a pause with full jitter. */
const pauseMs = (next: RegionAttempts | undefined, { attempts }: RegionAttempts): number =>
  !next || next.attempts < attempts
    ? 0
    : Math.random() * Math.min(PAUSE_MS.cap, PAUSE_MS.base * 2 ** (attempts - 1))
