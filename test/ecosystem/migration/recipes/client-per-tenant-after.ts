import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      sessionName: 'orders',
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    const command = new GetCommand({ TableName: 'Orders', Key: { tenant, order } })
    return (await context.dynamo.send(command)).Item
  })
