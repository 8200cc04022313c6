import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import middy from '@middy/core'
import { Table } from 'dynamodb-onetable'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

const schema = {
  format: 'onetable:1.1.0',
  version: '0.0.1',
  indexes: { primary: { hash: 'tenant', sort: 'order' } },
  models: {
    Order: {
      tenant: { type: 'string', required: true },
      order: { type: 'string', required: true },
      status: { type: 'string', required: true },
    },
  },
} as const
const createOrders = (client: DynamoDBClient) =>
  new Table({ client, name: 'Orders', schema, partial: false }).getModel('Order')

const ordersByClient = new WeakMap<DynamoDBClient, ReturnType<typeof createOrders>>()
const getOrders = (client: DynamoDBClient) => {
  const orders = ordersByClient.get(client) ?? createOrders(client)
  ordersByClient.set(client, orders)
  return orders
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      documentClient: false,
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    const orders = getOrders(context.dynamo)
    await orders.create({ tenant, order, status: 'open' })
    return orders.get({ tenant, order })
  })
