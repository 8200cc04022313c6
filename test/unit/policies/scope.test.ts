// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** Scopes and the session policies that they become. */
import { describe, expect, test } from '@jest/globals'
import { READ, WRITE } from '../../../src/policies/actions.ts'
import {
  checkScope,
  checkScopeTarget,
  compileScope,
  policyText,
  type Scope,
} from '../../../src/policies/scope.ts'

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

  test('without indexes where nothing can be asked of one', () => {
    expect(statementOf({ tables: ['Orders'], access: 'write' })).toMatchObject({
      Action: actions(WRITE),
      Resource: [ORDERS],
    })
    expect(statementOf({ tables: ['Orders'], access: ['GetItem'] }).Resource).toEqual([ORDERS])
    expect(statementOf({ tables: ['Orders'], access: ['Query'] }).Resource).toHaveLength(2)
  })

  test('with or without indexes as it is told; with leading keys, without', () => {
    const scope: Scope = { tables: ['Orders'], access: 'read' }
    const keyed: Scope = { ...scope, leadingKeys: ['acme'] }
    expect(statementOf({ ...scope, indexes: false }).Resource).toEqual([ORDERS])
    expect(statementOf(keyed).Resource).toEqual([ORDERS])
    expect(statementOf({ ...scope, leadingKeyPrefixes: ['acme#'] }).Resource).toEqual([ORDERS])
    expect(statementOf({ ...keyed, indexes: true }).Resource).toEqual([ORDERS, `${ORDERS}/index/*`])
  })

  test('that says nothing twice', () => {
    const scope: Scope = { tables: ['Orders', ORDERS, 'Orders'], access: ['GetItem', 'dynamodb:GetItem'] }
    expect(statementOf(scope)).toMatchObject({ Action: ['dynamodb:GetItem'], Resource: [ORDERS] })
  })

  test('with both lists for both', () => {
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

  test('confine what names keys; what may name none is left out', () => {
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
  ])('mean themselves: %p', (key, pattern) => {
    expect(keysOf([key])['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([pattern])
    const { Condition } = statementOf({ tables: ['Orders'], access: 'read', leadingKeyPrefixes: [key] })
    expect(Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([`${pattern}*`])
  })

  test('are written in characters that STS takes in a policy', () => {
    const text = compileScope(
      { tables: ['Orders'], access: 'read', leadingKeys: ['ключ 😀\u007f\u0000'] },
      target,
    )
    expect(text).toMatch(/^[\u0020-\u007e]+$/)
    expect(JSON.parse(text).Statement[0].Condition['ForAllValues:StringLike']).toEqual({
      'dynamodb:LeadingKeys': ['ключ 😀\u007f\u0000'],
    })
    expect(policyText({ a: '\u00ff\ud800' })).toBe('{"a":"\\u00ff\\ud800"}')
  })
})

describe('checkScope', () => {
  test.each<Scope>([
    { tables: ['Orders'], access: 'read' },
    { tables: ['a.b-c_1', ORDERS], access: ['dynamodb:Scan', 'GetItem'] },
    { tables: ['Orders'], access: 'write', leadingKeys: ['*'], leadingKeyPrefixes: ['TENANT#acme#'] },
  ])('takes %j', (scope) => {
    expect(checkScope(scope)).toEqual([])
  })

  test.each<[unknown, string]>([
    [undefined, 'must be an object { tables, access, … }, but is undefined'],
    [['Orders'], 'must be an object { tables, access, … }, but is a list'],
    [
      { tables: ['Orders'], access: 'read', keys: [] },
      'has no "keys": it holds tables, access, indexes, leadingKeys and leadingKeyPrefixes',
    ],
    [{ access: 'read' }, 'tables must be a list of names or ARNs of tables'],
    [{ tables: [], access: 'read' }, 'tables must be a list of names or ARNs of tables'],
    [{ tables: 'Orders', access: 'read' }, 'tables must be a list of names or ARNs of tables'],
    [{ tables: [7], access: 'read' }, 'tables: a table must be a string, but is a number'],
    [
      { tables: ['Orders'] },
      "access must be 'read', 'write', 'read-write' or a list of actions, not undefined",
    ],
    [
      { tables: ['Orders'], access: 'all' },
      "access must be 'read', 'write', 'read-write' or a list of actions, not \"all\"",
    ],
    [
      { tables: ['Orders'], access: [] },
      "access must be 'read', 'write', 'read-write' or a list of actions, not a list",
    ],
    [
      { tables: ['Orders'], access: [7] },
      "access must be 'read', 'write', 'read-write' or a list of actions, but holds a number",
    ],
    [
      { tables: ['Orders'], access: ['getItem'] },
      'access: "getItem" is not an action on items; did you mean GetItem?',
    ],
    [
      { tables: ['Orders'], access: ['dynamodb:Scan'], leadingKeys: ['a'] },
      'access: "dynamodb:Scan" may name no key, so leadingKeys cannot confine it; leave out one of the two',
    ],
    [{ tables: ['Orders'], access: 'read', leadingKeys: [] }, 'leadingKeys must be a list that is not empty'],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: 'acme' },
      'leadingKeys must be a list that is not empty',
    ],
    [{ tables: ['Orders'], access: 'read', leadingKeys: [''] }, 'leadingKeys must not hold an empty string'],
    [
      { tables: ['Orders'], access: 'read', leadingKeyPrefixes: [''] },
      'leadingKeyPrefixes must not hold an empty string',
    ],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: [undefined] },
      'leadingKeys must hold strings, but holds undefined',
    ],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: [{ prefix: 'a' }] },
      'leadingKeys must hold strings, but holds an object',
    ],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: ['x'.repeat(2049)] },
      'leadingKeys must hold keys of at most 2048 bytes',
    ],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: ['\u0436'.repeat(1025)] },
      'leadingKeys must hold keys of at most 2048 bytes',
    ],
    [
      { tables: ['Orders'], access: 'read', indexes: 'byRegion' },
      'indexes must be a boolean, but is a string',
    ],
    [
      { tables: ['Orders'], access: 'read', leadingKeys: ['a\ud800'] },
      'leadingKeys must hold Unicode, but holds half of a surrogate pair',
    ],
  ])('refuses %j', (scope, complaint) => {
    expect(checkScope(scope)).toEqual([complaint])
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
  ])('refuses the table %p, which is no table’s name', (table) => {
    expect(checkScope({ tables: [table], access: 'read' })).toEqual([
      `tables: ${JSON.stringify(table)} is neither a table's name (3 to 255 letters, digits and _.-) nor its ARN`,
    ])
  })

  test('refuses wildcards and what is no action on items', () => {
    const complaints = checkScope({
      tables: ['Orders'],
      access: ['*', 'dynamodb:*', 'DeleteTable', 'iam:PassRole'],
    })
    expect(complaints).toHaveLength(4)
    for (const complaint of complaints) expect(complaint).toMatch(/^access: .* is not an action on items; /)
  })
})

test.each([
  'arn:aws:dynamodb:eu-west-1:333333333333:table/Orders',
  'arn:aws:dynamodb:us-east-1:222222222222:table/Orders',
  'arn:aws-cn:dynamodb:eu-west-1:222222222222:table/Orders',
])('%s is out of the reach of a session', (table) => {
  expect(checkScopeTarget({ tables: ['Orders', ORDERS, table], access: 'read' }, target)).toEqual([
    `tables: "${table}" is not in the account, Region and partition of this session, ` +
      'where ARNs begin with arn:aws:dynamodb:eu-west-1:222222222222:table/',
  ])
})
