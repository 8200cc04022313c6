import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import * as Sentry from '@sentry/aws-serverless'
import type { Context } from 'aws-lambda'
import { type CrossAccountDynamoContext, crossAccountDynamo } from 'middy-cross-account-dynamo'

interface Event {
  id: string
}

const middyHandler = middy()
  .use(crossAccountDynamo())
  .handler(async ({ id }: Event, { dynamo }) => {
    await dynamo.send(new PutCommand({ TableName: 'MyTable', Item: { id } }))
    return (await dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id } }))).Item
  })

export const handler = Sentry.wrapHandler((event: Event, context: Context) =>
  middyHandler(event, context as CrossAccountDynamoContext),
)
