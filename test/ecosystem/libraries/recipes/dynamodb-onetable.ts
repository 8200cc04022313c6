import middy from '@middy/core'
import { Table } from 'dynamodb-onetable'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const dynamo = crossAccountDynamo({ documentClient: false })
const schema = {
  format: 'onetable:1.1.0',
  version: '0.0.1',
  indexes: { primary: { hash: 'id' } },
  models: {
    Order: {
      id: { type: 'string', required: true },
      status: { type: 'string', required: true },
    },
  },
} as const
const orders = new Table({ client: dynamo.client, name: 'MyTable', schema, partial: false }).getModel('Order')

export const handler = middy()
  .use(dynamo)
  .handler(async ({ id }: { id: string }) => {
    await orders.create({ id, status: 'open' })
    return orders.get({ id })
  })
