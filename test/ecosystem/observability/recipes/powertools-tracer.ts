import { Tracer } from '@aws-lambda-powertools/tracer'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const tracer = new Tracer({ serviceName: 'orders', captureHTTPsRequests: false })

export const handler = middy()
  .use(crossAccountDynamo({ awsClientCapture: (client) => tracer.captureAWSv3Client(client) }))
  .handler(async ({ id }: { id: string }, { dynamo }) => {
    const { Item } = await dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id } }))
    return Item
  })
