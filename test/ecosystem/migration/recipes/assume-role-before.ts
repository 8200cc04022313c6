import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

const sts = new STSClient()

export const handler = async (event: { id: string }) => {
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: process.env.ROLE_ARN,
      RoleSessionName: 'orders',
      ExternalId: process.env.EXTERNAL_ID,
    }),
  )
  const credentials = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  }
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))
  const { Item } = await client.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
  return Item
}
