/** The credential provider of the AWS SDK, in a client at module scope. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type BenchEvent, EXTERNAL_ID, ROLE_ARN, readItem, SESSION_NAME } from './read-item.ts'

const credentials = fromTemporaryCredentials({
  params: { RoleArn: ROLE_ARN, RoleSessionName: SESSION_NAME, ExternalId: EXTERNAL_ID },
})
export const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))

export const handler = middy<BenchEvent>().handler(async (event) => readItem(client, event))
