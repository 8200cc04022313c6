/** The session that both accounts agree on: account A requests it, and the role in account B accepts it. */
import { Token } from 'aws-cdk-lib'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseArn, type RoleArn } from '../iam/arn.ts'
import type { CrossAccountPoliciesOptions } from '../iam/trust-configuration.ts'
import { formatBullets } from '../text.ts'
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
  /** The Region of the tables. It is a literal text and not a CDK token, because both accounts use it. */
  readonly region: string
  /**
   * The external ID, 2 to 1224 characters. It is visible in the templates, unless it is a CDK token.
   *
   * @default the trust policy does not require an external ID
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   */
  readonly externalId?: string | undefined
  /**
   * Session tags with fixed values. The trust policy requires them, and the function sends them. If the `session` function of the
   * middleware returns `sessionTags`, they replace these tags, so it must return all tags.
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

/**
 * Converts a session to the options of the generator of the policies that describe the session, with placeholders for tokens. The options
 * include unknown properties, so that the generator reports them.
 */
export const toPolicyOptions = (
  { sessionTags = {}, sessionTagKeys = [], externalId, sourceIdentity, ...others }: CrossAccountSession,
  { replaceToken }: Placeholders,
): Omit<CrossAccountPoliciesOptions, 'executionRoleArn' | 'tables' | 'access'> => {
  const tags = [
    ...sessionTagKeys.map((key) => [key, true] as const),
    ...Object.entries(sessionTags).map(([key, value]) => [key, replaceToken(value)] as const),
  ]
  return {
    ...others,
    externalId: externalId === undefined ? undefined : replaceToken(externalId),
    sessionTagKeys: tags.length === 0 ? undefined : Object.fromEntries(tags),
    sourceIdentity: typeof sourceIdentity === 'string' ? replaceToken(sourceIdentity) : sourceIdentity,
  }
}

/**
 * The properties that must be literal texts or lists of literal texts: both accounts use them, or they are parts of condition keys.
 */
const LITERAL_PROPERTIES = [
  'roleArn',
  'region',
  'tenantTag',
  'sessionTagKeys',
  'transitiveTagKeys',
  'organizationId',
]

/**
 * Checks what the generator of the policies cannot report for the constructs.
 *
 * @param subject the construct or function that has the properties, for error messages
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if a property is a CDK token that must be a literal, or if a session tag has an empty
 * value.
 */
export const checkSession = (session: CrossAccountSession, subject: string): void => {
  const tokens = LITERAL_PROPERTIES.filter((name) =>
    Token.isUnresolved((session as unknown as Record<string, unknown>)[name]),
  )
  const emptyTags = Object.entries(session.sessionTags ?? {}).filter(([, value]) => value === '')
  throwProblems(subject, [
    ...tokens.map(
      (name) =>
        `${name}: is a CDK token, whose value is not known when the stacks are synthesized; write it as text`,
    ),
    // The generator has this option, so it would not report it.
    ...('kmsKeyArn' in session
      ? ['kmsKeyArn: is not a property; the role uses the keys of the tables, so remove kmsKeyArn']
      : []),
    ...emptyTags.map(([key]) => `sessionTags: the value of ${key} must not be empty`),
  ])
}

/** @throws CrossAccountDynamoError `CONFIG_INVALID` if there are problems. */
export const throwProblems = (subject: string, problems: readonly string[]): void => {
  if (problems.length > 0)
    throw new CrossAccountDynamoError(
      'CONFIG_INVALID',
      `${subject} has problems:\n${formatBullets(problems)}`,
    )
}

/**
 * Returns the partition and the account of the role. If the ARN is invalid, returns `aws` and an example account. The generator then
 * reports the ARN together with the other problems.
 */
export const readRoleLocation = (roleArn: string): Pick<RoleArn, 'partition' | 'accountId'> => {
  const { partition = 'aws', account = '000000000000' } = parseArn(roleArn) ?? {}
  return { partition, accountId: account }
}
