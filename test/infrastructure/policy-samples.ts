/** Options of `crossAccountPolicies()`, and the same options as variables of the Terraform modules. */
import fc from 'fast-check'
import type { CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import { DEPLOYMENT_TARGET } from './deployment.ts'

const { functionAccount, tableAccount, region, externalId } = DEPLOYMENT_TARGET

const BASE = {
  roleArn: `arn:aws:iam::${tableAccount}:role/CrossAccountDynamoRole`,
  executionRoleArn: `arn:aws:iam::${functionAccount}:role/LambdaExecutionRole`,
  tables: ['MyTable'],
  access: ['GetItem'],
  region,
}
const KMS_KEY_ARN = `arn:aws:kms:${region}:${tableAccount}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const TABLES = ['One', `arn:aws:dynamodb:${region}:${tableAccount}:table/Two`, 'Three', 'One']
const EXECUTION_ROLES = ['One', 'path/Two'].map((name) => `arn:aws:iam::${functionAccount}:role/${name}`)

/** Options by what they show. */
export const NAMED_OPTIONS: Record<string, CrossAccountPoliciesOptions> = {
  'only the required options': BASE,
  'several tables and roles': { ...BASE, tables: TABLES, executionRoleArn: EXECUTION_ROLES, externalId },
  'a preset, with indexes': { ...BASE, access: 'read' },
  'a preset, without indexes': { ...BASE, access: 'read-write', indexes: false },
  'tags with values': { ...BASE, sessionTagKeys: { team: 'orders + more/1', stage: 'prod' } },
  'a tag with a value, and one that varies': { ...BASE, sessionTagKeys: { team: 'orders', stage: true } },
  'a tenant tag, which excludes Scan and PartiQL': { ...BASE, access: 'read-write', tenantTag: 'TenantId' },
  'a tenant tag with indexes': { ...BASE, access: 'read', tenantTag: 'TenantId', indexes: true },
  'a transitive tenant tag': { ...BASE, tenantTag: 'TenantId', transitiveTagKeys: ['TenantId'] },
  'a KMS key': { ...BASE, access: 'write', tables: TABLES, kmsKeyArn: KMS_KEY_ARN },
  'a source identity': { ...BASE, sourceIdentity: 'orders-function' },
  'a source identity that varies': { ...BASE, sourceIdentity: true, externalId },
  'another path and Region': {
    ...BASE,
    roleArn: `arn:aws:iam::${tableAccount}:role/teams/orders/Role`,
    region: 'eu-central-1',
    access: ['dynamodb:DescribeTable', 'SearchVectors', 'Query'],
  },
}

/** Generates combinations of all options. */
export const arbitraryOptions: fc.Arbitrary<CrossAccountPoliciesOptions> = fc
  .record(
    {
      executionRoleArn: fc.constantFrom<CrossAccountPoliciesOptions['executionRoleArn'][]>(
        BASE.executionRoleArn,
        EXECUTION_ROLES,
      ),
      tables: fc.constantFrom(['MyTable'], TABLES),
      access: fc.constantFrom<CrossAccountPoliciesOptions['access'][]>(
        'read',
        'write',
        'read-write',
        ['Query'],
        ['GetItem', 'Scan', 'dynamodb:GetItem'],
      ),
      externalId: fc.constantFrom('ab', externalId),
      sessionTagKeys: fc.constantFrom<CrossAccountPoliciesOptions['sessionTagKeys'][]>(
        {},
        { team: 'orders' },
        { stage: true },
        { TenantId: 'acme', stage: true, team: 'orders' },
      ),
      tenantTag: fc.constant('TenantId'),
      sourceIdentity: fc.constantFrom(false, true, 'orders-function'),
      indexes: fc.boolean(),
      kmsKeyArn: fc.constant(KMS_KEY_ARN),
      isTransitive: fc.boolean(),
    },
    { requiredKeys: ['tables', 'access', 'executionRoleArn'] },
  )
  .map(({ isTransitive, ...options }) => ({
    ...BASE,
    ...options,
    ...(isTransitive && { transitiveTagKeys: [...toTags(options).keys()] }),
  }))

type TagOptions = Pick<CrossAccountPoliciesOptions, 'sessionTagKeys' | 'tenantTag'>

/** Returns all session tags: each key with its fixed value, or with `*` if the tag can have any nonempty value. */
const toTags = ({ sessionTagKeys = {}, tenantTag }: TagOptions): Map<string, string> => {
  if (Array.isArray(sessionTagKeys)) throw new Error('Use a record for the session tag keys of a sample.')
  const tags = new Map<string, string>(tenantTag === undefined ? [] : [[tenantTag, '*']])
  for (const [key, value] of Object.entries(sessionTagKeys)) tags.set(key, value === true ? '*' : value)
  return tags
}

/** Returns the variables of the modules for the same configuration. */
export const toModuleVariables = (options: CrossAccountPoliciesOptions) => {
  const [, path = '', name = ''] = /role(\/(?:.*\/)?)([^/]*)$/.exec(options.roleArn) ?? []
  const { tenantTag = null, sourceIdentity = false, access } = options
  const session = {
    external_id: options.externalId ?? null,
    // The module adds the tenant tag.
    tags: Object.fromEntries(toTags({ sessionTagKeys: options.sessionTagKeys })),
    tenant_tag: tenantTag,
    transitive_tag_keys: options.transitiveTagKeys ?? [],
    source_identity: typeof sourceIdentity === 'string' ? sourceIdentity : sourceIdentity ? '*' : null,
  }
  const regionVariable = options.region === region ? null : options.region
  return {
    targetRole: {
      role_name: name,
      role_path: path,
      execution_role_arns: [options.executionRoleArn].flat(),
      session,
      tables: options.tables,
      access: [access].flat(),
      include_indexes: options.indexes ?? null,
      kms_key_arn: options.kmsKeyArn ?? null,
      region: regionVariable,
    },
    caller: {
      execution_role_name: 'LambdaExecutionRole',
      role_arn: options.roleArn,
      session,
      region: regionVariable,
    },
  }
}

const VARYING_TAG_VALUE = 'varying-value'
const VARYING_SOURCE_IDENTITY = 'varying-identity'

/** Returns the session parameters of a function that the options describe, with the property names of the STS API. */
export const toExpectedParameters = (options: CrossAccountPoliciesOptions) => {
  const { roleArn, externalId, transitiveTagKeys = [], sourceIdentity = false } = options
  return {
    RoleArn: roleArn,
    ExternalId: externalId,
    Tags: Object.fromEntries(
      [...toTags(options)].map(([key, value]) => [key, value === '*' ? VARYING_TAG_VALUE : value]),
    ),
    TransitiveTagKeys: transitiveTagKeys,
    SourceIdentity: sourceIdentity === true ? VARYING_SOURCE_IDENTITY : sourceIdentity || undefined,
  }
}

/**
 * Returns a `session` function that returns the session parameters that vary, or `undefined` if none vary. The tags that it returns
 * replace those of the environment, so it returns all tags if one of them varies.
 */
export const createSessionFunction = (options: CrossAccountPoliciesOptions) => {
  const { Tags, SourceIdentity } = toExpectedParameters(options)
  const varying = {
    ...([...toTags(options).values()].includes('*') && { sessionTags: Tags }),
    ...(options.sourceIdentity === true && { sourceIdentity: SourceIdentity }),
  }
  return Object.keys(varying).length > 0 ? () => varying : undefined
}

/** Valid variables, of which the lists below replace some. */
export const VALID_VARIABLES = toModuleVariables(BASE)
const { session } = VALID_VARIABLES.caller

/** Attributes of `session` that both modules refuse, each with the beginning of the message. */
const INVALID_SESSIONS: [message: string, attributes: Partial<Record<keyof typeof session, unknown>>][] = [
  ['external_id must', { external_id: 'a' }],
  ['external_id must', { external_id: 'a'.repeat(1225) }],
  ['external_id must', { external_id: 'a b' }],
  ['source_identity must', { source_identity: 'AWS:a' }],
  ['source_identity must', { source_identity: 'a*' }],
  ['The key of a session tag must', { tags: { 'aws:a': 'b' } }],
  ['The key of a session tag must', { tenant_tag: '' }],
  ['The key of a session tag must', { tenant_tag: '$a' }],
  ['The value of a session tag must', { tags: { a: '' } }],
  ['The value of a session tag must', { tags: { a: null } }],
  ['The keys of session tags must', { tags: { a: 'b', A: 'b' } }],
  ['The keys of session tags must', { tags: { tenant: 'b' }, tenant_tag: 'Tenant' }],
  ['Each of the transitive_tag_keys must', { transitive_tag_keys: ['a'] }],
  [
    'A session can have',
    { tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v'])) },
  ],
]

/** Values that a module refuses: the module, the beginning of the message, and the variables. */
export const INVALID_VARIABLES: [
  module: keyof typeof VALID_VARIABLES,
  message: string,
  variables: Record<string, unknown>,
][] = [
  ...(['targetRole', 'caller'] as const).flatMap((module) =>
    INVALID_SESSIONS.map(([message, attributes]): (typeof INVALID_VARIABLES)[number] => [
      module,
      message,
      { session: { ...session, ...attributes } },
    ]),
  ),
  ['targetRole', 'role_name must', { role_name: 'a/b' }],
  ['targetRole', 'role_path must', { role_path: 'teams' }],
  ['targetRole', 'role_path must', { role_path: '/team*/' }],
  ['targetRole', 'execution_role_arns must', { execution_role_arns: [] }],
  ['targetRole', 'execution_role_arns must', { execution_role_arns: ['*'] }],
  [
    'targetRole',
    'execution_role_arns must',
    { execution_role_arns: [`arn:aws:iam::${functionAccount}:root`] },
  ],
  ['targetRole', 'tables must', { tables: [] }],
  ['targetRole', 'tables must', { tables: ['Orders*'] }],
  ['targetRole', 'access must', { access: [] }],
  ['targetRole', 'access must', { access: ['read', 'GetItem'] }],
  ['targetRole', 'access must', { access: ['DeleteTable'] }],
  ['targetRole', 'kms_key_arn must', { kms_key_arn: KMS_KEY_ARN.replace('key/', 'alias/') }],
  ['targetRole', 'region must', { region: 'us-east' }],
  ['caller', 'execution_role_name must', { execution_role_name: BASE.executionRoleArn }],
  ['caller', 'role_arn must', { role_arn: 'CrossAccountDynamoRole' }],
  ['caller', 'role_arn must', { role_arn: `arn:aws:iam::${tableAccount}:role/a*/Role` }],
  ['caller', 'region must', { region: 'us-east' }],
  ['caller', 'policy_name must', { policy_name: 'a b' }],
  ['caller', 'env_prefix must', { env_prefix: '1A' }],
]

/** Valid values that the module of the target role refuses together, each with the beginning of the message. */
export const INVALID_COMBINATIONS: [message: string, variables: Record<string, unknown>][] = [
  ['With a tenant_tag, access must', { session: { ...session, tenant_tag: 'TenantId' }, access: ['Scan'] }],
  ['The ARNs of tables must', { tables: [`arn:aws:dynamodb:${region}:${functionAccount}:table/One`] }],
  ['The ARNs of tables must', { tables: [`arn:aws:dynamodb:eu-central-1:${tableAccount}:table/One`] }],
  ['The KMS key must', { kms_key_arn: KMS_KEY_ARN.replace(region, 'eu-central-1') }],
  [
    'The permissions policy is longer',
    { tables: Array.from({ length: 200 }, (_, index) => `Table${index}`) },
  ],
]
