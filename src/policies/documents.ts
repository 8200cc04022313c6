/** The three IAM documents of a set-up. */
import { tableArns } from '../limits.ts'
import { actionsOf, isOnIndexes, namesKeys } from './actions.ts'
import { onlyLeadingKeys } from './leading-keys.ts'
import { isBroad, type SetUp } from './set-up.ts'

/** White space is not counted. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const TRUST_POLICY_CHARACTERS = 2048
/** Of all inline policies of a role together. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const INLINE_POLICY_CHARACTERS = 10_240

type Condition = Record<string, Record<string, string | readonly string[]>>

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal?: { readonly AWS: string | readonly string[] }
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Condition?: Condition
}

/** An IAM policy, as JSON takes it. */
export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

const document = (...statements: readonly (Statement | undefined)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.filter((statement) => statement !== undefined),
})

/** One value stands alone, as AWS writes it. */
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
 * Who may assume the role, and with what. The conditions on tags stand at sts:AssumeRole, too: without tags,
 * sts:TagSession is not asked for. The external ID stands at sts:AssumeRole only, which alone knows it.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 */
export const trustPolicyOf = (setUp: SetUp): PolicyDocument => {
  const { executionRoles, externalId, tags, sourceIdentity } = setUp
  const Principal = { AWS: oneOrMany([...new Set(executionRoles.map(principalOf))]) }
  const everywhere = callersOf(setUp)
  const tagged = tagConditionsOf(setUp)
  const identified = identityConditionOf(sourceIdentity)
  const whenExternal: Condition =
    externalId === undefined ? {} : { StringEquals: { 'sts:ExternalId': externalId } }
  const allow = (Sid: string, Action: string, ...conditions: readonly Condition[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Principal,
    Action,
    ...withCondition(...conditions, everywhere),
  })
  return document(
    allow('AssumeRole', 'sts:AssumeRole', whenExternal, tagged, identified),
    tags.size > 0 ? allow('TagSession', 'sts:TagSession', tagged) : undefined,
    sourceIdentity ? allow('SetSourceIdentity', 'sts:SetSourceIdentity', identified) : undefined,
  )
}

const isPattern = (executionRole: string): boolean => executionRole !== '*' && /[*?]/.test(executionRole)

/** A principal holds no wildcard but `*` alone; a pattern of roles is its account, narrowed by a condition. */
const principalOf = (executionRole: string): string =>
  isPattern(executionRole) ? executionRole.replace(/:role\/.*$/, ':root') : executionRole

const callersOf = ({ executionRoles, organizationId, role }: SetUp): Condition => {
  // A condition holds for all principals: where one is a pattern, the others stand beside it, unless `*` is everybody.
  const isNarrowed = executionRoles.some(isPattern) && !executionRoles.includes('*')
  const callers = isNarrowed ? executionRoles.map((arn) => callerPattern(arn, role.partition)) : []
  return {
    ...(organizationId !== undefined && { StringEquals: { 'aws:PrincipalOrgID': organizationId } }),
    ...(callers.length > 0 && { ArnLike: { 'aws:PrincipalArn': oneOrMany([...new Set(callers)]) } }),
  }
}

/** No caller's ARN is that of its account. */
const callerPattern = (executionRole: string, partition: string): string =>
  executionRole
    .replace(/^\d{12}$/, `arn:${partition}:iam::$&:*`)
    .replace(/^(?<account>arn:[\w-]+:iam::\d{12}):root$/, '$<account>:*')

/** Exactly these tags: each must be there, with its value if that is fixed, and no other. */
const tagConditionsOf = ({ tags, transitiveTagKeys }: SetUp): Condition => {
  if (tags.size === 0) return {}
  const entries = [...tags]
  const fixed = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [[`aws:RequestTag/${key}`, value]],
  )
  const open = entries.flatMap(([key, value]) =>
    value === undefined ? [[`aws:RequestTag/${key}`, '?*']] : [],
  )
  return {
    'ForAllValues:StringEquals': {
      'aws:TagKeys': oneOrMany([...tags.keys()]),
      ...(transitiveTagKeys.length > 0 && { 'sts:TransitiveTagKeys': oneOrMany(transitiveTagKeys) }),
    },
    ...(fixed.length > 0 && { StringEquals: Object.fromEntries(fixed) }),
    ...(open.length > 0 && { StringLike: Object.fromEntries(open) }),
    ...(transitiveTagKeys.length === 0 && { Null: { 'sts:TransitiveTagKeys': 'true' } }),
  }
}

