/** Generates the three IAM policies of a cross-account configuration, and the warnings about them. */
import type { Issue } from '../options/issue.ts'
import { canRestrictByKey, listActions, supportsIndexes } from './actions.ts'
import { tableArns } from './arn.ts'
import {
  type Condition,
  callerStatement,
  type Statement,
  trustStatements,
  unwrapSingle,
  withConditions,
} from './assume-role-statements.ts'
import { onlyLeadingKeys } from './leading-keys.ts'
import { isBroad, type TrustConfiguration } from './trust-configuration.ts'

/**
 * The default quota, in characters. IAM does not count white space.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_TRUST_POLICY = 2048
/**
 * The quota for the total size of all inline policies of a role, in characters.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_INLINE_POLICIES = 10_240

export { type Statement, unwrapSingle }

/** An IAM policy. `JSON.stringify` converts it to the JSON policy document. */
export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

const document = (...statements: readonly (Statement | undefined)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.filter((statement) => statement !== undefined),
})

/** Generates the trust policy of the role. */
export const trustPolicyOf = (configuration: TrustConfiguration): PolicyDocument =>
  document(
    ...trustStatements(
      configuration,
      configuration.executionRoles.map(principalOf),
      callerConditionsOf(configuration),
    ),
  )

const isPattern = (executionRole: string): boolean => executionRole !== '*' && /[*?]/.test(executionRole)

/**
 * Returns the principal of an execution role. The only wildcard that a principal can contain is `*` alone, so a role pattern
 * becomes its account, and a condition on `aws:PrincipalArn` restricts the account to the pattern.
 */
const principalOf = (executionRole: string): string =>
  isPattern(executionRole) ? executionRole.replace(/:role\/.*$/, ':root') : executionRole

const callerConditionsOf = ({ executionRoles, organizationId, role }: TrustConfiguration): Condition[] => {
  // A condition applies to all principals. If one is a pattern, the condition must list the others, too, unless one is `*`.
  const isNarrowed = executionRoles.some(isPattern) && !executionRoles.includes('*')
  const callers = isNarrowed ? executionRoles.map((arn) => callerPattern(arn, role.partition)) : []
  return [
    ...(organizationId === undefined ? [] : [{ StringEquals: { 'aws:PrincipalOrgID': organizationId } }]),
    ...(callers.length > 0 ? [{ ArnLike: { 'aws:PrincipalArn': unwrapSingle([...new Set(callers)]) } }] : []),
  ]
}

/** Converts an account to a pattern of its principals, because the ARN of a caller is never the ARN of its account. */
const callerPattern = (executionRole: string, partition: string): string =>
  executionRole
    .replace(/^\d{12}$/, `arn:${partition}:iam::$&:*`)
    .replace(/^(?<account>arn:[\w-]+:iam::\d{12}):root$/, '$<account>:*')

/**
 * Generates the permissions policy, which allows exact actions on exact tables. With `tenantTag`, requests must name only
 * partition keys that equal the value of that session tag.
 */
export const permissionsPolicyOf = (configuration: TrustConfiguration): PolicyDocument => {
  const { role, region, tables, access, tenantTag, indexes, kmsKeyArn } = configuration
  const actions = listActions(access).filter((action) => tenantTag === undefined || canRestrictByKey(action))
  const arns = tableArns(tables, { ...role, region })
  const conditions =
    tenantTag === undefined ? [] : [onlyLeadingKeys('StringEquals', `\${aws:PrincipalTag/${tenantTag}}`)]
  const allow = (Sid: string, names: readonly string[], resources: readonly string[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Action: unwrapSingle(names.map((action) => `dynamodb:${action}`)),
    Resource: unwrapSingle(resources),
    ...withConditions(conditions),
  })
  const onIndexes = actions.filter(supportsIndexes)
  return document(
    allow('Tables', actions, arns),
    indexes === true && onIndexes.length > 0
      ? allow(
          'Indexes',
          onIndexes,
          arns.map((arn) => `${arn}/index/*`),
        )
      : undefined,
    kmsKeyArn === undefined ? undefined : throughDynamoDB(kmsKeyArn, region, role.partition),
  )
}

/**
 * Returns the statement for a customer managed key. DynamoDB uses the key on behalf of the principal that uses the table, so
 * the statement allows the key only through DynamoDB.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz
 */
const throughDynamoDB = (key: string, region: string, partition: string): Statement => {
  const service = `dynamodb.${region}.amazonaws.com`
  return {
    Sid: 'KeyThroughDynamoDB',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:DescribeKey'],
    Resource: key,
    Condition: {
      StringEquals: { 'kms:ViaService': partition === 'aws-cn' ? [service, `${service}.cn`] : service },
    },
  }
}

/** Generates the caller policy, which contains the permissions that the execution role requires. */
export const callerPolicyOf = (configuration: TrustConfiguration): PolicyDocument =>
  document(callerStatement(configuration.roleArn, configuration))

/** Finds valid but risky settings. Returns them as issues, so that each audience sees the option names that it uses. */
export const findWarnings = (configuration: TrustConfiguration): readonly Issue[] => [
  ...findPrincipalWarnings(configuration),
  ...findTenantWarnings(configuration),
  ...findKeyWarnings(configuration),
  ...findSizeWarnings(configuration),
]

const findPrincipalWarnings = ({
  executionRoles,
  externalId,
  organizationId,
}: TrustConfiguration): Issue[] => {
  const option = 'executionRoleArn'
  const broad = executionRoles.filter(isBroad)
  const isPublic = broad.includes('*') && externalId === undefined && organizationId === undefined
  return [
    ...broad.map((principal): Issue => ({ option, code: 'trusts-many-callers', principal })),
    ...(isPublic ? [{ option, code: 'public-tables' } as const] : []),
  ]
}

const findTenantWarnings = ({ tenantTag, access, indexes }: TrustConfiguration): Issue[] => {
  if (tenantTag === undefined) return []
  const option = 'tenantTag'
  const actions = listActions(access).filter((action) => !canRestrictByKey(action))
  return [
    ...(actions.length > 0 ? [{ option, code: 'actions-left-out', actions } as const] : []),
    ...(indexes === true ? [{ option, code: 'index-keys' } as const] : []),
  ]
}

const findKeyWarnings = ({ kmsKeyArn, role, roleArn }: TrustConfiguration): Issue[] => {
  if (kmsKeyArn === undefined) return []
  const isOwnKey = kmsKeyArn.includes(`:${role.accountId}:`)
  return [{ option: 'kmsKeyArn', code: isOwnKey ? 'key-policy' : 'key-policy-elsewhere', kmsKeyArn, roleArn }]
}

const findSizeWarnings = (configuration: TrustConfiguration): Issue[] => {
  const lengthOf = (policy: PolicyDocument): number => JSON.stringify(policy).replace(/\s/g, '').length
  const trust = lengthOf(trustPolicyOf(configuration))
  const permissions = lengthOf(permissionsPolicyOf(configuration))
  return [
    ...(trust > MAX_TRUST_POLICY
      ? [
          {
            option: 'trustPolicy',
            code: 'trust-policy-too-large',
            length: trust,
            max: MAX_TRUST_POLICY,
          } as const,
        ]
      : []),
    ...(permissions > MAX_INLINE_POLICIES
      ? [
          {
            option: 'permissionsPolicy',
            code: 'permissions-policy-too-large',
            length: permissions,
            max: MAX_INLINE_POLICIES,
          } as const,
        ]
      : []),
  ]
}
