// biome-ignore-all lint/suspicious/noTemplateCurlyInString: IAM policy variables
/** The policy documents and warnings of `crossAccountPolicies()`, and the options that it refuses. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'
import {
  type Access,
  type CrossAccountPoliciesOptions,
  crossAccountPolicies,
} from 'middy-cross-account-dynamo/policies'
import { findWarnings } from '../../../src/iam/documents.ts'
import { compileScope } from '../../../src/iam/scope.ts'
import { POLICIES_AUDIENCE, readTrustConfiguration } from '../../../src/iam/trust-configuration.ts'
import { formatIssue } from '../../../src/options/issue.ts'
import { catchIssues } from '../issues.ts'

const MINIMAL_OPTIONS = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  executionRoleArn: 'arn:aws:iam::111111111111:role/LambdaExecutionRole',
  tables: ['MyTable'],
  access: 'read',
  region: 'us-east-1',
} satisfies CrossAccountPoliciesOptions

const createPolicies = (options: object = {}) => crossAccountPolicies({ ...MINIMAL_OPTIONS, ...options })
/** Returns the warnings as issues. */
const findOptionWarnings = (options: object = {}) =>
  findWarnings(readTrustConfiguration({ ...MINIMAL_OPTIONS, ...options }))

test('the documents of minimal options contain one statement for each kind of resource', () => {
  expect(createPolicies()).toEqual({
    trustPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeRole',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111111111111:role/LambdaExecutionRole' },
          Action: 'sts:AssumeRole',
        },
      ],
    },
    permissionsPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Tables',
          Effect: 'Allow',
          Action: [
            'dynamodb:BatchGetItem',
            'dynamodb:ConditionCheckItem',
            'dynamodb:GetItem',
            'dynamodb:PartiQLSelect',
            'dynamodb:Query',
            'dynamodb:Scan',
          ],
          Resource: 'arn:aws:dynamodb:us-east-1:222222222222:table/MyTable',
        },
        {
          Sid: 'Indexes',
          Effect: 'Allow',
          Action: ['dynamodb:PartiQLSelect', 'dynamodb:Query', 'dynamodb:Scan'],
          Resource: 'arn:aws:dynamodb:us-east-1:222222222222:table/MyTable/index/*',
        },
      ],
    },
    callerPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeTargetRole',
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Resource: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
        },
      ],
    },
    warnings: [],
  })
})

