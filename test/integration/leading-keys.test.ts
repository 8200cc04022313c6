/**
 * IAM denies each operation of a handler on the items of another tenant, both with a role policy that compares the leading key with a
 * session tag, and with a scope. Shows EVENT-1 of SECURITY.md.
 */
// cspell:ignore аcme
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
import { createFunctionVariables, createLambdaContext, setEnvironment } from './lambda.ts'

interface Event {
  /** The tenant of the invocation. */
  readonly tenant: string
  /** The partition key in the handler's request, which is another tenant's in an attack. */
  readonly partitionKey: string
}
const dynamoDbLocal = restrictToEngine('dynamodb-local', 'dynalite has neither transactions nor PartiQL')

type Send = DynamoDBDocumentClient['send']
/** Sends a request for items with this partition key. */
type Operation = (send: Send, partitionKey: string) => Promise<unknown>

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTenantAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
})

const TableName = ORDERS_TABLE
const RESOURCES = [ORDERS_TABLE_ARN, `${ORDERS_TABLE_ARN}/index/*`]

/** The item that `seedItems` stores for a tenant. `region` is the partition key of the index. */
const createSeededItem = (tenant: string) => ({ tenant, order: '1', n: 1, region: tenant })
const seedItems = (...tenants: string[]) =>
  sandbox.getAccount(ACCOUNT_B).seed(
    ORDERS_TABLE,
    tenants.map((tenant) => ({
      tenant: { S: tenant },
      order: { S: '1' },
      n: { N: '1' },
      region: { S: tenant },
    })),
  )
/** Deletes an item directly in the engine, without signatures and policies. */
const deleteItem = (tenant: string, order: string) =>
  sandbox
    .getAccount(ACCOUNT_B)
    .engine.send('DeleteItem', { TableName, Key: { tenant: { S: tenant }, order: { S: order } } })
/** Reads an item directly from the engine, without signatures and policies. */
const getStoredItem = async (tenant: string, order = '1') => {
  const Key = { tenant: { S: tenant }, order: { S: order } }
  const { body } = await sandbox.getAccount(ACCOUNT_B).engine.send('GetItem', { TableName, Key })
  return JSON.parse(body).Item
}

/** Returns a function that sends the operation in an invocation for the event. */
const createInvoke = (options: CrossAccountDynamoOptions<'dynamo', true, Event>) => {
  const middleware = crossAccountDynamo(options)
  return (event: Event, operation: Operation): Promise<unknown> =>
    middy()
      .use(middleware)
      .handler(async ({ partitionKey }: Event, context) =>
        operation(context.dynamo.send.bind(context.dynamo), partitionKey),
      )(event, createLambdaContext())
}

const OWN_KEY = { tenant: 'acme', order: '2' }
const createKey = (tenant: string) => ({ tenant, order: '1' })
const createItem = (tenant: string) => ({ ...createKey(tenant), n: 2, region: tenant })
const UPDATE = {
  UpdateExpression: 'SET n = :n',
  ExpressionAttributeValues: { ':n': 2 },
}
const EXISTS_CONDITION = { ConditionExpression: 'attribute_exists(tenant)' }

/** Operations on one item. In batches, the first item is the tenant's own. */
const OPERATIONS: Record<string, Operation> = {
  GetItem: (send, partitionKey) => send(new GetCommand({ TableName, Key: createKey(partitionKey) })),
  Query: (send, partitionKey) =>
    send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant = :tenant',
        ExpressionAttributeValues: { ':tenant': partitionKey },
      }),
    ),
  'Query of an index': (send, partitionKey) =>
    send(
      new QueryCommand({
        TableName,
        IndexName: 'byRegion',
        KeyConditionExpression: '#region = :region',
        ExpressionAttributeNames: { '#region': 'region' },
        ExpressionAttributeValues: { ':region': partitionKey },
      }),
    ),
  BatchGetItem: (send, partitionKey) =>
    send(
      new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [OWN_KEY, createKey(partitionKey)] } } }),
    ),
  PutItem: (send, partitionKey) => send(new PutCommand({ TableName, Item: createItem(partitionKey) })),
  UpdateItem: (send, partitionKey) =>
    send(new UpdateCommand({ TableName, Key: createKey(partitionKey), ...UPDATE })),
  DeleteItem: (send, partitionKey) => send(new DeleteCommand({ TableName, Key: createKey(partitionKey) })),
  'BatchWriteItem with a put': (send, partitionKey) =>
    send(
      new BatchWriteCommand({
        RequestItems: {
          [TableName]: [
            { PutRequest: { Item: OWN_KEY } },
            { PutRequest: { Item: createItem(partitionKey) } },
          ],
        },
      }),
    ),
  'BatchWriteItem with a delete': (send, partitionKey) =>
    send(
      new BatchWriteCommand({
        RequestItems: {
          [TableName]: [
            { PutRequest: { Item: OWN_KEY } },
            { DeleteRequest: { Key: createKey(partitionKey) } },
          ],
        },
      }),
    ),
}

