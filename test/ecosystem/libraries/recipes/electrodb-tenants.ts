import middy from '@middy/core'
import { Entity } from 'electrodb'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

// The entity has no client, so that a request without the option `client` fails.
const orders = new Entity(
  {
    model: { service: 'shop', entity: 'order', version: '1' },
    attributes: { tenant: { type: 'string' }, order: { type: 'string' }, status: { type: 'string' } },
    indexes: {
      byTenant: {
        pk: { field: 'tenant', composite: ['tenant'] },
        sk: { field: 'order', composite: ['order'] },
      },
    },
  },
  { table: 'Orders' },
)

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    await orders.put({ tenant, order, status: 'open' }).go({ client: context.dynamo })
    return (await orders.get({ tenant, order }).go({ client: context.dynamo })).data
  })
