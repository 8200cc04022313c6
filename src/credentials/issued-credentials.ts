/** The credentials of one AssumeRole call, and when a session has to do something about them. */
import type { Credentials } from './assume-role.ts'

/** All times are in milliseconds since the epoch, by the local clock. */
export interface IssuedCredentials {
  readonly credentials: Credentials
  readonly issuedAt: number
  readonly expiresAt: number
  /** From here on an invocation starts a refresh in the background. */
  readonly refreshAt: number
  /** From here on an invocation waits for new credentials. */
  readonly waitAt: number
  /** Whether DynamoDB rejected the session token. */
  readonly isRejected: boolean
}

/** A request could outlive credentials with less time left than this, so an invocation waits for new ones. */
const EXPIRY_MARGIN_MS = 60_000
/** Credentials are used for at least a tenth of their lifetime before a refresh starts. */
const LONGEST_REFRESH_WINDOW = 0.9

export const toIssuedCredentials = (credentials: Credentials, refreshWindowMs: number): IssuedCredentials => {
  const expiresAt = credentials.expiration.getTime()
  const issuedAt = Date.now()
  const lifetimeMs = expiresAt - issuedAt
  return {
    credentials: freezeCredentials(credentials, expiresAt),
    issuedAt,
    expiresAt,
    refreshAt: expiresAt - Math.min(refreshWindowMs, lifetimeMs * LONGEST_REFRESH_WINDOW),
    waitAt: expiresAt - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 4),
    isRejected: false,
  }
}

export const isValid = (issued: IssuedCredentials | undefined): issued is IssuedCredentials =>
  issued !== undefined && !issued.isRejected && Date.now() < issued.expiresAt

export const ageMs = ({ issuedAt }: IssuedCredentials): number => Date.now() - issuedAt

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