const OWN_PUT = { Put: { TableName, Item: OWN_KEY } }
const TRANSACTION_OPERATIONS: Record<string, Operation> = {
  TransactGetItems: (send, partitionKey) =>
    send(
      new TransactGetCommand({
        TransactItems: [
          { Get: { TableName, Key: OWN_KEY } },
          { Get: { TableName, Key: createKey(partitionKey) } },
        ],
      }),
    ),
  'TransactWriteItems with a put': (send, partitionKey) =>
    send(
      new TransactWriteCommand({
        TransactItems: [OWN_PUT, { Put: { TableName, Item: createItem(partitionKey) } }],
      }),
    ),
  'TransactWriteItems with an update': (send, partitionKey) =>
    send(
      new TransactWriteCommand({
        TransactItems: [OWN_PUT, { Update: { TableName, Key: createKey(partitionKey), ...UPDATE } }],
      }),
    ),
  'TransactWriteItems with a delete': (send, partitionKey) =>
    send(
      new TransactWriteCommand({
        TransactItems: [OWN_PUT, { Delete: { TableName, Key: createKey(partitionKey) } }],
      }),
    ),
  'TransactWriteItems with a condition check': (send, partitionKey) =>
    send(
      new TransactWriteCommand({
        TransactItems: [
          OWN_PUT,
          { ConditionCheck: { TableName, Key: createKey(partitionKey), ...EXISTS_CONDITION } },
        ],
      }),
    ),
}

const STATEMENTS = {
  select: 'SELECT * FROM "Orders" WHERE tenant = ? AND "order" = \'1\'',
  insert: `INSERT INTO "Orders" VALUE {'tenant': ?, 'order': '3', 'n': 2}`,
  update: 'UPDATE "Orders" SET n = 2 WHERE tenant = ? AND "order" = \'1\'',
  delete: 'DELETE FROM "Orders" WHERE tenant = ? AND "order" = \'1\'',
}
const PARTIQL_OPERATIONS: Record<string, Operation> = {}
for (const [kind, Statement] of Object.entries(STATEMENTS)) {
  PARTIQL_OPERATIONS[`ExecuteStatement with ${kind}`] = (send, partitionKey) =>
    send(new ExecuteStatementCommand({ Statement, Parameters: [partitionKey] }))
  PARTIQL_OPERATIONS[`ExecuteTransaction with ${kind}`] = (send, partitionKey) =>
    send(new ExecuteTransactionCommand({ TransactStatements: [{ Statement, Parameters: [partitionKey] }] }))
  // The command succeeds, and its response contains an error for each statement that fails.
  PARTIQL_OPERATIONS[`BatchExecuteStatement with ${kind}`] = async (send, partitionKey) => {
    const { Responses } = await send(
      new BatchExecuteStatementCommand({ Statements: [{ Statement, Parameters: [partitionKey] }] }),
    )
    const error = Responses?.[0]?.Error
    if (error?.Code === 'AccessDenied')
      throw Object.assign(new Error(error.Message), { name: 'AccessDeniedException' })
    if (error) throw new Error(error.Message)
  }
}

const matchDenied = (policyType = 'identity-based') =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: expect.stringMatching(
      `is not authorized to perform: dynamodb:\\w+ on .* because no ${policyType} policy allows`,
    ),
  })

/** Expects that the operation is allowed on the tenant's own items, and denied on another tenant's, which do not change. */
const expectIsolation = async (
  invoke: ReturnType<typeof createInvoke>,
  operation: Operation,
  policyType: string,
): Promise<void> => {
  await seedItems('acme', 'evil')
  await deleteItem('acme', '3')
  const itemBefore = await getStoredItem('evil')
  await expect(invoke({ tenant: 'acme', partitionKey: 'evil' }, operation)).rejects.toEqual(
    matchDenied(policyType),
  )
  expect(await getStoredItem('evil')).toEqual(itemBefore)
  expect(await getStoredItem('evil', '3')).toBeUndefined()
  await invoke({ tenant: 'acme', partitionKey: 'acme' }, operation)
  // IAM denies the same key to the session of another tenant.
  await expect(invoke({ tenant: 'evil', partitionKey: 'acme' }, operation)).rejects.toEqual(
    matchDenied(policyType),
  )
}

