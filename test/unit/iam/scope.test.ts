// cspell:ignore ders ключ
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: IAM policy variables
/** The scopes that the parser accepts, and the session policies that they are compiled to. */
import { describe, expect, test } from '@jest/globals'
import { READ_ACTIONS, WRITE_ACTIONS } from '../../../src/iam/actions.ts'
import { reportTablesElsewhere } from '../../../src/iam/constraints.ts'
import { compileScope, parseReturnedScope, parseScope, type Scope } from '../../../src/iam/scope.ts'
import type { Problem } from '../../../src/options/issue.ts'
import { parseWith } from '../issues.ts'

const TARGET = { partition: 'aws', accountId: '222222222222', region: 'eu-west-1' }
const ORDERS = 'arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'
const KEY_ARN = 'arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const compilePolicy = (scope: Scope, target = TARGET) => JSON.parse(compileScope(scope, target))
const compileStatement = (scope: Scope) => compilePolicy(scope).Statement[0]
const toDynamoDBActions = (names: readonly string[]) => names.map((name) => `dynamodb:${name}`)

describe('compiled statement', () => {
  test('a scope is compiled to one statement with exact actions on exact tables and their indexes', () => {
    expect(compilePolicy({ tables: ['Orders'], access: 'read' })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: [
            'dynamodb:BatchGetItem',
            'dynamodb:ConditionCheckItem',
            'dynamodb:GetItem',
            'dynamodb:PartiQLSelect',
            'dynamodb:Query',
            'dynamodb:Scan',
          ],
          Resource: [ORDERS, `${ORDERS}/index/*`],
        },
      ],
    })
  })

  test('the statement contains no indexes if no action applies to indexes', () => {
    expect(compileStatement({ tables: ['Orders'], access: 'write' })).toMatchObject({
      Action: toDynamoDBActions(WRITE_ACTIONS),
      Resource: [ORDERS],
    })
    expect(compileStatement({ tables: ['Orders'], access: ['GetItem'] }).Resource).toEqual([ORDERS])
    expect(compileStatement({ tables: ['Orders'], access: ['Query'] }).Resource).toHaveLength(2)
  })

  test('the statement contains indexes by default, except if the scope has leading keys', () => {
    const scope: Scope = { tables: ['Orders'], access: 'read' }
    const scopeWithKeys: Scope = { ...scope, leadingKeys: ['acme'] }
    expect(compileStatement({ ...scope, indexes: false }).Resource).toEqual([ORDERS])
    expect(compileStatement(scopeWithKeys).Resource).toEqual([ORDERS])
    expect(compileStatement({ ...scope, leadingKeyPrefixes: ['acme#'] }).Resource).toEqual([ORDERS])
    expect(compileStatement({ ...scopeWithKeys, indexes: true }).Resource).toEqual([
      ORDERS,
      `${ORDERS}/index/*`,
    ])
  })

  test('the statement contains no duplicate actions and resources', () => {
    const scope: Scope = { tables: ['Orders', ORDERS, 'Orders'], access: ['GetItem', 'dynamodb:GetItem'] }
    expect(compileStatement(scope)).toMatchObject({ Action: ['dynamodb:GetItem'], Resource: [ORDERS] })
  })

  test('the statement contains read and write actions for the access read-write', () => {
    expect(compileStatement({ tables: ['Orders'], access: 'read-write' }).Action).toEqual(
      toDynamoDBActions([...new Set([...READ_ACTIONS, ...WRITE_ACTIONS])]),
    )
  })

  test('the statement contains DescribeTable and SearchVectors only if they are listed', () => {
    const listed = compileStatement({ tables: ['Orders'], access: ['DescribeTable', 'SearchVectors'] })
    expect(listed.Action).toEqual(['dynamodb:DescribeTable', 'dynamodb:SearchVectors'])
    expect(listed.Resource).toEqual([ORDERS, `${ORDERS}/index/*`])
    const { Action } = compileStatement({ tables: ['Orders'], access: 'read-write' })
    expect(Action).not.toEqual(expect.arrayContaining([expect.stringMatching(/DescribeTable|SearchVectors/)]))
  })

  test('a second statement allows the KMS key for the tables of the scope, through DynamoDB only', () => {
    const { Statement } = compilePolicy({
      tables: ['Orders', ORDERS, 'Invoices'],
      access: ['GetItem'],
      leadingKeys: ['acme'],
      kmsKeyArn: KEY_ARN,
    })
    expect(Statement).toHaveLength(2)
    expect(Statement[1]).toEqual({
      Sid: expect.any(String),
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: KEY_ARN,
      Condition: {
        StringEquals: {
          'kms:ViaService': `dynamodb.${KEY_ARN.split(':')[3]}.amazonaws.com`,
          'kms:EncryptionContext:aws:dynamodb:tableName': ['Orders', 'Invoices'],
        },
      },
    })
  })

  test('the resources are in the partition, Region and account of the session', () => {
    const chinaTarget = { partition: 'aws-cn', accountId: '333333333333', region: 'cn-north-1' }
    expect(compilePolicy({ tables: ['Orders'], access: 'write' }, chinaTarget).Statement[0].Resource).toEqual(
      ['arn:aws-cn:dynamodb:cn-north-1:333333333333:table/Orders'],
    )
  })
})

