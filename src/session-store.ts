/** The bounded store of sessions and their clients. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { type AssumeRole, longestFlight } from './assume-role.ts'
import type { Clients } from './client.ts'
import type { Clock } from './clock.ts'
import { harmless } from './logger.ts'
import type { Configuration } from './options.ts'
import { createSession, type Session } from './session.ts'
import { keyOf, type SessionIdentity } from './session-identity.ts'

/** A session, and the one client that it has for as long as it lives. */
export interface OpenSession {
  readonly session: Session
  readonly client: DynamoDBClient | DynamoDBDocumentClient
}

/**
 * The session of an identity, the same for as long as it is kept. At most `maxSessions` are, and those that are waiting for
 * STS: the least recently used goes first. One that is let go changes in nothing for those who hold its client, since nothing of it is shared with
 * another session; whoever asks next gets a new one.
 */
export type SessionStore = (identity: SessionIdentity) => OpenSession

export const createSessionStore = (
  configuration: Configuration,
  assumeRoleOf: (identity: SessionIdentity) => AssumeRole,
  clients: Clients,
  clock: Clock,
): SessionStore => {
  const { refreshBefore, maxSessions, contextKey } = configuration
  const logger = harmless(configuration.logger)
  /** The least recently used first, which is the order of a Map whose entries are put back when they are used. */
  const kept = new Map<string, OpenSession>()

  const open = (identity: SessionIdentity): OpenSession => {
    const session = createSession({
      roleArn: identity.roleArn,
      contextKey,
      refreshBefore,
      assumeRole: assumeRoleOf(identity),
      longestFlight: longestFlight(configuration),
      clock,
      logger,
    })
    return { session, client: clients.open(session) }
  }

  return (identity) => {
    const key = keyOf(identity)
    const found = kept.get(key)
    const taken = found ?? open(identity)
    kept.delete(key)
    kept.set(key, taken)
    for (const [oldest, { session }] of kept) {
      if (oldest === key) break
      const areTooMany = kept.size > maxSessions
      // One that waits for STS stays: others wait with it, and whoever came next would ask again.
      if (session.isSpent() || (areTooMany && !session.isBusy())) kept.delete(oldest)
      // The quiet ones stand in front; all are looked through when a new one comes.
      else if (found !== undefined && !areTooMany) break
    }
    return taken
  }
}
