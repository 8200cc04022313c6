/** Generates the three IAM policies of a cross-account configuration, and the warnings about them. */
import type { Issue } from '../options/issue.ts'
import { actionsOf, isOnIndexes, namesKeys } from './actions.ts'
import { tableArns } from './arn.ts'
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

type Condition = Record<string, Record<string, string | readonly string[]>>

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal?: { readonly AWS: string | readonly string[] }
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Condition?: Condition
}

/** An IAM policy. `JSON.stringify` converts it to the JSON policy document. */
export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

const document = (...statements: readonly (Statement | undefined)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.filter((statement) => statement !== undefined),
})

/** Returns a single value without a list, as AWS writes it, and several values as a list. */
export const oneOrMany = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] as string) : values

const withCondition = (...conditions: readonly Condition[]): { Condition?: Condition } => {
  const Condition: Condition = {}
  for (const condition of conditions) {
    for (const [operator, keys] of Object.entries(condition))
      Condition[operator] = { ...Condition[operator], ...keys }
  }
  return Object.keys(Condition).length === 0 ? {} : { Condition }
}

/**
 * Generates the trust policy, which states the callers that may assume the role, and with which session parameters.
 *
 * The statement for `sts:AssumeRole` repeats the conditions on tags, because STS evaluates `sts:TagSession` only for calls
 * with tags. The condition on the external ID is only in that statement, because `sts:ExternalId` is a condition key of
 * `sts:AssumeRole` only.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 */
export const trustPolicyOf = (configuration: TrustConfiguration): PolicyDocument => {
  const { executionRoles, externalId, tags, sourceIdentity } = configuration
  const Principal = { AWS: oneOrMany([...new Set(executionRoles.map(principalOf))]) }
  const callerConditions = callersOf(configuration)
  const tagConditions = tagConditionsOf(configuration)
  const identityConditions = identityConditionOf(sourceIdentity)
  const externalIdCondition: Condition =
    externalId === undefined ? {} : { StringEquals: { 'sts:ExternalId': externalId } }
  const allow = (Sid: string, Action: string, ...conditions: readonly Condition[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Principal,
    Action,
    ...withCondition(...conditions, callerConditions),
  })
  return document(
    allow('AssumeRole', 'sts:AssumeRole', externalIdCondition, tagConditions, identityConditions),
    tags.size > 0 ? allow('TagSession', 'sts:TagSession', tagConditions) : undefined,
    sourceIdentity ? allow('SetSourceIdentity', 'sts:SetSourceIdentity', identityConditions) : undefined,
  )
}

const isPattern = (executionRole: string): boolean => executionRole !== '*' && /[*?]/.test(executionRole)

/**
 * Returns the principal of an execution role. The only wildcard that a principal can contain is `*` alone, so a role pattern
 * becomes its account, and a condition on `aws:PrincipalArn` restricts the account to the pattern.
 */
const principalOf = (executionRole: string): string =>
  isPattern(executionRole) ? executionRole.replace(/:role\/.*$/, ':root') : executionRole

const callersOf = ({ executionRoles, organizationId, role }: TrustConfiguration): Condition => {
  // A condition applies to all principals. If one is a pattern, the condition must list the others, too, unless one is `*`.
  const isNarrowed = executionRoles.some(isPattern) && !executionRoles.includes('*')
  const callers = isNarrowed ? executionRoles.map((arn) => callerPattern(arn, role.partition)) : []
  return {
    ...(organizationId !== undefined && { StringEquals: { 'aws:PrincipalOrgID': organizationId } }),
    ...(callers.length > 0 && { ArnLike: { 'aws:PrincipalArn': oneOrMany([...new Set(callers)]) } }),
  }
}

/** Converts an account to a pattern of its principals, because the ARN of a caller is never the ARN of its account. */
const callerPattern = (executionRole: string, partition: string): string =>
  executionRole
    .replace(/^\d{12}$/, `arn:${partition}:iam::$&:*`)
    .replace(/^(?<account>arn:[\w-]+:iam::\d{12}):root$/, '$<account>:*')

/**
 * Returns conditions that require each tag and allow no other tags. A tag must have its fixed value, or any nonempty value if
 * none is fixed.
 */
const tagConditionsOf = ({ tags, transitiveTagKeys }: TrustConfiguration): Condition => {
  if (tags.size === 0) return {}
  const entries = [...tags]
  const fixedValues = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [[`aws:RequestTag/${key}`, value]],
  )
  const anyValues = entries.flatMap(([key, value]) =>
    value === undefined ? [[`aws:RequestTag/${key}`, '?*']] : [],
  )
  return {
    'ForAllValues:StringEquals': {
      'aws:TagKeys': oneOrMany([...tags.keys()]),
      ...(transitiveTagKeys.length > 0 && { 'sts:TransitiveTagKeys': oneOrMany(transitiveTagKeys) }),
    },
    ...(fixedValues.length > 0 && { StringEquals: Object.fromEntries(fixedValues) }),
    ...(anyValues.length > 0 && { StringLike: Object.fromEntries(anyValues) }),
    ...(transitiveTagKeys.length === 0 && { Null: { 'sts:TransitiveTagKeys': 'true' } }),
  }
}

const identityConditionOf = (sourceIdentity: boolean | string | undefined): Condition => {
  if (!sourceIdentity) return {}
  return sourceIdentity === true
    ? { StringLike: { 'sts:SourceIdentity': '?*' } }
    : { StringEquals: { 'sts:SourceIdentity': sourceIdentity } }
}

/**
 * Generates the permissions policy, which allows exact actions on exact tables. With `tenantTag`, requests must name only
 * partition keys that equal the value of that session tag.
 */
export const permissionsPolicyOf = (configuration: TrustConfiguration): PolicyDocument => {
  const { role, region, tables, access, tenantTag, indexes, kmsKeyArn } = configuration
  const actions = actionsOf(access).filter((action) => tenantTag === undefined || namesKeys(action))
  const arns = tableArns(tables, { ...role, region })
  const leadingKeyCondition: Condition =
    tenantTag === undefined ? {} : onlyLeadingKeys('StringEquals', `\${aws:PrincipalTag/${tenantTag}}`)
  const allow = (Sid: string, names: readonly string[], resources: readonly string[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Action: oneOrMany(names.map((action) => `dynamodb:${action}`)),
    Resource: oneOrMany(resources),
    ...withCondition(leadingKeyCondition),
  })
  const onIndexes = actions.filter(isOnIndexes)
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
export const callerPolicyOf = ({ roleArn, tags, sourceIdentity }: TrustConfiguration): PolicyDocument => {
  const actions = [
    'sts:AssumeRole',
    ...(tags.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity ? ['sts:SetSourceIdentity'] : []),
  ]
  return document({ Sid: 'AssumeTargetRole', Effect: 'Allow', Action: oneOrMany(actions), Resource: roleArn })
}

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
  const actions = actionsOf(access).filter((action) => !namesKeys(action))
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
