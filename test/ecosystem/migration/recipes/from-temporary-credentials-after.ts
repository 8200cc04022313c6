import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const dynamo = crossAccountDynamo({ sessionName: 'orders' })
const { client } = dynamo

export const handler = middy()
  .use(dynamo)
  .handler(async (event: { id: string }) => {
    const { Item } = await client.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
    return Item
  })
