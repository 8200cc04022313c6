// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** The documents of a set-up by value, what is warned of, and what is refused. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'
import {
  type Access,
  type CrossAccountPoliciesOptions,
  crossAccountPolicies,
} from 'middy-cross-account-dynamo/policies'
import { compileScope } from '../../../src/policies/scope.ts'

const TEXTBOOK = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  executionRoleArn: 'arn:aws:iam::111111111111:role/LambdaExecutionRole',
  tables: ['MyTable'],
  access: 'read',
  region: 'us-east-1',
} satisfies CrossAccountPoliciesOptions

const policies = (options: object = {}) => crossAccountPolicies({ ...TEXTBOOK, ...options })

test('the textbook', () => {
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
])('every option, in %s', (partition, region, service) => {
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
  expect(
    crossAccountPolicies({
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
    }),
  ).toEqual({
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
    warnings: [
      'With tenantTag this is left out, since it may name no key, and no condition would confine it to a tenant: Scan.',
      "With tenantTag, an index can be asked for items whose index key is the tenant's name: let each index begin with the tenant, too.",
      `The key policy of ${kmsKeyArn} must let IAM policies of its account allow its use, which the default key policy does.`,
    ],
  })
})

const conditionOf = (options: object) => policies(options).trustPolicy.Statement[0]?.Condition
const actionsIn = (options: object) => {
  const { trustPolicy, callerPolicy } = policies(options)
  return [trustPolicy.Statement.map(({ Action }) => Action), callerPolicy.Statement[0]?.Action]
}

