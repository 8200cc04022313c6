/**
 * One session: the credentials of one assumed role, and their refreshes.
 *
 * This is the one place that decides when STS is called. Time is read when somebody asks and never by timers, because
 * an execution environment may be frozen for hours between two lines of code.
 */
import type { AssumeRole, AssumeRoleReason, Credentials } from './assume-role.ts'
import type { Clock } from './clock.ts'
import { type Deadline, patience, within } from './deadline.ts'
import { CrossAccountDynamoError, waitedTooLong } from './errors.ts'
import type { Logger } from './logger.ts'

export interface Session {
  /**
   * `undefined` when there are credentials for this invocation, which is nearly always; else a promise to wait for,
   * for no longer than the deadline allows. In the last `refreshBefore` seconds it starts a refresh in the background
   * and answers at once.
   */
  readonly ready: (deadline?: Deadline) => Promise<void> | undefined
  /** Assumes the role before anybody needs it. */
  readonly prefetch: () => Promise<void>
  /** The session's credentials as the SDK asks for them: with each request, and never past their expiry. */
  readonly credentials: CredentialProvider
  /** Whether an AssumeRole is under way. */
  readonly isBusy: () => boolean
  /** Whether it holds nothing worth keeping: no good credentials, none under way, and no refusal to remember. */
  readonly isSpent: () => boolean
  /** The credentials at hand, for telling later whether they have been replaced since. */
  readonly current: () => Credentials | undefined
  /**
   * To be called when DynamoDB rejected the token of a request that began at `since`, by `performance.now()`: gets new
   * credentials, once however many ask. `false` when those that were rejected were brand-new, so that others would be
   * no better.
   */
  readonly replace: (rejected: Credentials | undefined, since: number) => Promise<boolean>
}

/**
 * A credential provider of the SDK. `memoized` is the SDK's own mark for "do not cache what this returns": its cache
 * would take credentials for expired five minutes early, and hold a request up for their refresh.
 */
export interface CredentialProvider {
  (): Promise<Credentials>
  memoized: true
}

export interface SessionOptions {
  readonly roleArn: string
  /** Where the client is on the context, for errors. */
  readonly contextKey: string
  /** In seconds. */
  readonly refreshBefore: number
  readonly assumeRole: AssumeRole
  /** How long an AssumeRole takes at most, in milliseconds: a flight that is older was frozen on its way. */
  readonly longestFlight: number
  readonly clock: Clock
  readonly logger: Logger
}

/** With less than this left, a request could outlive its credentials: better to wait for new ones. */
const LEAST_LIFE_MS = 60_000
/** Environments that started together refresh this much of `refreshBefore` earlier, at most, each at a time of its own. */
const JITTER = 0.2
/** However early that is, credentials are used for a tenth of their life before. */
const LONGEST_LEAD = 0.9
/** Between refreshes that failed while credentials are good: full jitter up to these, doubled each time. */
const BACK_OFF_MS = { least: 1000, most: 60_000 }
/** How long a refusal is remembered, so that a burst of invocations does not ask again and again. */
const REFUSAL_MS = 5000
/** How long an invocation waits for new credentials while the old are good: so much, or this share of its time. */
const GOOD_WAIT = { most: 1000, share: 0.25 }
/** Credentials that are rejected this soon are not rejected for their age. */
const BRAND_NEW_MS = 30_000

/** A stretch of time on the wall's clock. */
interface Span {
  readonly from: number
  readonly until: number
}
const NEVER: Span = { from: 0, until: 0 }
/** A clock that was set back behind the beginning says nothing of the end. */
const isNowIn = ({ from, until }: Span): boolean => {
  const now = Date.now()
  return now >= from && now < until
}

interface Flight {
  readonly startedAt: number
  readonly abandon: () => void
  landed: Promise<void>
}

