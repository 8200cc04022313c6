/** This package with a `session` function: one session for each tenant. */
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { type BenchEvent, readItem } from './read-item.ts'

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<BenchEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async (event: BenchEvent, context) => readItem(context.dynamo, event))
