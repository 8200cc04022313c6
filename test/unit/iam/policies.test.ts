// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** The documents that options make, the warnings, and the options that are refused. */
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
import { OPTION_NAMES, readTrustConfiguration } from '../../../src/iam/trust-configuration.ts'
import { formatIssue } from '../../../src/options/issue.ts'
import { issuesOf } from '../issues.ts'

const TEXTBOOK = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  executionRoleArn: 'arn:aws:iam::111111111111:role/LambdaExecutionRole',
  tables: ['MyTable'],
  access: 'read',
  region: 'us-east-1',
} satisfies CrossAccountPoliciesOptions

const policies = (options: object = {}) => crossAccountPolicies({ ...TEXTBOOK, ...options })
/** The warnings as data. */
const warningsOf = (options: object = {}) => findWarnings(readTrustConfiguration({ ...TEXTBOOK, ...options }))

test('writes the textbook setup', () => {
  expect(policies()).toEqual({
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
  ['aws', 'eu-west-1', 'dynamodb.eu-west-1.amazonaws.com'],
  ['aws-cn', 'cn-north-1', ['dynamodb.cn-north-1.amazonaws.com', 'dynamodb.cn-north-1.amazonaws.com.cn']],
  ['aws-us-gov', 'us-gov-west-1', 'dynamodb.us-gov-west-1.amazonaws.com'],
])('writes conditions for every option, in %s', (partition, region, service) => {
  const roleArn = `arn:${partition}:iam::222222222222:role/tables/CrossAccountDynamoRole`
  const executionRoleArn = ['LambdaExecutionRole', 'path/SecondRole'].map(
    (name) => `arn:${partition}:iam::111111111111:role/${name}`,
  )
  const orders = `arn:${partition}:dynamodb:${region}:222222222222:table/Orders`
  const invoices = `arn:${partition}:dynamodb:${region}:222222222222:table/Invoices`
  const kmsKeyArn = `arn:${partition}:kms:${region}:222222222222:key/mrk-00000000000000000000000000000000`
  const inOrganization = { 'aws:PrincipalOrgID': 'o-exampleorgid' }
  const tagged = {
    'ForAllValues:StringEquals': {
      'aws:TagKeys': ['team', 'TenantId'],
      'sts:TransitiveTagKeys': 'team',
    },
    StringLike: { 'aws:RequestTag/TenantId': '?*' },
  }
  const ownKeys = {
    'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': '${aws:PrincipalTag/TenantId}' },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
  const options = {
    roleArn,
    executionRoleArn,
    tables: ['Orders', invoices, orders],
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
  const warnings = warningsOf(options)
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
            ...tagged,
            StringEquals: {
              'sts:ExternalId': 'example-external-id',
              'aws:RequestTag/team': 'orders',
              'sts:SourceIdentity': 'orders-function',
              ...inOrganization,
            },
          },
        },
        {
          Sid: 'TagSession',
          Effect: 'Allow',
          Principal: { AWS: executionRoleArn },
          Action: 'sts:TagSession',
          Condition: { ...tagged, StringEquals: { 'aws:RequestTag/team': 'orders', ...inOrganization } },
        },
        {
          Sid: 'SetSourceIdentity',
          Effect: 'Allow',
          Principal: { AWS: executionRoleArn },
          Action: 'sts:SetSourceIdentity',
          Condition: { StringEquals: { 'sts:SourceIdentity': 'orders-function', ...inOrganization } },
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
          Resource: [orders, invoices],
          Condition: ownKeys,
        },
        {
          Sid: 'Indexes',
          Effect: 'Allow',
          Action: 'dynamodb:Query',
          Resource: [`${orders}/index/*`, `${invoices}/index/*`],
          Condition: ownKeys,
        },
        {
          Sid: 'KeyThroughDynamoDB',
          Effect: 'Allow',
          Action: ['kms:Decrypt', 'kms:DescribeKey'],
          Resource: kmsKeyArn,
          Condition: { StringEquals: { 'kms:ViaService': service } },
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
    warnings: warnings.map((warning) => formatIssue(warning, OPTION_NAMES)),
  })
})

const conditionOf = (options: object) => policies(options).trustPolicy.Statement[0]?.Condition
const actionsIn = (options: object) => {
  const { trustPolicy, callerPolicy } = policies(options)
  return [trustPolicy.Statement.map(({ Action }) => Action), callerPolicy.Statement[0]?.Action]
}

