/** A bounded store of the sessions that are in use, each with its one client. */

import type { Configuration } from './configuration/configuration.ts'
import { type AssumeRole, getMaxAssumeRoleDurationMs } from './credentials/assume-role.ts'
import { createSharedThrottle } from './credentials/assume-role-calls.ts'
import { type CredentialSource, createSession, type Session } from './credentials/session.ts'
import type { Clients, SessionClient } from './dynamodb/client.ts'
import { parseRoleArn } from './iam/arn.ts'
import { type SessionParameters, toCacheKey } from './identity/session-parameters.ts'
import { createSafeLogger } from './logger.ts'

/** A session and its only client. */
export interface OpenSession<Source extends CredentialSource = Session> {
  readonly session: Source
  /** The account of the role. `undefined` in direct mode. */
  readonly accountId: string | undefined
  readonly client: SessionClient
}

/** Returns the session of these parameters. While the store keeps the session, it returns the same object. */
export type SessionStore = (parameters: SessionParameters) => OpenSession

/**
 * Creates a store that keeps at most `maxSessions` sessions that have had credentials. It evicts the least recently used session
 * first.
 *
 * Sessions that have not had credentials yet are candidates. The store keeps at most `maxSessions` candidates in a separate map, so
 * that sessions that STS refuses do not evict valid sessions.
 *
 * Eviction does not affect invocations that already hold the client, because sessions share nothing mutable. A session with an
 * AssumeRole call in flight is never evicted, because concurrent invocations must wait for the same call.
 */
export const createSessionStore = (
  configuration: Configuration,
  createAssumeRole: (parameters: SessionParameters) => AssumeRole,
  clients: Clients,
): SessionStore => {
  const { refreshBeforeSeconds, maxSessions, contextKey } = configuration
  const logger = createSafeLogger(configuration.logger)
  const throttle = createSharedThrottle()
  // A Map iterates in insertion order. Re-inserting on every access keeps the least recently used entry first.
  const sessions = new Map<string, OpenSession>()
  const candidates = new Map<string, OpenSession>()

  const openSession = (parameters: SessionParameters): OpenSession => {
    const session = createSession({
      roleArn: parameters.roleArn,
      contextKey,
      refreshBeforeSeconds,
      assumeRole: createAssumeRole(parameters),
      maxAssumeRoleDurationMs: getMaxAssumeRoleDurationMs(configuration),
      throttle,
      logger,
    })
    return { session, client: clients.open(session), accountId: parseRoleArn(parameters.roleArn).accountId }
  }

  /** Moves the candidates that now have valid credentials to `sessions`. */
  const promoteCandidates = (): void => {
    for (const [key, candidate] of candidates) {
      if (!candidate.session.hasValidCredentials()) continue
      candidates.delete(key)
      sessions.set(key, candidate)
    }
  }

  return (parameters) => {
    const key = toCacheKey(parameters)
    const knownSession = sessions.get(key)
    if (knownSession !== undefined) {
      sessions.delete(key)
      sessions.set(key, knownSession)
      evictOldestEvictable(sessions, key)
      return knownSession
    }
    promoteCandidates()
    const promotedSession = sessions.get(key)
    const session = promotedSession ?? candidates.get(key) ?? openSession(parameters)
    const map = promotedSession === undefined ? candidates : sessions
    map.delete(key)
    map.set(key, session)
    evict(sessions, key, maxSessions)
    evict(candidates, key, maxSessions)
    return session
  }
}

/** Deletes evictable sessions, and the least recently used sessions above `maxSize`. Keeps the session at `currentKey`. */
const evict = (sessions: Map<string, OpenSession>, currentKey: string, maxSize: number): void => {
  for (const [key, { session }] of sessions) {
    if (key === currentKey) continue
    const isAboveMaxSize = sessions.size > maxSize && !session.isRefreshing()
    if (isAboveMaxSize || session.isEvictable()) sessions.delete(key)
  }
}

/**
 * Deletes the least recently used sessions up to the first session that is not evictable. It runs on every access to a known
 * session, so it must not iterate over all sessions.
 */
const evictOldestEvictable = (sessions: Map<string, OpenSession>, currentKey: string): void => {
  for (const [key, { session }] of sessions) {
    if (key === currentKey || !session.isEvictable()) return
    sessions.delete(key)
  }
}
