import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'

/** A session tag, as STS spells it. */
export interface Tag {
  readonly Key: string
  readonly Value: string
}

/**
 * Everything that decides what a session may do. Two invocations share a session only if these are equal.
 * (A session policy will join them with `scope`, and the key of the session store is made from them.)
 */
export interface SessionIdentity {
  readonly roleArn: string
  readonly externalId?: string
  readonly sessionTags: readonly Tag[]
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
  readonly sessionName: string
  readonly durationSeconds: number
}

/** The AssumeRole request that makes this session. What is not set is not sent: an empty list is an answer to STS. */
export const assumeRoleInput = (identity: SessionIdentity): AssumeRoleCommandInput => ({
  RoleArn: identity.roleArn,
  RoleSessionName: identity.sessionName,
  DurationSeconds: identity.durationSeconds,
  ...(identity.externalId !== undefined && { ExternalId: identity.externalId }),
  ...(identity.sessionTags.length > 0 && { Tags: [...identity.sessionTags] }),
  ...(identity.transitiveTagKeys.length > 0 && { TransitiveTagKeys: [...identity.transitiveTagKeys] }),
  ...(identity.sourceIdentity !== undefined && { SourceIdentity: identity.sourceIdentity }),
})
