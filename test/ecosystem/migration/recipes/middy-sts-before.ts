import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import sts from '@middy/sts'

const target = {
  RoleArn: process.env.ROLE_ARN,
  RoleSessionName: 'orders',
  ExternalId: process.env.EXTERNAL_ID,
}

interface TargetContext {
  target: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
}

export const handler = middy<{ id: string }>()
  // The types of @middy/sts 4.7.0 expect a string.
  .use(sts({ fetchData: { target: target as unknown as string }, setToContext: true }))
  .handler(async (event, context) => {
    const { target: credentials } = context as unknown as TargetContext
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))
    const { Item } = await client.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
    return Item
  })
