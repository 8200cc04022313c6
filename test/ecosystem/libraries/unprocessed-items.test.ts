/** Batches of which DynamoDB does not process all items. */
import assert from 'node:assert/strict'
import { after, beforeEach } from 'node:test'
import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type BatchWriteCommandOutput,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import {
  BatchPutRequest,
  executeBatchWrite,
  item,
  string,
  Table,
  BatchWriteCommand as ToolboxBatchWriteCommand,
  Entity as ToolboxEntity,
} from 'dynamodb-toolbox'
import { Entity } from 'electrodb'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createFunctionVariables, setEnvironment } from '../../lambda-runtime.ts'
import { startSandbox } from '../../sandbox/index.ts'
import { createTwoAccounts } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { invoke } from './tenants.ts'

// In this process, because a fault that rewrites responses is a function, which cannot be sent to another process.
const sandbox = await startSandbox({ accounts: createTwoAccounts() })
after(() => sandbox.close())
setEnvironment(createFunctionVariables(sandbox))

const createRequest = (id: string) => ({ PutRequest: { Item: { id } } })
/** Reports the second item of the first request as unprocessed. */
beforeEach(() => {
  sandbox.clear()
  sandbox.faults.inject({
    service: 'dynamodb',
    operation: 'BatchWriteItem',
    kind: 'rewrite',
    times: 1,
    body: () => {
      const { RequestItems } = (sandbox.calls.at(-1)?.input ?? {}) as {
        RequestItems?: { MyTable?: object[] }
      }
      return JSON.stringify({ UnprocessedItems: { MyTable: RequestItems?.MyTable?.slice(1, 2) } })
    },
  })
})

type WriteBatch = (client: DynamoDBDocumentClient, ids: readonly string[]) => Promise<unknown>

/** Writes the items 1, 2 and 3. Returns what `write` returns, and the IDs of the items in each request. */
const writeItems = async (write: WriteBatch): Promise<{ result: unknown; requests: string[][] }> => {
  const handler = middy()
    .use(crossAccountDynamo())
    .handler((ids: readonly string[], context) => write(context.dynamo, ids))
  const result = await invoke(handler, ['1', '2', '3'])
  const calls = sandbox.calls.filter(({ operation }) => operation === 'BatchWriteItem')
  const requests = calls.map(({ input }) =>
    [...JSON.stringify(input).matchAll(/"id":\{"S":"(\d)"\}/g)].map(([, id = '']) => id),
  )
  return { result, requests }
}

testCombination(
  ['@aws-sdk/lib-dynamodb'],
  'sends unprocessed items of `BatchWriteCommand` again',
  async () => {
    const { requests } = await writeItems(async (client, ids) => {
      let RequestItems: BatchWriteCommandInput['RequestItems'] = { MyTable: ids.map(createRequest) }
      while (Object.keys(RequestItems ?? {}).length > 0) {
        const output: BatchWriteCommandOutput = await client.send(new BatchWriteCommand({ RequestItems }))
        RequestItems = output.UnprocessedItems
      }
    })
    assert.deepEqual(requests, [['1', '2', '3'], ['2']])
  },
)

testCombination(
  ['dynamodb-toolbox'],
  'sends unprocessed items of a batch again with `maxAttempts`',
  async () => {
    const { requests } = await writeItems(async (documentClient, ids) => {
      const table = new Table({
        documentClient,
        name: 'MyTable',
        partitionKey: { name: 'id', type: 'string' },
      })
      const entity = new ToolboxEntity({ name: 'order', table, schema: item({ id: string().key() }) })
      const puts = ids.map((id) => entity.build(BatchPutRequest).item({ id }))
      return executeBatchWrite({ maxAttempts: 2 }, table.build(ToolboxBatchWriteCommand).requests(...puts))
    })
    assert.deepEqual(requests, [['1', '2', '3'], ['2']])
  },
)

testCombination(
  ['electrodb'],
  'returns the unprocessed items of a batch, and does not send them again',
  async () => {
    const orders = new Entity(
      {
        model: { service: 'shop', entity: 'order', version: '1' },
        attributes: { id: { type: 'string' } },
        indexes: { byId: { pk: { field: 'id', composite: ['id'] } } },
      },
      { table: 'MyTable' },
    )
    const { result, requests } = await writeItems(async (client, ids) => {
      const { unprocessed } = await orders.put(ids.map((id) => ({ id }))).go({ client })
      return unprocessed
    })
    assert.deepEqual(result, [{ id: '2' }])
    assert.deepEqual(requests, [['1', '2', '3']])
  },
)
