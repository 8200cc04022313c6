/** A handler that is told to reach for another tenant's items: IAM says no, by whatever operation it tries. Shows EVENT-1 of SECURITY.md. */
import {
  BatchExecuteStatementCommand,
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  ExecuteStatementCommand,
  ExecuteTransactionCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import middy from '@middy/core'
import { type CrossAccountDynamoOptions, crossAccountDynamo, type Scope } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from '../sandbox/policies.ts'
import { restrictToEngine } from '../sandbox/restrict-to-engine.ts'
import { createTenantAccounts, ORDERS_TABLE, ORDERS_TABLE_ARN } from '../sandbox/tenant-accounts.ts'
import { ACCOUNT_B, OTHER_TABLE, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

interface Event {
  /** Who asks. */
  readonly tenant: string
  /** Whose items the handler is told to reach for. */
  readonly key: string
}
const local = restrictToEngine('dynamodb-local', 'dynalite has neither transactions nor PartiQL')

type Send = DynamoDBDocumentClient['send']
/** What a handler tries, with the key that it is told. */
type Attempt = (send: Send, key: string) => Promise<unknown>

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTenantAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

const TableName = ORDERS_TABLE
const resources = [ORDERS_TABLE_ARN, `${ORDERS_TABLE_ARN}/index/*`]

/** The item that an attempt meets, of each of two tenants; `region` is the key of the index. */
const seeded = (tenant: string) => ({ tenant, order: '1', n: 1, region: tenant })
const seed = (...names: string[]) =>
  sandbox.getAccount(ACCOUNT_B).seed(
    ORDERS_TABLE,
    names.map((name) => ({ tenant: { S: name }, order: { S: '1' }, n: { N: '1' }, region: { S: name } })),
  )
const remove = (tenant: string, order: string) =>
  sandbox
    .getAccount(ACCOUNT_B)
    .engine.send('DeleteItem', { TableName, Key: { tenant: { S: tenant }, order: { S: order } } })
/** What the engine holds, past signatures and policies. */
const stored = async (tenant: string, order = '1') => {
  const Key = { tenant: { S: tenant }, order: { S: order } }
  const { body } = await sandbox.getAccount(ACCOUNT_B).engine.send('GetItem', { TableName, Key })
  return JSON.parse(body).Item
}

const handlerWith = (options: CrossAccountDynamoOptions<'dynamo', true, Event>) => {
  const middleware = crossAccountDynamo(options)
  return (event: Event, attempt: Attempt): Promise<unknown> =>
    middy()
      .use(middleware)
      .handler(async (told: Event, context) => attempt(context.dynamo.send.bind(context.dynamo), told.key))(
      event,
      lambdaContext(),
    )
}

const own = { tenant: 'acme', order: '2' }
const keyOf = (tenant: string) => ({ tenant, order: '1' })
const item = (tenant: string) => ({ ...keyOf(tenant), n: 2, region: tenant })
const change = {
  UpdateExpression: 'SET n = :n',
  ExpressionAttributeValues: { ':n': 2 },
}
const exists = { ConditionExpression: 'attribute_exists(tenant)' }

/** Each alone, or hidden among the tenant's own. */
const OPERATIONS: Record<string, Attempt> = {
  GetItem: (send, key) => send(new GetCommand({ TableName, Key: keyOf(key) })),
  Query: (send, key) =>
    send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant = :tenant',
        ExpressionAttributeValues: { ':tenant': key },
      }),
    ),
  'Query of an index': (send, key) =>
    send(
      new QueryCommand({
        TableName,
        IndexName: 'byRegion',
        KeyConditionExpression: '#region = :region',
        ExpressionAttributeNames: { '#region': 'region' },
        ExpressionAttributeValues: { ':region': key },
      }),
    ),
  BatchGetItem: (send, key) =>
    send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [own, keyOf(key)] } } })),
  PutItem: (send, key) => send(new PutCommand({ TableName, Item: item(key) })),
  UpdateItem: (send, key) => send(new UpdateCommand({ TableName, Key: keyOf(key), ...change })),
  DeleteItem: (send, key) => send(new DeleteCommand({ TableName, Key: keyOf(key) })),
  'BatchWriteItem, a put': (send, key) =>
    send(
      new BatchWriteCommand({
        RequestItems: { [TableName]: [{ PutRequest: { Item: own } }, { PutRequest: { Item: item(key) } }] },
      }),
    ),
  'BatchWriteItem, a delete': (send, key) =>
    send(
      new BatchWriteCommand({
        RequestItems: {
          [TableName]: [{ PutRequest: { Item: own } }, { DeleteRequest: { Key: keyOf(key) } }],
        },
      }),
    ),
}