test.each([
  ['aws', 'eu-west-1'],
  ['aws-cn', 'cn-north-1'],
  ['aws-us-gov', 'us-gov-west-1'],
  ['aws-eusc', 'eusc-de-east-1'],
  ['aws-iso', 'us-iso-east-1'],
  ['aws-iso-b', 'us-isob-east-1'],
])('the documents contain conditions for all options in the partition %s', (partition, region) => {
  const roleArn = `arn:${partition}:iam::222222222222:role/tables/CrossAccountDynamoRole`
  const executionRoleArn = ['LambdaExecutionRole', 'path/SecondRole'].map(
    (name) => `arn:${partition}:iam::111111111111:role/${name}`,
  )
  const ordersArn = `arn:${partition}:dynamodb:${region}:222222222222:table/Orders`
  const invoicesArn = `arn:${partition}:dynamodb:${region}:222222222222:table/Invoices`
  const kmsKeyArn = `arn:${partition}:kms:${region}:222222222222:key/mrk-00000000000000000000000000000000`
  const organizationCondition = { 'aws:PrincipalOrgID': 'o-exampleorgid' }
  const tagConditions = {
    'ForAllValues:StringEquals': {
      'aws:TagKeys': ['team', 'TenantId'],
      'sts:TransitiveTagKeys': 'team',
    },
    StringLike: { 'aws:RequestTag/TenantId': '?*' },
  }
  const leadingKeysCondition = {
    'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': '${aws:PrincipalTag/TenantId}' },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
  const options = {
    roleArn,
    executionRoleArn,
    tables: ['Orders', invoicesArn, ordersArn],
    access: ['GetItem', 'dynamodb:Query', 'Scan'],
    region,
    externalId: 'example-external-id',
    sessionTagKeys: { team: 'orders' },
    tenantTag: 'TenantId',
    transitiveTagKeys: ['team', 'team'],
    sourceIdentity: 'orders-function',
    indexes: true,
    kmsKeyArn,
    organizationId: 'o-exampleorgid',
  } satisfies CrossAccountPoliciesOptions
  const warnings = findOptionWarnings(options)
  expect(warnings).toEqual([
    { option: 'tenantTag', code: 'actions-left-out', actions: ['Scan'] },
    { option: 'tenantTag', code: 'index-keys' },
    { option: 'kmsKeyArn', code: 'key-policy', kmsKeyArn, roleArn },
  ])
  expect(crossAccountPolicies(options)).toEqual({
    trustPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeRole',
          Effect: 'Allow',
          Principal: { AWS: executionRoleArn },
          Action: 'sts:AssumeRole',
          Condition: {
            ...tagConditions,
            StringEquals: {
              'sts:ExternalId': 'example-external-id',
              'aws:RequestTag/team': 'orders',
              'sts:SourceIdentity': 'orders-function',
              ...organizationCondition,
            },
          },
        },
        {
          Sid: 'TagSession',
          Effect: 'Allow',
          Principal: { AWS: executionRoleArn },
          Action: 'sts:TagSession',
          Condition: {
            ...tagConditions,
            StringEquals: { 'aws:RequestTag/team': 'orders', ...organizationCondition },
          },
        },
        {
          Sid: 'SetSourceIdentity',
          Effect: 'Allow',
          Principal: { AWS: executionRoleArn },
          Action: 'sts:SetSourceIdentity',
          Condition: {
            StringEquals: { 'sts:SourceIdentity': 'orders-function', ...organizationCondition },
          },
        },
      ],
    },
    permissionsPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Tables',
          Effect: 'Allow',
          Action: ['dynamodb:GetItem', 'dynamodb:Query'],
          Resource: [ordersArn, invoicesArn],
          Condition: leadingKeysCondition,
        },
        {
          Sid: 'Indexes',
          Effect: 'Allow',
          Action: 'dynamodb:Query',
          Resource: [`${ordersArn}/index/*`, `${invoicesArn}/index/*`],
          Condition: leadingKeysCondition,
        },
        {
          Sid: 'KeyThroughDynamoDB',
          Effect: 'Allow',
          Action: 'kms:Decrypt',
          Resource: kmsKeyArn,
          Condition: {
            StringEquals: {
              'kms:ViaService': `dynamodb.${region}.amazonaws.com`,
              'kms:EncryptionContext:aws:dynamodb:tableName': ['Orders', 'Invoices'],
            },
          },
        },
      ],
    },
    callerPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeTargetRole',
          Effect: 'Allow',
          Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          Resource: roleArn,
        },
      ],
    },
    warnings: warnings.map((warning) => formatIssue(warning, POLICIES_AUDIENCE)),
  })
})

const readTrustCondition = (options: object) => createPolicies(options).trustPolicy.Statement[0]?.Condition
const readAssumeRoleActions = (options: object) => {
  const { trustPolicy, callerPolicy } = createPolicies(options)
  return [trustPolicy.Statement.map(({ Action }) => Action), callerPolicy.Statement[0]?.Action]
}

