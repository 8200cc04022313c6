/** The AssumeRole calls of one session: at most one is in flight at a time. Keeps a record of failed calls. */
import { type CrossAccountDynamoError, copyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { AssumeRole, AssumeRoleReason, Credentials } from './assume-role.ts'
import { fromNow, isNowIn, NEVER, type TimeWindow } from './time-window.ts'

export interface Refresh {
  /** Starts an AssumeRole call, or returns the call in flight. The promise settles when the call settles. */
  readonly start: (reason: AssumeRoleReason) => Promise<void>
  /** Returns the call in flight, or `undefined` if there is none. */
  readonly inFlight: () => Promise<void> | undefined
  /** Returns whether the pause after a failed call is not over yet. */
  readonly isBackingOff: () => boolean
  /** Returns whether background refreshes of all sessions are paused, because STS throttled one of the sessions. */
  readonly isThrottled: () => boolean
  /** Returns a new error if STS refused the session within the last five seconds, else `undefined`. */
  readonly recentRefusal: () => unknown
  /** Returns a new error if a call failed at or after `time`, in `performance.now()` time, else `undefined`. */
  readonly failureSince: (time: number) => unknown
  /** Discards the failure that `failureSince` returns. */
  readonly forgetFailure: () => void
}

export interface RefreshOptions {
  readonly roleArn: string
  readonly assumeRole: AssumeRole
  /**
   * The maximum duration of an AssumeRole call, in milliseconds. If a call takes longer, the execution environment was
   * frozen while the call was in flight.
   */
  readonly maxAssumeRoleDurationMs: number
  readonly throttle: SharedThrottle
  readonly logger: Logger
  readonly onCredentials: (credentials: Credentials) => void
  readonly hasValidCredentials: () => boolean
}

/** The pause after STS throttled a call. All sessions share it, because STS throttles accounts, not sessions. */
export interface SharedThrottle {
  pause: TimeWindow
}
export const createSharedThrottle = (): SharedThrottle => ({ pause: NEVER })

/** The pause after a failed call, in milliseconds, with full jitter above `base`. Its upper bound doubles up to `cap`. */
const BACK_OFF_MS = { base: 1000, cap: 60_000 }
/** How long a refusal is remembered, in milliseconds, so that a burst of invocations does not repeat the call. */
const REFUSAL_MS = 5000
/** How long background refreshes of all sessions pause after STS throttled one of the sessions, in milliseconds. */
const THROTTLE_PAUSE_MS = 5000

const backOffMs = (failuresInARow: number): number => {
  const cap = Math.min(BACK_OFF_MS.cap, BACK_OFF_MS.base * 2 ** failuresInARow)
  return BACK_OFF_MS.base + Math.random() * (cap - BACK_OFF_MS.base)
}

interface Call {
  readonly startedAt: number
  readonly abort: () => void
  readonly settled: Promise<void>
}

interface Failures {
  /** The number of failed calls since the last successful one. */
  readonly count: number
  readonly backOff: TimeWindow
  readonly latestError?: unknown
  /** In `performance.now()` time. */
  readonly latestAt: number
  readonly refusal?: unknown
  /** How long the refusal is remembered. */
  readonly refusalWindow: TimeWindow
}
const NO_FAILURES: Failures = { count: 0, backOff: NEVER, latestAt: -Infinity, refusalWindow: NEVER }

export const createRefresh = (options: RefreshOptions): Refresh => {
  const { roleArn, assumeRole, maxAssumeRoleDurationMs, throttle, logger } = options
  let current: Call | undefined
  let failures = NO_FAILURES

  const succeed = (credentials: Credentials): void => {
    failures = NO_FAILURES
    options.onCredentials(credentials)
  }

  const fail = (error: CrossAccountDynamoError, reason: AssumeRoleReason): void => {
    const { code, message, retryable } = error
    const count = failures.count + 1
    // The error of a prefetch is not remembered: no invocation has received it, so the first invocation tries again.
    const isRefusal = reason !== 'prefetch' && !retryable
    failures = {
      ...failures,
      count,
      backOff: fromNow(backOffMs(count)),
      latestError: error,
      latestAt: performance.now(),
      ...(isRefusal && { refusal: error, refusalWindow: fromNow(REFUSAL_MS) }),
    }
    if (code === 'STS_THROTTLED') throttle.pause = fromNow(THROTTLE_PAUSE_MS)
    // The key is not `message`, because loggers such as Powertools reserve it.
    const details = { code, errorMessage: message, reason }
    if (options.hasValidCredentials())
      logger.warn('AssumeRole failed; the current credentials are still valid', details)
    else logger.error('AssumeRole failed, and there are no valid credentials', details)
  }

  const start = (reason: AssumeRoleReason): Promise<void> => {
    const now = Date.now()
    if (current !== undefined) {
      if (Math.abs(now - current.startedAt) <= maxAssumeRoleDurationMs) return current.settled
      logger.warn('An AssumeRole call was frozen in flight; the role is assumed again', { roleArn, reason })
      current.abort()
    }
    const abortController = new AbortController()
    const settled = assumeRole(reason, abortController.signal)
      .then(succeed, (error: CrossAccountDynamoError) => {
        if (current?.settled === settled) fail(error, reason)
        throw error
      })
      .finally(() => {
        if (current?.settled === settled) current = undefined
      })
    // Waiters handle the rejection themselves. This marks it as handled for background refreshes.
    settled.catch(() => {})
    current = { startedAt: now, abort: () => abortController.abort(), settled }
    return settled
  }

  return {
    start,
    inFlight: () => current?.settled,
    isBackingOff: () => isNowIn(failures.backOff),
    isThrottled: () => isNowIn(throttle.pause),
    recentRefusal: () => (isNowIn(failures.refusalWindow) ? copyError(failures.refusal) : undefined),
    failureSince: (time) => (failures.latestAt >= time ? copyError(failures.latestError) : undefined),
    forgetFailure: () => {
      failures = { ...failures, latestAt: -Infinity }
    },
  }
}
