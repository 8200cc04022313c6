/** Generates the three IAM policies of a cross-account configuration, and the warnings about them. */
import type { Issue } from '../options/issue.ts'
import { canReadIndexesByDefault, canRestrictByKey, canUseIndexes, listActions } from './actions.ts'
import { toTableArns } from './arn.ts'
import {
  type Condition,
  createCallerStatement,
  createTrustStatements,
  type Statement,
  toConditionProperty,
  unwrapSingle,
} from './assume-role-statements.ts'
import { createKmsKeyStatement } from './kms-key.ts'
import { createLeadingKeysCondition } from './leading-keys.ts'
import { isBroadPrincipal, type TrustConfiguration } from './trust-configuration.ts'

/**
 * The default quota for a role's trust policy, in characters. IAM does not count white space.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_TRUST_POLICY_CHARACTERS = 2048
/**
 * The quota for the total size of all inline policies of a role, in characters. IAM does not count white space.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_INLINE_POLICY_CHARACTERS = 10_240

export { type Statement, unwrapSingle }

/**
 * An IAM policy. `JSON.stringify` converts it to a JSON policy document.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export interface PolicyDocument {
  /** The version of the policy language. */
  readonly Version: '2012-10-17'
  /** The statements, at least one. */
  readonly Statement: readonly Statement[]
}

const createPolicyDocument = (...statements: readonly (Statement | undefined)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.filter((statement) => statement !== undefined),
})

/** Returns the trust policy of the target role. */
export const createTrustPolicy = (configuration: TrustConfiguration): PolicyDocument =>
  createPolicyDocument(
    ...createTrustStatements(
      configuration,
      configuration.executionRoles.map(toPrincipal),
      createCallerConditions(configuration),
    ),
  )

/** Returns whether an execution role is a role ARN with wildcards. */
const isRolePattern = (executionRole: string): boolean => executionRole !== '*' && /[*?]/.test(executionRole)

/**
 * Converts an execution role to the principal of a statement. A principal cannot contain `*` or `?` in a role name. Therefore a
 * role pattern becomes its account, and a condition on `aws:PrincipalArn` restricts the account to the pattern.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
const toPrincipal = (executionRole: string): string =>
  isRolePattern(executionRole) ? executionRole.replace(/:role\/.*$/, ':root') : executionRole

const createCallerConditions = ({
  executionRoles,
  organizationId,
  role,
}: TrustConfiguration): Condition[] => {
  // A condition applies to all principals. If one principal is a pattern, the condition must list the other principals, too. If
  // one principal is `*`, it already includes the pattern.
  const hasArnCondition = executionRoles.some(isRolePattern) && !executionRoles.includes('*')
  const callers = hasArnCondition ? executionRoles.map((arn) => toCallerPattern(arn, role.partition)) : []
  return [
    ...(organizationId === undefined ? [] : [{ StringEquals: { 'aws:PrincipalOrgID': organizationId } }]),
    ...(callers.length > 0 ? [{ ArnLike: { 'aws:PrincipalArn': unwrapSingle([...new Set(callers)]) } }] : []),
  ]
}

/**
 * Converts an execution role to a pattern for `aws:PrincipalArn`. An account becomes a pattern of all its principals, because
 * `aws:PrincipalArn` never contains the ARN of an account.
 */
const toCallerPattern = (executionRole: string, partition: string): string =>
  executionRole
    .replace(/^\d{12}$/, `arn:${partition}:iam::$&:*`)
    .replace(/^(?<account>arn:[\w-]+:iam::\d{12}):root$/, '$<account>:*')

/**
 * Returns the permissions policy of the target role, which allows only the given actions on the given tables. With `tenantTag`, it
 * allows only requests whose partition keys equal the value of that session tag.
 */
