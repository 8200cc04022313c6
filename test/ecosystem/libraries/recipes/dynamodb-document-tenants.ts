import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    const orders = DynamoDBDocument.from(context.dynamo, context.dynamo.config.translateConfig)
    await orders.put({ TableName: 'Orders', Item: { tenant, order, status: 'open' } })
    return (await orders.get({ TableName: 'Orders', Key: { tenant, order } })).Item
  })
