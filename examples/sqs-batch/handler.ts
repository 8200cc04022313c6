/**
 * Stores orders from a queue, each with a session of its own tenant. Only records that fail are retried.
 *
 * Setup: a standard queue with ReportBatchItemFailures. The message attribute TenantId names the tenant, so allow only trusted
 * senders. The roles are those of ../pooled-tenants/policies.json.
 */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

// Do not pass `dynamo` to middy's use(), which would call the session function with the whole batch.
const dynamo = crossAccountDynamo({
  session: ({ event }: SessionRequest<SQSRecord>) => ({
    sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
  }),
})

const store = async (event: SQSRecord, context: Context): Promise<void> => {
  const client = await dynamo.clientFor({ event, context })
  await client.send(new PutCommand({ TableName: 'Orders', Item: JSON.parse(event.body) }))
}

export const handler = async ({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = []
  const tryToStore = async (record: SQSRecord): Promise<void> => {
    try {
      await store(record, context)
    } catch (error) {
      console.error(record.messageId, error)
      batchItemFailures.push({ itemIdentifier: record.messageId })
    }
  }
  await Promise.all(Records.map(tryToStore))
  return { batchItemFailures }
}
