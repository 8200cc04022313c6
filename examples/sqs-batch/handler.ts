/**
 * Orders from a queue, each stored by a session of its own tenant: a record that fails is tried again alone.
 *
 * Set-up: a standard queue with ReportBatchItemFailures, whose senders say in the message attribute TenantId whose
 * order it is; only those who may say that may send. The roles are those of ../pooled-tenants/policies.json.
 */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

// Not handed to middy's use(), where it would ask for the tenant of the whole batch.
const dynamo = crossAccountDynamo({
  sessionTags: ({ event }: { event: SQSRecord }) => ({
    TenantId: event.messageAttributes.TenantId?.stringValue,
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
