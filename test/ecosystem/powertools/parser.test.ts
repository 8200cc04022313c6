/** Powertools Parser before this package: the `session` function receives the parsed event. */
import assert from 'node:assert/strict'
import { ParseError } from '@aws-lambda-powertools/parser'
import { SqsEnvelope } from '@aws-lambda-powertools/parser/envelopes/sqs'
import { parser } from '@aws-lambda-powertools/parser/middleware'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { z } from 'zod'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createIsolatedTenantAccounts } from '../../sandbox/tenant-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess({ accounts: createIsolatedTenantAccounts() })

const orderSchema = z.object({ tenant: z.string().trim().min(1), order: z.string() })
type Order = z.infer<typeof orderSchema>

testCombination(
  ['@aws-lambda-powertools/parser', 'zod'],
  'before this middleware, gives the parsed event to the `session` function, and an invalid event calls no service',
  async () => {
    setEnvironment(await sandbox.createFunctionVariables())
    const handler = middy()
      .use(parser({ schema: orderSchema }))
      .use(
        crossAccountDynamo({
          disablePrefetch: true,
          session: ({ event }: SessionRequest<Order>) => ({ sessionTags: { TenantId: event.tenant } }),
        }),
      )
      .handler(async (event: Order, context) => {
        await context.dynamo.send(new PutCommand({ TableName: 'Orders', Item: event }))
      })
    // middy's types do not know that the parser accepts any event.
    const invoke = (event: unknown) => handler(event as Order, createLambdaContext())
    await assert.rejects(invoke({ tenant: '  ', order: '1' }), ParseError)
    assert.deepEqual(await sandbox.getCalls(), [])

    await invoke({ tenant: ' acme ', order: '1', extra: true })
    const put = (await sandbox.getCalls()).find(({ operation }) => operation === 'PutItem')
    assert.partialDeepStrictEqual(put, {
      status: 200,
      tags: { TenantId: 'acme' },
      input: { TableName: 'Orders', Item: { tenant: { S: 'acme' }, order: { S: '1' } } },
    })
  },
)

testCombination(
  ['@aws-lambda-powertools/parser', 'zod'],
  'with an envelope, gives the parsed records to `clientFor()`, and each record is stored with the session of its tenant',
  async () => {
    await sandbox.clear()
    setEnvironment(await sandbox.createFunctionVariables())
    const dynamo = crossAccountDynamo({
      session: ({ event }: SessionRequest<Order>) => ({ sessionTags: { TenantId: event.tenant } }),
    })
    const handler = middy()
      .use(
        parser({
          schema: z.string().transform((body) => orderSchema.parse(JSON.parse(body))),
          envelope: SqsEnvelope,
        }),
      )
      .handler(async (orders: Order[], context) => {
        for (const event of orders) {
          const client = await dynamo.clientFor({ event, context })
          await client.send(new PutCommand({ TableName: 'Orders', Item: event }))
        }
      })
    await handler(createSqsEvent(['acme', 'globex']) as never, createLambdaContext())
    const puts = (await sandbox.getCalls()).filter(({ operation }) => operation === 'PutItem')
    assert.deepEqual(
      puts.map(({ status, tags }) => ({ status, tenant: tags?.TenantId })),
      [
        { status: 200, tenant: 'acme' },
        { status: 200, tenant: 'globex' },
      ],
    )
  },
)

const createSqsEvent = (tenants: readonly string[]) => ({
  Records: tenants.map((tenant, index) => ({
    messageId: `00000000-0000-4000-8000-00000000000${index}`,
    receiptHandle: 'receipt-handle',
    body: JSON.stringify({ tenant, order: String(index) }),
    attributes: {
      ApproximateReceiveCount: '1',
      ApproximateFirstReceiveTimestamp: '1700000000000',
      SenderId: 'sender',
      SentTimestamp: '1700000000000',
    },
    messageAttributes: {},
    md5OfBody: '0'.repeat(32),
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:111111111111:orders',
    awsRegion: 'us-east-1',
  })),
})
