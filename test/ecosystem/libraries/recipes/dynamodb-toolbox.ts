import middy from '@middy/core'
import { Entity, GetItemCommand, item, PutItemCommand, string, Table } from 'dynamodb-toolbox'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const dynamo = crossAccountDynamo()
const table = new Table({
  documentClient: dynamo.client,
  name: 'MyTable',
  partitionKey: { name: 'id', type: 'string' },
})
const orders = new Entity({
  name: 'order',
  table,
  schema: item({ id: string().key(), status: string() }),
})

export const handler = middy()
  .use(dynamo)
  .handler(async ({ id }: { id: string }) => {
    await orders.build(PutItemCommand).item({ id, status: 'open' }).send()
    return (await orders.build(GetItemCommand).key({ id }).send()).Item
  })
