import { Logger } from '@aws-lambda-powertools/logger'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const logger = new Logger({ serviceName: 'orders' })

export const handler = middy()
  .use(crossAccountDynamo({ logger }))
  .handler(async (_event: unknown, context) => context.dynamo.config.region())
