import type { PolicyDocument, Role } from './account.ts'
import type { Clock } from './clock.ts'
import { createRandomId, createRandomSecret } from './random.ts'

/** A session of a role, with the credentials that AWS issued for it. */
export interface Session {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  role: Role
  name: string
  /** `arn:aws:sts::…:assumed-role/Role/name`. It does not contain the path of the role. */
  arn: string
  /** `AROA…:name` */
  userId: string
  tags: Record<string, string>
  transitiveTagKeys: string[]
  sourceIdentity?: string | undefined
  policy?: PolicyDocument | undefined
  /** Whether AssumeRole issued the session. If not, it stands for a session that the Lambda service created. */
  isAssumed: boolean
  issuedAtMs: number
  expiresAtMs: number
  isRevoked: boolean
}

export interface SessionInput {
  role: Role
  name: string
  durationSeconds: number
  isAssumed: boolean
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string | undefined
  policy?: PolicyDocument | undefined
}

export interface SessionRegistry {
  issue(input: SessionInput): Session
  find(accessKeyId: string): Session | undefined
  /** Revokes the session with this access key. Without one, revokes every session that AssumeRole issued. */
  revoke(accessKeyId?: string): void
  /** Makes all revoked sessions valid again. */
  clearRevocations(): void
}

export function createSessionRegistry(clock: Clock): SessionRegistry {
  const sessions = new Map<string, Session>()
  return {
    issue({ role, name, durationSeconds, tags = {}, transitiveTagKeys = [], ...rest }) {
      const session: Session = {
        ...rest,
        accessKeyId: `ASIA${createRandomId(16)}`,
        secretAccessKey: createRandomSecret(30),
        sessionToken: createRandomSecret(240),
        role,
        name,
        arn: `arn:aws:sts::${role.account.id}:assumed-role/${role.definition.name}/${name}`,
        userId: `${role.id}:${name}`,
        tags,
        transitiveTagKeys,
        issuedAtMs: clock.now(),
        expiresAtMs: clock.now() + durationSeconds * 1000,
        isRevoked: false,
      }
      sessions.set(session.accessKeyId, session)
      return session
    },
    find: (accessKeyId) => sessions.get(accessKeyId),
    revoke(accessKeyId) {
      for (const session of sessions.values())
        if (accessKeyId === undefined ? session.isAssumed : session.accessKeyId === accessKeyId)
          session.isRevoked = true
    },
    clearRevocations() {
      for (const session of sessions.values()) session.isRevoked = false
    },
  }
}
