import middy from '@middy/core'
import { crossAccountDynamo, type Logger } from 'middy-cross-account-dynamo'
import { pino, stdSerializers } from 'pino'

const log = pino().child({}, { serializers: { error: stdSerializers.err } })
const logger: Logger = {
  debug: (message, details) => log.debug(details, message),
  info: (message, details) => log.info(details, message),
  warn: (message, details) => log.warn(details, message),
  error: (message, details) => log.error(details, message),
}

export const handler = middy()
  .use(crossAccountDynamo({ logger }))
  .handler(async (_event: unknown, context) => context.dynamo.config.region())
