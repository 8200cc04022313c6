/** dynamoose: an instance for each client, and what its instances share. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { DynamoDB, type DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import middy from '@middy/core'
import dynamoose from 'dynamoose'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext } from '../../lambda-runtime.ts'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import {
  assertTenantsAreMixed,
  assertTenantsAreSeparate,
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

const toDynamoDB = (client: DynamoDBClient): DynamoDB =>
  Object.assign(Object.create(client), DynamoDB.prototype)
const createModel = (name: string) =>
  dynamoose.model(name, {
    tenant: { type: String, hashKey: true },
    order: { type: String, rangeKey: true },
    status: String,
  })
const createMiddleware = () =>
  crossAccountDynamo({
    documentClient: false,
    session: getTenantSession,
  })
const TABLE_OPTIONS = { create: false, waitForActive: false }
const createOrders = (client: DynamoDBClient, modelName: string) => {
  const instance = new dynamoose.Instance()
  instance.aws.ddb.set(toDynamoDB(client))
  const orders = createModel(modelName)
  new instance.Table('Orders', [orders], TABLE_OPTIONS)
  return orders
}

testCombination(['dynamoose'], 'uses the client of the middleware for all models', async () => {
  const { handler } = await importRecipe<typeof import('./recipes/dynamoose.ts')>('libraries', 'dynamoose')
  assert.deepEqual(await invoke(handler, { id: '1' }), { id: '1', status: 'open' })
  const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
  assert.deepEqual(operations.sort(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
})

testCombination(
  ['dynamoose'],
  'keeps tenants separate with the instance of each client in a `WeakMap`',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamoose-tenants.ts')>(
      'libraries',
      'dynamoose-tenants',
    )
    await assertTenantsAreSeparate(sandbox, handler)
  },
)

testCombination(['dynamoose'], 'sends queries and batches with the client of the instance', async () => {
  const ordersByClient = new WeakMap<DynamoDBClient, ReturnType<typeof createOrders>>()
  const handler = middy()
    .use(createMiddleware())
    .handler(async ({ tenant, order }: OrderEvent, context) => {
      const orders = ordersByClient.get(context.dynamo) ?? createOrders(context.dynamo, 'BatchOrder')
      ordersByClient.set(context.dynamo, orders)
      await orders.batchPut([{ tenant, order, status: 'open' }])
      await orders.update({ tenant, order }, { status: 'paid' })
      const batch = await orders.batchGet([{ tenant, order }])
      const query = await orders.query('tenant').eq(tenant).where('order').eq(order).exec()
      await orders.delete({ tenant, order })
      return [...batch, ...query].map((item) => item.toJSON())
    })
  const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
  const createOrder = (event: OrderEvent) => ({ ...event, status: 'paid' })
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason)),
    events.map((event) => [createOrder(event), createOrder(event)]),
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
  ['dynamoose'],
  'keeps several models of one table separate only if no model has the name of the table',
  async () => {
    const dynamo = createMiddleware()
    const createModels = async (tenant: string, names: readonly string[]) => {
      const instance = new dynamoose.Instance()
      const event = { tenant, order: '1' }
      const client = await dynamo.clientFor({ event, context: createLambdaContext() })
      instance.aws.ddb.set(toDynamoDB(client))
      const models = names.map(createModel)
      new instance.Table('Orders', models, TABLE_OPTIONS)
      return models
    }
    const acmeModels = await createModels('acme', ['Invoice', 'Payment'])
    const globexModels = await createModels('globex', ['Invoice', 'Payment'])
    await sandbox.clear()
    for (const model of acmeModels) await model.get({ tenant: 'acme', order: '1' })
    for (const model of globexModels) await model.get({ tenant: 'globex', order: '1' })
    const sessions = (await sandbox.getCalls()).map(({ tags }) => tags?.TenantId)
    assert.deepEqual(sessions, ['acme', 'acme', 'globex', 'globex'])

    await assert.rejects(createModels('initech', ['Orders', 'Payment']), {
      name: 'InvalidParameter',
      message: /has already been assigned to a table/,
    })
  },
)

testCombination(
  ['dynamoose'],
  'UNSAFE: `aws.ddb.set()` in each invocation sends requests with the session of another tenant',
  async () => {
    const orders = createModel('UnsafeOrder')
    new dynamoose.Table('Orders', [orders], TABLE_OPTIONS)
    const handler = middy()
      .use(createMiddleware())
      .handler(async ({ tenant, order }: OrderEvent, context) => {
        dynamoose.aws.ddb.set(toDynamoDB(context.dynamo))
        await orders.create({ tenant, order, status: 'open' })
        return (await orders.get({ tenant, order })).toJSON()
      })
    await assertTenantsAreMixed(sandbox, handler)
  },
)

testCombination(
  ['dynamoose'],
  'UNSAFE: `dynamoose.model()` without a schema uses the session of another tenant, also with an instance for each client',
  async () => {
    const dynamo = createMiddleware()
    for (const tenant of ['acme', 'globex'])
      createOrders(
        await dynamo.clientFor({ event: { tenant, order: '1' }, context: createLambdaContext() }),
        'Order',
      )
    await sandbox.clear()
    const orders = dynamoose.model('Order')
    await assert.rejects(orders.get({ tenant: 'acme', order: '1' }), { name: 'AccessDeniedException' })
    const calls = (await sandbox.getCalls()).map(({ tags, error }) => [tags?.TenantId, error])
    assert.deepEqual(calls, [['globex', 'AccessDeniedException']])
  },
)

testCombination(
  ['dynamoose'],
  'UNSAFE: `dynamoose.transaction()` uses the session of another tenant, also with an instance for each client',
  async () => {
    const dynamo = createMiddleware()
    const getClient = (tenant: string) =>
      dynamo.clientFor({ event: { tenant, order: '1' }, context: createLambdaContext() })
    const acmeClient = await getClient('acme')
    // The name of the recipe's model, because dynamoose uses the first model of the table by name, with its newest instance.
    const acmeOrders = createOrders(acmeClient, 'Order')
    createOrders(await getClient('globex'), 'Order')
    const listTransactions = async () =>
      (await sandbox.getCalls())
        .filter(({ operation }) => operation === 'TransactWriteItems')
        .map(({ tags, error }) => [tags?.TenantId, error])
    const createWrite = () =>
      acmeOrders.transaction.create({ tenant: 'acme', order: 'transaction', status: 'open' })

    await assert.rejects(dynamoose.transaction([createWrite()]), { name: 'AccessDeniedException' })
    assert.deepEqual(await listTransactions(), [['globex', 'AccessDeniedException']])

    // The safe way. dynalite has no transactions, but the sandbox authorizes the request first.
    await sandbox.clear()
    const TransactItems = [await createWrite()]
    await assert.rejects(acmeClient.send(new TransactWriteItemsCommand({ TransactItems })), {
      name: 'UnknownOperationException',
    })
    assert.deepEqual(await listTransactions(), [['acme', 'UnknownOperationException']])
  },
)
