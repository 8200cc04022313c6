/** electrodb: a client for each request, and the client that all requests of an entity share. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createWriteTransaction, Entity } from 'electrodb'
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

const createOrders = (client?: DynamoDBDocumentClient) =>
  new Entity(
    {
      model: { service: 'shop', entity: 'order', version: '1' },
      attributes: { tenant: { type: 'string' }, order: { type: 'string' }, status: { type: 'string' } },
      indexes: {
        byTenant: {
          pk: { field: 'tenant', composite: ['tenant'] },
          sk: { field: 'order', composite: ['order'] },
        },
      },
    },
    { table: 'Orders', ...(client !== undefined && { client }) },
  )

testCombination(
  ['electrodb'],
  'uses the client of the middleware for an entity at module scope',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/electrodb.ts')>('libraries', 'electrodb')
    assert.deepEqual(await invoke(handler, { id: '1' }), { id: '1', status: 'open' })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.sort(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
  },
)

testCombination(['electrodb'], 'keeps tenants separate with `.go({ client: context.dynamo })`', async () => {
  const { handler } = await importRecipe<typeof import('./recipes/electrodb-tenants.ts')>(
    'libraries',
    'electrodb-tenants',
  )
  await assertTenantsAreSeparate(sandbox, handler)
})

testCombination(['electrodb'], 'sends queries and batches with the client of `.go({ client })`', async () => {
  const orders = createOrders()
  const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
    const client = context.dynamo
    await orders.put([{ tenant, order, status: 'open' }]).go({ client })
    await orders.update({ tenant, order }).set({ status: 'paid' }).go({ client })
    const batch = await orders.get([{ tenant, order }]).go({ client })
    const query = await orders.query.byTenant({ tenant, order }).go({ client })
    await orders.delete({ tenant, order }).go({ client })
    return [...batch.data, ...query.data]
  })
  const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
  const createOrder = (event: OrderEvent) => ({ ...event, status: 'paid' })
  assert.deepEqual(
    outcomes,
    events.map((event) => ({ status: 'fulfilled', value: [createOrder(event), createOrder(event)] })),
  )
  assert.deepEqual(findForeignCalls(calls), [])
  for (const { order } of events)
    assert.deepEqual(listOperations(calls, order), [
      'BatchWriteItem',
      'UpdateItem',
      'BatchGetItem',
      'Query',
      'DeleteItem',
    ])
})

testCombination(
  ['electrodb'],
  'sends transactions with the client of the entities, and not with `.go({ client })`',
  async () => {
    const createWrite = ({ tenant, order }: OrderEvent, client?: DynamoDBDocumentClient) =>
      createWriteTransaction({ orders: createOrders(client) }, ({ orders }) => [
        orders.put({ tenant, order, status: 'open' }).commit(),
      ])
    const isUnknownOperation = ({ cause }: Error) => {
      assert.equal((cause as Error | undefined)?.name, 'UnknownOperationException')
      return true
    }
    const handler = createTenantHandler().handler(async (event: OrderEvent, context) => {
      // electrodb does not wrap this client, and fails before it sends the request.
      await assert.rejects(createWrite(event).go({ client: context.dynamo }), {
        message: /is not a function/,
        cause: undefined,
      })
      // dynalite has no transactions, but the sandbox authorizes the request first.
      await assert.rejects(createWrite(event, context.dynamo).go(), isUnknownOperation)
    })
    const { outcomes, calls } = await invokeConcurrently(sandbox, handler)
    assert.deepEqual(
      outcomes,
      outcomes.map(() => ({ status: 'fulfilled', value: undefined })),
    )
    assert.deepEqual(findForeignCalls(calls), [])
    assert.deepEqual(
      calls.map(({ operation }) => operation),
      outcomes.map(() => 'TransactWriteItems'),
    )
  },
)

testCombination(
  ['electrodb'],
  'fails without a request if neither the entity nor `go()` has a client',
  async () => {
    const handler = createTenantHandler().handler(({ tenant, order }: OrderEvent) =>
      createOrders().get({ tenant, order }).go(),
    )
    await assert.rejects(invoke(handler, { tenant: 'acme', order: '1' }))
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.sort(), ['AssumeRole', 'Health'])
  },
)

testCombination(
  ['electrodb'],
  'UNSAFE: `setClient()` in each invocation sends requests with the session of another tenant',
  async () => {
    const orders = createOrders()
    const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
      orders.setClient(context.dynamo)
      await orders.put({ tenant, order, status: 'open' }).go()
      return (await orders.get({ tenant, order }).go()).data
    })
    await assertTenantsAreMixed(sandbox, handler)
  },
)