export const createSession = (options: SessionOptions): Session => {
  const { roleArn, contextKey, refreshBefore, assumeRole, longestFlight, clock, logger } = options
  const lead = refreshBefore * 1000 * (1 + Math.random() * JITTER)
  let current: Credentials | undefined
  let rejected: Credentials | undefined
  let assumedAt = 0
  let refreshAt = 0
  let waitAt = 0
  let flight: Flight | undefined
  let failures = 0
  let retry: Span = NEVER
  let latest: Deadline | undefined
  let failure: { readonly error: unknown; readonly at: number } | undefined
  let refusal: { readonly error: Error; readonly span: Span } | undefined

  const areGood = (): boolean =>
    current !== undefined && current !== rejected && clock.now() < current.expiration.getTime()

  const accept = (credentials: Credentials): void => {
    const expiry = credentials.expiration.getTime()
    // A flight that was given up for frozen may land after its successor.
    if (areGood() && expiry < (current?.expiration.getTime() ?? 0)) return
    const now = clock.now()
    const life = expiry - now
    current = credentials
    assumedAt = now
    refreshAt = expiry - Math.min(lead, life * LONGEST_LEAD)
    waitAt = expiry - Math.min(LEAST_LIFE_MS, life / 4)
    failures = 0
    retry = NEVER
    failure = undefined
    refusal = undefined
  }

  const refuse = (error: unknown, reason: AssumeRoleReason): void => {
    const now = Date.now()
    failures += 1
    failure = { error, at: performance.now() }
    const most = Math.min(BACK_OFF_MS.most, BACK_OFF_MS.least * 2 ** failures)
    retry = { from: now, until: now + BACK_OFF_MS.least + Math.random() * (most - BACK_OFF_MS.least) }
    // A prefetch has nobody to tell: the first invocation tries again.
    if (reason !== 'prefetch' && error instanceof CrossAccountDynamoError && !error.retryable) {
      refusal = { error, span: { from: now, until: now + REFUSAL_MS } }
    }
    const { code, message } = error as CrossAccountDynamoError
    if (areGood())
      logger.warn('AssumeRole failed; the credentials at hand are still good', { code, message, reason })
    else logger.error('AssumeRole failed, and no credentials are left', { code, message, reason })
  }

  /** Assumes the role, once however many ask. */
  const assume = (reason: AssumeRoleReason): Promise<void> => {
    const now = Date.now()
    if (flight !== undefined) {
      if (Math.abs(now - flight.startedAt) <= longestFlight) return flight.landed
      logger.warn('An AssumeRole was frozen on its way; the role is assumed anew', { roleArn, reason })
      flight.abandon()
    }
    const giveUp = new AbortController()
    const mine: Flight = { startedAt: now, abandon: () => giveUp.abort(), landed: Promise.resolve() }
    mine.landed = assumeRole(reason, giveUp.signal)
      .then(accept, (error: unknown) => {
        if (flight === mine) refuse(error, reason)
        throw error
      })
      .finally(() => {
        if (flight === mine) flight = undefined
      })
    // Those who wait hear of it by themselves; in the background nobody does.
    mine.landed.catch(() => {})
    flight = mine
    return mine.landed
  }

  /** The deadline of the invocation that came last, for waits in the middle of one; an old one says nothing. */
  const latestDeadline = (): Deadline | undefined => (patience(latest) > 0 ? latest : undefined)

  const wait = async (reason: AssumeRoleReason, deadline = latestDeadline()): Promise<void> => {
    const good = areGood()
    if (refusal !== undefined && isNowIn(refusal.span) && !good) throw refusal.error
    const most = patience(deadline)
    // While the old credentials do, an invocation's time is better spent on its work.
    const milliseconds = good ? Math.min(GOOD_WAIT.most, most * GOOD_WAIT.share) : most
    const landed = assume(reason)
    try {
      await within(milliseconds, landed, () => waitedTooLong(roleArn, milliseconds, contextKey))
    } catch (error) {
      if (areGood()) return
      // Somebody gave this flight up for frozen and started another.
      if (flight !== undefined && flight.landed !== landed) return wait(reason, deadline)
      throw error
    }
  }

  const ready = (deadline?: Deadline): Promise<void> | undefined => {
    latest = deadline ?? latest
    const now = clock.now()
    if (now < refreshAt) return undefined
    const good = areGood()
    if (good && isNowIn(retry)) return undefined
    if (now >= waitAt) return wait(current === undefined ? 'first' : 'expired', deadline)
    assume('refresh')
    return undefined
  }

  const provide = async (): Promise<Credentials> => {
    const waiting = ready()
    // An invocation waits in the last minute, once; the SDK asks several times a request, and would each time.
    if (areGood()) waiting?.catch(() => {})
    else await waiting
    return current as Credentials
  }

  return {
    ready,
    prefetch: () => assume('prefetch'),
    credentials: Object.assign(provide, { memoized: true as const }),
    isBusy: () => flight !== undefined,
    isSpent: () => flight === undefined && !areGood() && !isNowIn(refusal?.span ?? NEVER),
    current: () => current,
    replace: async (used, since) => {
      if (used === current && used !== rejected) {
        if (clock.now() - assumedAt < BRAND_NEW_MS) return false
        logger.warn('DynamoDB rejected the session token; the role is assumed again', { roleArn })
        rejected = used
        // What failed before has nothing to do with this.
        failure = undefined
        refreshAt = 0
        waitAt = 0
      }
      if (areGood()) return true
      // Requests that were rejected together share one flight, also those that hear of it after it failed.
      if (failure !== undefined && failure.at >= since) throw failure.error
      await wait('rejected')
      return true
    },
  }
}
