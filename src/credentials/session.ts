/**
 * One assumed-role session: its credentials and their refreshes.
 *
 * Only this module decides when STS is called. It uses no timers for refreshes. Instead, it reads the time when an invocation
 * needs credentials, because Lambda can freeze the execution environment for hours between two lines of code.
 */
import { type Deadline, getWaitBudgetMs, withTimeout } from '../deadline.ts'
import { CrossAccountDynamoError, copyError } from '../errors.ts'
import type { AssumeRoleReason, Credentials } from './assume-role.ts'
import { type AssumeRoleCallOptions, createAssumeRoleCalls } from './assume-role-calls.ts'
import {
  getAgeMs,
  type IssuedCredentials,
  isValid,
  postponeRefresh,
  toIssuedCredentials,
} from './issued-credentials.ts'
import { waitTimeoutError } from './sts-error.ts'
import { createWindowFromNow, EMPTY_WINDOW, isNowIn } from './time-window.ts'

/** The source of an invocation's credentials: an assumed-role session or, in direct mode, the function's own credentials. */
export interface CredentialSource {
  /**
   * Returns `undefined` if the session has credentials for this invocation, as in most warm invocations. Otherwise returns a
   * promise that settles within the deadline. It rejects with a CrossAccountDynamoError if the role cannot be assumed. If a
   * refresh is due, this method also starts it in the background.
   */
  readonly ensureCredentials: (deadline?: Deadline) => Promise<void> | undefined
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
  /** Returns whether the session has no valid credentials, no call in flight and no recent refusal. */
  readonly isEvictable: () => boolean
  /** Returns the latest credentials, which may have expired. Each AssumeRole call creates a new object. */
  readonly getLatestCredentials: () => Credentials | undefined
  /**
   * Replaces credentials whose session token DynamoDB rejected. All requests that used these credentials share one
   * AssumeRole call. `requestStartedAt` is when the rejected request began, in `performance.now()` time.
   *
   * Resolves to `true` if the session has new credentials. Resolves to `false` if the rejected credentials are less than 30
   * seconds old, because new credentials would be rejected, too.
   *
   * @throws CrossAccountDynamoError if the role cannot be assumed.
   */
  readonly replaceRejectedCredentials: (
    used: Credentials | undefined,
    requestStartedAt: number,
  ) => Promise<boolean>
  /**
   * Replaces credentials that an identity-based policy explicitly denies. To revoke active sessions, IAM attaches a policy that denies all
   * sessions issued before the revocation. Another policy can deny the action to every session, so this method calls STS only if
   * the credentials are at least five minutes old. Resolves to whether the session has new credentials. Never rejects.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
   */
  readonly replaceDeniedCredentials: (used: Credentials | undefined) => Promise<boolean>
}

/**
 * A credential provider of the SDK: a function that resolves to credentials. {@link crossAccountDynamo} sets one on
 * `request.internal`, at the `contextKey`.
 *
 * @throws CrossAccountDynamoError if there are no valid credentials and the role cannot be assumed, or `CONFIG_INVALID` with a
 * `session` function. In direct mode, the errors come from the SDK's default provider.
 *
 * @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
 */
export interface CredentialProvider<Provided = ProvidedCredentials> {
  /** Resolves to valid credentials. The SDK calls it for each request. */
  (): Promise<Provided>
  /**
   * Tells the SDK not to cache the credentials. The SDK's cache would treat them as expired five minutes early and make a
   * request wait for their refresh.
   */
  memoized: true
}

/** Creates a credential provider from a function that returns credentials. */
export const createCredentialProvider = <Provided>(
  provide: () => Promise<Provided>,
): CredentialProvider<Provided> => Object.assign(provide, { memoized: true as const })

/** The credentials of a provider. In direct mode, only `accessKeyId` and `secretAccessKey` are always present. */
export type ProvidedCredentials = Pick<Credentials, 'accessKeyId' | 'secretAccessKey'> & Partial<Credentials>

export interface SessionOptions
  extends Omit<AssumeRoleCallOptions, 'onCredentials' | 'onFailure' | 'hasValidCredentials'> {
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** The length of the refresh window without jitter, in seconds. The first invocation in the window starts a refresh. */
  readonly refreshBeforeSeconds: number
}

