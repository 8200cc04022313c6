/** The credential provider of the AWS SDK, in one client for each tenant, in a `Map`. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type BenchEvent, EXTERNAL_ID, ROLE_ARN, readItem, SESSION_NAME } from './read-item.ts'

const clients = new Map<string, DynamoDBDocumentClient>()

const getClient = (tenant: string): DynamoDBDocumentClient => {
  const existing = clients.get(tenant)
  if (existing !== undefined) return existing
  const credentials = fromTemporaryCredentials({
    params: {
      RoleArn: ROLE_ARN,
      RoleSessionName: SESSION_NAME,
      ExternalId: EXTERNAL_ID,
      Tags: [{ Key: 'TenantId', Value: tenant }],
    },
  })
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ credentials }))
  clients.set(tenant, client)
  return client
}

export const handler = middy<BenchEvent>().handler(async (event) => {
  if (event.tenant === undefined) throw new Error('The event has no tenant.')
  return readItem(getClient(event.tenant), event)
})