const setRolePolicy = (condition: object = {}) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(allowStatement('dynamodb:*', { Resource: RESOURCES, ...condition })),
  ]
}

/** Without keys, an IAM condition with `ForAllValues` is true. */
const getEmptyBatch: Operation = (send) =>
  send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [] } } }))
const scan: Operation = (send) => send(new ScanCommand({ TableName }))

describe('role policy that compares the leading key with the session tag', () => {
  beforeEach(() => {
    setRolePolicy({ Condition: { ...OWN_TENANT_CONDITION, Null: { 'dynamodb:LeadingKeys': 'false' } } })
  })
  const createTenantInvoke = () =>
    createInvoke({ session: ({ event }) => ({ sessionTags: { TenantId: event.tenant } }) })

  test.each(Object.entries(OPERATIONS))(
    'a role policy allows %s on the tenant’s own items only',
    async (_name, operation) => {
      await expectIsolation(createTenantInvoke(), operation, 'identity-based')
    },
  )

  test.each(Object.entries({ Scan: scan, 'BatchGetItem without keys': getEmptyBatch }))(
    'a role policy denies %s',
    async (_name, operation) => {
      const event = { tenant: 'acme', partitionKey: 'acme' }
      await expect(createTenantInvoke()(event, operation)).rejects.toEqual(matchDenied())
    },
  )

  test('refuses an event without a tenant before STS is called', async () => {
    const event = { partitionKey: 'acme' } as Event
    await expect(createTenantInvoke()(event, OPERATIONS.GetItem as Operation)).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
    })
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  dynamoDbLocal.describe('transactions and PartiQL', () => {
    test.each(Object.entries({ ...TRANSACTION_OPERATIONS, ...PARTIQL_OPERATIONS }))(
      'a role policy allows %s on the tenant’s own items only',
      async (_name, operation) => {
        await expectIsolation(createTenantInvoke(), operation, 'identity-based')
      },
    )
  })
})