describe('the trust policy on what the function sends', () => {
  test('requires each tag with any value that is not empty, and no transitive tags, if only keys are given', () => {
    expect(conditionOf({ sessionTagKeys: ['team', 'stage'], sourceIdentity: true })).toEqual({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringLike: {
        'aws:RequestTag/team': '?*',
        'aws:RequestTag/stage': '?*',
        'sts:SourceIdentity': '?*',
      },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    })
  })

  test('requires fixed values of a record, and any value where it says true', () => {
    expect(conditionOf({ sessionTagKeys: { team: 'orders', stage: true } })).toEqual({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/stage': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    })
  })

  test('requires the tag of the tenant, whether or not it is among the keys', () => {
    const condition = {
      'ForAllValues:StringEquals': { 'aws:TagKeys': 'TenantId' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    }
    expect(conditionOf({ tenantTag: 'TenantId' })).toEqual(condition)
    expect(conditionOf({ tenantTag: 'TenantId', sessionTagKeys: ['TenantId'] })).toEqual(condition)
  })

  test('can fix the value of the tag of the tenant', () => {
    const { trustPolicy, permissionsPolicy } = policies({
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
  ])('allows only the actions that it needs: %j', (options, actions) => {
    expect(actionsIn(options)).toEqual([actions, actions.length === 1 ? actions[0] : actions])
  })
})

describe('principals', () => {
  const A = 'arn:aws:iam::111111111111'
  const trusted = (executionRoleArn: string | string[], options: object = {}) => {
    const [statement] = policies({ executionRoleArn, ...options }).trustPolicy.Statement
    const warnings = warningsOf({ executionRoleArn, ...options })
    return { principal: statement?.Principal?.AWS, condition: statement?.Condition, warnings }
  }
  const option = 'executionRoleArn'
  const broader = (principal: string) => ({ option, code: 'trusts-many-callers', principal })
  const PUBLIC = { option, code: 'public-tables' }

  test('are exactly the roles of a list, without duplicates', () => {
    expect(trusted([`${A}:role/One`, `${A}:role/path/Two`, `${A}:role/One`])).toEqual({
      principal: [`${A}:role/One`, `${A}:role/path/Two`],
      condition: undefined,
      warnings: [],
    })
  })

  test.each([
    ['111111111111', '111111111111', undefined],
    [`${A}:root`, `${A}:root`, undefined],
    [`${A}:role/*`, `${A}:root`, `${A}:role/*`],
    [`${A}:role/orders-?-Role`, `${A}:root`, `${A}:role/orders-?-Role`],
    [`${A}:role/*/Role`, `${A}:root`, `${A}:role/*/Role`],
  ])(
    'as broad as %s need trustWholeAccount: true, and make a warning',
    (executionRoleArn, principal, pattern) => {
      expect(issuesOf(() => trusted(executionRoleArn))).toEqual([
        { option, code: 'broad-principal', value: executionRoleArn },
      ])
      expect(trusted(executionRoleArn, { trustWholeAccount: true })).toEqual({
        principal,
        condition: pattern && { ArnLike: { 'aws:PrincipalArn': pattern } },
        warnings: [broader(executionRoleArn)],
      })
    },
  )

  test('* makes another warning, unless an external ID or an organization limits it', () => {
    expect(issuesOf(() => trusted('*'))).toEqual([{ option, code: 'broad-principal', value: '*' }])
    expect(trusted('*', { trustWholeAccount: true })).toEqual({
      principal: '*',
      condition: undefined,
      warnings: [broader('*'), PUBLIC],
    })
    for (const narrower of [{ externalId: 'example-external-id' }, { organizationId: 'o-exampleorgid' }])
      expect(trusted('*', { trustWholeAccount: true, ...narrower }).warnings).toEqual([broader('*')])
  })

  test('beside a pattern are part of the condition, too, so that it does not exclude them', () => {
    const mixed = [`${A}:role/orders-*`, `${A}:role/One`, '333333333333', 'arn:aws:iam::444444444444:root']
    expect(trusted(mixed, { trustWholeAccount: true })).toMatchObject({
      principal: [`${A}:root`, `${A}:role/One`, '333333333333', 'arn:aws:iam::444444444444:root'],
      condition: {
        ArnLike: {
          'aws:PrincipalArn': [
            `${A}:role/orders-*`,
            `${A}:role/One`,
            'arn:aws:iam::333333333333:*',
            'arn:aws:iam::444444444444:*',
          ],
        },
      },
    })
    expect(trusted([`${A}:role/orders-*`, '*'], { trustWholeAccount: true })).toMatchObject({
      principal: [`${A}:root`, '*'],
      condition: undefined,
    })
  })

  test('have their condition in the statement of each action', () => {
    const { trustPolicy } = policies({
      executionRoleArn: `${A}:role/*`,
      trustWholeAccount: true,
      sessionTagKeys: ['team'],
      sourceIdentity: true,
    })
    expect(trustPolicy.Statement.map(({ Condition }) => Condition?.ArnLike)).toEqual(
      Array(3).fill({ 'aws:PrincipalArn': `${A}:role/*` }),
    )
  })
})

test('warns of a trust policy that is larger than the default quota', () => {
  const role = (path: number) => `arn:aws:iam::111111111111:role/${'x'.repeat(path)}/Role`
  const rest = ['1', '2', '3'].map((name) => `${role(500)}${name}`)
  const withPath = (path: number) => ({ executionRoleArn: [...rest, role(path)] })
  const sizeOf = (path: number) => JSON.stringify(policies(withPath(path)).trustPolicy).length
  const warning = (length: number) => [
    { option: 'trustPolicy', code: 'trust-policy-too-large', length, max: 2048 },
  ]
  const most = 2048 - sizeOf(1) + 1
  expect(sizeOf(most)).toBe(2048)
  expect(warningsOf(withPath(most))).toEqual([])
  expect(warningsOf(withPath(most + 1))).toEqual(warning(2049))
  expect(warningsOf(withPath(most + 5))).toEqual(warning(2053))
})

test('warns of a permissions policy that is larger than the quota for inline policies', () => {
  const tables = (count: number, last = 'x') => [
    ...Array.from({ length: count }, (_, index) => `${'t'.repeat(200)}${index}`),
    `table-${last}`,
  ]
  const sizeOf = (last: string) =>
    JSON.stringify(policies({ tables: tables(39, last) }).permissionsPolicy).length
  const fill = 'x'.repeat(10_240 - sizeOf(''))
  expect(sizeOf(fill)).toBe(10_240)
  expect(warningsOf({ tables: tables(39, fill) })).toEqual([])
  expect(warningsOf({ tables: tables(39, `${fill}x`) })).toEqual([
    { option: 'permissionsPolicy', code: 'permissions-policy-too-large', length: 10_241, max: 10_240 },
  ])
})

test.each([
  ['read', ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query'], ['PartiQLSelect', 'Scan']],
  [
    'write',
    ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'],
    ['PartiQLDelete', 'PartiQLInsert', 'PartiQLUpdate'],
  ],
])('leaves out of %s what a tag cannot confine, and warns of it', (access, actions, omitted) => {
  const options = { access, tenantTag: 'TenantId' }
  const { permissionsPolicy } = policies(options)
  expect(permissionsPolicy.Statement[0]?.Action).toEqual(actions.map((action) => `dynamodb:${action}`))
  expect(warningsOf(options)).toEqual([{ option: 'tenantTag', code: 'actions-left-out', actions: omitted }])
})

test.each([
  { tenantTag: 'TenantId', access: ['GetItem'] },
  { indexes: true },
  { indexes: false },
  { externalId: 'example-external-id', sessionTagKeys: ['team'], transitiveTagKeys: ['team'] },
])('has no warnings for %j', (options) => {
  expect(policies(options).warnings).toEqual([])
})

describe('a scope and the permissions policy', () => {
  const target = { partition: 'aws', accountId: '222222222222', region: 'us-east-1' }
  const tables = ['MyTable', 'arn:aws:dynamodb:us-east-1:222222222222:table/Orders', 'Orders']
  const list = (value: string | readonly string[] | undefined) => [value ?? []].flat()

  const accesses: Access[] = ['read', 'write', 'read-write', ['dynamodb:Query', 'GetItem', 'PutItem']]
  const options = [{}, { indexes: true }, { tenantTag: 'TenantId' }, { tenantTag: 'TenantId', indexes: true }]

  test.each(accesses.flatMap((access) => options.map((option) => [access, option] as const)))(
    'have the same actions and resources for the access %j with %j',
    (access, option) => {
      const { indexes = false, tenantTag } = option as { indexes?: boolean; tenantTag?: string }
      const confined = tenantTag === undefined ? {} : { leadingKeys: ['acme'] }
      const scope = JSON.parse(compileScope({ tables, access, indexes, ...confined }, target))
      const { permissionsPolicy } = policies({ tables, access, ...option })
      const [onTables, onIndexes] = permissionsPolicy.Statement
      expect(scope.Statement).toHaveLength(1)
      expect(scope.Statement[0].Action).toEqual(list(onTables?.Action))
      expect(scope.Statement[0].Resource).toEqual([...list(onTables?.Resource), ...list(onIndexes?.Resource)])
      expect(scope.Statement[0].Action).toEqual(expect.arrayContaining(list(onIndexes?.Action)))
    },
  )
})

const refused = (options: unknown) =>
  issuesOf(() => crossAccountPolicies(options as CrossAccountPoliciesOptions))

describe('crossAccountPolicies()', () => {
  const role = (path: string) => `arn:aws:iam::222222222222:role/${path}`
  const key = 'arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000'
  const NOT_A_LIST = { code: 'invalid-type', actual: 'a number' }
  const ELSEWHERE = 'arn:aws:dynamodb:us-east-1:222222222222:table/'
  const pattern = (path: string): [string, unknown, object] => [
    'roleArn',
    role(path),
    { code: 'role-pattern', value: role(path) },
  ]
  const inChina = (resource: string): [string, unknown, object, object] => {
    const value = `arn:aws-cn:iam::111111111111:${resource}`
    return ['executionRoleArn', value, { code: 'other-partition', value, partition: 'aws' }, BROAD]
  }
  const invalidRole = (option: string, given: unknown, reason: string): [string, unknown, object, object] => [
    option,
    given,
    { code: 'invalid-role-arn', value: [given].flat().at(-1), reason },
    BROAD,
  ]
  const BROAD = { trustWholeAccount: true }
  const TENANT = { tenantTag: 'TenantId' }
  const tag = (part: 'key' | 'value', of: string) => ({ tag: { part, key: of } })

  test.each<[option: string, value: unknown, issue: object, others?: object]>([
    invalidRole('roleArn', 'CrossAccountDynamoRole', 'not-an-arn'),
    ['roleArn', undefined, { code: 'required' }],
    ['roleArn', null, { code: 'invalid-type', actual: 'null' }],
    pattern('*/Role'),
    pattern('?/Role'),
    pattern('${a}/R'),
    ['executionRoleArn', undefined, { code: 'required' }],
    ['executionRoleArn', [], { code: 'empty' }],
    ['executionRoleArn', null, { code: 'invalid-type', actual: 'null' }],
    ['executionRoleArn', 7, NOT_A_LIST],
    ['executionRoleArn', [role('One'), 7], { code: 'invalid-type', actual: 'a list that contains a number' }],
    invalidRole('executionRoleArn', [role('One'), 'Two'], 'not-an-arn'),
    invalidRole(
      'executionRoleArn',
      'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn',
      'session-arn',
    ),
    invalidRole('executionRoleArn', 'arn:aws:iam::*:role/Role', 'no-account-id'),
    invalidRole('executionRoleArn', role('${aws:PrincipalTag/team}*'), 'invalid-name'),
    inChina('role/Role'),
    inChina('role/*'),
    inChina('root'),
    ['tables', undefined, { code: 'required' }],
    ['tables', null, { code: 'invalid-type', actual: 'null' }],
    ['tables', [], { code: 'empty' }],
    ['tables', 'MyTable', { code: 'invalid-type', actual: 'a string' }],
    ['tables', ['*'], { code: 'invalid-table', value: '*' }],
    ...['us-east-1:333333333333', 'eu-west-1:222222222222'].map((place): [string, unknown, object] => {
      const value = `arn:aws:dynamodb:${place}:table/MyTable`
      return ['tables', [value], { code: 'table-elsewhere', value, prefix: ELSEWHERE }]
    }),
    ['access', undefined, { code: 'required' }],
    ['access', 'all', { code: 'invalid-value', value: 'all' }],
    ['access', ['*'], { code: 'unknown-action', action: '*' }],
    ['access', ['Scan'], { code: 'no-confinable-action' }, TENANT],
    ['region', undefined, { code: 'required' }],
    ['region', 'here', { code: 'invalid-region', value: 'here' }],
    ['region', 'cn-north-1', { code: 'other-partition', value: 'cn-north-1', partition: 'aws' }],
    ['externalId', '', { code: 'invalid-length', min: 2, max: 1224, length: 0 }],
    ['externalId', null, { code: 'invalid-type', actual: 'null' }],
    ...['team', null, [7], { team: undefined }, { team: '' }, { team: 7 }, { team: false }].map(
      (keys): [string, unknown, object] => ['sessionTagKeys', keys, { code: 'invalid-tag-keys' }],
    ),
    ['sessionTagKeys', ['aws:team'], { code: 'reserved-prefix', ...tag('key', 'aws:team') }],
    ['sessionTagKeys', { team: '*' }, { code: 'invalid-character', character: '*', ...tag('value', 'team') }],
    ['sessionTagKeys', ['team', 'Team'], { code: 'duplicate-tag-key', keys: ['team', 'Team'] }],
    [
      'sessionTagKeys',
      ['Team'],
      { code: 'duplicate-tag-key', keys: ['Team', 'team'] },
      { tenantTag: 'team' },
    ],
    ['sessionTagKeys', 'team', { code: 'invalid-tag-keys' }, { transitiveTagKeys: ['team'] }],
    ['tenantTag', '', { code: 'invalid-length', length: 0, ...tag('key', '') }],
    ['tenantTag', 'a*', { code: 'invalid-character', character: '*', ...tag('key', 'a*') }],
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
    ['kmsKeyArn', [key], { code: 'invalid-key-arn', value: { type: 'a list' } }],
    ['kmsKeyArn', `${key}*`, { code: 'invalid-key-arn', value: `${key}*` }],
    [
      'kmsKeyArn',
      key.replace('us-east-1', 'eu-west-1'),
      { code: 'key-elsewhere', region: 'eu-west-1', expected: 'us-east-1' },
    ],
    ['kmsKeyArn', key.replace('aws', 'aws-cn'), { code: 'other-partition', partition: 'aws' }],
    ['organizationId', 'r-root', { code: 'invalid-value', value: 'r-root' }],
    ['organizationId', ['o-exampleorgid'], { code: 'invalid-value', value: { type: 'a list' } }],
    ['organizationId', 'o-*', { code: 'invalid-value', value: 'o-*' }],
    ['tenantTags', 'TenantId', { code: 'unknown-option', suggestion: 'tenantTag' }],
    ['zzz', 1, { code: 'unknown-option', suggestion: undefined }],
  ])('refuses the %s %j with one issue: %j', (option, value, issue, others = {}) => {
    expect(refused({ ...TEXTBOOK, ...others, [option]: value })).toEqual([
      expect.objectContaining({ option, ...issue }),
    ])
  })

  test('reports all invalid options at once', () => {
    const invalid = {
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
    const options = refused(invalid).map(({ option }) => option)
    expect(options.toSorted()).toEqual([...Object.keys(invalid), 'executionRoleArn'].toSorted())
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['x', 'a string'],
    [[], 'a list'],
  ])('refuses options that are not an object: %j', (options, actual) => {
    expect(refused(options)[0]).toMatchObject({ option: 'options', code: 'invalid-type', actual })
  })

  test('refuses an external ID and values of tags without showing them', () => {
    const options = { ...TEXTBOOK, externalId: 'secret*', sessionTagKeys: { team: 'secret*' } }
    const issues = refused(options)
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
  test('imports neither the SDK, middy nor Node.js', () => {
    const files = new Set<string>()
    const foreign: string[] = []
    const follow = (file: string): void => {
      if (files.has(file)) return
      files.add(file)
      const text = readFileSync(file, 'utf8')
      if (/\b(?:import|require)\(|\bprocess\.|\bglobalThis\b/.test(text)) foreign.push(`something in ${file}`)
      for (const item of parseSync(text, { syntax: 'typescript' }).body) {
        // What is imported as types only is gone when it runs.
        if (!('source' in item) || !item.source || ('typeOnly' in item && item.typeOnly)) continue
        const { value } = item.source
        if (value.startsWith('.')) follow(join(dirname(file), value))
        else foreign.push(`${value} in ${file}`)
      }
    }
    follow(join(import.meta.dirname, '../../../src/iam/index.ts'))
    expect(foreign).toEqual([])
    const names = [...files].map((file) => file.replace(/^.*\/src\//, ''))
    expect(names).toEqual(
      expect.arrayContaining(['iam/documents.ts', 'iam/trust-configuration.ts', 'iam/constraints.ts']),
    )
  })

  test('makes the same documents of the same options, and does not change the options', () => {
    const frozen = Object.freeze({
      ...TEXTBOOK,
      tables: Object.freeze(['MyTable']),
      sessionTagKeys: Object.freeze({ team: 'orders' }),
      transitiveTagKeys: Object.freeze(['team']),
    })
    expect(policies(frozen)).toEqual(policies(frozen))
    expect(frozen).toEqual({ ...TEXTBOOK, sessionTagKeys: { team: 'orders' }, transitiveTagKeys: ['team'] })
  })
})

test('warns of a key in another account, whose key policy must name the role', () => {
  const kmsKeyArn = 'arn:aws:kms:us-east-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const { roleArn } = TEXTBOOK
  expect(warningsOf({ kmsKeyArn })).toEqual([
    { option: 'kmsKeyArn', code: 'key-policy-elsewhere', kmsKeyArn, roleArn },
  ])
})
