import { subscribe } from 'node:diagnostics_channel'
import middy from '@middy/core'
import { type AssumeRoleTrace, crossAccountDynamo } from 'middy-cross-account-dynamo'

subscribe('tracing:middy-cross-account-dynamo:assume-role:asyncEnd', (message) => {
  const { reason, attempts, durationMs } = message as AssumeRoleTrace
  console.log(JSON.stringify({ reason, attempts, durationMs, failed: 'error' in (message as object) }))
})

export const handler = middy()
  .use(crossAccountDynamo())
  .handler(async (_event: unknown, context) => context.dynamo.config.region())
