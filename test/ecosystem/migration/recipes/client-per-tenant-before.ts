import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

const clients = new Map<string, DynamoDBDocumentClient>()

const getClient = (tenant: string) => {
  const existing = clients.get(tenant)
  if (existing !== undefined) return existing
  const credentials = fromTemporaryCredentials({
    params: {
      RoleArn: process.env.ROLE_ARN,
      RoleSessionName: 'orders',
      ExternalId: process.env.EXTERNAL_ID,
      Tags: [{ Key: 'TenantId', Value: tenant }],
    },
  })
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))
  clients.set(tenant, client)
  return client
}

export const handler = async ({ tenant, order }: { tenant: string; order: string }) => {
  const command = new GetCommand({ TableName: 'Orders', Key: { tenant, order } })
  return (await getClient(tenant).send(command)).Item
}