const identityConditionOf = (sourceIdentity: boolean | string | undefined): Condition => {
  if (!sourceIdentity) return {}
  return sourceIdentity === true
    ? { StringLike: { 'sts:SourceIdentity': '?*' } }
    : { StringEquals: { 'sts:SourceIdentity': sourceIdentity } }
}

/** What the role may do: exact actions on exact tables, for tenants only with their own keys. */
export const permissionsPolicyOf = (setUp: SetUp): PolicyDocument => {
  const { role, region, tables, access, tenantTag, indexes, kmsKeyArn } = setUp
  const actions = actionsOf(access).filter((action) => tenantTag === undefined || namesKeys(action))
  const arns = tableArns(tables, { ...role, region })
  const ownKeys: Condition =
    tenantTag === undefined ? {} : onlyLeadingKeys('StringEquals', `\${aws:PrincipalTag/${tenantTag}}`)
  const allow = (Sid: string, names: readonly string[], resources: readonly string[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Action: oneOrMany(names.map((action) => `dynamodb:${action}`)),
    Resource: oneOrMany(resources),
    ...withCondition(ownKeys),
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
 * DynamoDB decrypts the table's key on behalf of whoever uses the table; nobody else need.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz
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

/** What the execution role needs. */
export const callerPolicyOf = ({ roleArn, tags, sourceIdentity }: SetUp): PolicyDocument => {
  const actions = [
    'sts:AssumeRole',
    ...(tags.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity ? ['sts:SetSourceIdentity'] : []),
  ]
  return document({ Sid: 'AssumeTargetRole', Effect: 'Allow', Action: oneOrMany(actions), Resource: roleArn })
}

/** What is right as it was asked for, and still deserves a second look. */
export const warningsOf = (setUp: SetUp): string[] => {
  const tooLong = (policy: PolicyDocument, most: number, words: (length: number) => string): string[] => {
    const { length } = JSON.stringify(policy).replace(/\s/g, '')
    return length > most ? [words(length)] : []
  }
  return [
    ...warningsOfOptions(setUp),
    ...tooLong(
      trustPolicyOf(setUp),
      TRUST_POLICY_CHARACTERS,
      (length) =>
        `The trust policy has ${length} characters, ${length - TRUST_POLICY_CHARACTERS} more than the ${TRUST_POLICY_CHARACTERS} that IAM takes unless the quota is raised.`,
    ),
    ...tooLong(
      permissionsPolicyOf(setUp),
      INLINE_POLICY_CHARACTERS,
      (length) =>
        `The permissions policy has ${length} characters, and a role's inline policies may have ${INLINE_POLICY_CHARACTERS} together: make it several managed policies, or name fewer tables.`,
    ),
  ]
}

const warningsOfOptions = ({
  executionRoles,
  externalId,
  organizationId,
  tenantTag,
  indexes,
  access,
  kmsKeyArn,
  role,
  roleArn,
}: SetUp): string[] => {
  const broad = executionRoles.filter(isBroad)
  const withoutKeys = actionsOf(access).filter((action) => !namesKeys(action))
  return [
    ...broad.map(
      (principal) =>
        `executionRoleArn ${principal} trusts ${principal === '*' ? 'everybody in AWS' : 'more than one role'}: whoever may call sts:AssumeRole there can use the tables. Name the execution role instead.`,
    ),
    ...(broad.includes('*') && externalId === undefined && organizationId === undefined
      ? ['executionRoleArn * without externalId or organizationId makes the tables public.']
      : []),
    ...(tenantTag !== undefined && withoutKeys.length > 0
      ? [
          `With tenantTag this is left out, since it may name no key, and no condition would confine it to a tenant: ${withoutKeys.join(', ')}.`,
        ]
      : []),
    ...(tenantTag !== undefined && indexes === true
      ? [
          "With tenantTag, an index can be asked for items whose index key is the tenant's name: let each index begin with the tenant, too.",
        ]
      : []),
    ...(kmsKeyArn === undefined
      ? []
      : [
          kmsKeyArn.includes(`:${role.accountId}:`)
            ? `The key policy of ${kmsKeyArn} must let IAM policies of its account allow its use, which the default key policy does.`
            : `${kmsKeyArn} is in another account than the role: its key policy must allow the same to ${roleArn}.`,
        ]),
  ]
}
