/**
 * One assumed-role session: its credentials and their refreshes.
 *
 * Only this module decides when STS is called. It compares times when an invocation needs credentials and does not use
 * timers, because the execution environment may be frozen for hours between two lines of code.
 */
import { type Deadline, waitBudgetMs, withTimeout } from '../deadline.ts'
import { CrossAccountDynamoError, copyError } from '../errors.ts'
import type { AssumeRoleReason, Credentials } from './assume-role.ts'
import { ageMs, type IssuedCredentials, isValid, toIssuedCredentials } from './issued-credentials.ts'
import { createRefresh, type RefreshOptions } from './refresh.ts'
import { waitTimeoutError } from './sts-error.ts'
import { fromNow, isNowIn, NEVER } from './time-window.ts'

/** The credentials of an invocation: of an assumed-role session or, in direct mode, of the function itself. */
export interface CredentialSource {
  /**
   * Returns `undefined` if the session has credentials for this invocation, which is the usual case. Otherwise returns a
   * promise that settles within the deadline. In the last `refreshBeforeSeconds` seconds before the expiration, it also starts
   * a refresh in the background.
   */
  readonly ready: (deadline?: Deadline) => Promise<void> | undefined
  /** Assumes the role before the first invocation. */
  readonly prefetch: () => Promise<void>
  /** The credential provider for the SDK, which calls it for each request. It never returns expired credentials. */
  readonly credentials: CredentialProvider
}

/** The session of an assumed role. */
export interface Session extends CredentialSource {
  readonly credentials: CredentialProvider<Credentials>
  readonly hasValidCredentials: () => boolean
  /** Returns whether an AssumeRole call is in flight. */
  readonly isRefreshing: () => boolean
  /** Returns whether the store can evict the session: no valid credentials, no call in flight and no recent refusal. */
  readonly isEvictable: () => boolean
  /** Returns the latest credentials, which may have expired. Compare them later to detect whether they were replaced. */
  readonly current: () => Credentials | undefined
  /**
   * Replaces credentials whose session token DynamoDB rejected. All requests that used these credentials share one
   * AssumeRole call. `since` is when the rejected request began, in `performance.now()` time. Resolves to `true` if the
   * session has new credentials, and to `false` if the rejected credentials are less than 30 seconds old, because new
   * ones would not help.
   *
   * @throws CrossAccountDynamoError if the role cannot be assumed.
   */
  readonly replaceRejected: (used: Credentials | undefined, since: number) => Promise<boolean>
  /**
   * Replaces credentials that a policy explicitly denies. "Revoke active sessions" in IAM attaches such a policy, which
   * denies sessions that were issued before. Another policy may deny the action to every session, so this calls STS only
   * if the credentials are at least five minutes old. Resolves to whether the request is worth another attempt. Never
   * rejects.
   */
  readonly replaceDenied: (used: Credentials | undefined) => Promise<boolean>
}

/**
 * A credential provider of the SDK. `memoized` tells the SDK not to cache the credentials. The SDK's cache would treat
 * them as expired five minutes early and make a request wait for their refresh.
 */
export interface CredentialProvider<Of = ProvidedCredentials> {
  (): Promise<Of>
  memoized: true
}

/** Credentials of a provider. In direct mode, only the two keys are always present. */
export type ProvidedCredentials = Pick<Credentials, 'accessKeyId' | 'secretAccessKey'> & Partial<Credentials>

export interface SessionOptions extends Omit<RefreshOptions, 'onCredentials' | 'hasValidCredentials'> {
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** How long before the expiration a refresh starts, in seconds. */
  readonly refreshBeforeSeconds: number
}

/**
 * A refresh starts earlier by a random share of `refreshBeforeSeconds`, up to this one, so that execution environments do not
 * refresh at the same time.
 */
const JITTER = 0.2
/**
 * How long an invocation waits for new credentials while the current ones are valid: `ms` milliseconds, or `share` of the
 * time that it may wait if that is less.
 */
const WAIT_WHILE_VALID = { ms: 1000, share: 0.25 }
/** If DynamoDB rejects a younger token, its age is not the cause, so a new token would not help. In milliseconds. */
const MIN_REJECTED_AGE_MS = 30_000
/** Limits the AssumeRole calls for requests that a policy denies to every session. In milliseconds. */
const MIN_DENIED_AGE_MS = 5 * 60_000

