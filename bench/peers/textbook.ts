/** The textbook: each invocation calls AssumeRole and creates a client. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type BenchEvent, EXTERNAL_ID, ROLE_ARN, readItem, SESSION_NAME } from './read-item.ts'

export const handler = middy<BenchEvent>().handler(async (event) => {
  const { Credentials } = await new STSClient().send(
    new AssumeRoleCommand({ RoleArn: ROLE_ARN, RoleSessionName: SESSION_NAME, ExternalId: EXTERNAL_ID }),
  )
  const credentials = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  }
  return readItem(DynamoDBDocumentClient.from(new DynamoDBClient({ credentials })), event)
})
