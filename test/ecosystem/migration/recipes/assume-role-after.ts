import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

export const handler = middy()
  .use(crossAccountDynamo({ sessionName: 'orders' }))
  .handler(async (event: { id: string }, context) => {
    const { Item } = await context.dynamo.send(
      new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }),
    )
    return Item
  })
