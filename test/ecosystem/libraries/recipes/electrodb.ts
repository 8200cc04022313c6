import middy from '@middy/core'
import { Entity } from 'electrodb'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const dynamo = crossAccountDynamo()
const orders = new Entity(
  {
    model: { service: 'shop', entity: 'order', version: '1' },
    attributes: { id: { type: 'string' }, status: { type: 'string' } },
    indexes: { byId: { pk: { field: 'id', composite: ['id'] } } },
  },
  { table: 'MyTable', client: dynamo.client },
)

export const handler = middy()
  .use(dynamo)
  .handler(async ({ id }: { id: string }) => {
    await orders.put({ id, status: 'open' }).go()
    return (await orders.get({ id }).go()).data
  })