const ownPart = { Put: { TableName, Item: own } }
const TRANSACTIONS: Record<string, Attempt> = {
  TransactGetItems: (send, key) =>
    send(
      new TransactGetCommand({
        TransactItems: [{ Get: { TableName, Key: own } }, { Get: { TableName, Key: keyOf(key) } }],
      }),
    ),
  'TransactWriteItems, a put': (send, key) =>
    send(new TransactWriteCommand({ TransactItems: [ownPart, { Put: { TableName, Item: item(key) } }] })),
  'TransactWriteItems, an update': (send, key) =>
    send(
      new TransactWriteCommand({
        TransactItems: [ownPart, { Update: { TableName, Key: keyOf(key), ...change } }],
      }),
    ),
  'TransactWriteItems, a delete': (send, key) =>
    send(new TransactWriteCommand({ TransactItems: [ownPart, { Delete: { TableName, Key: keyOf(key) } }] })),
  'TransactWriteItems, a condition': (send, key) =>
    send(
      new TransactWriteCommand({
        TransactItems: [ownPart, { ConditionCheck: { TableName, Key: keyOf(key), ...exists } }],
      }),
    ),
}

const STATEMENTS = {
  select: 'SELECT * FROM "Orders" WHERE tenant = ? AND "order" = \'1\'',
  insert: `INSERT INTO "Orders" VALUE {'tenant': ?, 'order': '3', 'n': 2}`,
  update: 'UPDATE "Orders" SET n = 2 WHERE tenant = ? AND "order" = \'1\'',
  delete: 'DELETE FROM "Orders" WHERE tenant = ? AND "order" = \'1\'',
}
const PARTIQL: Record<string, Attempt> = {}
for (const [kind, Statement] of Object.entries(STATEMENTS)) {
  PARTIQL[`ExecuteStatement, ${kind}`] = (send, key) =>
    send(new ExecuteStatementCommand({ Statement, Parameters: [key] }))
  PARTIQL[`ExecuteTransaction, ${kind}`] = (send, key) =>
    send(new ExecuteTransactionCommand({ TransactStatements: [{ Statement, Parameters: [key] }] }))
  // A batch succeeds, and says of each statement what became of it.
  PARTIQL[`BatchExecuteStatement, ${kind}`] = async (send, key) => {
    const { Responses } = await send(
      new BatchExecuteStatementCommand({ Statements: [{ Statement, Parameters: [key] }] }),
    )
    const error = Responses?.[0]?.Error
    if (error?.Code === 'AccessDenied')
      throw Object.assign(new Error(error.Message), { name: 'AccessDeniedException' })
    if (error) throw new Error(error.Message)
  }
}

const denied = (policyKind = 'identity-based') =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: expect.stringMatching(
      `is not authorized to perform: dynamodb:\\w+ on .* because no ${policyKind} policy allows`,
    ),
  })

/** The attempt reaches the tenant's own items, and not those of another, which stay as they were. */
const confines = async (
  call: ReturnType<typeof handlerWith>,
  attempt: Attempt,
  policyKind: string,
): Promise<void> => {
  await seed('acme', 'evil')
  await remove('acme', '3')
  const before = await stored('evil')
  await expect(call({ tenant: 'acme', key: 'evil' }, attempt)).rejects.toEqual(denied(policyKind))
  expect(await stored('evil')).toEqual(before)
  expect(await stored('evil', '3')).toBeUndefined()
  await call({ tenant: 'acme', key: 'acme' }, attempt)
  // And it is the tenant that decides, not the key.
  await expect(call({ tenant: 'evil', key: 'acme' }, attempt)).rejects.toEqual(denied(policyKind))
}

const permit = (condition: object = {}) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(allowStatement('dynamodb:*', { Resource: resources, ...condition })),
  ]
}

/** Holds for all of its keys, since there are none. */
const nothing: Attempt = (send) => send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [] } } }))
const scan: Attempt = (send) => send(new ScanCommand({ TableName }))