describe('leading keys', () => {
  const compileCondition = (leadingKeys: Scope['leadingKeys']) =>
    compileStatement({ tables: ['Orders'], access: 'read-write', ...(leadingKeys && { leadingKeys }) })
      .Condition

  test('a scope with leading keys contains only actions that are limited to these keys', () => {
    const { Action, Condition } = compileStatement({
      tables: ['Orders'],
      access: 'read-write',
      leadingKeys: ['acme'],
    })
    expect(Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['acme'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    })
    expect(Action).toEqual(
      toDynamoDBActions([
        ...['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query'],
        ...['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'],
      ]),
    )
    expect(compileCondition(undefined)).toBeUndefined()
  })

  test.each([
    ['*', '${*}'],
    ['?', '${?}'],
    ['$', '${$}'],
    ['acme*', 'acme${*}'],
    ['${aws:PrincipalTag/TenantId}', '${$}{aws:PrincipalTag/TenantId}'],
    ['${*}', '${$}{${*}}'],
    ['"},{"Effect":"Allow"', '"},{"Effect":"Allow"'],
    ['\\', '\\'],
    ['caf\u00e9', 'caf\u00e9'],
    ['cafe\u0301', 'cafe\u0301'],
    ['😀', '😀'],
    ['__proto__', '__proto__'],
  ])('a leading key is literal text in the condition: %p', (key, pattern) => {
    expect(compileCondition([key])['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([pattern])
    const { Condition } = compileStatement({ tables: ['Orders'], access: 'read', leadingKeyPrefixes: [key] })
    expect(Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([`${pattern}*`])
  })

  test('the session policy contains only characters that STS accepts', () => {
    const text = compileScope(
      { tables: ['Orders'], access: 'read', leadingKeys: ['ключ 😀\u007f\u0000'] },
      TARGET,
    )
    expect(text).toMatch(/^[\u0020-\u007e]+$/)
    expect(JSON.parse(text).Statement[0].Condition['ForAllValues:StringLike']).toEqual({
      'dynamodb:LeadingKeys': ['ключ 😀\u007f\u0000'],
    })
  })
})

describe('parser of scopes', () => {
  const createRefusedResult = (...problems: object[]) => ({
    value: undefined,
    problems: problems.map((problem) => expect.objectContaining(problem)),
  })
  const createReadScope = (properties: object) => ({ tables: ['Orders'], access: 'read', ...properties })
  const SCOPE_PROPERTIES = ['tables', 'access', 'indexes', 'leadingKeys', 'leadingKeyPrefixes', 'kmsKeyArn']

  test.each<Scope>([
    { tables: ['Orders'], access: 'read' },
    { tables: ['a.b-c_1', ORDERS], access: ['dynamodb:Scan', 'GetItem'] },
    { tables: ['Orders'], access: 'read-write', indexes: false },
    { tables: ['Orders'], access: 'write', leadingKeys: ['*'], leadingKeyPrefixes: ['TENANT#acme#'] },
    { tables: ['Orders'], access: ['GetItem', 'dynamodb:Query'], leadingKeys: ['x'.repeat(2048)] },
  ])('the scope parser accepts %j', (scope) => {
    expect(parseWith(parseScope, scope)).toEqual({ value: scope, problems: [] })
  })

  test.each<[unknown, object]>([
    [undefined, { code: 'invalid-type', actual: 'undefined' }],
    [['Orders'], { code: 'invalid-type', actual: 'a list' }],
    [createReadScope({ keys: [] }), { code: 'unknown-property', property: 'keys', known: SCOPE_PROPERTIES }],
    [{ access: 'read' }, { code: 'invalid-type', path: 'tables', actual: 'undefined' }],
    [createReadScope({ tables: [] }), { code: 'empty', path: 'tables' }],
    [createReadScope({ tables: 'Orders' }), { code: 'invalid-type', path: 'tables', actual: 'a string' }],
    [
      createReadScope({ tables: [7] }),
      { code: 'invalid-type', path: 'tables', actual: 'a list that contains a number' },
    ],
    [{ tables: ['Orders'] }, { code: 'invalid-type', path: 'access', actual: 'undefined' }],
    [
      createReadScope({ access: 'all' }),
      { code: 'unknown-action', path: 'access', action: 'all', suggestion: undefined },
    ],
    [
      createReadScope({ access: 'reed' }),
      { code: 'unknown-action', path: 'access', action: 'reed', suggestion: 'read' },
    ],
    [
      createReadScope({ access: ['TransactWriteItem'] }),
      { code: 'unknown-action', action: 'TransactWriteItem', suggestion: 'TransactWriteItems' },
    ],
    [createReadScope({ access: 'Query' }), { code: 'invalid-value', path: 'access', value: 'Query' }],
    [createReadScope({ access: ['write'] }), { code: 'preset-in-list', path: 'access', preset: 'write' }],
    [
      createReadScope({ access: ['dynamodb:TransactWriteItems'] }),
      {
        code: 'operation-not-action',
        path: 'access',
        operation: 'TransactWriteItems',
        actions: ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'],
      },
    ],
    ...['ExecuteStatement', 'ExecuteTransaction', 'BatchExecuteStatement'].map(
      (operation): [unknown, object] => [
        createReadScope({ access: [operation] }),
        {
          code: 'operation-not-action',
          operation,
          actions: ['PartiQLSelect', 'PartiQLDelete', 'PartiQLInsert', 'PartiQLUpdate'],
        },
      ],
    ),
    ...['DescribeTable', 'SearchVectors'].map((action): [unknown, object] => [
      createReadScope({ access: [action], leadingKeys: ['a'] }),
      { code: 'action-without-keys', path: 'access', action },
    ]),
    ...[
      'alias/orders',
      `${KEY_ARN}*`,
      KEY_ARN.replace(/key\/.*/, 'key/*'),
      KEY_ARN.replace('key/', 'alias/'),
      '',
    ].map((kmsKeyArn): [unknown, object] => [
      createReadScope({ kmsKeyArn }),
      { code: 'invalid-key-arn', path: 'kmsKeyArn', value: kmsKeyArn },
    ]),
    [
      createReadScope({ kmsKeyArn: null }),
      { code: 'invalid-key-arn', path: 'kmsKeyArn', value: { type: 'null' } },
    ],
    [createReadScope({ access: [] }), { code: 'empty', path: 'access' }],
    [
      createReadScope({ access: [7] }),
      { code: 'invalid-type', path: 'access', actual: 'a list that contains a number' },
    ],
    [
      createReadScope({ access: ['getItem'] }),
      { code: 'unknown-action', path: 'access', action: 'getItem', suggestion: 'GetItem' },
    ],
    [
      createReadScope({ access: ['dynamodb:Scan'], leadingKeys: ['a'] }),
      { code: 'action-without-keys', path: 'access', action: 'dynamodb:Scan' },
    ],
    [
      createReadScope({ access: ['PartiQLSelect', 'GetItem'], leadingKeyPrefixes: ['a'] }),
      { code: 'action-without-keys', path: 'access', action: 'PartiQLSelect' },
    ],
    [createReadScope({ leadingKeys: [] }), { code: 'empty', path: 'leadingKeys' }],
    [
      createReadScope({ leadingKeys: 'acme' }),
      { code: 'invalid-type', path: 'leadingKeys', actual: 'a string' },
    ],
    [createReadScope({ leadingKeys: null }), { code: 'invalid-type', path: 'leadingKeys', actual: 'null' }],
    [createReadScope({ leadingKeys: [''] }), { code: 'empty', path: 'leadingKeys' }],
    [createReadScope({ leadingKeyPrefixes: [''] }), { code: 'empty', path: 'leadingKeyPrefixes' }],
    [
      createReadScope({ leadingKeys: [undefined] }),
      { code: 'invalid-type', path: 'leadingKeys', actual: 'a list that contains undefined' },
    ],
    [
      createReadScope({ leadingKeys: [{ prefix: 'a' }] }),
      { code: 'invalid-type', path: 'leadingKeys', actual: 'a list that contains an object' },
    ],
    [
      createReadScope({ leadingKeys: ['x'.repeat(2049)] }),
      { code: 'key-too-long', path: 'leadingKeys', maxBytes: 2048 },
    ],
    [
      createReadScope({ leadingKeys: ['\u0436'.repeat(1025)] }),
      { code: 'key-too-long', path: 'leadingKeys', maxBytes: 2048 },
    ],
    [createReadScope({ leadingKeys: ['a\ud800'] }), { code: 'not-unicode', path: 'leadingKeys' }],
    [createReadScope({ indexes: 'byRegion' }), { code: 'invalid-type', path: 'indexes', actual: 'a string' }],
  ])('the scope parser refuses %j', (scope, problem) => {
    expect(parseWith(parseScope, scope)).toEqual(createRefusedResult(problem))
  })

  test('the known names begin with the presets, except in a list', () => {
    const findKnown = (access: unknown, rest: object = {}) =>
      (parseWith(parseScope, createReadScope({ access, ...rest })).problems[0] as { known?: string[] }).known
    expect(findKnown('reed')?.slice(0, 4)).toEqual(['read', 'write', 'read-write', 'BatchGetItem'])
    expect(findKnown(['reed'])?.[0]).toBe('BatchGetItem')
    expect(findKnown(['reed'])).toContain('DescribeTable')
  })

  test('with leading keys, no action is suggested that they cannot restrict', () => {
    const { problems } = parseWith(parseScope, createReadScope({ access: ['Scan_'], leadingKeys: ['a'] }))
    expect(problems).toMatchObject([{ code: 'unknown-action', suggestion: undefined }])
    expect((problems[0] as { known?: string[] }).known).not.toContain('Scan')
  })

  test.each([
    ['*', { code: 'unknown-action', action: '*', suggestion: undefined }],
    [
      'TransactGetItems',
      { code: 'operation-not-action', operation: 'TransactGetItems', actions: ['GetItem'] },
    ],
  ])('the scope parser refuses the access %j alone and in a list', (access, problem) => {
    for (const value of [access, [access]])
      expect(parseWith(parseScope, createReadScope({ access: value }))).toEqual(
        createRefusedResult({ ...problem, path: 'access' }),
      )
  })

  test('the scope parser reports one problem for each list of keys, and does not report the keys', () => {
    const leadingKeys = ['', 'MARKER\ud800', 'MARKER'.repeat(1000)]
    const firstResult = parseWith(
      parseScope,
      createReadScope({ leadingKeys, leadingKeyPrefixes: leadingKeys }),
    )
    expect(firstResult).toEqual(
      createRefusedResult(
        { code: 'empty', path: 'leadingKeys' },
        { code: 'empty', path: 'leadingKeyPrefixes' },
      ),
    )
    const secondResult = parseWith(parseScope, createReadScope({ leadingKeys: leadingKeys.slice(1) }))
    expect(secondResult).toEqual(createRefusedResult({ code: 'not-unicode' }))
    expect(JSON.stringify([firstResult, secondResult])).not.toContain('MARKER')
  })

  test.each([
    '*',
    'Orders*',
    'Order?',
    'Orders/index/x',
    '${aws:username}',
    'Or"ders',
    'Or',
    'x'.repeat(256),
    `${ORDERS}*`,
    'arn:aws:dynamodb:*:222222222222:table/Orders',
    `${ORDERS}/index/x`,
  ])('the scope parser refuses the table %p', (value) => {
    expect(parseWith(parseScope, createReadScope({ tables: ['Orders', value] }))).toEqual(
      createRefusedResult({ code: 'invalid-table', path: 'tables', value }),
    )
  })

  test('the scope parser refuses wildcards and actions that do not apply to items', () => {
    const access = ['*', 'dynamodb:*', 'DeleteTable', 'iam:PassRole']
    const problems = access.map((action) => ({ code: 'unknown-action', path: 'access', action }))
    expect(parseWith(parseScope, createReadScope({ access }))).toEqual(createRefusedResult(...problems))
  })

  test('the scope parser reports all invalid actions of a scope with leading keys', () => {
    const access = ['getItem', 'Scan', 'Query', 'PartiQLInsert']
    expect(parseWith(parseScope, createReadScope({ access, leadingKeys: ['a'] }))).toEqual(
      createRefusedResult(
        { code: 'unknown-action', action: 'getItem' },
        { code: 'action-without-keys', action: 'Scan' },
        { code: 'action-without-keys', action: 'PartiQLInsert' },
      ),
    )
  })

  test('the parser of returned scopes accepts only table names', () => {
    const scope = createReadScope({ tables: ['Orders'] })
    expect(parseWith(parseReturnedScope, scope)).toEqual({ value: scope, problems: [] })
    expect(parseWith(parseReturnedScope, createReadScope({ tables: [ORDERS, 'Orders*', 7] }))).toEqual(
      createRefusedResult(
        { code: 'returned-table-arn', path: 'tables', value: ORDERS },
        { code: 'invalid-table-name', path: 'tables', value: 'Orders*' },
        { code: 'invalid-type', path: 'tables', actual: 'a list that contains a number' },
      ),
    )
  })
})

test.each([
  'arn:aws:dynamodb:eu-west-1:333333333333:table/Orders',
  'arn:aws:dynamodb:us-east-1:222222222222:table/Orders',
  'arn:aws-cn:dynamodb:eu-west-1:222222222222:table/Orders',
])('a table in another account, Region or partition is reported: %s', (value) => {
  const problems: Problem[] = []
  reportTablesElsewhere(['Orders', ORDERS, value], TARGET, (problem) => problems.push(problem))
  const prefix = 'arn:aws:dynamodb:eu-west-1:222222222222:table/'
  expect(problems).toEqual([{ code: 'table-elsewhere', path: 'tables', value, prefix }])
})
