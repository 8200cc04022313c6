/** The credentials of one AssumeRole call, and the times at which a session must refresh or replace them. */
import type { Credentials } from './assume-role.ts'

/** Credentials with their times, in milliseconds since the epoch on the local clock. */
export interface IssuedCredentials {
  readonly credentials: Credentials
  readonly issuedAt: number
  readonly expiresAt: number
  /** From this time on, an invocation starts a refresh in the background. */
  readonly refreshAt: number
  /** When the refresh window begins, and at the earliest after 10% of the lifetime. */
  readonly windowStartsAt: number
  /** From this time on, an invocation waits for new credentials. */
  readonly waitAt: number
  /** Whether DynamoDB rejected the session token. */
  readonly isRejected: boolean
}

/**
 * The remaining lifetime, in milliseconds, below which an invocation waits for new credentials. Credentials with less time could
 * expire during a request.
 */
const EXPIRY_MARGIN_MS = 60_000
/** The minimum age at which a refresh starts, as a share of the lifetime, even if the refresh window is longer. */
const MIN_REFRESH_AGE_SHARE = 0.1

/** When the credentials are refreshed. */
export interface RefreshSchedule {
  /** The length of the refresh window, which ends when the credentials expire, in milliseconds. */
  readonly refreshWindowMs: number
  /** `true`: at a random age, from 10% of the lifetime to the start of the refresh window. `false`: at the start of the window. */
  readonly isRandom: boolean
}

/** Returns frozen credentials with the times at which a session refreshes and replaces them. */
export const toIssuedCredentials = (
  credentials: Credentials,
  { refreshWindowMs, isRandom }: RefreshSchedule,
): IssuedCredentials => {
  const expiresAt = credentials.expiration.getTime()
  const issuedAt = Date.now()
  const earliestRefreshAt = issuedAt + (expiresAt - issuedAt) * MIN_REFRESH_AGE_SHARE
  const windowStartsAt = Math.max(earliestRefreshAt, expiresAt - refreshWindowMs)
  return {
    credentials: freezeCredentials(credentials, expiresAt),
    issuedAt,
    expiresAt,
    refreshAt: isRandom ? chooseTimeBetween(earliestRefreshAt, windowStartsAt) : windowStartsAt,
    windowStartsAt,
    waitAt: expiresAt - EXPIRY_MARGIN_MS,
    isRejected: false,
  }
}

/**
 * Returns the credentials with a random refresh time from now to `latestRefreshAt`. If that time has passed, returns the credentials
 * unchanged.
 */
export const postponeRefresh = (issued: IssuedCredentials, latestRefreshAt: number): IssuedCredentials => {
  const now = Date.now()
  return now < latestRefreshAt ? { ...issued, refreshAt: chooseTimeBetween(now, latestRefreshAt) } : issued
}

const chooseTimeBetween = (earliest: number, latest: number): number =>
  latest - Math.random() * (latest - earliest)

/** Returns whether there are credentials that have not expired and that DynamoDB has not rejected. */
export const isValid = (issued: IssuedCredentials | undefined): issued is IssuedCredentials =>
  issued !== undefined && !issued.isRejected && Date.now() < issued.expiresAt

/**
 * Returns the time since the credentials were issued, in milliseconds. If the clock moved back past that time, the age is unknown,
 * and the result is `Infinity`, so that such credentials can be replaced.
 */
export const getAgeMs = ({ issuedAt }: IssuedCredentials): number => {
  const ageMs = Date.now() - issuedAt
  return ageMs < 0 ? Infinity : ageMs
}

/**
 * Returns a frozen copy, because user code can access the credentials through the client. Each read of `expiration` returns a
 * new Date, because a Date cannot be frozen. Each read of `$source` returns a new object, because older versions of the SDK
 * write the origin of the credentials to it.
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