export const createPermissionsPolicy = (configuration: TrustConfiguration): PolicyDocument => {
  const { role, region, tables, access, tenantTag, indexes, kmsKeyArn } = configuration
  const actions = listActions(access).filter((action) => tenantTag === undefined || canRestrictByKey(action))
  const arns = toTableArns(tables, { ...role, region })
  const conditions =
    tenantTag === undefined
      ? []
      : [createLeadingKeysCondition('StringEquals', `\${aws:PrincipalTag/${tenantTag}}`)]
  const allow = (Sid: string, names: readonly string[], resources: readonly string[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Action: unwrapSingle(names.map((action) => `dynamodb:${action}`)),
    Resource: unwrapSingle(resources),
    ...toConditionProperty(conditions),
  })
  const indexActions = actions.filter(canUseIndexes)
  const canReadIndexes = indexes ?? canReadIndexesByDefault(tenantTag !== undefined)
  return createPolicyDocument(
    allow('Tables', actions, arns),
    canReadIndexes && indexActions.length > 0
      ? allow(
          'Indexes',
          indexActions,
          arns.map((arn) => `${arn}/index/*`),
        )
      : undefined,
    kmsKeyArn === undefined ? undefined : createKmsKeyStatement(kmsKeyArn, tables, region),
  )
}

/** Returns the caller policy, a permissions policy that allows the execution role to assume the target role. */
export const createCallerPolicy = (configuration: TrustConfiguration): PolicyDocument =>
  createPolicyDocument(createCallerStatement(configuration.roleArn, configuration))

/**
 * Returns the settings that are valid but risky. They are issues and not sentences, so that users of the command read the names of
 * flags, and callers of `crossAccountPolicies()` read the names of options.
 */
export const findWarnings = (configuration: TrustConfiguration): readonly Issue[] => [
  ...findPrincipalWarnings(configuration),
  ...findTenantWarnings(configuration),
  ...findKmsKeyWarnings(configuration),
  ...findSizeWarnings(configuration),
]

const findPrincipalWarnings = ({
  executionRoles,
  externalId,
  organizationId,
}: TrustConfiguration): Issue[] => {
  const option = 'executionRoleArn'
  const broadPrincipals = executionRoles.filter(isBroadPrincipal)
  const isPublic = broadPrincipals.includes('*') && externalId === undefined && organizationId === undefined
  return [
    ...broadPrincipals.map((principal): Issue => ({ option, code: 'trusts-many-callers', principal })),
    ...(isPublic ? [{ option, code: 'public-tables' } as const] : []),
  ]
}

const findTenantWarnings = ({ tenantTag, access, indexes }: TrustConfiguration): Issue[] => {
  if (tenantTag === undefined) return []
  const option = 'tenantTag'
  const keylessActions = listActions(access).filter((action) => !canRestrictByKey(action))
  return [
    ...(keylessActions.length > 0
      ? [{ option, code: 'actions-left-out', actions: keylessActions } as const]
      : []),
    ...(indexes === true ? [{ option, code: 'index-keys' } as const] : []),
  ]
}

const findKmsKeyWarnings = ({ kmsKeyArn, role, roleArn }: TrustConfiguration): Issue[] => {
  if (kmsKeyArn === undefined) return []
  const isInRoleAccount = kmsKeyArn.includes(`:${role.accountId}:`)
  return [
    {
      option: 'kmsKeyArn',
      code: isInRoleAccount ? 'key-policy' : 'key-policy-elsewhere',
      kmsKeyArn,
      roleArn,
    },
  ]
}

const findSizeWarnings = (configuration: TrustConfiguration): Issue[] => {
  const countCharacters = (policy: PolicyDocument): number => JSON.stringify(policy).replace(/\s/g, '').length
  const trustLength = countCharacters(createTrustPolicy(configuration))
  const permissionsLength = countCharacters(createPermissionsPolicy(configuration))
  return [
    ...(trustLength > MAX_TRUST_POLICY_CHARACTERS
      ? [
          {
            option: 'trustPolicy',
            code: 'trust-policy-too-large',
            length: trustLength,
            max: MAX_TRUST_POLICY_CHARACTERS,
          } as const,
        ]
      : []),
    ...(permissionsLength > MAX_INLINE_POLICY_CHARACTERS
      ? [
          {
            option: 'permissionsPolicy',
            code: 'permissions-policy-too-large',
            length: permissionsLength,
            max: MAX_INLINE_POLICY_CHARACTERS,
          } as const,
        ]
      : []),
  ]
}
