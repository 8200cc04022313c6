/** Who a session is: everything that decides what it may do, its key, and the AssumeRole request made of it. */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'

/** A session tag, as STS spells it. */
export interface Tag {
  readonly Key: string
  readonly Value: string
}

/** Everything that decides what a session may do. Two invocations share a session only if these are equal. */
export interface SessionIdentity {
  readonly roleArn: string
  readonly externalId?: string
  readonly sessionTags: readonly Tag[]
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
  readonly sessionName: string
  readonly durationSeconds: number
  /** The session policy, as JSON text. */
  readonly policy?: string
  readonly policyArns: readonly string[]
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/**
 * A text that two identities share only if they are equal. JSON keeps apart what a joined string would not: its
 * quotes and commas are escaped in the values, and what is not set is `null`, which no string is. Only the order of
 * tags, transitive keys and policy ARNs, which means nothing to AWS, is lost.
 */
export const keyOf = (identity: SessionIdentity): string =>
  JSON.stringify([
    identity.roleArn,
    identity.externalId ?? null,
    identity.sessionTags
      .map(({ Key, Value }) => [Key, Value])
      .sort(([a = ''], [b = '']) => byCodeUnits(a, b)),
    identity.transitiveTagKeys.toSorted(byCodeUnits),
    identity.sourceIdentity ?? null,
    identity.sessionName,
    identity.durationSeconds,
    identity.policy ?? null,
    identity.policyArns.toSorted(byCodeUnits),
  ])

/** The AssumeRole request that makes this session. What is not set is not sent: an empty list is an answer to STS. */
export const assumeRoleInput = (identity: SessionIdentity): AssumeRoleCommandInput => ({
  RoleArn: identity.roleArn,
  RoleSessionName: identity.sessionName,
  DurationSeconds: identity.durationSeconds,
  ...(identity.externalId !== undefined && { ExternalId: identity.externalId }),
  ...(identity.sessionTags.length > 0 && { Tags: [...identity.sessionTags] }),
  ...(identity.transitiveTagKeys.length > 0 && { TransitiveTagKeys: [...identity.transitiveTagKeys] }),
  ...(identity.sourceIdentity !== undefined && { SourceIdentity: identity.sourceIdentity }),
  ...(identity.policy !== undefined && { Policy: identity.policy }),
  ...(identity.policyArns.length > 0 && { PolicyArns: identity.policyArns.map((arn) => ({ arn })) }),
})
