import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const dynamo = crossAccountDynamo()
const orders = DynamoDBDocument.from(dynamo.client, dynamo.client.config.translateConfig)

export const handler = middy()
  .use(dynamo)
  .handler(async ({ id }: { id: string }) => {
    await orders.put({ TableName: 'MyTable', Item: { id, status: 'open' } })
    return (await orders.get({ TableName: 'MyTable', Key: { id } })).Item
  })
