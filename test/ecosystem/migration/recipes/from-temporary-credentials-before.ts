import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

const credentials = fromTemporaryCredentials({
  params: {
    RoleArn: process.env.ROLE_ARN,
    RoleSessionName: 'orders',
    ExternalId: process.env.EXTERNAL_ID,
  },
})
const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))

export const handler = async (event: { id: string }) => {
  const { Item } = await client.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
  return Item
}
