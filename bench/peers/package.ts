/** This package with a static session. */
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type BenchEvent, readItem } from './read-item.ts'

export const handler = middy()
  .use(crossAccountDynamo())
  .handler(async (event: BenchEvent, context) => readItem(context.dynamo, event))
