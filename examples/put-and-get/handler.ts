/** A Lambda function in account A that writes an item to a table in account B and reads it. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const TableName = process.env.TABLE_NAME ?? 'MyTable'

export const handler = middy()
  .use(crossAccountDynamo())
  .handler(async (event: { id: string }, context) => {
    await context.dynamo.send(new PutCommand({ TableName, Item: { id: event.id } }))
    const { Item } = await context.dynamo.send(
      new GetCommand({ TableName, Key: { id: event.id }, ConsistentRead: true }),
    )
    return Item
  })
