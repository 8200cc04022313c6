/** The session that both accounts agree on: account A requests it, and the role in account B accepts it. */
import { Token } from 'aws-cdk-lib'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseArn, type RoleArn } from '../iam/arn.ts'
import type { CrossAccountPoliciesOptions } from '../iam/trust-configuration.ts'
import type { Placeholders } from './placeholders.ts'

/**
 * The session that the function requests and that the role accepts. Pass the same object to {@link CrossAccountDynamoRole} and to
 * {@link grantCrossAccountDynamo}, so that the two accounts cannot disagree.
 */
export interface CrossAccountSession {
  /**
   * The ARN of the target role, such as `arn:aws:iam::222222222222:role/Orders`. It is a literal text and not a CDK token, because
   * both accounts use it. {@link CrossAccountDynamoRole} creates the role with this name and path.
   */
  readonly roleArn: string
  /**
   * The Region of the tables.
   *
   * @default for the role: the Region of its stack. For the function: the function's Region
   */
  readonly region?: string | undefined
  /**
   * The external ID, 2 to 1224 characters. It is not a secret, and it is visible in the templates.
   *
   * @default the trust policy does not require an external ID
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   */
  readonly externalId?: string | undefined
  /**
   * Session tags with fixed values. The function sends them, and the trust policy requires them.
   *
   * @default no tags with fixed values
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
   */
  readonly sessionTags?: Readonly<Record<string, string>> | undefined
  /**
   * The keys of the session tags that the `session` function of the middleware returns. The trust policy requires each of them, with
   * any nonempty value.
   *
   * @default only `tenantTag`, if it is set
   */
  readonly sessionTagKeys?: readonly string[] | undefined
  /**
   * The key of the session tag whose value identifies the tenant. The role then allows only requests whose partition keys equal the
   * value of this tag. The `session` function of the middleware returns it.
   *
   * @default the role allows requests with any partition key
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
   */
  readonly tenantTag?: string | undefined
  /**
   * The keys of the session tags that are transitive.
   *
   * @default no transitive session tags
   */
  readonly transitiveTagKeys?: readonly string[] | undefined
  /**
   * The source identity, or `true` if the `session` function of the middleware returns it.
   *
   * @default no source identity
   */
  readonly sourceIdentity?: string | true | undefined
}

/** Converts a session to the options of the generator of the policies that describe the session. Hides tokens in its values. */
export const toPolicyOptions = (
  { roleArn, externalId, sessionTags = {}, sessionTagKeys = [], ...others }: CrossAccountSession,
  { hideToken }: Placeholders,
): Omit<CrossAccountPoliciesOptions, 'executionRoleArn' | 'tables' | 'access' | 'region'> => {
  const { tenantTag, transitiveTagKeys, sourceIdentity } = others
  const tags = [
    ...sessionTagKeys.map((key) => [key, true] as const),
    ...Object.entries(sessionTags).map(([key, value]) => [key, hideToken(value)] as const),
  ]
  return {
    roleArn,
    externalId: externalId === undefined ? undefined : hideToken(externalId),
    sessionTagKeys: tags.length === 0 ? undefined : Object.fromEntries(tags),
    tenantTag,
    transitiveTagKeys,
    sourceIdentity: typeof sourceIdentity === 'string' ? hideToken(sourceIdentity) : sourceIdentity,
  }
}

/**
 * Returns the partition and the account of the role. If the ARN is invalid, returns examples, because the generator reports the
 * problem together with the other problems.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the ARN is a CDK token.
 */
export const readRoleLocation = (roleArn: string): Pick<RoleArn, 'partition' | 'accountId'> => {
  if (Token.isUnresolved(roleArn))
    throw createCdkError(
      'roleArn is a CDK token, whose value is not known when the stacks are synthesized. Both accounts need the ARN, so write it as ' +
        'text, such as arn:aws:iam::222222222222:role/Orders.',
    )
  const { partition = 'aws', account = '000000000000' } = parseArn(roleArn) ?? {}
  return { partition, accountId: account }
}

export const createCdkError = (message: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError('CONFIG_INVALID', message)
