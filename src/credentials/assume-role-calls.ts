/** The AssumeRole calls of one session, at most one in flight at a time, and the session's record of failed calls. */
import { type CrossAccountDynamoError, copyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { AssumeRole, AssumeRoleReason, Credentials } from './assume-role.ts'
import { createWindowFromNow, EMPTY_WINDOW, isNowIn, type TimeWindow } from './time-window.ts'

export interface AssumeRoleCalls {
  /** Starts an AssumeRole call, or returns the promise of the call in flight. The promise settles when the call settles. */
  readonly start: (reason: AssumeRoleReason) => Promise<void>
  /** Returns the promise of the call in flight, or `undefined` if there is none. */
  readonly getCallInFlight: () => Promise<void> | undefined
  /**
   * Returns whether the call in flight started longer ago than a call can take, because Lambda froze the execution environment, or after
   * the current time, because the clock moved back.
   */
  readonly isCallFrozen: () => boolean
  /** Returns whether background refreshes of this session are paused, because a call failed. */
  readonly isBackingOff: () => boolean
  /** Returns whether background refreshes of all sessions are paused, because STS throttled one of the sessions. */
  readonly isThrottled: () => boolean
  /** Returns whether the latest such pause ends after `time`, in milliseconds since the epoch. */
  readonly wasThrottledSince: (time: number) => boolean
  /** Returns a new error if STS refused the session within the last five seconds, else `undefined`. */
  readonly getRecentRefusal: () => unknown
  /** Returns a new error if a call failed at or after `time`, in `performance.now()` time, else `undefined`. */
  readonly getFailureSince: (time: number) => unknown
  /** Discards the failure that `getFailureSince` returns. */
  readonly forgetFailure: () => void
}

export interface AssumeRoleCallOptions {
  readonly roleArn: string
  readonly assumeRole: AssumeRole
  /**
   * The maximum duration of an AssumeRole call with all its attempts, in milliseconds. If a call takes longer, Lambda froze the
   * execution environment while the call was in flight.
   */
  readonly maxAssumeRoleDurationMs: number
  readonly throttle: SharedThrottle
  readonly logger: Logger
  /**
   * Receives the credentials of the latest successful call. `isOnSchedule` is `true` for a background refresh, unless a call of the session
   * failed since the previous credentials.
   */
  readonly onCredentials: (credentials: Credentials, isOnSchedule: boolean) => void
  /** Is called after a call failed. */
  readonly onFailure: () => void
  readonly hasValidCredentials: () => boolean
}

/** The pause after STS throttled a call. All sessions share it, because STS throttles accounts, not sessions. */
export interface SharedThrottle {
  pause: TimeWindow
}
export const createSharedThrottle = (): SharedThrottle => ({ pause: EMPTY_WINDOW })

/**
 * The pause after a failed call, in milliseconds: a random time from `base` to an upper bound, which doubles with each failed
 * call up to `cap`.
 */
const BACK_OFF_MS = { base: 1000, cap: 60_000 }
/** How long a refusal is remembered, in milliseconds, so that a burst of invocations does not repeat the call. */
const REFUSAL_MEMORY_MS = 5000
/** How long background refreshes of all sessions pause after STS throttled one of the sessions, in milliseconds. */
const THROTTLE_PAUSE_MS = 5000

const chooseBackOffMs = (consecutiveFailures: number): number => {
  const upperBoundMs = Math.min(BACK_OFF_MS.cap, BACK_OFF_MS.base * 2 ** consecutiveFailures)
  return BACK_OFF_MS.base + Math.random() * (upperBoundMs - BACK_OFF_MS.base)
}

interface AssumeRoleCall {
  readonly startedAt: number
  readonly abort: () => void
  readonly settled: Promise<void>
}

interface Failures {
  /** The number of failed calls since the last successful one. */
  readonly count: number
  readonly backOff: TimeWindow
  readonly latestError?: unknown
  /** When the latest call failed, in `performance.now()` time. */
  readonly latestAt: number
  /** The error of the latest call that STS refused. */
  readonly refusal?: unknown
  /** The time during which invocations fail with `refusal` instead of calling STS again. */
  readonly refusalWindow: TimeWindow
}
const NO_FAILURES: Failures = {
  count: 0,
  backOff: EMPTY_WINDOW,
  latestAt: -Infinity,
  refusalWindow: EMPTY_WINDOW,
}

export const createAssumeRoleCalls = (options: AssumeRoleCallOptions): AssumeRoleCalls => {
  const { roleArn, assumeRole, maxAssumeRoleDurationMs, throttle, logger } = options
  let callInFlight: AssumeRoleCall | undefined
  /** The numbers of the latest call and of the latest successful call. */
  let latestCallNumber = 0
  let latestSuccessfulCallNumber = 0
  let failures = NO_FAILURES

  const succeed = (credentials: Credentials, reason: AssumeRoleReason, callNumber: number): void => {
    // An aborted call can still succeed after the call that replaced it, with older credentials.
    if (callNumber < latestSuccessfulCallNumber) return
    latestSuccessfulCallNumber = callNumber
    const isOnSchedule = reason === 'refresh' && failures.count === 0
    failures = NO_FAILURES
    options.onCredentials(credentials, isOnSchedule)
  }

  const fail = (error: CrossAccountDynamoError, reason: AssumeRoleReason): void => {
    const { code, retryable } = error
    const count = failures.count + 1
    // If a prefetch fails before an invocation waits for it, the first invocation calls STS again and reports the error.
    const isRefusal = reason !== 'prefetch' && !retryable
    failures = {
      ...failures,
      count,
      backOff: createWindowFromNow(chooseBackOffMs(count)),
      latestError: error,
      latestAt: performance.now(),
      ...(isRefusal && { refusal: error, refusalWindow: createWindowFromNow(REFUSAL_MEMORY_MS) }),
    }
    if (code === 'STS_THROTTLED') throttle.pause = createWindowFromNow(THROTTLE_PAUSE_MS)
    options.onFailure()
    // Loggers can change an error, and later invocations receive copies of this error, so the logger gets a copy, too. No property is
    // named `message`, because loggers such as Powertools Logger reserve that name.
    const details = { code, reason, error: copyError(error) }
    if (options.hasValidCredentials())
      logger.warn('AssumeRole failed; the current credentials are still valid', details)
    else logger.error('AssumeRole failed, and there are no valid credentials', details)
  }

  const isCallFrozen = (): boolean =>
    callInFlight !== undefined &&
    // If the clock moved back since the call started, the difference is negative.
    Math.abs(Date.now() - callInFlight.startedAt) > maxAssumeRoleDurationMs

  const start = (reason: AssumeRoleReason): Promise<void> => {
    if (callInFlight !== undefined) {
      if (!isCallFrozen()) return callInFlight.settled
      logger.info('An AssumeRole call was frozen in flight; the role is assumed again', { roleArn, reason })
      callInFlight.abort()
    }
    latestCallNumber += 1
    const callNumber = latestCallNumber
    const abortController = new AbortController()
    const settled = assumeRole(reason, abortController.signal)
      .then(
        (credentials) => succeed(credentials, reason, callNumber),
        (error: CrossAccountDynamoError) => {
          // Ignore the failure of an aborted call, because another call has replaced it.
          if (callInFlight?.settled === settled) fail(error, reason)
          throw error
        },
      )
      .finally(() => {
        if (callInFlight?.settled === settled) callInFlight = undefined
      })
    // Waiters handle the rejection themselves. Mark it as handled for background refreshes.
    settled.catch(() => {})
    callInFlight = { startedAt: Date.now(), abort: () => abortController.abort(), settled }
    return settled
  }

  return {
    start,
    getCallInFlight: () => callInFlight?.settled,
    isCallFrozen,
    isBackingOff: () => isNowIn(failures.backOff),
    isThrottled: () => isNowIn(throttle.pause),
    wasThrottledSince: (time) => throttle.pause.until > time && throttle.pause.from <= Date.now(),
    getRecentRefusal: () => (isNowIn(failures.refusalWindow) ? copyError(failures.refusal) : undefined),
    getFailureSince: (time) => (failures.latestAt >= time ? copyError(failures.latestError) : undefined),
    forgetFailure: () => {
      failures = { ...failures, latestAt: -Infinity }
    },
  }
}
