/**
 * One assumed-role session: its credentials and their refreshes.
 *
 * This is the only place that decides when STS is called. Time is read when an invocation asks, and never by timers,
 * because the execution environment may be frozen for hours between two lines of code.
 */
import { type Deadline, patience, within } from '../deadline.ts'
import { CrossAccountDynamoError, copyOfError } from '../errors.ts'
import type { AssumeRoleReason, Credentials } from './assume-role.ts'
import { ageMs, type IssuedCredentials, isValid, toIssuedCredentials } from './issued-credentials.ts'
import { createRefresh, type RefreshOptions } from './refresh.ts'
import { waitTimeoutError } from './sts-error.ts'
import { fromNow, isNowIn, NEVER } from './time-window.ts'

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

export interface SessionOptions extends Omit<RefreshOptions, 'onCredentials' | 'hasValidCredentials'> {
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** In seconds. */
  readonly refreshBefore: number
}

/** A refresh starts up to this share of `refreshBefore` early, so that environments do not refresh at the same time. */
const JITTER = 0.2
/** How long an invocation waits for new credentials while the current ones are valid: at most `ms`, or this share of its time. */
const WAIT_WHILE_VALID = { ms: 1000, share: 0.25 }
/** A token that is rejected this soon was not rejected for its age, so a new one would not help. */
const MIN_REJECTED_AGE_MS = 30_000
/** Bounds the AssumeRole calls for a request that a policy denies to every session. */
const MIN_DENIED_AGE_MS = 5 * 60_000

export const createSession = (options: SessionOptions): Session => {
  const { roleArn, contextKey, logger } = options
  const refreshWindowMs = options.refreshBefore * 1000 * (1 + Math.random() * JITTER)
  let issued: IssuedCredentials | undefined
  let deniedPause = NEVER
  let latestDeadline: Deadline | undefined

  const hasValidCredentials = (): boolean => isValid(issued)
  const refresh = createRefresh({
    ...options,
    hasValidCredentials,
    onCredentials: (credentials) => {
      const next = toIssuedCredentials(credentials, refreshWindowMs)
      // A call that was given up as frozen may be answered after its successor.
      if (!isValid(issued) || next.expiresAt >= issued.expiresAt) issued = next
    },
  })

  /** For a wait in the middle of an invocation: the deadline of the latest invocation, unless that one is over. */
  const deadlineInProgress = (): Deadline | undefined =>
    patience(latestDeadline) > 0 ? latestDeadline : undefined

  /** Waits for new credentials within the deadline. Each waiter gets an error object of its own. */
  const waitForCredentials = async (
    reason: AssumeRoleReason,
    deadline = deadlineInProgress(),
  ): Promise<void> => {
    const refusal = hasValidCredentials() ? undefined : refresh.recentRefusal()
    if (refusal !== undefined) throw refusal
    const budgetMs = patience(deadline)
    const waitMs = hasValidCredentials()
      ? Math.min(WAIT_WHILE_VALID.ms, budgetMs * WAIT_WHILE_VALID.share)
      : budgetMs
    const call = refresh.start(reason)
    try {
      await within(waitMs, call, () => waitTimeoutError(roleArn, waitMs, contextKey))
    } catch (error) {
      if (hasValidCredentials()) return
      // Another invocation gave this call up as frozen and started a new one.
      const next = refresh.inFlight()
      if (next !== undefined && next !== call) return waitForCredentials(reason, deadline)
      throw copyOfError(error)
    }
  }

  const canUseCurrent = (): boolean =>
    isValid(issued) && (Date.now() < issued.waitAt || refresh.isBackingOff())

  const ready = (deadline?: Deadline): Promise<void> | undefined => {
    latestDeadline = deadline ?? latestDeadline
    if (issued !== undefined && !issued.isRejected && Date.now() < issued.refreshAt) return undefined
    if (!canUseCurrent()) return waitForCredentials(issued === undefined ? 'first' : 'expired', deadline)
    if (!refresh.isBackingOff() && !refresh.isThrottled()) refresh.start('refresh')
    return undefined
  }

  const provide = async (): Promise<Credentials> => {
    const waiting = ready()
    // The invocation has waited already. The SDK asks several times per request, and would wait each time.
    if (hasValidCredentials()) waiting?.catch(() => {})
    else await waiting
    if (!isValid(issued))
      throw new CrossAccountDynamoError(
        'STS_UNAVAILABLE',
        'The credentials expired before they could be used.',
      )
    return issued.credentials
  }

  const replaceRejected: Session['replaceRejected'] = async (used, since) => {
    if (issued !== undefined && used === issued.credentials && !issued.isRejected) {
      if (ageMs(issued) < MIN_REJECTED_AGE_MS) return false
      logger.warn('DynamoDB rejected the session token; the role is assumed again', { roleArn })
      issued = { ...issued, isRejected: true }
      // An earlier failure has nothing to do with this rejection.
      refresh.forgetFailure()
    }
    if (hasValidCredentials()) return true
    // Requests that were rejected together share one call, even those that notice after it failed.
    const failure = refresh.failureSince(since)
    if (failure !== undefined) throw failure
    await waitForCredentials('rejected')
    return true
  }

  const replaceDenied: Session['replaceDenied'] = async (used) => {
    if (issued === undefined || used !== issued.credentials) return hasValidCredentials()
    if (ageMs(issued) < MIN_DENIED_AGE_MS) return false
    // Concurrent denied requests wait for one call. After it, whether it succeeds or fails, there is a pause.
    if (refresh.inFlight() === undefined) {
      if (isNowIn(deniedPause)) return false
      deniedPause = fromNow(MIN_DENIED_AGE_MS)
      logger.warn('A policy explicitly denied a request; the role is assumed again', { roleArn })
    }
    const waitMs = patience(deadlineInProgress())
    try {
      await within(waitMs, refresh.start('denied'), () => waitTimeoutError(roleArn, waitMs, contextKey))
    } catch {
      // DynamoDB's own error says more about the denied request than an error of STS.
      return false
    }
    return true
  }

  return {
    ready,
    prefetch: () => refresh.start('prefetch'),
    credentials: Object.assign(provide, { memoized: true as const }),
    hasValidCredentials,
    isRefreshing: () => refresh.inFlight() !== undefined,
    isEvictable: () =>
      refresh.inFlight() === undefined && !hasValidCredentials() && refresh.recentRefusal() === undefined,
    current: () => issued?.credentials,
    replaceRejected,
    replaceDenied,
  }
}
