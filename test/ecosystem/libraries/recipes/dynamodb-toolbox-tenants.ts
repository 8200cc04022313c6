import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { Entity, GetItemCommand, item, PutItemCommand, string, Table } from 'dynamodb-toolbox'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

const createOrders = (documentClient: DynamoDBDocumentClient) => {
  const table = new Table({
    documentClient,
    name: 'Orders',
    partitionKey: { name: 'tenant', type: 'string' },
    sortKey: { name: 'order', type: 'string' },
  })
  const schema = item({ tenant: string().key(), order: string().key(), status: string() })
  return new Entity({ name: 'order', table, schema })
}

const ordersByClient = new WeakMap<DynamoDBDocumentClient, ReturnType<typeof createOrders>>()
const getOrders = (client: DynamoDBDocumentClient) => {
  const orders = ordersByClient.get(client) ?? createOrders(client)
  ordersByClient.set(client, orders)
  return orders
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    const orders = getOrders(context.dynamo)
    await orders.build(PutItemCommand).item({ tenant, order, status: 'open' }).send()
    return (await orders.build(GetItemCommand).key({ tenant, order }).send()).Item
  })
