// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** What a scope may be, and the session policy that it becomes. */
import { describe, expect, test } from '@jest/globals'
import { READ, WRITE } from '../../../src/iam/actions.ts'
import { reportTablesElsewhere } from '../../../src/iam/constraints.ts'
import { compileScope, parseReturnedScope, parseScope, type Scope } from '../../../src/iam/scope.ts'
import type { Problem } from '../../../src/options/issue.ts'
import { parseWith } from '../issues.ts'

const target = { partition: 'aws', accountId: '222222222222', region: 'eu-west-1' }
const ORDERS = 'arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'
const compile = (scope: Scope, where = target) => JSON.parse(compileScope(scope, where))
const statementOf = (scope: Scope) => compile(scope).Statement[0]
const actions = (names: readonly string[]) => names.map((name) => `dynamodb:${name}`)

describe('a scope becomes one statement', () => {
  test('of exact actions on exact tables and their indexes', () => {
    expect(compile({ tables: ['Orders'], access: 'read' })).toEqual({
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

  test('without indexes if no action can be used on an index', () => {
    expect(statementOf({ tables: ['Orders'], access: 'write' })).toMatchObject({
      Action: actions(WRITE),
      Resource: [ORDERS],
    })
    expect(statementOf({ tables: ['Orders'], access: ['GetItem'] }).Resource).toEqual([ORDERS])
    expect(statementOf({ tables: ['Orders'], access: ['Query'] }).Resource).toHaveLength(2)
  })

  test('with indexes by default, and without them by default if it has leading keys', () => {
    const scope: Scope = { tables: ['Orders'], access: 'read' }
    const keyed: Scope = { ...scope, leadingKeys: ['acme'] }
    expect(statementOf({ ...scope, indexes: false }).Resource).toEqual([ORDERS])
    expect(statementOf(keyed).Resource).toEqual([ORDERS])
    expect(statementOf({ ...scope, leadingKeyPrefixes: ['acme#'] }).Resource).toEqual([ORDERS])
    expect(statementOf({ ...keyed, indexes: true }).Resource).toEqual([ORDERS, `${ORDERS}/index/*`])
  })

  test('without duplicates', () => {
    const scope: Scope = { tables: ['Orders', ORDERS, 'Orders'], access: ['GetItem', 'dynamodb:GetItem'] }
    expect(statementOf(scope)).toMatchObject({ Action: ['dynamodb:GetItem'], Resource: [ORDERS] })
  })

  test('with read and write actions for read-write', () => {
    expect(statementOf({ tables: ['Orders'], access: 'read-write' }).Action).toEqual(
      actions([...READ, ...WRITE]),
    )
  })

  test('in the partition, Region and account of the session', () => {
    const china = { partition: 'aws-cn', accountId: '333333333333', region: 'cn-north-1' }
    expect(compile({ tables: ['Orders'], access: 'write' }, china).Statement[0].Resource).toEqual([
      'arn:aws-cn:dynamodb:cn-north-1:333333333333:table/Orders',
    ])
  })
})

describe('leading keys', () => {
  const keysOf = (leadingKeys: Scope['leadingKeys']) =>
    statementOf({ tables: ['Orders'], access: 'read-write', ...(leadingKeys && { leadingKeys }) }).Condition

  test('confine actions that name keys, and leave out the others', () => {
    const { Action, Condition } = statementOf({
      tables: ['Orders'],
      access: 'read-write',
      leadingKeys: ['acme'],
    })
    expect(Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['acme'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    })
    expect(Action).toEqual(
      actions([
        ...['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query'],
        ...['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'],
      ]),
    )
    expect(keysOf(undefined)).toBeUndefined()
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
  ])('are literal text in the condition: %p', (key, pattern) => {
    expect(keysOf([key])['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([pattern])
    const { Condition } = statementOf({ tables: ['Orders'], access: 'read', leadingKeyPrefixes: [key] })
    expect(Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([`${pattern}*`])
  })

  test('are written in the characters that STS accepts in a policy', () => {
    const text = compileScope(
      { tables: ['Orders'], access: 'read', leadingKeys: ['ключ 😀\u007f\u0000'] },
      target,
    )
    expect(text).toMatch(/^[\u0020-\u007e]+$/)
    expect(JSON.parse(text).Statement[0].Condition['ForAllValues:StringLike']).toEqual({
      'dynamodb:LeadingKeys': ['ключ 😀\u007f\u0000'],
    })
  })
})

describe('parser of scopes', () => {
  const refused = (...problems: object[]) => ({
    value: undefined,
    problems: problems.map((problem) => expect.objectContaining(problem)),
  })
  const read = (more: object) => ({ tables: ['Orders'], access: 'read', ...more })
  const PROPERTIES = ['tables', 'access', 'indexes', 'leadingKeys', 'leadingKeyPrefixes']

  test.each<Scope>([
    { tables: ['Orders'], access: 'read' },
    { tables: ['a.b-c_1', ORDERS], access: ['dynamodb:Scan', 'GetItem'] },
    { tables: ['Orders'], access: 'read-write', indexes: false },
    { tables: ['Orders'], access: 'write', leadingKeys: ['*'], leadingKeyPrefixes: ['TENANT#acme#'] },
    { tables: ['Orders'], access: ['GetItem', 'dynamodb:Query'], leadingKeys: ['x'.repeat(2048)] },
  ])('accepts %j', (scope) => {
    expect(parseWith(parseScope, scope)).toEqual({ value: scope, problems: [] })
  })

  test.each<[unknown, object]>([
    [undefined, { code: 'invalid-type', actual: 'undefined' }],
    [['Orders'], { code: 'invalid-type', actual: 'a list' }],
    [read({ keys: [] }), { code: 'unknown-property', property: 'keys', known: PROPERTIES }],
    [{ access: 'read' }, { code: 'invalid-type', path: 'tables', actual: 'undefined' }],
    [read({ tables: [] }), { code: 'empty', path: 'tables' }],
    [read({ tables: 'Orders' }), { code: 'invalid-type', path: 'tables', actual: 'a string' }],
    [
      read({ tables: [7] }),
      { code: 'invalid-type', path: 'tables', actual: 'a list that contains a number' },
    ],
    [{ tables: ['Orders'] }, { code: 'invalid-type', path: 'access', actual: 'undefined' }],
    [read({ access: 'all' }), { code: 'invalid-value', path: 'access', value: 'all' }],
    [read({ access: [] }), { code: 'empty', path: 'access' }],
    [
      read({ access: [7] }),
      { code: 'invalid-type', path: 'access', actual: 'a list that contains a number' },
    ],
    [
      read({ access: ['getItem'] }),
      { code: 'unknown-action', path: 'access', action: 'getItem', suggestion: 'GetItem' },
    ],
    [
      read({ access: ['dynamodb:Scan'], leadingKeys: ['a'] }),
      { code: 'action-without-keys', path: 'access', action: 'dynamodb:Scan' },
    ],
    [
      read({ access: ['PartiQLSelect', 'GetItem'], leadingKeyPrefixes: ['a'] }),
      { code: 'action-without-keys', path: 'access', action: 'PartiQLSelect' },
    ],
    [read({ leadingKeys: [] }), { code: 'empty', path: 'leadingKeys' }],
    [read({ leadingKeys: 'acme' }), { code: 'invalid-type', path: 'leadingKeys', actual: 'a string' }],
    [read({ leadingKeys: null }), { code: 'invalid-type', path: 'leadingKeys', actual: 'null' }],
    [read({ leadingKeys: [''] }), { code: 'empty', path: 'leadingKeys' }],
    [read({ leadingKeyPrefixes: [''] }), { code: 'empty', path: 'leadingKeyPrefixes' }],
    [
      read({ leadingKeys: [undefined] }),
      { code: 'invalid-type', path: 'leadingKeys', actual: 'a list that contains undefined' },
    ],
    [
      read({ leadingKeys: [{ prefix: 'a' }] }),
      { code: 'invalid-type', path: 'leadingKeys', actual: 'a list that contains an object' },
    ],
    [
      read({ leadingKeys: ['x'.repeat(2049)] }),
      { code: 'key-too-long', path: 'leadingKeys', maxBytes: 2048 },
    ],
    [
      read({ leadingKeys: ['\u0436'.repeat(1025)] }),
      { code: 'key-too-long', path: 'leadingKeys', maxBytes: 2048 },
    ],
    [read({ leadingKeys: ['a\ud800'] }), { code: 'not-unicode', path: 'leadingKeys' }],
    [read({ indexes: 'byRegion' }), { code: 'invalid-type', path: 'indexes', actual: 'a string' }],
  ])('refuses %j', (scope, problem) => {
    expect(parseWith(parseScope, scope)).toEqual(refused(problem))
  })

  test('reports one problem of each list of keys, and never a key', () => {
    const leadingKeys = ['', 'MARKER\ud800', 'MARKER'.repeat(1000)]
    const parsed = parseWith(parseScope, read({ leadingKeys, leadingKeyPrefixes: leadingKeys }))
    expect(parsed).toEqual(
      refused({ code: 'empty', path: 'leadingKeys' }, { code: 'empty', path: 'leadingKeyPrefixes' }),
    )
    const hidden = parseWith(parseScope, read({ leadingKeys: leadingKeys.slice(1) }))
    expect(hidden).toEqual(refused({ code: 'not-unicode' }))
    expect(JSON.stringify([parsed, hidden])).not.toContain('MARKER')
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
  ])('refuses the table %p', (value) => {
    expect(parseWith(parseScope, read({ tables: ['Orders', value] }))).toEqual(
      refused({ code: 'invalid-table', path: 'tables', value }),
    )
  })

  test('refuses wildcards and actions that are not on items', () => {
    const access = ['*', 'dynamodb:*', 'DeleteTable', 'iam:PassRole']
    const problems = access.map((action) => ({ code: 'unknown-action', path: 'access', action }))
    expect(parseWith(parseScope, read({ access }))).toEqual(refused(...problems))
  })

  test('reports everything that is wrong with the actions of a scope with leading keys', () => {
    const access = ['getItem', 'Scan', 'Query', 'PartiQLInsert']
    expect(parseWith(parseScope, read({ access, leadingKeys: ['a'] }))).toEqual(
      refused(
        { code: 'unknown-action', action: 'getItem' },
        { code: 'action-without-keys', action: 'Scan' },
        { code: 'action-without-keys', action: 'PartiQLInsert' },
      ),
    )
  })

  test('accepts only names of tables from a function of the request', () => {
    const scope = read({ tables: ['Orders'] })
    expect(parseWith(parseReturnedScope, scope)).toEqual({ value: scope, problems: [] })
    expect(parseWith(parseReturnedScope, read({ tables: [ORDERS, 'Orders*', 7] }))).toEqual(
      refused(
        { code: 'table-arn-from-request', path: 'tables', value: ORDERS },
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
])('the table %s cannot be reached from another account, Region or partition', (value) => {
  const problems: Problem[] = []
  reportTablesElsewhere(['Orders', ORDERS, value], target, (problem) => problems.push(problem))
  const prefix = 'arn:aws:dynamodb:eu-west-1:222222222222:table/'
  expect(problems).toEqual([{ code: 'table-elsewhere', path: 'tables', value, prefix }])
})
