/** The credentials of one AssumeRole call, and the times at which a session must refresh or replace them. */
import type { Credentials } from './assume-role.ts'

/** Credentials with their times, in milliseconds since the epoch on the local clock. */
export interface IssuedCredentials {
  readonly credentials: Credentials
  readonly issuedAt: number
  readonly expiresAt: number
  /** From this time on, an invocation starts a refresh in the background. */
  readonly refreshAt: number
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
/**
 * The maximum refresh window, as a share of the lifetime. Even short-lived credentials are therefore used for at least a tenth of
 * their lifetime before a refresh starts.
 */
const MAX_REFRESH_WINDOW_SHARE = 0.9

/** The time between the start of a refresh and the expiration of the credentials. */
export interface RefreshWindow {
  /** The minimum, in milliseconds. At most 90% of the lifetime. */
  readonly minMs: number
  /** `true`: a random time from `minMs` to 90% of the lifetime. `false`: `minMs`. */
  readonly isRandom: boolean
}

/** Returns frozen credentials with the times at which a session refreshes and replaces them. */
export const toIssuedCredentials = (credentials: Credentials, window: RefreshWindow): IssuedCredentials => {
  const expiresAt = credentials.expiration.getTime()
  const issuedAt = Date.now()
  const lifetimeMs = expiresAt - issuedAt
  return {
    credentials: freezeCredentials(credentials, expiresAt),
    issuedAt,
    expiresAt,
    refreshAt: expiresAt - chooseRefreshWindowMs(window, lifetimeMs),
    waitAt: expiresAt - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 4),
    isRejected: false,
  }
}

const chooseRefreshWindowMs = ({ minMs, isRandom }: RefreshWindow, lifetimeMs: number): number => {
  const longestMs = lifetimeMs * MAX_REFRESH_WINDOW_SHARE
  const shortestMs = Math.min(minMs, longestMs)
  return isRandom ? shortestMs + Math.random() * (longestMs - shortestMs) : shortestMs
}

/** Returns whether there are credentials that have not expired and that DynamoDB has not rejected. */
export const isValid = (issued: IssuedCredentials | undefined): issued is IssuedCredentials =>
  issued !== undefined && !issued.isRejected && Date.now() < issued.expiresAt

/** Returns the time since the credentials were issued, in milliseconds. */
export const getAgeMs = ({ issuedAt }: IssuedCredentials): number => Date.now() - issuedAt

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