describe('with a role whose policy compares the leading key with the session’s tag', () => {
  beforeEach(() => {
    permit({ Condition: { ...OWN_TENANT_CONDITION, Null: { 'dynamodb:LeadingKeys': 'false' } } })
  })
  const start = () => handlerWith({ session: ({ event }) => ({ sessionTags: { TenantId: event.tenant } }) })

  test.each(Object.entries(OPERATIONS))('%s', async (_name, attempt) => {
    await confines(start(), attempt, 'identity-based')
  })

  test.each(Object.entries({ Scan: scan, 'A batch without keys': nothing }))(
    '%s is denied',
    async (_name, attempt) => {
      await expect(start()({ tenant: 'acme', key: 'acme' }, attempt)).rejects.toEqual(denied())
    },
  )

  test('an event without a tenant reaches nobody’s, and STS is not asked', async () => {
    const event = { key: 'acme' } as Event
    await expect(start()(event, OPERATIONS.GetItem as Attempt)).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
    })
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  local.describe('transactions and PartiQL', () => {
    test.each(Object.entries({ ...TRANSACTIONS, ...PARTIQL }))('%s', async (_name, attempt) => {
      await confines(start(), attempt, 'identity-based')
    })
  })
})

describe('with a scope, under a role that may do anything with the table,', () => {
  beforeEach(() => permit())
  const scoped = (scope: Partial<Scope>) =>
    handlerWith({ scope: { tables: [ORDERS_TABLE], access: 'read-write', ...scope } })
  const get = OPERATIONS.GetItem as Attempt
  const put = OPERATIONS.PutItem as Attempt
  /** Of nobody in particular: where the scope does not ask who it is. */
  const to = (key: string): Event => ({ tenant: 'acme', key })

  describe('the own leading key is all that can be reached:', () => {
    const start = () =>
      handlerWith({
        session: ({ event }) => ({
          scope: { tables: [ORDERS_TABLE], access: 'read-write', indexes: true, leadingKeys: [event.tenant] },
        }),
      })

    test.each(Object.entries(OPERATIONS))('%s', async (_name, attempt) => {
      await confines(start(), attempt, 'session')
    })

    // Denied before any engine would have to understand it.
    test.each(Object.entries({ Scan: scan, 'A batch without keys': nothing, ...PARTIQL }))(
      '%s, which may name no key, is denied to everybody',
      async (_name, attempt) => {
        await seed('acme')
        const before = await stored('acme')
        await expect(start()(to('acme'), attempt)).rejects.toEqual(denied('session'))
        expect(await stored('acme')).toEqual(before)
      },
    )

    local.describe('transactions', () => {
      test.each(Object.entries(TRANSACTIONS))('%s', async (_name, attempt) => {
        await confines(start(), attempt, 'session')
      })
    })
  })

  test('and without one, Scan is allowed: the role is as wide as was said', async () => {
    await scoped({})(to(''), scan)
  })

  const HOSTILE = [
    'acme',
    'ACME',
    'acmes',
    'acme*',
    'acme?',
    '*',
    '?',
    '$',
    '$'.concat('{aws:username}'),
    '$'.concat('{aws:PrincipalTag/TenantId}'),
    '$'.concat('{*}'),
    '$'.concat('{$}'),
    '"',
    '","*',
    '\\',
    '\\*',
    '\\u002a',
    '👩‍👩‍👧',
    '👩',
    'caf\u00e9',
    'cafe\u0301',
    'аcme', // Cyrillic а
  ]

  test.each(HOSTILE)('%j is a key to itself and to no other', async (key) => {
    await seed(...HOSTILE)
    const call = scoped({ leadingKeys: [key] })
    await expect(call(to(key), get)).resolves.toMatchObject({ Item: seeded(key) })
    for (const other of HOSTILE.filter((one) => one !== key))
      await expect(call(to(other), get)).rejects.toEqual(denied('session'))
  })

  test('several keys are several', async () => {
    const call = scoped({ leadingKeys: ['acme', '*'], leadingKeyPrefixes: ['b?'] })
    for (const key of ['acme', '*', 'b?', 'b?c']) await call(to(key), get)
    for (const key of ['acmes', 'x', 'bc', 'b'])
      await expect(call(to(key), get)).rejects.toEqual(denied('session'))
  })

  test.each([
    [
      'TENANT#1#',
      ['TENANT#1#', 'TENANT#1#order'],
      ['TENANT#1', 'TENANT#10#order', 'xTENANT#1#', 'tenant#1#order'],
    ],
    ['*', ['*', '*x'], ['x', 'x*', '?']],
    ['?', ['?', '?x'], ['x', 'xx', '*']],
    ['$'.concat('{'), ['$'.concat('{aws:username}')], ['$', '{', 'x']],
    ['caf\u00e9', ['caf\u00e9s'], ['cafe\u0301s', 'cafe']],
  ])('the prefix %j is how all begin that it reaches', async (prefix, within, beyond) => {
    const call = scoped({ leadingKeyPrefixes: [prefix] })
    for (const key of within) await call(to(key), get)
    for (const key of beyond) await expect(call(to(key), get)).rejects.toEqual(denied('session'))
  })

  test('read denies every write, and write every read', async () => {
    const reads = ['GetItem', 'Query', 'Query of an index', 'BatchGetItem']
    await seed('acme')
    const [reading, writing] = [scoped({ access: 'read' }), scoped({ access: 'write' })]
    for (const [name, attempt] of Object.entries({ ...OPERATIONS, Scan: scan })) {
      const [mayDo, mayNot] = [...reads, 'Scan'].includes(name) ? [reading, writing] : [writing, reading]
      const before = await stored('acme')
      await expect(mayNot(to('acme'), attempt)).rejects.toEqual(denied('session'))
      expect(await stored('acme')).toEqual(before)
      await mayDo(to('acme'), attempt)
    }
  })

  test('a list allows what it lists', async () => {
    const call = scoped({ access: ['dynamodb:PutItem', 'UpdateItem'] })
    await call(to('acme'), put)
    await call(to('acme'), OPERATIONS.UpdateItem as Attempt)
    for (const name of ['GetItem', 'DeleteItem', 'Query', 'BatchWriteItem, a put'])
      await expect(call(to('acme'), OPERATIONS[name] as Attempt)).rejects.toEqual(denied('session'))
  })

  describe('tables and their indexes', () => {
    const queryIndex = OPERATIONS['Query of an index'] as Attempt
    const getOther: Attempt = (send, id) => send(new GetCommand({ TableName: OTHER_TABLE, Key: { id } }))
    const otherIndex: Attempt = (send, id) =>
      send(
        new QueryCommand({
          TableName: OTHER_TABLE,
          IndexName: 'byId',
          KeyConditionExpression: 'id = :id',
          ExpressionAttributeValues: { ':id': id },
        }),
      )
    beforeEach(() => {
      sandbox.getRole(TARGET_ROLE_ARN).policies = [
        createPolicy(allowStatement('dynamodb:*', { Resource: '*' })),
      ]
    })

    test('that are in the scope, by name or by ARN', async () => {
      for (const table of [ORDERS_TABLE, ORDERS_TABLE_ARN]) {
        const call = scoped({ tables: [table], access: 'read' })
        await call(to('acme'), get)
        await call(to('acme'), queryIndex)
        for (const attempt of [getOther, otherIndex])
          await expect(call(to('acme'), attempt)).rejects.toEqual(denied('session'))
      }
      await scoped({ tables: [ORDERS_TABLE, OTHER_TABLE] })(to('acme'), getOther)
    })

    test('an index is about its own leading key', async () => {
      await seed('acme', 'evil')
      const call = scoped({ indexes: true, leadingKeys: ['acme'] })
      await expect(call(to('acme'), queryIndex)).resolves.toMatchObject({ Items: [seeded('acme')] })
      await expect(call(to('evil'), queryIndex)).rejects.toEqual(denied('session'))
      // Unless it is asked for, nobody reads by a key that is not the tenant's.
      const closed = scoped({ leadingKeys: ['acme'] })
      await expect(closed(to('acme'), queryIndex)).rejects.toEqual(denied('session'))
    })

    test('an index is not reached where nothing may be read', async () => {
      await expect(scoped({ access: ['GetItem', 'PutItem'] })(to('acme'), queryIndex)).rejects.toEqual(
        denied('session'),
      )
    })
  })
})
