/** Calls AssumeRole, retries in one or more Regions, and publishes each call to a tracing channel. */
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssumeRoleCommand, type AssumeRoleCommandOutput, type STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import { createTimeout } from '../deadline.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { type SessionParameters, toAssumeRoleInput } from '../identity/session-parameters.ts'
import { collectSecrets, createStsClients, STS_LIMITS } from './sts-client.ts'
import {
  assumeRoleError,
  hasExpiredCallerCredentials,
  isRefusedByRegion,
  isRetryableFailure,
} from './sts-error.ts'

/**
 * The credentials of one AssumeRole call, in the format of the SDK's credential providers.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html
 */
export interface Credentials {
  /** The access key ID of the session. */
  readonly accessKeyId: string
  /** The secret access key of the session. */
  readonly secretAccessKey: string
  /** The session token. */
  readonly sessionToken: string
  /** When the credentials expire, on the local clock. */
  readonly expiration: Date
  /** The account of the target role. The SDK sends requests to the account-based DynamoDB endpoint of this account. */
  readonly accountId: string
}

/**
 * Why the middleware calls AssumeRole.
 *
 * - `prefetch`: before the first invocation
 * - `first`: in an invocation or in `ready()`, because the session has no credentials yet
 * - `refresh`: in the background, while the credentials are valid
 * - `expired`: in an invocation, because the credentials expire within a minute or have expired
 * - `rejected`: because DynamoDB rejected the session token
 * - `denied`: because an identity-based policy explicitly denied a request, and credentials that were issued before may have been revoked
 */
export type AssumeRoleReason = 'prefetch' | 'first' | 'refresh' | 'expired' | 'rejected' | 'denied'

/**
 * Assumes the role. Makes at most `stsClientOptions.maxAttempts` attempts, 3 by default. If there are more Regions than that, the
 * maximum is the number of Regions. Rejects only with a `CrossAccountDynamoError`. Aborting the signal cancels the in-flight
 * request and prevents further attempts.
 */
export type AssumeRole = (reason: AssumeRoleReason, signal: AbortSignal) => Promise<Credentials>

const DEFAULT_MAX_ATTEMPTS = 3
/**
 * The delay between attempts in one Region, in milliseconds: a random time up to an upper bound, which starts at `base` and doubles
 * with each attempt up to `cap`. There is no delay before a Region that has had fewer attempts.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
const RETRY_DELAY_MS = { base: 100, cap: 1000 }
/** How long the Region that succeeded last is tried first: one hour, because the next refresh happens within an hour. */
const REGION_PREFERENCE_MS = 60 * 60_000

/**
 * The message that subscribers of the tracing channel `middy-cross-account-dynamo:assume-role` receive for each AssumeRole call.
 * It contains no credentials.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html#tracingchannel-channels
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { AssumeRoleTrace } from 'middy-cross-account-dynamo'
 *
 * subscribe('tracing:middy-cross-account-dynamo:assume-role:asyncEnd', (message) => {
 *   const { reason, attempts, durationMs } = message as AssumeRoleTrace
 *   console.log({ reason, attempts, durationMs })
 * })
 * ```
 */
export interface AssumeRoleTrace {
  /** Why the middleware calls AssumeRole. */
  readonly reason: AssumeRoleReason
  /** The ARN of the target role. */
  readonly roleArn: string
  /** The Region of the last attempt. `undefined` before the first attempt. */
  region?: string
  /** The number of attempts in all Regions. */
  attempts: number
  /** The duration of the call with all its attempts and delays, in milliseconds. `undefined` while the call is in flight. */
  durationMs?: number
  /** When the new credentials expire. `undefined` while the call is in flight, and if it failed. */
  expiration?: Date
}

const channel = tracingChannel<'middy-cross-account-dynamo:assume-role', AssumeRoleTrace>(
  'middy-cross-account-dynamo:assume-role',
)