/**
 * The refresh window of a session is longer than `refreshBeforeSeconds` by a random share of it, up to this maximum, so that the
 * refreshes of different sessions do not fall into step.
 */
const MAX_JITTER_SHARE = 0.2
/**
 * How long an invocation waits for new credentials while the current credentials are valid: `maxMs` milliseconds, or `share` of
 * the time that the invocation can wait if that is less.
 */
const MAX_WAIT_WITH_VALID_CREDENTIALS = { maxMs: 1000, share: 0.25 }
/** The minimum age at which rejected credentials are replaced. If DynamoDB rejects a newer token, its age is not the cause. */
const MIN_REJECTED_AGE_MS = 30_000
/**
 * The minimum age at which denied credentials are replaced, and the minimum time between two such replacements. If a policy
 * denies an action to every session, this minimum limits the AssumeRole calls.
 */
const MIN_DENIED_AGE_MS = 5 * 60_000

export const createSession = (options: SessionOptions): Session => {
  const { roleArn, contextKey, logger } = options
  const refreshWindowMs = options.refreshBeforeSeconds * 1000 * (1 + Math.random() * MAX_JITTER_SHARE)
  let issued: IssuedCredentials | undefined
  let pauseAfterDenial = EMPTY_WINDOW
  /** The deadline of the latest invocation, for waits that the SDK starts, because it does not pass a deadline. */
  let latestDeadline: Deadline | undefined

  const hasValidCredentials = (): boolean => isValid(issued)
  const calls = createAssumeRoleCalls({
    ...options,
    hasValidCredentials,
    onFailure: () => {
      // In the refresh window, only the pause after the failure delays the next attempt.
      if (issued !== undefined)
        issued = { ...issued, refreshAt: Math.min(issued.refreshAt, issued.windowStartsAt) }
    },
    onCredentials: (credentials, isOnSchedule) => {
      // Sessions that start together, or that recover together from an outage or a revocation, must not refresh together an hour
      // later.
      const wasDelayedByThrottling = issued !== undefined && calls.wasThrottledSince(issued.refreshAt)
      issued = toIssuedCredentials(credentials, {
        refreshWindowMs,
        isRandom: !isOnSchedule || wasDelayedByThrottling,
      })
    },
  })

  /** Returns the deadline of the latest invocation, or `undefined` if its time is over. */
  const getCurrentDeadline = (): Deadline | undefined =>
    getWaitBudgetMs(latestDeadline) > 0 ? latestDeadline : undefined

  /** Settles with the result of the call, or rejects with `STS_TIMEOUT` after `waitMs` milliseconds. */
  const waitForCall = (call: Promise<void>, waitMs: number, budgetMs = waitMs): Promise<void> =>
    withTimeout(call, waitMs, () => waitTimeoutError(roleArn, budgetMs, contextKey))

  /** Waits for the call, and for the call in flight after it, until there are credentials or the budget is used up. */
  const waitForCalls = async (
    call: Promise<void>,
    budgetMs: number,
    getRemainingMs: () => number,
  ): Promise<void> => {
    const { maxMs, share } = MAX_WAIT_WITH_VALID_CREDENTIALS
    const remainingMs = getRemainingMs()
    const waitMs = hasValidCredentials() ? Math.min(maxMs, remainingMs * share) : remainingMs
    try {
      await waitForCall(call, waitMs, budgetMs)
    } catch (error) {
      if (hasValidCredentials()) return
      // The credentials expired during a short wait, or another invocation has replaced a frozen call. Timers round down to
      // milliseconds.
      const callInFlight = calls.getCallInFlight()
      if (callInFlight === undefined || getRemainingMs() < 1) throw copyError(error)
      await waitForCalls(callInFlight, budgetMs, getRemainingMs)
    }
  }

  /** Waits for new credentials within the deadline. Each waiter receives a separate error object. */
  const waitForCredentials = async (
    reason: AssumeRoleReason,
    deadline = getCurrentDeadline(),
  ): Promise<void> => {
    const refusal = hasValidCredentials() ? undefined : calls.getRecentRefusal()
    if (refusal) throw refusal
    const startedAt = performance.now()
    const budgetMs = getWaitBudgetMs(deadline)
    await waitForCalls(calls.start(reason), budgetMs, () =>
      Math.min(getWaitBudgetMs(deadline), budgetMs - (performance.now() - startedAt)),
    )
  }

  const isRefreshing = (): boolean => calls.getCallInFlight() !== undefined

  const isPaused = (): boolean => calls.isBackingOff() || calls.isThrottled()

  const canSkipWaiting = (): boolean => isValid(issued) && (Date.now() < issued.waitAt || isPaused())

  /** Returns why an invocation waits for new credentials. */
  const getWaitReason = (): AssumeRoleReason => {
    if (issued === undefined) return 'first'
    return issued.isRejected ? 'rejected' : 'expired'
  }

  /**
   * Starts a refresh unless refreshes pause. Before the refresh window, schedules the next attempt before the window. If Lambda froze the
   * previous call, schedules the next attempt before the last minute, so that the new call can continue across invocations.
   */
  const refreshInBackground = (): void => {
    if (issued !== undefined) {
      const isRepeated = calls.isCallFrozen() && !isPaused()
      issued = postponeRefresh(issued, isRepeated ? issued.waitAt : issued.windowStartsAt)
    }
    if (!isPaused()) calls.start('refresh')
  }

  const ensureCredentials = (deadline?: Deadline): Promise<void> | undefined => {
    latestDeadline = deadline ?? latestDeadline
    if (issued !== undefined && !issued.isRejected && Date.now() < issued.refreshAt) return undefined
    if (!canSkipWaiting()) return waitForCredentials(getWaitReason(), deadline)
    refreshInBackground()
    return undefined
  }

  const provideCredentials = async (): Promise<Credentials> => {
    const pendingCredentials = ensureCredentials()
    // The SDK calls the provider several times per request and would wait each time. An invocation with the middleware has already
    // waited once.
    if (hasValidCredentials()) pendingCredentials?.catch(() => {})
    else await pendingCredentials
    if (!isValid(issued))
      throw new CrossAccountDynamoError(
        'STS_UNAVAILABLE',
        `the credentials of ${roleArn} (context.${contextKey}) expired before they could be used. Check that the clock is right, and send ` +
          'the request again.',
      )
    return issued.credentials
  }

  const replaceRejectedCredentials: Session['replaceRejectedCredentials'] = async (
    used,
    requestStartedAt,
  ) => {
    if (issued !== undefined && used === issued.credentials && !issued.isRejected) {
      if (getAgeMs(issued) < MIN_REJECTED_AGE_MS) return false
      logger.warn('DynamoDB rejected the session token; the role is assumed again', { roleArn })
      issued = { ...issued, isRejected: true }
      // An earlier failure is unrelated to this rejection.
      calls.forgetFailure()
    }
    if (hasValidCredentials()) return true
    // Concurrent rejected requests share one call, even if DynamoDB rejects some of them after the call has failed.
    const failure = calls.getFailureSince(requestStartedAt)
    if (failure) throw failure
    await waitForCredentials('rejected')
    return true
  }

  const replaceDeniedCredentials: Session['replaceDeniedCredentials'] = async (used) => {
    if (issued === undefined || used !== issued.credentials) return hasValidCredentials()
    if (getAgeMs(issued) < MIN_DENIED_AGE_MS) return false
    // Concurrent denied requests wait for the same call. Even if that call fails, no denied request starts another call for five
    // minutes.
    if (!isRefreshing() || calls.isCallFrozen()) {
      if (isNowIn(pauseAfterDenial)) return false
      pauseAfterDenial = createWindowFromNow(MIN_DENIED_AGE_MS)
      logger.warn('A policy explicitly denied a request; the role is assumed again', { roleArn })
    }
    try {
      await waitForCall(calls.start('denied'), getWaitBudgetMs(getCurrentDeadline()))
    } catch {
      // The caller throws DynamoDB's error, which describes the denied request better than an error of STS.
      return false
    }
    return true
  }

  return {
    ensureCredentials,
    prefetch: () => calls.start('prefetch'),
    credentials: createCredentialProvider(provideCredentials),
    hasValidCredentials,
    isRefreshing,
    isEvictable: () => !isRefreshing() && !hasValidCredentials() && calls.getRecentRefusal() === undefined,
    getLatestCredentials: () => issued?.credentials,
    replaceRejectedCredentials,
    replaceDeniedCredentials,
  }
}