describe('scope, with a role that allows all actions on the table', () => {
  beforeEach(() => setRolePolicy())
  const createScopedInvoke = (scope: Partial<Scope>) =>
    createInvoke({ scope: { tables: [ORDERS_TABLE], access: 'read-write', ...scope } })
  const getItem = OPERATIONS.GetItem as Operation
  const putItem = OPERATIONS.PutItem as Operation
  const createEvent = (partitionKey: string): Event => ({ tenant: 'acme', partitionKey })

  describe('leading key of the tenant', () => {
    const createTenantInvoke = () =>
      createInvoke({
        session: ({ event }) => ({
          scope: { tables: [ORDERS_TABLE], access: 'read-write', indexes: true, leadingKeys: [event.tenant] },
        }),
      })

    test.each(Object.entries(OPERATIONS))(
      'a scope allows %s on the tenant’s own items only',
      async (_name, operation) => {
        await expectIsolation(createTenantInvoke(), operation, 'session')
      },
    )

    // A PartiQL statement can omit the partition key, so a scope with leading keys excludes PartiQL. dynalite does not implement
    // PartiQL, but the sandbox evaluates the policies before the engine receives the request.
    test.each(
      Object.entries({ Scan: scan, 'BatchGetItem without keys': getEmptyBatch, ...PARTIQL_OPERATIONS }),
    )('a scope with leading keys denies %s on the tenant’s own items', async (_name, operation) => {
      await seedItems('acme')
      const itemBefore = await getStoredItem('acme')
      await expect(createTenantInvoke()(createEvent('acme'), operation)).rejects.toEqual(
        matchDenied('session'),
      )
      expect(await getStoredItem('acme')).toEqual(itemBefore)
    })

    dynamoDbLocal.describe('transactions', () => {
      test.each(Object.entries(TRANSACTION_OPERATIONS))(
        'a scope allows %s on the tenant’s own items only',
        async (_name, operation) => {
          await expectIsolation(createTenantInvoke(), operation, 'session')
        },
      )
    })
  })

  test('a scope without leading keys allows Scan', async () => {
    await createScopedInvoke({})(createEvent(''), scan)
  })

  const CONFUSABLE_KEYS = [
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

  test.each(CONFUSABLE_KEYS)('the leading key %j allows this key only', async (partitionKey) => {
    await seedItems(...CONFUSABLE_KEYS)
    const invoke = createScopedInvoke({ leadingKeys: [partitionKey] })
    await expect(invoke(createEvent(partitionKey), getItem)).resolves.toMatchObject({
      Item: createSeededItem(partitionKey),
    })
    for (const other of CONFUSABLE_KEYS.filter((key) => key !== partitionKey))
      await expect(invoke(createEvent(other), getItem)).rejects.toEqual(matchDenied('session'))
  })

  test('a scope allows each of its leading keys and prefixes', async () => {
    const invoke = createScopedInvoke({ leadingKeys: ['acme', '*'], leadingKeyPrefixes: ['b?'] })
    for (const key of ['acme', '*', 'b?', 'b?c']) await invoke(createEvent(key), getItem)
    for (const key of ['acmes', 'x', 'bc', 'b'])
      await expect(invoke(createEvent(key), getItem)).rejects.toEqual(matchDenied('session'))
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
  ])('the prefix %j allows keys that start with it only', async (prefix, allowedKeys, deniedKeys) => {
    const invoke = createScopedInvoke({ leadingKeyPrefixes: [prefix] })
    for (const key of allowedKeys) await invoke(createEvent(key), getItem)
    for (const key of deniedKeys)
      await expect(invoke(createEvent(key), getItem)).rejects.toEqual(matchDenied('session'))
  })

  test('access: read denies every write, and access: write denies every read', async () => {
    const reads = ['GetItem', 'Query', 'Query of an index', 'BatchGetItem', 'Scan']
    await seedItems('acme')
    const invokeReader = createScopedInvoke({ access: 'read' })
    const invokeWriter = createScopedInvoke({ access: 'write' })
    for (const [name, operation] of Object.entries({ ...OPERATIONS, Scan: scan })) {
      const [invokeAllowed, invokeDenied] = reads.includes(name)
        ? [invokeReader, invokeWriter]
        : [invokeWriter, invokeReader]
      const itemBefore = await getStoredItem('acme')
      await expect(invokeDenied(createEvent('acme'), operation)).rejects.toEqual(matchDenied('session'))
      expect(await getStoredItem('acme')).toEqual(itemBefore)
      await invokeAllowed(createEvent('acme'), operation)
    }
  })

  test('a list of actions allows only these actions', async () => {
    const invoke = createScopedInvoke({ access: ['dynamodb:PutItem', 'UpdateItem'] })
    await invoke(createEvent('acme'), putItem)
    await invoke(createEvent('acme'), OPERATIONS.UpdateItem as Operation)
    for (const name of ['GetItem', 'DeleteItem', 'Query', 'BatchWriteItem with a put'])
      await expect(invoke(createEvent('acme'), OPERATIONS[name] as Operation)).rejects.toEqual(
        matchDenied('session'),
      )
  })

  describe('tables and their indexes', () => {
    const queryIndex = OPERATIONS['Query of an index'] as Operation
    const getFromOtherTable: Operation = (send, id) =>
      send(new GetCommand({ TableName: OTHER_TABLE, Key: { id } }))
    const queryOtherIndex: Operation = (send, id) =>
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

    test('a scope allows its tables and their indexes only, by name or by ARN', async () => {
      for (const table of [ORDERS_TABLE, ORDERS_TABLE_ARN]) {
        const invoke = createScopedInvoke({ tables: [table], access: 'read' })
        await invoke(createEvent('acme'), getItem)
        await invoke(createEvent('acme'), queryIndex)
        for (const operation of [getFromOtherTable, queryOtherIndex])
          await expect(invoke(createEvent('acme'), operation)).rejects.toEqual(matchDenied('session'))
      }
      await createScopedInvoke({ tables: [ORDERS_TABLE, OTHER_TABLE] })(
        createEvent('acme'),
        getFromOtherTable,
      )
    })

    test('leading keys apply to the partition key of an index, and exclude indexes unless indexes is true', async () => {
      await seedItems('acme', 'evil')
      const invoke = createScopedInvoke({ indexes: true, leadingKeys: ['acme'] })
      await expect(invoke(createEvent('acme'), queryIndex)).resolves.toMatchObject({
        Items: [createSeededItem('acme')],
      })
      await expect(invoke(createEvent('evil'), queryIndex)).rejects.toEqual(matchDenied('session'))
      const invokeWithoutIndexes = createScopedInvoke({ leadingKeys: ['acme'] })
      await expect(invokeWithoutIndexes(createEvent('acme'), queryIndex)).rejects.toEqual(
        matchDenied('session'),
      )
    })

    test('a scope without an action that reads indexes denies a query of an index', async () => {
      const invoke = createScopedInvoke({ access: ['GetItem', 'PutItem'] })
      await expect(invoke(createEvent('acme'), queryIndex)).rejects.toEqual(matchDenied('session'))
    })
  })
})
