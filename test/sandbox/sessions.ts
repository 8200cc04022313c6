import type { PolicyDocument, Role } from './account.ts'
import type { Clock } from './clock.ts'
import { randomId, randomSecret } from './random.ts'

/** A session of a role: the credentials that AWS gave out, and what it remembers of them. */
export interface Session {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  role: Role
  name: string
  /** `arn:aws:sts::…:assumed-role/Role/name`; a role's path is not in it. */
  arn: string
  /** `AROA…:name` */
  userId: string
  tags: Record<string, string>
  transitiveTagKeys: string[]
  sourceIdentity?: string | undefined
  policy?: PolicyDocument | undefined
  /** By AssumeRole; the others are those that the Lambda service got. */
  assumed: boolean
  issuedAt: number
  expiresAt: number
  revoked: boolean
}

export interface SessionRequest {
  role: Role
  name: string
  durationSeconds: number
  assumed: boolean
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string | undefined
  policy?: PolicyDocument | undefined
}

export interface Sessions {
  issue(request: SessionRequest): Session
  find(accessKeyId: string): Session | undefined
  /** One, or all that AssumeRole gave out. */
  revoke(accessKeyId?: string): void
  /** Takes back every revocation. */
  restore(): void
}

export function createSessions(clock: Clock): Sessions {
  const sessions = new Map<string, Session>()
  return {
    issue({ role, name, durationSeconds, tags = {}, transitiveTagKeys = [], ...rest }) {
      const session: Session = {
        ...rest,
        accessKeyId: `ASIA${randomId(16)}`,
        secretAccessKey: randomSecret(30),
        sessionToken: randomSecret(240),
        role,
        name,
        arn: `arn:aws:sts::${role.account.id}:assumed-role/${role.definition.name}/${name}`,
        userId: `${role.id}:${name}`,
        tags,
        transitiveTagKeys,
        issuedAt: clock.now(),
        expiresAt: clock.now() + durationSeconds * 1000,
        revoked: false,
      }
      sessions.set(session.accessKeyId, session)
      return session
    },
    find: (accessKeyId) => sessions.get(accessKeyId),
    revoke(accessKeyId) {
      for (const session of sessions.values())
        if (accessKeyId === undefined ? session.assumed : session.accessKeyId === accessKeyId)
          session.revoked = true
    },
    restore() {
      for (const session of sessions.values()) session.revoked = false
    },
  }
}