describe('what the function sends', () => {
  test('may be any text that is not empty where only keys are given, and nothing of it transitive', () => {
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

  test('may be any text in a record, too, where the value is true', () => {
    expect(conditionOf({ sessionTagKeys: { team: 'orders', stage: true } })).toEqual({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/stage': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    })
  })

  test('is the tag of the tenant alone, where that is the only one', () => {
    const condition = {
      'ForAllValues:StringEquals': { 'aws:TagKeys': 'TenantId' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
      Null: { 'sts:TransitiveTagKeys': 'true' },
    }
    expect(conditionOf({ tenantTag: 'TenantId' })).toEqual(condition)
    expect(conditionOf({ tenantTag: 'TenantId', sessionTagKeys: ['TenantId'] })).toEqual(condition)
  })

  test('may be the tenant’s own value', () => {
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
  ])('needs no more actions than it has parts: %j', (options, actions) => {
    expect(actionsIn(options)).toEqual([actions, actions.length === 1 ? actions[0] : actions])
  })
})

describe('principals', () => {
  const A = 'arn:aws:iam::111111111111'
  const trusted = (executionRoleArn: string | string[], options: object = {}) => {
    const { trustPolicy, warnings } = policies({ executionRoleArn, ...options })
    const [statement] = trustPolicy.Statement
    return { principal: statement?.Principal?.AWS, condition: statement?.Condition, warnings }
  }
  const broader = (principal: string, what = 'more than one role') =>
    `executionRoleArn ${principal} trusts ${what}: whoever may call sts:AssumeRole there can use the tables. Name the execution role instead.`
  const PUBLIC = 'executionRoleArn * without externalId or organizationId makes the tables public.'

  test('are exactly the roles of a list, each once', () => {
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
  ])('%s needs a word, and is warned of', (executionRoleArn, principal, pattern) => {
    expect(() => trusted(executionRoleArn)).toThrow(
      `executionRoleArn: "${executionRoleArn}" trusts more than one role; name the function's execution role, or say trustWholeAccount: true`,
    )
    expect(trusted(executionRoleArn, { trustWholeAccount: true })).toEqual({
      principal,
      condition: pattern && { ArnLike: { 'aws:PrincipalArn': pattern } },
      warnings: [broader(executionRoleArn)],
    })
  })

  test('* is everybody, and public unless something else tells them apart', () => {
    expect(() => trusted('*')).toThrow('executionRoleArn: "*" trusts more than one role')
    expect(trusted('*', { trustWholeAccount: true })).toEqual({
      principal: '*',
      condition: undefined,
      warnings: [broader('*', 'everybody in AWS'), PUBLIC],
    })
    for (const narrower of [{ externalId: 'example-external-id' }, { organizationId: 'o-exampleorgid' }])
      expect(trusted('*', { trustWholeAccount: true, ...narrower }).warnings).not.toContain(PUBLIC)
  })

  test('beside a pattern stand the others, or the condition would shut them out', () => {
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

  test('a condition on them stands at each action', () => {
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

test('a trust policy that IAM would not take without a quota raised is warned of', () => {
  const role = (path: number) => `arn:aws:iam::111111111111:role/${'x'.repeat(path)}/Role`
  const rest = ['1', '2', '3'].map((name) => `${role(500)}${name}`)
  const withPath = (path: number) => policies({ executionRoleArn: [...rest, role(path)] })
  const sizeOf = (path: number) => JSON.stringify(withPath(path).trustPolicy).length
  const most = 2048 - sizeOf(1) + 1
  expect(sizeOf(most)).toBe(2048)
  expect(withPath(most).warnings).toEqual([])
  expect(withPath(most + 5).warnings).toEqual([
    'The trust policy has 2053 characters, 5 more than the 2048 that IAM takes unless the quota is raised.',
  ])
  expect(withPath(most + 1).warnings).toHaveLength(1)
})

test('a permissions policy that IAM takes inline in no role is warned of', () => {
  const tables = (count: number, last = 'x') => [
    ...Array.from({ length: count }, (_, index) => `${'t'.repeat(200)}${index}`),
    `table-${last}`,
  ]
  const sizeOf = (last: string) =>
    JSON.stringify(policies({ tables: tables(39, last) }).permissionsPolicy).length
  const fill = 'x'.repeat(10_240 - sizeOf(''))
  expect(sizeOf(fill)).toBe(10_240)
  expect(policies({ tables: tables(39, fill) }).warnings).toEqual([])
  expect(policies({ tables: tables(39, `${fill}x`) }).warnings).toEqual([
    expect.stringMatching(/^The permissions policy has 10241 characters, .* 10240 together/),
  ])
})

test.each([
  ['read', ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query'], 'PartiQLSelect, Scan'],
  [
    'write',
    ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'],
    'PartiQLDelete, PartiQLInsert, PartiQLUpdate',
  ],
])('what no tenant can be held to is left out of %s, and that is said', (access, actions, left) => {
  const { permissionsPolicy, warnings } = policies({ access, tenantTag: 'TenantId' })
  expect(permissionsPolicy.Statement[0]?.Action).toEqual(actions.map((action) => `dynamodb:${action}`))
  expect(warnings).toEqual([
    `With tenantTag this is left out, since it may name no key, and no condition would confine it to a tenant: ${left}.`,
  ])
})

test.each([
  { tenantTag: 'TenantId', access: ['GetItem'] },
  { indexes: true },
  { indexes: false },
  { externalId: 'example-external-id', sessionTagKeys: ['team'], transitiveTagKeys: ['team'] },
])('nothing is warned of in %j', (options) => {
  expect(policies(options).warnings).toEqual([])
})

describe('one source of truth', () => {
  const target = { partition: 'aws', accountId: '222222222222', region: 'us-east-1' }
  const tables = ['MyTable', 'arn:aws:dynamodb:us-east-1:222222222222:table/Orders', 'Orders']
  const list = (value: string | readonly string[] | undefined) => [value ?? []].flat()

  const accesses: Access[] = ['read', 'write', 'read-write', ['dynamodb:Query', 'GetItem', 'PutItem']]
  const options = [{}, { indexes: true }, { tenantTag: 'TenantId' }, { tenantTag: 'TenantId', indexes: true }]

  test.each(accesses.flatMap((access) => options.map((option) => [access, option] as const)))(
    'a scope of %j has the actions and resources of the role: %j',
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

const problemsOf = (options: unknown): string[] => {
  try {
    crossAccountPolicies(options as CrossAccountPoliciesOptions)
    return []
  } catch (error) {
    expect(error).toMatchObject({ name: 'CrossAccountDynamoError', code: 'CONFIG_INVALID', statusCode: 500 })
    const [first = '', ...problems] = (error as Error).message.split('\n')
    expect(first).toBe(
      `CONFIG_INVALID: the set-up has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:`,
    )
    return problems.map((problem) => problem.replace(/^ {2}- /, ''))
  }
}

describe('bad input', () => {
  const role = (path: string) => `arn:aws:iam::222222222222:role/${path}`
  const key = 'arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000'
  const NEITHER = 'sessionTagKeys: must be a list of keys, or an object of keys and values that are not empty'

  test.each<[object, string]>([
    [{ roleArn: 'CrossAccountDynamoRole' }, 'roleArn: "CrossAccountDynamoRole" is not an ARN; '],
    [{ roleArn: undefined }, 'roleArn: must be a string, but is undefined'],
    [{ roleArn: role('*/Role') }, `roleArn: "${role('*/Role')}" would be a pattern of roles in a policy`],
    [{ roleArn: role('?/Role') }, `roleArn: "${role('?/Role')}" would be a pattern of roles in a policy`],
    [{ roleArn: role('${a}/R') }, `roleArn: "${role('${a}/R')}" would be a pattern of roles in a policy`],
    [
      { executionRoleArn: undefined },
      "executionRoleArn: is required: the ARN of the function's execution role",
    ],
    [{ executionRoleArn: [] }, "executionRoleArn: is required: the ARN of the function's execution role"],
    [{ executionRoleArn: 7 }, 'executionRoleArn: must be a string, but is a number'],
    [{ executionRoleArn: [role('One'), 'Two'] }, 'executionRoleArn: "Two" is not an ARN; '],
    [
      { executionRoleArn: 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn' },
      'executionRoleArn: "arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn" is the ARN of a session',
    ],
    [
      { executionRoleArn: 'arn:aws:iam::*:role/Role', trustWholeAccount: true },
      'executionRoleArn: "arn:aws:iam::*:role/Role" needs an account ID of 12 digits',
    ],
    [
      { executionRoleArn: role('${aws:PrincipalTag/team}*'), trustWholeAccount: true },
      `executionRoleArn: "${role('${aws:PrincipalTag/team}*')}" has a role name that `,
    ],
    ...['role/Role', 'role/*', 'root'].map((resource): [object, string] => [
      { executionRoleArn: `arn:aws-cn:iam::111111111111:${resource}`, trustWholeAccount: true },
      `executionRoleArn: "arn:aws-cn:iam::111111111111:${resource}" is in the partition aws-cn, and roleArn in aws: `,
    ]),
    [{ tables: undefined }, 'tables: must be a list of names or ARNs of tables'],
    [{ tables: 'MyTable' }, 'tables: must be a list of names or ARNs of tables'],
    [{ tables: ['*'] }, 'tables: "*" is neither a table\'s name'],
    [
      { tables: ['arn:aws:dynamodb:us-east-1:333333333333:table/MyTable'] },
      'tables: "arn:aws:dynamodb:us-east-1:333333333333:table/MyTable" is not in the account, Region and partition',
    ],
    [
      { tables: ['arn:aws:dynamodb:eu-west-1:222222222222:table/MyTable'] },
      'tables: "arn:aws:dynamodb:eu-west-1:222222222222:table/MyTable" is not in the account, Region and partition',
    ],
    [
      { access: undefined },
      "access: must be 'read', 'write', 'read-write' or a list of actions, not undefined",
    ],
    [{ access: ['*'] }, 'access: "*" is not an action on items'],
    [
      { access: ['Scan'], tenantTag: 'TenantId' },
      'access: holds no action that tenantTag can confine: what may name no key is left out',
    ],
    [{ region: undefined }, "region: must be a Region's code such as eu-west-1, not undefined"],
    [{ region: 'cn-north-1' }, 'region: "cn-north-1" is not a Region of the partition of roleArn, aws'],
    [{ externalId: '' }, 'externalId: must have 2 to 1224 characters, but has 0'],
    [{ externalId: null }, 'externalId: must be a string, but is null'],
    [{ sessionTagKeys: 'team' }, NEITHER],
    [{ sessionTagKeys: null }, NEITHER],
    [{ sessionTagKeys: [7] }, NEITHER],
    [{ sessionTagKeys: { team: undefined } }, NEITHER],
    [{ sessionTagKeys: { team: '' } }, NEITHER],
    [{ sessionTagKeys: { team: 7 } }, NEITHER],
    [{ sessionTagKeys: { team: false } }, NEITHER],
    [{ sessionTagKeys: ['aws:team'] }, 'sessionTagKeys: the key "aws:team" may not begin with aws:'],
    [{ sessionTagKeys: { team: '*' } }, 'sessionTagKeys: the value of "team" may hold only '],
    [{ sessionTagKeys: ['team', 'Team'] }, 'sessionTagKeys: the keys "team" and "Team" are the same to AWS'],
    [
      { sessionTagKeys: ['Team'], tenantTag: 'team' },
      'sessionTagKeys: the keys "Team" and "team" are the same',
    ],
    [{ tenantTag: '' }, 'tenantTag: the key "" must have 1 to 128 characters, but has 0'],
    [{ tenantTag: 'a*' }, 'tenantTag: the key "a*" may hold only '],
    [{ tenantTag: 7 }, 'tenantTag: must be the key of a session tag, but is a number'],
    [{ tenantTag: null }, 'tenantTag: must be the key of a session tag, but is null'],
    [
      { transitiveTagKeys: ['team'] },
      'transitiveTagKeys: "team" is not a key of sessionTags (there are none)',
    ],
    [{ transitiveTagKeys: 'team', sessionTagKeys: ['team'] }, 'transitiveTagKeys: must be a list of keys'],
    [{ transitiveTagKeys: 7 }, 'transitiveTagKeys: must be a list of keys'],
    [{ transitiveTagKeys: null }, 'transitiveTagKeys: must be a list of keys'],
    [{ sourceIdentity: '' }, 'sourceIdentity: must have 2 to 64 characters, but has 0'],
    [{ sourceIdentity: 'aws:me' }, 'sourceIdentity: may not begin with aws:'],
    [{ sourceIdentity: null }, 'sourceIdentity: must be a string, but is null'],
    [{ indexes: 'yes' }, 'indexes: must be a boolean, but is a string'],
    [{ trustWholeAccount: 1 }, 'trustWholeAccount: must be a boolean, but is a number'],
    [{ kmsKeyArn: 'alias/orders' }, 'kmsKeyArn: must be the ARN of a KMS key, not "alias/orders"'],
    [{ kmsKeyArn: [key] }, 'kmsKeyArn: must be the ARN of a KMS key, not a list'],
    [{ kmsKeyArn: `${key}*` }, 'kmsKeyArn: must be the ARN of a KMS key, not '],
    [
      { kmsKeyArn: key.replace('us-east-1', 'eu-west-1') },
      'kmsKeyArn: is in eu-west-1, and the tables are in "us-east-1"',
    ],
    [
      { kmsKeyArn: key.replace('aws', 'aws-cn') },
      'kmsKeyArn: is in the partition aws-cn, and roleArn in aws',
    ],
    [
      { organizationId: 'r-root' },
      'organizationId: must be the ID of an organisation such as o-exampleorgid, not "r-root"',
    ],
    [{ organizationId: ['o-exampleorgid'] }, 'organizationId: must be the ID of an organisation'],
    [{ organizationId: 'o-*' }, 'organizationId: must be the ID of an organisation'],
    [{ tenantTags: 'TenantId' }, 'tenantTags: is not an option; did you mean tenantTag?'],
    [{ zzz: 1 }, 'zzz: is not an option; those are roleArn, executionRoleArn, tables, '],
  ])('is named: %j', (options, problem) => {
    expect(problemsOf({ ...TEXTBOOK, ...options })).toEqual([expect.stringContaining(problem)])
  })

  test('is named all at once', () => {
    const bad = {
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
    // What is made of the tags is judged once they are known.
    const { transitiveTagKeys: _, ...judged } = bad
    const named = problemsOf(bad).map((problem) => problem.split(':')[0] ?? '')
    expect(new Set(named)).toEqual(new Set(Object.keys(judged)))
    expect(named.filter((option) => option === 'executionRoleArn')).toHaveLength(2)
  })

  test.each([undefined, null, 'x', []])('is what is no object: %j', (options) => {
    expect(problemsOf(options)[0]).toMatch(/^the options must be a plain object, but are /)
  })

  test('shows nobody’s external ID or tags', () => {
    const text = problemsOf({
      ...TEXTBOOK,
      externalId: 'secret*',
      sessionTagKeys: { team: 'secret*' },
    }).join()
    expect(text).toContain('externalId')
    expect(text).toContain('sessionTagKeys')
    expect(text).not.toContain('secret')
  })
})

describe('purity', () => {
  test('nothing below the policies is the SDK, middy or Node.js', () => {
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
    follow(join(import.meta.dirname, '../../../src/policies/index.ts'))
    expect(foreign).toEqual([])
    const names = [...files].map((file) => file.replace(/^.*\/src\//, ''))
    expect(names).toEqual(
      expect.arrayContaining(['policies/documents.ts', 'policies/set-up.ts', 'limits.ts']),
    )
  })

  test('the same options make the same documents, and are left as they are', () => {
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

test('a key of another account wants the role in its key policy', () => {
  const kmsKeyArn = 'arn:aws:kms:us-east-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const { warnings } = crossAccountPolicies({
    roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
    executionRoleArn: 'arn:aws:iam::111111111111:role/LambdaExecutionRole',
    tables: ['MyTable'],
    access: 'read',
    region: 'us-east-1',
    kmsKeyArn,
  })
  expect(warnings).toEqual([
    `${kmsKeyArn} is in another account than the role: its key policy must allow the same to arn:aws:iam::222222222222:role/CrossAccountDynamoRole.`,
  ])
})
