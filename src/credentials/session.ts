/**
 * One assumed-role session: its credentials and their refreshes.
 *
 * This is the only place that decides when STS is called. Time is read when an invocation asks, and never by timers,
 * because the execution environment may be frozen for hours between two lines of code.
 */

import { type Deadline, patience, within } from '../deadline.ts'
import { CrossAccountDynamoError, copyOfError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { AssumeRole, AssumeRoleReason, Credentials } from './assume-role.ts'
import { waitTimeoutError } from './sts-error.ts'

export interface Session {
  /**
   * Returns `undefined` if the session has credentials for this invocation, which is the usual case; otherwise a
   * promise to wait for, which is settled within the deadline. In the last `refreshBefore` seconds it also starts a
   * refresh in the background.
   */
  readonly ready: (deadline?: Deadline) => Promise<void> | undefined
  /** Assumes the role before the first invocation. */
  readonly prefetch: () => Promise<void>
  /** The credential provider for the SDK, which asks it with each request. It never returns expired credentials. */
  readonly credentials: CredentialProvider
  readonly hasValidCredentials: () => boolean
  /** Whether an AssumeRole call is in flight. */
  readonly isRefreshing: () => boolean
  /** Whether the session holds nothing worth keeping: no valid credentials, no call in flight, no recent refusal. */
  readonly isEvictable: () => boolean
  /** The latest credentials, to tell later whether they have been replaced. They may have expired. */
  readonly current: () => Credentials | undefined
  /**
   * Replaces credentials whose token DynamoDB rejected: one AssumeRole call for all requests that used them. `since`
   * is when the rejected request began, in `performance.now()` time. Resolves to `false` if the credentials are too
   * new for new ones to help.
   *
   * @throws CrossAccountDynamoError if the role cannot be assumed.
   */
  readonly replaceRejected: (used: Credentials | undefined, since: number) => Promise<boolean>
  /**
   * Replaces credentials that a policy explicitly denies, which is what "Revoke active sessions" in IAM does to
   * sessions that were issued before it. The policy may also deny the action to every session, so this calls STS only if
   * the credentials are older than five minutes. Resolves to whether the request is worth another attempt. Never rejects.
   */
  readonly replaceDenied: (used: Credentials | undefined) => Promise<boolean>
}

/**
 * A credential provider of the SDK. `memoized` tells the SDK not to cache the credentials: its cache would treat them
 * as expired five minutes early and make a request wait for their refresh.
 */
export interface CredentialProvider {
  (): Promise<Credentials>
  memoized: true
}

export interface SessionOptions {
  readonly roleArn: string
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** In seconds. */
  readonly refreshBefore: number
  readonly assumeRole: AssumeRole
  /** The longest time that an AssumeRole call can take, in milliseconds. An older call was frozen in flight. */
  readonly maxAssumeRoleDurationMs: number
  readonly throttle: SharedThrottle
  readonly logger: Logger
}

/** When STS last throttled a call. Shared by all sessions, because STS throttles the account and not a session. */
export interface SharedThrottle {
  pause: TimeWindow
}

/** A span of wall-clock time, in milliseconds since the epoch. */
interface TimeWindow {
  readonly from: number
  readonly until: number
}
const NEVER: TimeWindow = { from: 0, until: 0 }
/** If the clock moved back past `from`, the window counts as over. */
const isNowIn = ({ from, until }: TimeWindow): boolean => {
  const now = Date.now()
  return now >= from && now < until
}

export const createSharedThrottle = (): SharedThrottle => ({ pause: NEVER })

/** A request could outlive credentials with less time left than this, so an invocation waits for new ones. */
const EXPIRY_MARGIN_MS = 60_000
/** A refresh starts up to this share of `refreshBefore` early, so that environments do not refresh at the same time. */
const JITTER = 0.2
/** Credentials are used for at least a tenth of their lifetime before a refresh starts. */
const LONGEST_REFRESH_WINDOW = 0.9
/** The pause after a failed refresh, with full jitter above `base`. `cap` doubles its way up to this. */
const BACK_OFF_MS = { base: 1000, cap: 60_000 }
/** How long a refusal is remembered, so that a burst of invocations does not repeat the call. */
const REFUSAL_MS = 5000
/** How long background refreshes of all sessions pause after STS throttled one of them. */
const THROTTLE_PAUSE_MS = 5000
/** How long an invocation waits for new credentials while the current ones are valid: at most `ms`, or this share of its time. */
const WAIT_WHILE_VALID = { ms: 1000, share: 0.25 }
/** A token that is rejected this soon was not rejected for its age, so a new one would not help. */
const MIN_REJECTED_AGE_MS = 30_000
/** Bounds the AssumeRole calls for a request that a policy denies to every session. */
const MIN_DENIED_AGE_MS = 5 * 60_000

/** The credentials of one AssumeRole call, and the times at which the session does something about them. */
interface IssuedCredentials {
  readonly credentials: Credentials
  readonly issuedAt: number
  readonly expiresAt: number
  readonly refreshAt: number
  /** From here on an invocation waits for new credentials. */
  readonly waitAt: number
  readonly isRejected: boolean
}

interface AssumeRoleCall {
  readonly startedAt: number
  readonly abort: () => void
  settled: Promise<void>
}

/**
 * Frozen, because user code can reach them through the client. Each read of `expiration` returns a new Date. Older
 * versions of the SDK write to `$source` on what a provider returns (they note there where credentials come from), so
 * each read of it returns a new object.
 */
const freezeCredentials = (credentials: Credentials, expiresAt: number): Credentials => {
  const frozen = {
    ...credentials,
    get expiration() {
      return new Date(expiresAt)
    },
  }
  Object.defineProperty(frozen, '$source', { get: () => ({}) })
  return Object.freeze(frozen)
}

export const createSession = (options: SessionOptions): Session => {
  const { roleArn, contextKey, assumeRole, maxAssumeRoleDurationMs, throttle, logger } = options
  const refreshWindowMs = options.refreshBefore * 1000 * (1 + Math.random() * JITTER)
  let issued: IssuedCredentials | undefined
  let inFlight: AssumeRoleCall | undefined
  let failuresInARow = 0
  let backOff: TimeWindow = NEVER
  let lastFailure: { readonly error: unknown; readonly at: number } | undefined
  let refusal: { readonly error: CrossAccountDynamoError; readonly remembered: TimeWindow } | undefined
  let deniedPause: TimeWindow = NEVER
  let latestDeadline: Deadline | undefined

  const hasValidCredentials = (): boolean =>
    issued !== undefined && !issued.isRejected && Date.now() < issued.expiresAt

  const accept = (credentials: Credentials): void => {
    const expiresAt = credentials.expiration.getTime()
    // A call that was given up as frozen may be answered after its successor.
    if (issued !== undefined && hasValidCredentials() && expiresAt < issued.expiresAt) return
    const issuedAt = Date.now()
    const lifetimeMs = expiresAt - issuedAt
    issued = {
      credentials: freezeCredentials(credentials, expiresAt),
      issuedAt,
      expiresAt,
      refreshAt: expiresAt - Math.min(refreshWindowMs, lifetimeMs * LONGEST_REFRESH_WINDOW),
      waitAt: expiresAt - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 4),
      isRejected: false,
    }
    failuresInARow = 0
    backOff = NEVER
    lastFailure = undefined
    refusal = undefined
  }

  const recordFailure = (error: unknown, reason: AssumeRoleReason): void => {
    const now = Date.now()
    const { code, message, retryable } = error as CrossAccountDynamoError
    failuresInARow += 1
    lastFailure = { error, at: performance.now() }
    const cap = Math.min(BACK_OFF_MS.cap, BACK_OFF_MS.base * 2 ** failuresInARow)
    backOff = { from: now, until: now + BACK_OFF_MS.base + Math.random() * (cap - BACK_OFF_MS.base) }
    // No invocation has seen the error of a prefetch, so the first one tries again.
    if (reason !== 'prefetch' && error instanceof CrossAccountDynamoError && !retryable)
      refusal = { error, remembered: { from: now, until: now + REFUSAL_MS } }
    if (code === 'STS_THROTTLED') throttle.pause = { from: now, until: now + THROTTLE_PAUSE_MS }
    // Loggers such as Powertools reserve the key `message`.
    const details = { code, errorMessage: message, reason }
    if (hasValidCredentials())
      logger.warn('AssumeRole failed; the current credentials are still valid', details)
    else logger.error('AssumeRole failed, and there are no valid credentials', details)
  }

  /** Starts an AssumeRole call, or returns the one in flight. */
  const assume = (reason: AssumeRoleReason): Promise<void> => {
    const now = Date.now()
    if (inFlight !== undefined) {
      if (Math.abs(now - inFlight.startedAt) <= maxAssumeRoleDurationMs) return inFlight.settled
      logger.warn('An AssumeRole call was frozen in flight; the role is assumed again', { roleArn, reason })
      inFlight.abort()
    }
    const aborter = new AbortController()
    const call: AssumeRoleCall = {
      startedAt: now,
      abort: () => aborter.abort(),
      settled: Promise.resolve(),
    }
    call.settled = assumeRole(reason, aborter.signal)
      .then(accept, (error: unknown) => {
        if (inFlight === call) recordFailure(error, reason)
        throw error
      })
      .finally(() => {
        if (inFlight === call) inFlight = undefined
      })
    // Waiters handle the rejection themselves. This marks it as handled for background refreshes.
    call.settled.catch(() => {})
    inFlight = call
    return call.settled
  }

  /** Waits for new credentials within the deadline. Each waiter gets an error object of its own. */
  const waitForCredentials = async (reason: AssumeRoleReason, deadline?: Deadline): Promise<void> => {
    const isValid = hasValidCredentials()
    if (refusal !== undefined && isNowIn(refusal.remembered) && !isValid) throw copyOfError(refusal.error)
    const budgetMs = patience(deadline)
    const waitMs = isValid ? Math.min(WAIT_WHILE_VALID.ms, budgetMs * WAIT_WHILE_VALID.share) : budgetMs
    const settled = assume(reason)
    try {
      await within(waitMs, settled, () => waitTimeoutError(roleArn, waitMs, contextKey))
    } catch (error) {
      if (hasValidCredentials()) return
      // Another invocation gave this call up as frozen and started a new one.
      if (inFlight !== undefined && inFlight.settled !== settled) return waitForCredentials(reason, deadline)
      throw copyOfError(error)
    }
  }

  /** For a wait in the middle of an invocation: the deadline of the latest invocation, unless that one is over. */
  const deadlineInProgress = (): Deadline | undefined =>
    patience(latestDeadline) > 0 ? latestDeadline : undefined

  const refreshInBackground = (): void => {
    if (isNowIn(backOff) || isNowIn(throttle.pause)) return
    assume('refresh')
  }

  const ready = (deadline?: Deadline): Promise<void> | undefined => {
    latestDeadline = deadline ?? latestDeadline
    const now = Date.now()
    if (issued !== undefined && !issued.isRejected) {
      if (now < issued.refreshAt) return undefined
      if (now < issued.waitAt || (now < issued.expiresAt && isNowIn(backOff))) {
        refreshInBackground()
        return undefined
      }
    }
    return waitForCredentials(issued === undefined ? 'first' : 'expired', deadline ?? deadlineInProgress())
  }

  const provide = async (): Promise<Credentials> => {
    const waiting = ready()
    // The invocation has waited already. The SDK asks several times per request, and would wait each time.
    if (hasValidCredentials()) waiting?.catch(() => {})
    else await waiting
    return (issued as IssuedCredentials).credentials
  }

  const replaceRejected: Session['replaceRejected'] = async (used, since) => {
    if (issued !== undefined && used === issued.credentials && !issued.isRejected) {
      if (Date.now() - issued.issuedAt < MIN_REJECTED_AGE_MS) return false
      logger.warn('DynamoDB rejected the session token; the role is assumed again', { roleArn })
      issued = { ...issued, isRejected: true }
      // An earlier failure has nothing to do with this rejection.
      lastFailure = undefined
    }
    if (hasValidCredentials()) return true
    // Requests that were rejected together share one call, even those that notice after it failed.
    if (lastFailure !== undefined && lastFailure.at >= since) throw copyOfError(lastFailure.error)
    await waitForCredentials('rejected', deadlineInProgress())
    return true
  }

  const replaceDenied: Session['replaceDenied'] = async (used) => {
    if (issued === undefined || used !== issued.credentials) return hasValidCredentials()
    const now = Date.now()
    if (now - issued.issuedAt < MIN_DENIED_AGE_MS) return false
    // Concurrent denied requests wait for one call. After it, whether it succeeds or fails, there is a pause.
    if (inFlight === undefined) {
      if (isNowIn(deniedPause)) return false
      deniedPause = { from: now, until: now + MIN_DENIED_AGE_MS }
      logger.warn('A policy explicitly denied a request; the role is assumed again', { roleArn })
    }
    const waitMs = patience(deadlineInProgress())
    try {
      await within(waitMs, assume('denied'), () => waitTimeoutError(roleArn, waitMs, contextKey))
    } catch {
      // DynamoDB's own error says more about the denied request than an error of STS.
      return false
    }
    return true
  }

  return {
    ready,
    prefetch: () => assume('prefetch'),
    credentials: Object.assign(provide, { memoized: true as const }),
    hasValidCredentials,
    isRefreshing: () => inFlight !== undefined,
    isEvictable: () =>
      inFlight === undefined && !hasValidCredentials() && !isNowIn(refusal?.remembered ?? NEVER),
    current: () => issued?.credentials,
    replaceRejected,
    replaceDenied,
  }
}