/** Returns `stsClientOptions.maxAttempts`, or 3 if it is not set, and at least the number of Regions. */
const getMaxAttempts = ({ stsRegions, stsClientOptions: { maxAttempts } }: Configuration): number =>
  Math.max(Number.isInteger(maxAttempts) ? Number(maxAttempts) : DEFAULT_MAX_ATTEMPTS, stsRegions.length)

/** Returns the maximum duration of an AssumeRole call with all its attempts and delays, in milliseconds. */
export const getMaxAssumeRoleDurationMs = (configuration: Configuration): number =>
  getMaxAttempts(configuration) * (STS_LIMITS.requestTimeout + RETRY_DELAY_MS.cap)

/**
 * Returns a function that creates the `AssumeRole` function of a session. These functions share one connection pool, and all
 * begin with the Region that succeeded last.
 */
export const createAssumeRoleFactory = (
  configuration: Configuration,
): ((parameters: SessionParameters) => AssumeRole) => {
  const { contextKey, stsRegions } = configuration
  const maxAttempts = getMaxAttempts(configuration)
  // With several Regions, the timeout of each request is shorter. If one Region does not respond, another Region can still
  // respond within the invocation's time.
  const requestTimeoutMs = STS_LIMITS.requestTimeout / Math.min(stsRegions.length, DEFAULT_MAX_ATTEMPTS)
  const clients = createStsClients(configuration)
  /** The Region that succeeded last, and until when it is tried first. */
  let preferred = { region: stsRegions[0], until: 0 }
  const getFirstRegion = () => (Date.now() < preferred.until ? preferred.region : stsRegions[0])
  /**
   * Prefers the Region of a successful attempt for the next calls. If another Region refused the same call, the order does not
   * change, because that Region may accept calls for the roles of other accounts.
   */
  const preferRegion = (region: string, failures: readonly FailedAttempt[]): void => {
    if (!failures.some(isRefusal)) preferred = { region, until: Date.now() + REGION_PREFERENCE_MS }
  }

  /** Sends one request to one Region. */
  const tryRegion = async (
    parameters: SessionParameters,
    region: string,
    signal: AbortSignal,
  ): Promise<Credentials | FailedAttempt> => {
    const secrets: string[] = []
    const timeout = createTimeout(requestTimeoutMs)
    let client: STSClient | undefined
    try {
      client = clients.get(region)
      const command = new AssumeRoleCommand(toAssumeRoleInput(parameters))
      collectSecrets(command, secrets)
      const abortSignal = AbortSignal.any([signal, timeout.signal])
      // The expiration in the response is a time on the clock of AWS, and the local clock may differ from it. The local time
      // before the request plus the duration does not depend on that difference.
      const expiration = new Date(Date.now() + parameters.durationSeconds * 1000)
      return parseResponse(await client.send(command, { abortSignal }), parameters, expiration)
    } catch (thrown) {
      const error = assumeRoleError(thrown, parameters, { region, contextKey, secrets })
      const reloadCallerCredentials = () => clients.reloadCallerCredentials(region, client)
      return { thrown, error, reloadCallerCredentials }
    } finally {
      timeout.clear()
    }
  }

  /**
   * Tries the Regions in turn, beginning with the Region that succeeded last.
   *
   * @throws CrossAccountDynamoError if no attempt succeeds.
   */
  const tryRegions = async (
    parameters: SessionParameters,
    signal: AbortSignal,
    trace: AssumeRoleTrace,
  ): Promise<Credentials> => {
    const queue = createQueue(stsRegions, getFirstRegion())
    const failures: FailedAttempt[] = []
    for (let current = queue.shift(); current; current = queue.shift()) {
      const { region } = current
      current.attempts += 1
      trace.region = region
      trace.attempts += 1
      const result = await tryRegion(parameters, region, signal)
      if (!('error' in result)) {
        preferRegion(region, failures)
        return result
      }
      failures.push(result)
      const isReloading = requeue(queue, current, result)
      if (trace.attempts >= maxAttempts || signal.aborted) break
      if (!isReloading) await sleep(chooseRetryDelayMs(queue[0], current))
      if (signal.aborted) break
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
        credentials = await tryRegions(parameters, signal, trace)
        trace.expiration = credentials.expiration
      } finally {
        trace.durationMs = Date.now() - startedAt
      }
    }, trace)
    return credentials
  }
}

