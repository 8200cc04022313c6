/** dynamodb-toolbox: a table and entities for each client, and a table whose client changes. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import {
  BatchGetCommand,
  BatchGetRequest,
  BatchPutRequest,
  BatchWriteCommand,
  Entity,
  executeBatchGet,
  executeBatchWrite,
  executeTransactWrite,
  GetItemCommand,
  item,
  PutItemCommand,
  PutTransaction,
  QueryCommand,
  string,
  Table,
} from 'dynamodb-toolbox'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import {
  assertTenantsAreMixed,
  assertTenantsAreSeparate,
  createTenantHandler,
  findForeignCalls,
  invoke,
  invokeConcurrently,
  listOperations,
  type OrderEvent,
  startLibrarySandbox,
} from './tenants.ts'

const sandbox = await startLibrarySandbox()
beforeEach(() => sandbox.clear())

const createOrders = (documentClient?: DynamoDBDocumentClient) => {
  const table = new Table({
    ...(documentClient !== undefined && { documentClient }),
    name: 'Orders',
    partitionKey: { name: 'tenant', type: 'string' },
    sortKey: { name: 'order', type: 'string' },
  })
  const schema = item({ tenant: string().key(), order: string().key(), status: string() })
  return { table, orders: new Entity({ name: 'order', table, schema, timestamps: false }) }
}

testCombination(
  ['dynamodb-toolbox'],
  'uses the client of the middleware for a table at module scope',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-toolbox.ts')>(
      'libraries',
      'dynamodb-toolbox',
    )
    const { created, modified, ...order } = (await invoke(handler, { id: '1' })) as Record<string, unknown>
    assert.deepEqual(order, { id: '1', status: 'open' })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.sort(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
  },
)

testCombination(
  ['dynamodb-toolbox'],
  'keeps tenants separate with the entities of each client in a `WeakMap`',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-toolbox-tenants.ts')>(
      'libraries',
      'dynamodb-toolbox-tenants',
    )
    await assertTenantsAreSeparate(sandbox, handler)
  },
)

testCombination(
  ['dynamodb-toolbox'],
  'sends queries, batches and transactions with the client of the table',
  async () => {
    const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
      const { table, orders } = createOrders(context.dynamo)
      const put = orders.build(BatchPutRequest).item({ tenant, order, status: 'open' })
      await executeBatchWrite(table.build(BatchWriteCommand).requests(put))
      const get = orders.build(BatchGetRequest).key({ tenant, order })
      const { Responses = [] } = await executeBatchGet(table.build(BatchGetCommand).requests(get))
      const range = { eq: order }
      const { Items = [] } = await table
        .build(QueryCommand)
        .entities(orders)
        .query({ partition: tenant, range })
        .send()
      // dynalite has no transactions, but the sandbox authorizes the request first.
      const transaction = orders.build(PutTransaction).item({ tenant, order, status: 'open' })
      await assert.rejects(executeTransactWrite(transaction), { name: 'UnknownOperationException' })
      return [...Responses.flat(), ...Items]
    })
    const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
    const createOrder = (event: OrderEvent) => ({ ...event, status: 'open' })
    assert.deepEqual(
      outcomes,
      events.map((event) => ({ status: 'fulfilled', value: [createOrder(event), createOrder(event)] })),
    )
    assert.deepEqual(findForeignCalls(calls), [])
    for (const { order } of events)
      assert.deepEqual(listOperations(calls, order), [
        'BatchWriteItem',
        'BatchGetItem',
        'Query',
        'TransactWriteItems',
      ])
  },
)

testCombination(
  ['dynamodb-toolbox'],
  'UNSAFE: `table.documentClient =` in each invocation sends requests with the session of another tenant',
  async () => {
    const { table, orders } = createOrders()
    const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
      table.documentClient = context.dynamo
      await orders.build(PutItemCommand).item({ tenant, order, status: 'open' }).send()
      return (await orders.build(GetItemCommand).key({ tenant, order }).send()).Item
    })
    await assertTenantsAreMixed(sandbox, handler)
  },
)
