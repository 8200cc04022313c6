/** Batches of records of several tenants, with partial batch failures. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import newestMiddy from '@middy/core'
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure'
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import oldestMiddy from 'middy-6'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createRecipeAccounts, defineTable } from '../../sandbox/recipes.ts'
import { ACCOUNT_B } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const TableName = 'Orders'
const accounts = createRecipeAccounts('pooled-tenants', {
  [ACCOUNT_B]: [defineTable(TableName, 'tenant', 'order')],
})
const sandbox = await startSandboxProcess({ accounts })

beforeEach(async () => {
  await sandbox.clear()
  setEnvironment({
    ...(await sandbox.createFunctionVariables()),
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: `arn:aws:iam::${ACCOUNT_B}:role/TenantOrders`,
  })
})

/** Creates a record that `tenant` sent, with an order of `owner`. */
const createRecord = (messageId: string, tenant: string | undefined, owner: string) => ({
  messageId,
  body: JSON.stringify({ tenant: owner, order: messageId }),
  messageAttributes: tenant === undefined ? {} : { TenantId: { stringValue: tenant, dataType: 'String' } },
})

const getCalls = async (operation: string) =>
  (await sandbox.getCalls()).filter((call) => call.operation === operation)

for (const [packageName, middy] of [
  ['@middy/core', newestMiddy],
  ['middy-6', oldestMiddy as unknown as typeof newestMiddy],
] as const) {
  /** Stores the order of each record with the session of the record's tenant. Returns the handler and the reasons of its failures. */
  const createHandler = () => {
    const reasons: Record<string, string> = {}
    const dynamo = crossAccountDynamo({
      session: ({ event }: SessionRequest<SQSRecord>) => ({
        sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
      }),
    })
    const store = async (event: SQSRecord, context: Context): Promise<void> => {
      const client = await dynamo.clientFor({ event, context })
      await client.send(new PutCommand({ TableName, Item: JSON.parse(event.body) }))
    }
    const logger = (reason: Error & { code?: string }, { messageId }: SQSRecord) => {
      reasons[messageId] = reason.code ?? reason.name
    }
    const handler = middy<SQSEvent>()
      .use(sqsPartialBatchFailure({ logger }))
      .handler(async ({ Records }: SQSEvent, context) =>
        Promise.allSettled(Records.map((record) => store(record, context))),
      )
    const handleBatch = async (...Records: ReturnType<typeof createRecord>[]): Promise<SQSBatchResponse> =>
      handler(
        { Records } as unknown as SQSEvent,
        createLambdaContext(),
      ) as unknown as Promise<SQSBatchResponse>
    return { handleBatch, reasons }
  }

  testCombination(
    ['@middy/sqs-partial-batch-failure', packageName],
    'stores each record with the session of its own tenant, and calls STS once for each tenant',
    async () => {
      const { handleBatch } = createHandler()
      const createBatch = (batch: string) =>
        ['1', '2', '3'].flatMap((number) =>
          ['acme', 'globex'].map((tenant) => createRecord(`${batch} ${tenant} ${number}`, tenant, tenant)),
        )
      for (const batch of ['first', 'second'])
        assert.deepEqual(await handleBatch(...createBatch(batch)), { batchItemFailures: [] })
      const writes = await getCalls('PutItem')
      assert.equal(writes.length, 12)
      for (const { input, tags, status } of writes) {
        assert.equal(status, 200)
        assert.deepEqual((input as { Item: { tenant: unknown } }).Item.tenant, { S: tags?.TenantId })
      }
      assert.deepEqual((await getCalls('AssumeRole')).map(({ tags }) => tags?.TenantId).toSorted(), [
        'acme',
        'globex',
      ])
    },
  )

  testCombination(
    ['@middy/sqs-partial-batch-failure', packageName],
    'reports only the records that fail: without a tenant, or with an order of another tenant',
    async () => {
      const { handleBatch, reasons } = createHandler()
      const response = await handleBatch(
        createRecord('valid 1', 'acme', 'acme'),
        createRecord('no tenant', undefined, 'acme'),
        createRecord('order of another tenant', 'acme', 'globex'),
        createRecord('valid 2', 'globex', 'globex'),
      )
      assert.deepEqual(response, {
        batchItemFailures: [{ itemIdentifier: 'no tenant' }, { itemIdentifier: 'order of another tenant' }],
      })
      assert.deepEqual(reasons, {
        'no tenant': 'SESSION_IDENTITY_MISSING',
        'order of another tenant': 'AccessDeniedException',
      })
      assert.deepEqual((await getCalls('PutItem')).map(({ status }) => status).toSorted(), [200, 200, 400])
    },
  )

  testCombination(
    ['@middy/sqs-partial-batch-failure', packageName],
    'reports all records of a batch for a retry if STS is unavailable, and stores them in the next batch',
    async () => {
      const { handleBatch, reasons } = createHandler()
      const records = ['acme', 'globex'].map((tenant) => createRecord(tenant, tenant, tenant))
      await sandbox.injectFault({ service: 'sts', kind: 'status', status: 500 })
      assert.deepEqual(await handleBatch(...records), {
        batchItemFailures: [{ itemIdentifier: 'acme' }, { itemIdentifier: 'globex' }],
      })
      assert.deepEqual(reasons, { acme: 'STS_UNAVAILABLE', globex: 'STS_UNAVAILABLE' })
      // Removes the fault.
      await sandbox.clear()
      assert.deepEqual(await handleBatch(...records), { batchItemFailures: [] })
    },
  )
}
