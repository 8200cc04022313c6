/** The sessions in use, each with its one client. Bounded. */

import type { Configuration } from './configuration/configuration.ts'
import { type AssumeRole, maxAssumeRoleDurationMs } from './credentials/assume-role.ts'
import { createSharedThrottle } from './credentials/refresh.ts'
import { createSession, type Session } from './credentials/session.ts'
import type { Clients, SessionClient } from './dynamodb/client.ts'
import { type SessionParameters, toCacheKey } from './identity/session-parameters.ts'
import { createSafeLogger } from './logger.ts'

/** A session and its client, which stay together for as long as the session lives. */
export interface OpenSession {
  readonly session: Session
  readonly client: SessionClient
}

/** Returns the session of an parameters: the same object for as long as the store keeps it. */
export type SessionStore = (parameters: SessionParameters) => OpenSession

/**
 * Creates a store that keeps at most `maxSessions` sessions that have had credentials, and evicts the least recently
 * used one first.
 *
 * A session that STS has not answered yet, or has refused, waits apart in `candidates`: refused identities must not
 * evict the sessions of valid ones. Eviction does not affect invocations that already hold the client, because sessions
 * share nothing mutable. A session that waits for STS is never evicted, because others wait for the same call.
 */
export const createSessionStore = (
  configuration: Configuration,
  assumeRoleOf: (parameters: SessionParameters) => AssumeRole,
  clients: Clients,
): SessionStore => {
  const { refreshBefore, maxSessions, contextKey } = configuration
  const logger = createSafeLogger(configuration.logger)
  const throttle = createSharedThrottle()
  // A Map iterates in insertion order. Re-inserting on every access keeps the least recently used entry first.
  const sessions = new Map<string, OpenSession>()
  const candidates = new Map<string, OpenSession>()

  const openSession = (parameters: SessionParameters): OpenSession => {
    const session = createSession({
      roleArn: parameters.roleArn,
      contextKey,
      refreshBefore,
      assumeRole: assumeRoleOf(parameters),
      maxAssumeRoleDurationMs: maxAssumeRoleDurationMs(configuration),
      throttle,
      logger,
    })
    return { session, client: clients.open(session) }
  }

  /** Moves the candidates that have credentials by now into `sessions`. */
  const promoteCandidates = (): void => {
    for (const [key, candidate] of candidates) {
      if (!candidate.session.hasValidCredentials()) continue
      candidates.delete(key)
      sessions.set(key, candidate)
    }
  }

  return (parameters) => {
    const key = toCacheKey(parameters)
    const known = sessions.get(key)
    if (known !== undefined) {
      sessions.delete(key)
      sessions.set(key, known)
      evictLeadingUnusable(sessions, key)
      return known
    }
    promoteCandidates()
    const open = sessions.get(key) ?? candidates.get(key) ?? openSession(parameters)
    const home = sessions.has(key) ? sessions : candidates
    home.delete(key)
    home.set(key, open)
    evict(sessions, key, maxSessions)
    evict(candidates, key, maxSessions)
    return open
  }
}

/** Deletes sessions that hold nothing worth keeping, and the least recently used ones above `max`. Keeps `currentKey`. */
const evict = (sessions: Map<string, OpenSession>, currentKey: string, max: number): void => {
  for (const [key, { session }] of sessions) {
    if (key === currentKey) continue
    const isAboveMax = sessions.size > max && !session.isRefreshing()
    if (isAboveMax || session.isEvictable()) sessions.delete(key)
  }
}

/** The same for a known session, which costs little: it stops at the first session that is worth keeping. */
const evictLeadingUnusable = (sessions: Map<string, OpenSession>, currentKey: string): void => {
  for (const [key, { session }] of sessions) {
    if (key === currentKey || !session.isEvictable()) return
    sessions.delete(key)
  }
}
