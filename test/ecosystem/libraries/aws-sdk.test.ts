/** The parts of the AWS SDK that take a client: `DynamoDBDocument`, paginators and waiters. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { paginateQuery as paginateMarshalledQuery, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocument, PutCommand, paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import {
  assertInterleaved,
  assertTenantsAreSeparate,
  createTenantHandler,
  findForeignCalls,
  getTenantSession,
  invoke,
  invokeConcurrently,
  type OrderEvent,
  startLibrarySandbox,
} from './tenants.ts'

const sandbox = await startLibrarySandbox()
beforeEach(() => sandbox.clear())

const readPages = async <Page>(paginator: AsyncIterable<Page>): Promise<Page[]> => {
  const pages: Page[] = []
  for await (const page of paginator) pages.push(page)
  return pages
}
const listOperations = async () =>
  (await sandbox.getCalls()).map(({ operation }) => operation).filter((name) => name !== 'Health')

testCombination(
  ['@aws-sdk/lib-dynamodb'],
  'creates a `DynamoDBDocument` from the client of the middleware',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-document.ts')>(
      'libraries',
      'dynamodb-document',
    )
    assert.deepEqual(await invoke(handler, { id: '1' }), { id: '1', status: 'open' })
    assert.deepEqual(await listOperations(), ['AssumeRole', 'PutItem', 'GetItem'])
  },
)

testCombination(
  ['@aws-sdk/lib-dynamodb'],
  'keeps tenants separate with `DynamoDBDocument.from(context.dynamo)`',
  async () => {
    const { handler } = await importRecipe<typeof import('./recipes/dynamodb-document-tenants.ts')>(
      'libraries',
      'dynamodb-document-tenants',
    )
    await assertTenantsAreSeparate(sandbox, handler)
  },
)

testCombination(
  ['@aws-sdk/lib-dynamodb'],
  '`DynamoDBDocument.from()` without marshalling options removes those of the client on the context',
  async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (keepsOptions: boolean, { dynamo }) => {
        const { translateConfig } = dynamo.config
        assert.equal(translateConfig?.marshallOptions?.removeUndefinedValues, true)
        DynamoDBDocument.from(dynamo, keepsOptions ? translateConfig : undefined)
        await dynamo.send(
          new PutCommand({ TableName: 'MyTable', Item: { id: '1', note: { text: undefined } } }),
        )
      })
    await invoke(handler, true)
    await assert.rejects(invoke(handler, false), { message: /removeUndefinedValues/ })
  },
)

testCombination(['@aws-sdk/lib-dynamodb'], 'keeps tenants separate with `paginateQuery()`', async () => {
  const handler = createTenantHandler().handler(async ({ tenant, order }: OrderEvent, context) => {
    const orders = DynamoDBDocument.from(context.dynamo, context.dynamo.config.translateConfig)
    for (const line of ['a', 'b', 'c'])
      await orders.put({ TableName: 'Orders', Item: { tenant, order: `${order}/${line}`, by: order } })
    const pages = paginateQuery(
      { client: context.dynamo, pageSize: 1 },
      {
        TableName: 'Orders',
        KeyConditionExpression: 'tenant = :tenant AND begins_with(#order, :prefix)',
        ExpressionAttributeNames: { '#order': 'order' },
        ExpressionAttributeValues: { ':tenant': tenant, ':prefix': `${order}/` },
      },
    )
    return (await readPages(pages)).map(({ Items = [] }) => Items.map((item) => item.order))
  })
  const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
  const createPages = ({ order }: OrderEvent) => [[`${order}/a`], [`${order}/b`], [`${order}/c`], []]
  assert.deepEqual(
    outcomes,
    events.map((event) => ({ status: 'fulfilled', value: createPages(event) })),
  )
  assertInterleaved(calls, events)
  assert.deepEqual(findForeignCalls(calls), [])
})

testCombination(
  ['@aws-sdk/lib-dynamodb', '@aws-sdk/client-dynamodb'],
  'paginates with the paginator of the package whose client the context has',
  async () => {
    const dynamo = crossAccountDynamo()
    const handler = middy()
      .use(dynamo)
      .handler(async ({ id }: { id: string }, context) => {
        await context.dynamo.send(new PutCommand({ TableName: 'MyTable', Item: { id } }))
        const pages = await readPages(
          paginateScan({ client: dynamo.client, pageSize: 1 }, { TableName: 'MyTable' }),
        )
        return pages.flatMap(({ Items = [] }) => Items).filter((item) => item.id === id)
      })
    assert.deepEqual(await invoke(handler, { id: 'scan' }), [{ id: 'scan' }])

    const query = {
      TableName: 'MyTable',
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: 'scan' } },
    }
    const { client } = crossAccountDynamo({ documentClient: false })
    const [page] = await readPages(paginateMarshalledQuery({ client }, query))
    assert.deepEqual(page?.Items, [{ id: { S: 'scan' } }])
    // Each paginator checks the class of the client. TypeScript does not report the wrong class.
    await assert.rejects(paginateQuery({ client }, query).next(), {
      message: /^Invalid client, expected instance of /,
    })
    await assert.rejects(paginateMarshalledQuery({ client: dynamo.client }, query).next(), {
      message: /^Invalid client, expected instance of /,
    })
  },
)

testCombination(
  ['@aws-sdk/client-dynamodb'],
  '`waitUntilTableExists()` needs the permission for `DescribeTable`, and otherwise waits until its limit',
  async () => {
    const handler = middy()
      .use(crossAccountDynamo({ session: getTenantSession, documentClient: false }))
      .handler(async ({ order: TableName }: OrderEvent, { dynamo: client }) => {
        const { state } = await waitUntilTableExists({ client, maxWaitTime: 2, minDelay: 1 }, { TableName })
        return state
      })
    assert.equal(await invoke(handler, { tenant: 'acme', order: 'Orders' }), 'SUCCESS')
    const [call] = (await sandbox.getCalls()).filter(({ operation }) => operation === 'DescribeTable')
    assert.deepEqual([call?.tags, call?.status], [{ TenantId: 'acme' }, 200])

    await sandbox.clear()
    await assert.rejects(invoke(handler, { tenant: 'acme', order: 'OtherTable' }), { name: 'TimeoutError' })
    const errors = (await sandbox.getCalls()).map(({ error }) => error)
    assert.ok(errors.length >= 1)
    assert.deepEqual(new Set(errors), new Set(['AccessDeniedException']))
  },
)
