/** dynamodb-onetable: a table for each client, and a table whose client changes. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import middy from '@middy/core'
import { Table } from 'dynamodb-onetable'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import {
  assertTenantsAreMixed,
  assertTenantsAreSeparate,
  createTenantHandler,
  findForeignCalls,
  getTenantSession,
  invoke,
  invokeConcurrently,
  listOperations,
  type OrderEvent,
  startLibrarySandbox,
} from './tenants.ts'

const sandbox = await startLibrarySandbox()
beforeEach(() => sandbox.clear())

const schema = {
  format: 'onetable:1.1.0',
  version: '0.0.1',
  indexes: { primary: { hash: 'tenant', sort: 'order' } },
  models: {
    Order: {
      tenant: { type: 'string', required: true },
      order: { type: 'string', required: true },
      status: { type: 'string', required: true },
    },
  },
} as const
const createTable = (client?: object) =>
  new Table({
    ...(client !== undefined && { client }),
    name: 'Orders',
    schema,
    partial: false,
    logger: false,
  })

testCombination(
  ['dynamodb-onetable'],
  'uses the client of the middleware for a table at module scope',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-onetable.ts')>(
      'libraries',
      'dynamodb-onetable',
    )
    assert.deepEqual(await invoke(handler, { id: '1' }), { id: '1', status: 'open' })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.sort(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
  },
)

testCombination(
  ['dynamodb-onetable'],
  'keeps tenants separate with the table of each client in a `WeakMap`',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-onetable-tenants.ts')>(
      'libraries',
      'dynamodb-onetable-tenants',
    )
    await assertTenantsAreSeparate(sandbox, handler)
  },
)

testCombination(
  ['dynamodb-onetable'],
  'sends queries, batches and transactions with the client of the table, also with a document client',
  async () => {
    const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
      const table = createTable(context.dynamo)
      const orders = table.getModel('Order')
      const writes = {}
      await orders.create({ tenant, order, status: 'open' }, { batch: writes })
      await table.batchWrite(writes)
      const reads = {}
      await orders.get({ tenant, order }, { batch: reads })
      const batch = (await table.batchGet(reads, { parse: true, hidden: false })) as object[]
      const query = await orders.find({ tenant, order })
      // dynalite has no transactions, but the sandbox authorizes the request first.
      const transaction = {}
      await orders.update({ tenant, order, status: 'paid' }, { transaction })
      await assert.rejects(table.transact('write', transaction, { log: false }), {
        code: 'UnknownOperationException',
      })
      return [...batch, ...query]
    })
    const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
    const createOrder = (event: OrderEvent) => ({ ...event, status: 'open' })
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason)),
      events.map((event) => [createOrder(event), createOrder(event)]),
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
  ['dynamodb-onetable'],
  'UNSAFE: `setClient()` in each invocation sends requests with the session of another tenant',
  async () => {
    const table = createTable()
    const orders = table.getModel('Order')
    const handler = middy()
      .use(crossAccountDynamo({ session: getTenantSession, documentClient: false }))
      .handler(async ({ tenant, order }: OrderEvent, context) => {
        table.setClient(context.dynamo)
        await orders.create({ tenant, order, status: 'open' })
        return orders.get({ tenant, order }, { log: false })
      })
    await assertTenantsAreMixed(sandbox, handler)
  },
)