/** Returns whether a text can be sent in an HTTP header. Credentials that contain other characters would fail every request. */
const isHeaderValue = (text: string | undefined): text is string => /^[\u0021-\u007e]+$/.test(text ?? '')

/**
 * Returns the credentials in a response.
 *
 * @throws Error if the response does not contain complete credentials, or if it is for another session. A session must never use
 * the credentials of another session.
 */
const parseResponse = (
  { Credentials: issued, AssumedRoleUser }: AssumeRoleCommandOutput,
  { roleArn, sessionName }: SessionParameters,
  expiration: Date,
): Credentials => {
  const { AccessKeyId, SecretAccessKey, SessionToken } = issued ?? {}
  if (!isHeaderValue(AccessKeyId) || !isHeaderValue(SecretAccessKey) || !isHeaderValue(SessionToken))
    throw new Error('the response does not contain complete credentials')
  const { accountId, name } = parseRoleArn(roleArn)
  const arn = AssumedRoleUser?.Arn
  if (arn !== undefined && !arn.endsWith(`::${accountId}:assumed-role/${name}/${sessionName}`))
    throw new Error('the response is for another session')
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
  hasReloadedCredentials: boolean
}

/** Returns the Regions in the order of their attempts: `first`, and then the others in their own order. */
const createQueue = (regions: readonly string[], first: string | undefined): RegionAttempts[] =>
  regions
    .toSorted((a, b) => Number(b === first) - Number(a === first))
    .map((region) => ({ region, attempts: 0, hasReloadedCredentials: false }))

const isRefusal = ({ thrown }: FailedAttempt): boolean => isRefusedByRegion(thrown)

/**
 * Returns the latest error that is not the refusal of a Region, because such a refusal is less useful. If all errors are
 * refusals, returns the first one.
 */
const selectError = (failures: readonly FailedAttempt[]): CrossAccountDynamoError | undefined =>
  (failures.findLast((failure) => !isRefusal(failure)) ?? failures[0])?.error

interface FailedAttempt {
  /** The value that the SDK threw. */
  readonly thrown: unknown
  readonly error: CrossAccountDynamoError
  /** Makes the next attempt read the caller's credentials again. Returns `false` if that cannot change them. */
  readonly reloadCallerCredentials: () => boolean
}

/**
 * Puts the Region of a failed attempt back into the queue if another attempt may succeed, and empties the queue if no Region
 * can succeed. Returns whether the next attempt reads the caller's credentials again.
 */
const requeue = (
  queue: RegionAttempts[],
  current: RegionAttempts,
  { thrown, reloadCallerCredentials }: FailedAttempt,
): boolean => {
  if (!current.hasReloadedCredentials && hasExpiredCallerCredentials(thrown) && reloadCallerCredentials()) {
    current.hasReloadedCredentials = true
    queue.unshift(current)
    return true
  }
  if (isRetryableFailure(thrown)) queue.push(current)
  else if (!isRefusedByRegion(thrown)) queue.length = 0
  return false
}

/** Returns 0 if the next Region has had fewer attempts than the current Region, and otherwise a random delay. */
const chooseRetryDelayMs = (next: RegionAttempts | undefined, { attempts }: RegionAttempts): number =>
  !next || next.attempts < attempts
    ? 0
    : Math.random() * Math.min(RETRY_DELAY_MS.cap, RETRY_DELAY_MS.base * 2 ** (attempts - 1))