export const createSession = (options: SessionOptions): Session => {
  const { roleArn, contextKey, logger } = options
  const refreshWindowMs = options.refreshBeforeSeconds * 1000 * (1 + Math.random() * JITTER)
  let issued: IssuedCredentials | undefined
  let deniedPause = NEVER
  let latestDeadline: Deadline | undefined

  const hasValidCredentials = (): boolean => isValid(issued)
  const refresh = createRefresh({
    ...options,
    hasValidCredentials,
    onCredentials: (credentials) => {
      const next = toIssuedCredentials(credentials, refreshWindowMs)
      // A call that was aborted as frozen may still succeed after the call that replaced it.
      if (!isValid(issued) || next.expiresAt >= issued.expiresAt) issued = next
    },
  })

  /** Returns the deadline for a wait during an invocation: that of the latest invocation, unless its time is over. */
  const deadlineInProgress = (): Deadline | undefined =>
    waitBudgetMs(latestDeadline) > 0 ? latestDeadline : undefined

  /** Settles as the call does, or rejects with `STS_TIMEOUT` after `waitMs` milliseconds. */
  const waitForCall = (call: Promise<void>, waitMs: number): Promise<void> =>
    withTimeout(call, waitMs, () => waitTimeoutError(roleArn, waitMs, contextKey))

  /** Waits for new credentials within the deadline. Each waiter receives a separate error object. */
  const waitForCredentials = async (
    reason: AssumeRoleReason,
    deadline = deadlineInProgress(),
  ): Promise<void> => {
    const refusal = hasValidCredentials() ? undefined : refresh.recentRefusal()
    if (refusal) throw refusal
    const budgetMs = waitBudgetMs(deadline)
    const waitMs = hasValidCredentials()
      ? Math.min(WAIT_WHILE_VALID.ms, budgetMs * WAIT_WHILE_VALID.share)
      : budgetMs
    const call = refresh.start(reason)
    try {
      await waitForCall(call, waitMs)
    } catch (error) {
      if (hasValidCredentials()) return
      // Another invocation aborted this call as frozen and started a new one.
      const next = refresh.inFlight()
      if (next && next !== call) return waitForCredentials(reason, deadline)
      throw copyError(error)
    }
  }

  const isRefreshing = (): boolean => refresh.inFlight() !== undefined

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
    const pendingCredentials = ready()
    // The invocation has already waited. The SDK calls the provider several times per request and would wait each time.
    if (hasValidCredentials()) pendingCredentials?.catch(() => {})
    else await pendingCredentials
    if (!isValid(issued))
      throw new CrossAccountDynamoError(
        'STS_UNAVAILABLE',
        'The credentials expired before they could be used. Check that the clock is right, and send the request again.',
      )
    return issued.credentials
  }

  const replaceRejected: Session['replaceRejected'] = async (used, since) => {
    if (issued !== undefined && used === issued.credentials && !issued.isRejected) {
      if (ageMs(issued) < MIN_REJECTED_AGE_MS) return false
      logger.warn('DynamoDB rejected the session token; the role is assumed again', { roleArn })
      issued = { ...issued, isRejected: true }
      // An earlier failure is unrelated to this rejection.
      refresh.forgetFailure()
    }
    if (hasValidCredentials()) return true
    // Requests that were rejected together share one call, including requests that get here after the call failed.
    const failure = refresh.failureSince(since)
    if (failure) throw failure
    await waitForCredentials('rejected')
    return true
  }

  const replaceDenied: Session['replaceDenied'] = async (used) => {
    if (issued === undefined || used !== issued.credentials) return hasValidCredentials()
    if (ageMs(issued) < MIN_DENIED_AGE_MS) return false
    // Concurrent denied requests wait for the same call. No other call starts for five minutes, even if it fails.
    if (!isRefreshing()) {
      if (isNowIn(deniedPause)) return false
      deniedPause = fromNow(MIN_DENIED_AGE_MS)
      logger.warn('A policy explicitly denied a request; the role is assumed again', { roleArn })
    }
    try {
      await waitForCall(refresh.start('denied'), waitBudgetMs(deadlineInProgress()))
    } catch {
      // The caller then throws DynamoDB's error, which describes the denied request better than an error of STS.
      return false
    }
    return true
  }

  return {
    ready,
    prefetch: () => refresh.start('prefetch'),
    credentials: Object.assign(provide, { memoized: true as const }),
    hasValidCredentials,
    isRefreshing,
    isEvictable: () => !isRefreshing() && !hasValidCredentials() && refresh.recentRefusal() === undefined,
    current: () => issued?.credentials,
    replaceRejected,
    replaceDenied,
  }
}
