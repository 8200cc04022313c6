/** Powertools Batch: each record of a batch uses the session of its own tenant. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createIsolatedTenantAccounts } from '../../sandbox/tenant-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createBarrier } from './barrier.ts'

const sandbox = await startSandboxProcess({ accounts: createIsolatedTenantAccounts() })
beforeEach(async () => {
  await sandbox.clear()
  setEnvironment(await sandbox.createFunctionVariables())
})

const session = ({ event }: SessionRequest<SQSRecord>) => ({
  sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
})

interface RecordDefinition {
  readonly messageId: string
  /** The tenant of the record, whose session the handler uses. */
  readonly tenant?: string
  /** The tenant of the item. @default `tenant` */
  readonly itemTenant?: string
}

const createEvent = (records: readonly RecordDefinition[]): SQSEvent => ({
  Records: records.map(({ messageId, tenant, itemTenant = tenant }) => ({
    messageId,
    body: JSON.stringify({ tenant: itemTenant, order: messageId }),
    messageAttributes: tenant === undefined ? {} : { TenantId: { stringValue: tenant, dataType: 'String' } },
    receiptHandle: 'receipt-handle',
    attributes: {} as SQSRecord['attributes'],
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:111111111111:orders',
    awsRegion: 'us-east-1',
  })),
})

/** Two tenants with two records each, a record without a tenant, and a record with the item of another tenant. */
const RECORDS: readonly RecordDefinition[] = [
  { messageId: '1', tenant: 'acme' },
  { messageId: '2', tenant: 'globex' },
  { messageId: '3' },
  { messageId: '4', tenant: 'globex', itemTenant: 'acme' },
  { messageId: '5', tenant: 'acme' },
]
const FAILED_RECORDS = ['3', '4']

/** Checks the response, and that each item was written with the session of its record's tenant. */
const assertOutcome = async (response: unknown): Promise<void> => {
  assert.deepEqual(response, {
    batchItemFailures: FAILED_RECORDS.map((itemIdentifier) => ({ itemIdentifier })),
  })
  const calls = await sandbox.getCalls()
  const puts = calls
    .filter(({ operation }) => operation === 'PutItem')
    .map(({ tags, status, input }) => {
      const { Item } = input as { Item: { tenant: { S: string }; order: { S: string } } }
      return {
        messageId: Item.order.S,
        session: tags?.TenantId,
        item: Item.tenant.S,
        isStored: status === 200,
      }
    })
    .toSorted((a, b) => a.messageId.localeCompare(b.messageId))
  assert.deepEqual(puts, [
    { messageId: '1', session: 'acme', item: 'acme', isStored: true },
    { messageId: '2', session: 'globex', item: 'globex', isStored: true },
    { messageId: '4', session: 'globex', item: 'acme', isStored: false },
    { messageId: '5', session: 'acme', item: 'acme', isStored: true },
  ])
  assert.equal(calls.filter(({ operation }) => operation === 'AssumeRole').length, 2)
}

testCombination(
  ['@aws-lambda-powertools/batch'],
  'stores each record with the session of its tenant with `clientFor()`, and reports only the records that fail',
  async () => {
    const dynamo = crossAccountDynamo({ session })
    const processor = new BatchProcessor(EventType.SQS)
    const handler = async (event: SQSEvent, context: Context) =>
      processPartialResponse(
        event,
        async (record: SQSRecord) => {
          const client = await dynamo.clientFor({ event: record, context })
          await client.send(new PutCommand({ TableName: 'Orders', Item: JSON.parse(record.body) }))
        },
        processor,
        { context },
      )
    await assertOutcome(await handler(createEvent(RECORDS), createLambdaContext()))
  },
)

testCombination(
  ['@aws-lambda-powertools/batch'],
  "keeps each tenant's client if the record handler is a middy handler, although all records share one context",
  async () => {
    const context = createLambdaContext()
    // All records with a tenant are in their handler at the same time.
    const waitForAll = createBarrier(RECORDS.length - 1)
    const contexts: unknown[] = []
    const recordHandler = middy()
      .before(({ context: recordContext }) => void contexts.push(recordContext))
      .use(crossAccountDynamo({ session }))
      .handler(async (record: SQSRecord, recordContext) => {
        await waitForAll()
        await recordContext.dynamo.send(
          new PutCommand({ TableName: 'Orders', Item: JSON.parse(record.body) }),
        )
      })
    const processor = new BatchProcessor(EventType.SQS)
    const handler = (event: SQSEvent) => processPartialResponse(event, recordHandler, processor, { context })
    await assertOutcome(await handler(createEvent(RECORDS)))
    assert.ok(
      contexts.length === RECORDS.length && contexts.every((recordContext) => recordContext === context),
    )
    assert.ok(!('dynamo' in context))
  },
)