describe('conditions of the trust policy', () => {
  test('a list of tag keys requires a value for each tag and no transitive tags', () => {
    expect(readTrustCondition({ sessionTagKeys: ['team', 'stage'], sourceIdentity: true })).toEqual({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringLike: {
        'aws:RequestTag/team': '?*',
        'aws:RequestTag/stage': '?*',
        'sts:SourceIdentity': '?*',
      },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    })
  })

  test('a record of tags requires its values, and any value for true', () => {
    expect(readTrustCondition({ sessionTagKeys: { team: 'orders', stage: true } })).toEqual({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/stage': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    })
  })

  test('the trust policy requires the tenant tag, even if sessionTagKeys does not contain it', () => {
    const condition = {
      'ForAllValues:StringEquals': { 'aws:TagKeys': 'TenantId' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    }
    expect(readTrustCondition({ tenantTag: 'TenantId' })).toEqual(condition)
    expect(readTrustCondition({ tenantTag: 'TenantId', sessionTagKeys: ['TenantId'] })).toEqual(condition)
  })

  test('sessionTagKeys can set the value of the tenant tag', () => {
    const { trustPolicy, permissionsPolicy } = createPolicies({
      tenantTag: 'TenantId',
      sessionTagKeys: { TenantId: 'acme' },
    })
    expect(trustPolicy.Statement[1]?.Condition?.StringEquals).toEqual({ 'aws:RequestTag/TenantId': 'acme' })
    expect(permissionsPolicy.Statement[0]?.Condition?.['ForAllValues:StringEquals']).toEqual({
      'dynamodb:LeadingKeys': '${aws:PrincipalTag/TenantId}',
    })
  })

  test.each([
    [{}, ['sts:AssumeRole']],
    [{ sessionTagKeys: [], sourceIdentity: false }, ['sts:AssumeRole']],
    [{ sessionTagKeys: ['team'] }, ['sts:AssumeRole', 'sts:TagSession']],
    [{ tenantTag: 'TenantId' }, ['sts:AssumeRole', 'sts:TagSession']],
    [{ sourceIdentity: true }, ['sts:AssumeRole', 'sts:SetSourceIdentity']],
  ])('the policies allow only the STS actions that these options require: %j', (options, actions) => {
    expect(readAssumeRoleActions(options)).toEqual([actions, actions.length === 1 ? actions[0] : actions])
  })
})

describe('principals', () => {
  const ACCOUNT_ARN = 'arn:aws:iam::111111111111'
  const readPrincipal = (executionRoleArn: string | string[], options: object = {}) => {
    const [statement] = createPolicies({ executionRoleArn, ...options }).trustPolicy.Statement
    const warnings = findOptionWarnings({ executionRoleArn, ...options })
    return { principal: statement?.Principal?.AWS, condition: statement?.Condition, warnings }
  }
  const option = 'executionRoleArn'
  const createBroadTrustWarning = (principal: string) => ({ option, code: 'trusts-many-callers', principal })
  const PUBLIC_TABLES_WARNING = { option, code: 'public-tables' }

  test('the principals are the roles of a list without duplicates', () => {
    expect(
      readPrincipal([`${ACCOUNT_ARN}:role/One`, `${ACCOUNT_ARN}:role/path/Two`, `${ACCOUNT_ARN}:role/One`]),
    ).toEqual({
      principal: [`${ACCOUNT_ARN}:role/One`, `${ACCOUNT_ARN}:role/path/Two`],
      condition: undefined,
      warnings: [],
    })
  })

  test.each([
    ['111111111111', '111111111111', undefined],
    [`${ACCOUNT_ARN}:root`, `${ACCOUNT_ARN}:root`, undefined],
    [`${ACCOUNT_ARN}:role/*`, `${ACCOUNT_ARN}:root`, `${ACCOUNT_ARN}:role/*`],
    [`${ACCOUNT_ARN}:role/orders-?-Role`, `${ACCOUNT_ARN}:root`, `${ACCOUNT_ARN}:role/orders-?-Role`],
    [`${ACCOUNT_ARN}:role/*/Role`, `${ACCOUNT_ARN}:root`, `${ACCOUNT_ARN}:role/*/Role`],
  ])(
    'the broad principal %s requires trustWholeAccount: true and causes a warning',
    (executionRoleArn, principal, pattern) => {
      expect(catchIssues(() => readPrincipal(executionRoleArn))).toEqual([
        { option, code: 'broad-principal', value: executionRoleArn },
      ])
      expect(readPrincipal(executionRoleArn, { trustWholeAccount: true })).toEqual({
        principal,
        condition: pattern && { ArnLike: { 'aws:PrincipalArn': pattern } },
        warnings: [createBroadTrustWarning(executionRoleArn)],
      })
    },
  )

  test('the principal * causes a second warning unless an external ID or an organization limits it', () => {
    expect(catchIssues(() => readPrincipal('*'))).toEqual([{ option, code: 'broad-principal', value: '*' }])
    expect(readPrincipal('*', { trustWholeAccount: true })).toEqual({
      principal: '*',
      condition: undefined,
      warnings: [createBroadTrustWarning('*'), PUBLIC_TABLES_WARNING],
    })
    for (const restriction of [{ externalId: 'example-external-id' }, { organizationId: 'o-exampleorgid' }])
      expect(readPrincipal('*', { trustWholeAccount: true, ...restriction }).warnings).toEqual([
        createBroadTrustWarning('*'),
      ])
  })

  test('if one principal is a pattern, the condition also contains the other principals', () => {
    const principals = [
      `${ACCOUNT_ARN}:role/orders-*`,
      `${ACCOUNT_ARN}:role/One`,
      '333333333333',
      'arn:aws:iam::444444444444:root',
    ]
    expect(readPrincipal(principals, { trustWholeAccount: true })).toMatchObject({
      principal: [
        `${ACCOUNT_ARN}:root`,
        `${ACCOUNT_ARN}:role/One`,
        '333333333333',
        'arn:aws:iam::444444444444:root',
      ],
      condition: {
        ArnLike: {
          'aws:PrincipalArn': [
            `${ACCOUNT_ARN}:role/orders-*`,
            `${ACCOUNT_ARN}:role/One`,
            'arn:aws:iam::333333333333:*',
            'arn:aws:iam::444444444444:*',
          ],
        },
      },
    })
    expect(readPrincipal([`${ACCOUNT_ARN}:role/orders-*`, '*'], { trustWholeAccount: true })).toMatchObject({
      principal: [`${ACCOUNT_ARN}:root`, '*'],
      condition: undefined,
    })
  })

  test('each statement of the trust policy contains the condition of the principals', () => {
    const { trustPolicy } = createPolicies({
      executionRoleArn: `${ACCOUNT_ARN}:role/*`,
      trustWholeAccount: true,
      sessionTagKeys: ['team'],
      sourceIdentity: true,
    })
    expect(trustPolicy.Statement.map(({ Condition }) => Condition?.ArnLike)).toEqual(
      Array(3).fill({ 'aws:PrincipalArn': `${ACCOUNT_ARN}:role/*` }),
    )
  })
})

test('a trust policy that is larger than the default quota causes a warning', () => {
  const createRoleArn = (pathLength: number) =>
    `arn:aws:iam::111111111111:role/${'x'.repeat(pathLength)}/Role`
  const otherRoles = ['1', '2', '3'].map((name) => `${createRoleArn(500)}${name}`)
  const createOptions = (pathLength: number) => ({
    executionRoleArn: [...otherRoles, createRoleArn(pathLength)],
  })
  const measureTrustPolicy = (pathLength: number) =>
    JSON.stringify(createPolicies(createOptions(pathLength)).trustPolicy).length
  const createWarnings = (length: number) => [
    { option: 'trustPolicy', code: 'trust-policy-too-large', length, max: 2048 },
  ]
  const maxPathLength = 2048 - measureTrustPolicy(1) + 1
  expect(measureTrustPolicy(maxPathLength)).toBe(2048)
  expect(findOptionWarnings(createOptions(maxPathLength))).toEqual([])
  expect(findOptionWarnings(createOptions(maxPathLength + 1))).toEqual(createWarnings(2049))
  expect(findOptionWarnings(createOptions(maxPathLength + 5))).toEqual(createWarnings(2053))
})

test('a permissions policy that is larger than the quota for inline policies causes a warning', () => {
  const createTables = (count: number, lastName = 'x') => [
    ...Array.from({ length: count }, (_, index) => `${'t'.repeat(200)}${index}`),
    `table-${lastName}`,
  ]
  const measurePermissionsPolicy = (lastName: string) =>
    JSON.stringify(createPolicies({ tables: createTables(39, lastName), indexes: false }).permissionsPolicy)
      .length
  const longestLastName = 'x'.repeat(10_240 - measurePermissionsPolicy(''))
  expect(measurePermissionsPolicy(longestLastName)).toBe(10_240)
  expect(findOptionWarnings({ tables: createTables(39, longestLastName), indexes: false })).toEqual([])
  expect(findOptionWarnings({ tables: createTables(39, `${longestLastName}x`), indexes: false })).toEqual([
    { option: 'permissionsPolicy', code: 'permissions-policy-too-large', length: 10_241, max: 10_240 },
  ])
})

test.each([
  ['read', ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query'], ['PartiQLSelect', 'Scan']],
  [
    'write',
    ['BatchWriteItem', 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem'],
    ['PartiQLDelete', 'PartiQLInsert', 'PartiQLUpdate'],
  ],
])(
  'with tenantTag, the access %s excludes actions that a tag cannot limit and causes a warning',
  (access, actions, omittedActions) => {
    const options = { access, tenantTag: 'TenantId' }
    const { permissionsPolicy } = createPolicies(options)
    expect(permissionsPolicy.Statement[0]?.Action).toEqual(actions.map((action) => `dynamodb:${action}`))
    expect(findOptionWarnings(options)).toEqual([
      { option: 'tenantTag', code: 'actions-left-out', actions: omittedActions },
    ])
  },
)

test.each([
  { tenantTag: 'TenantId', access: ['GetItem'] },
  { indexes: true },
  { indexes: false },
  { externalId: 'example-external-id', sessionTagKeys: ['team'], transitiveTagKeys: ['team'] },
])('these options cause no warnings: %j', (options) => {
  expect(createPolicies(options).warnings).toEqual([])
})

describe('a scope and the permissions policy', () => {
  const target = { partition: 'aws', accountId: '222222222222', region: 'us-east-1' }
  const tables = ['MyTable', 'arn:aws:dynamodb:us-east-1:222222222222:table/Orders', 'Orders']
  const toList = (value: string | readonly string[] | undefined) => [value ?? []].flat()

  const ACCESS_VALUES: Access[] = ['read', 'write', 'read-write', ['dynamodb:Query', 'GetItem', 'PutItem']]
  const OPTION_SETS = [
    {},
    { indexes: true },
    { indexes: false },
    { tenantTag: 'TenantId' },
    { tenantTag: 'TenantId', indexes: true },
  ]

  test.each(ACCESS_VALUES.flatMap((access) => OPTION_SETS.map((options) => [access, options] as const)))(
    'a scope and the permissions policy have the same actions and resources for the access %j with %j',
    (access, options) => {
      const { indexes, tenantTag } = options as { indexes?: boolean; tenantTag?: string }
      const leadingKeysScope = tenantTag === undefined ? {} : { leadingKeys: ['acme'] }
      const scope = JSON.parse(
        compileScope(
          { tables, access, ...(indexes !== undefined && { indexes }), ...leadingKeysScope },
          target,
        ),
      )
      const { permissionsPolicy } = createPolicies({ tables, access, ...options })
      const [tablesStatement, indexesStatement] = permissionsPolicy.Statement
      expect(scope.Statement).toHaveLength(1)
      expect(scope.Statement[0].Action).toEqual(toList(tablesStatement?.Action))
      expect(scope.Statement[0].Resource).toEqual([
        ...toList(tablesStatement?.Resource),
        ...toList(indexesStatement?.Resource),
      ])
      expect(scope.Statement[0].Action).toEqual(expect.arrayContaining(toList(indexesStatement?.Action)))
    },
  )
})

const catchPolicyIssues = (options: unknown) =>
  catchIssues(() => crossAccountPolicies(options as CrossAccountPoliciesOptions))

describe('crossAccountPolicies()', () => {
  const createRoleArn = (path: string) => `arn:aws:iam::222222222222:role/${path}`
  const KMS_KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000'
  const NOT_A_LIST = { code: 'invalid-type', actual: 'a number' }
  const EXPECTED_TABLE_PREFIX = 'arn:aws:dynamodb:us-east-1:222222222222:table/'
  const createPatternCase = (path: string): [string, unknown, object] => [
    'roleArn',
    createRoleArn(path),
    { code: 'role-pattern', value: createRoleArn(path) },
  ]
  const createPartitionCase = (resource: string): [string, unknown, object, object] => {
    const value = `arn:aws-cn:iam::111111111111:${resource}`
    return [
      'executionRoleArn',
      value,
      { code: 'other-partition', value, partition: 'aws' },
      TRUST_WHOLE_ACCOUNT,
    ]
  }
  const createInvalidRoleCase = (
    option: string,
    value: unknown,
    reason: string,
  ): [string, unknown, object, object] => [
    option,
    value,
    { code: 'invalid-role-arn', value: [value].flat().at(-1), reason },
    TRUST_WHOLE_ACCOUNT,
  ]
  const TRUST_WHOLE_ACCOUNT = { trustWholeAccount: true }
  const TENANT_TAG = { tenantTag: 'TenantId' }
  const createTagLocation = (part: 'key' | 'value', key: string) => ({ tag: { part, key } })

  test.each<[option: string, value: unknown, issue: object, otherOptions?: object]>([
    createInvalidRoleCase('roleArn', 'CrossAccountDynamoRole', 'not-an-arn'),
    ['roleArn', undefined, { code: 'required' }],
    ['roleArn', null, { code: 'invalid-type', actual: 'null' }],
    createPatternCase('*/Role'),
    createPatternCase('?/Role'),
    createPatternCase('${a}/R'),
    ['executionRoleArn', undefined, { code: 'required' }],
    ['executionRoleArn', [], { code: 'empty' }],
    ['executionRoleArn', null, { code: 'invalid-type', actual: 'null' }],
    ['executionRoleArn', 7, NOT_A_LIST],
    [
      'executionRoleArn',
      [createRoleArn('One'), 7],
      { code: 'invalid-type', actual: 'a list that contains a number' },
    ],
    createInvalidRoleCase('executionRoleArn', [createRoleArn('One'), 'Two'], 'not-an-arn'),
    createInvalidRoleCase(
      'executionRoleArn',
      'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn',
      'session-arn',
    ),
    createInvalidRoleCase('executionRoleArn', 'arn:aws:iam::*:role/Role', 'no-account-id'),
    createInvalidRoleCase('executionRoleArn', createRoleArn('${aws:PrincipalTag/team}*'), 'invalid-name'),
    createPartitionCase('role/Role'),
    createPartitionCase('role/*'),
    createPartitionCase('root'),
    ['tables', undefined, { code: 'required' }],
    ['tables', null, { code: 'invalid-type', actual: 'null' }],
    ['tables', [], { code: 'empty' }],
    ['tables', 'MyTable', { code: 'invalid-type', actual: 'a string' }],
    ['tables', ['*'], { code: 'invalid-table', value: '*' }],
    ...['us-east-1:333333333333', 'eu-west-1:222222222222'].map(
      (regionAndAccount): [string, unknown, object] => {
        const value = `arn:aws:dynamodb:${regionAndAccount}:table/MyTable`
        return ['tables', [value], { code: 'table-elsewhere', value, prefix: EXPECTED_TABLE_PREFIX }]
      },
    ),
    ['access', undefined, { code: 'required' }],
    ['access', 'all', { code: 'unknown-action', action: 'all', suggestion: undefined }],
    ['access', 'reed', { code: 'unknown-action', action: 'reed', suggestion: 'read' }],
    ['access', 'GetItem', { code: 'invalid-value', value: 'GetItem' }],
    ['access', ['read', 'GetItem'], { code: 'preset-in-list', preset: 'read' }],
    [
      'access',
      ['TransactGetItems'],
      { code: 'operation-not-action', operation: 'TransactGetItems', actions: ['GetItem'] },
    ],
    ['access', ['*'], { code: 'unknown-action', action: '*', suggestion: undefined }],
    ['access', ['Scan'], { code: 'no-restrictable-action' }, TENANT_TAG],
    ['region', undefined, { code: 'required' }],
    ['region', 'here', { code: 'invalid-region', value: 'here' }],
    ['region', 'cn-north-1', { code: 'other-partition', value: 'cn-north-1', partition: 'aws' }],
    ['externalId', '', { code: 'invalid-length', min: 2, max: 1224, length: 0 }],
    ['externalId', null, { code: 'invalid-type', actual: 'null' }],
    ...['team', null, [7], { team: undefined }, { team: '' }, { team: 7 }, { team: false }].map(
      (keys): [string, unknown, object] => ['sessionTagKeys', keys, { code: 'invalid-tag-keys' }],
    ),
    ['sessionTagKeys', ['aws:team'], { code: 'reserved-prefix', ...createTagLocation('key', 'aws:team') }],
    [
      'sessionTagKeys',
      { team: '*' },
      { code: 'invalid-character', character: '*', ...createTagLocation('value', 'team') },
    ],
    ['sessionTagKeys', ['team', 'Team'], { code: 'duplicate-tag-key', keys: ['team', 'Team'] }],
    [
      'sessionTagKeys',
      ['Team'],
      { code: 'duplicate-tag-key', keys: ['Team', 'team'] },
      { tenantTag: 'team' },
    ],
    ['sessionTagKeys', 'team', { code: 'invalid-tag-keys' }, { transitiveTagKeys: ['team'] }],
    ['tenantTag', '', { code: 'invalid-length', length: 0, ...createTagLocation('key', '') }],
    ['tenantTag', 'a*', { code: 'invalid-character', character: '*', ...createTagLocation('key', 'a*') }],
    ['tenantTag', 7, { code: 'invalid-type', actual: 'a number' }],
    ['tenantTag', null, { code: 'invalid-type', actual: 'null' }],
    ['transitiveTagKeys', ['team'], { code: 'unknown-tag-key', key: 'team', known: [] }],
    ['transitiveTagKeys', 'team', { code: 'invalid-type', actual: 'a string' }, { sessionTagKeys: ['team'] }],
    ['transitiveTagKeys', 7, NOT_A_LIST],
    ['transitiveTagKeys', null, { code: 'invalid-type', actual: 'null' }],
    ['sourceIdentity', '', { code: 'invalid-length', min: 2, max: 64, length: 0 }],
    ['sourceIdentity', 'aws:me', { code: 'reserved-prefix' }],
    ['sourceIdentity', null, { code: 'invalid-type', actual: 'null' }],
    ['indexes', 'yes', { code: 'invalid-type', actual: 'a string' }],
    ['trustWholeAccount', 1, { code: 'invalid-type', actual: 'a number' }],
    ['kmsKeyArn', 'alias/orders', { code: 'invalid-key-arn', value: 'alias/orders' }],
    ['kmsKeyArn', [KMS_KEY_ARN], { code: 'invalid-key-arn', value: { type: 'a list' } }],
    ['kmsKeyArn', `${KMS_KEY_ARN}*`, { code: 'invalid-key-arn', value: `${KMS_KEY_ARN}*` }],
    [
      'kmsKeyArn',
      KMS_KEY_ARN.replace('us-east-1', 'eu-west-1'),
      { code: 'key-elsewhere', region: 'eu-west-1', expected: 'us-east-1' },
    ],
    ['kmsKeyArn', KMS_KEY_ARN.replace('aws', 'aws-cn'), { code: 'other-partition', partition: 'aws' }],
    ['organizationId', 'r-root', { code: 'invalid-value', value: 'r-root' }],
    ['organizationId', ['o-exampleorgid'], { code: 'invalid-value', value: { type: 'a list' } }],
    ['organizationId', 'o-*', { code: 'invalid-value', value: 'o-*' }],
    ['tenantTags', 'TenantId', { code: 'unknown-option', suggestion: 'tenantTag' }],
    ['zzz', 1, { code: 'unknown-option', suggestion: undefined }],
  ])(
    'crossAccountPolicies() refuses the %s %j with one issue: %j',
    (option, value, issue, otherOptions = {}) => {
      expect(catchPolicyIssues({ ...MINIMAL_OPTIONS, ...otherOptions, [option]: value })).toEqual([
        expect.objectContaining({ option, ...issue }),
      ])
    },
  )

  test('one error of crossAccountPolicies() reports all invalid options', () => {
    const invalidOptions = {
      roleArn: 'R',
      executionRoleArn: ['*', 'E'],
      tables: [],
      access: 'all',
      region: 'here',
      externalId: 'x',
      sessionTagKeys: 'team',
      tenantTag: 7,
      transitiveTagKeys: 7,
      sourceIdentity: 'y',
      indexes: 1,
      kmsKeyArn: 'k',
      organizationId: 'o',
      trustWholeAccount: 'yes',
      nonsense: true,
    }
    const reportedOptions = catchPolicyIssues(invalidOptions).map(({ option }) => option)
    expect(reportedOptions.toSorted()).toEqual(
      [...Object.keys(invalidOptions), 'executionRoleArn'].toSorted(),
    )
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['x', 'a string'],
    [[], 'a list'],
  ])('crossAccountPolicies() refuses options that are not an object: %j', (options, actual) => {
    expect(catchPolicyIssues(options)[0]).toMatchObject({ option: 'options', code: 'invalid-type', actual })
  })

  test('issues and the error message of crossAccountPolicies() contain no external ID and no tag values', () => {
    const options = { ...MINIMAL_OPTIONS, externalId: 'secret*', sessionTagKeys: { team: 'secret*' } }
    const issues = catchPolicyIssues(options)
    expect(issues.map(({ option }) => option)).toEqual(['externalId', 'sessionTagKeys'])
    expect(JSON.stringify(issues)).not.toContain('secret')
    expect(() => crossAccountPolicies(options)).toThrow(
      expect.objectContaining({
        name: 'CrossAccountDynamoError',
        code: 'CONFIG_INVALID',
        statusCode: 500,
        retryable: false,
        message: expect.not.stringContaining('secret'),
      }),
    )
  })
})

describe('the module of crossAccountPolicies()', () => {
  test('the module of crossAccountPolicies() imports only files of the package', () => {
    const visitedFiles = new Set<string>()
    const externalImports: string[] = []
    const visitFile = (file: string): void => {
      if (visitedFiles.has(file)) return
      visitedFiles.add(file)
      const text = readFileSync(file, 'utf8')
      if (/\b(?:import|require)\(|\bprocess\.|\bglobalThis\b/.test(text))
        externalImports.push(`a dynamic import or a global in ${file}`)
      for (const statement of parseSync(text, { syntax: 'typescript' }).body) {
        // Type-only imports do not exist at run time.
        if (!('source' in statement) || !statement.source || ('typeOnly' in statement && statement.typeOnly))
          continue
        const { value } = statement.source
        if (value.startsWith('.')) visitFile(join(dirname(file), value))
        else externalImports.push(`${value} in ${file}`)
      }
    }
    visitFile(join(import.meta.dirname, '../../../src/iam/index.ts'))
    expect(externalImports).toEqual([])
    const fileNames = [...visitedFiles].map((file) => file.replace(/^.*\/src\//, ''))
    expect(fileNames).toEqual(
      expect.arrayContaining(['iam/documents.ts', 'iam/trust-configuration.ts', 'iam/constraints.ts']),
    )
  })

  test('crossAccountPolicies() returns the same documents for the same options and does not change the options', () => {
    const frozenOptions = Object.freeze({
      ...MINIMAL_OPTIONS,
      tables: Object.freeze(['MyTable']),
      sessionTagKeys: Object.freeze({ team: 'orders' }),
      transitiveTagKeys: Object.freeze(['team']),
    })
    expect(createPolicies(frozenOptions)).toEqual(createPolicies(frozenOptions))
    expect(frozenOptions).toEqual({
      ...MINIMAL_OPTIONS,
      sessionTagKeys: { team: 'orders' },
      transitiveTagKeys: ['team'],
    })
  })
})

test('a KMS key in another account causes a warning, because its key policy must name the role', () => {
  const kmsKeyArn = 'arn:aws:kms:us-east-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const { roleArn } = MINIMAL_OPTIONS
  expect(findOptionWarnings({ kmsKeyArn })).toEqual([
    { option: 'kmsKeyArn', code: 'key-policy-elsewhere', kmsKeyArn, roleArn },
  ])
})
