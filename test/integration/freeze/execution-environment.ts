/**
 * An execution environment in a process of its own, so that a test can suspend it. Each line of standard input starts an
 * invocation, and each invocation prints a line: `ok`, or the code of an error. The clock is ahead of the machine's by the
 * number of milliseconds in the file `CLOCK_FILE`, because a test cannot wait for hours.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from '../../../src/index.ts'

const getSystemTimeMs = Date.now
Date.now = () => getSystemTimeMs() + Number(readFileSync(process.env.CLOCK_FILE as string, 'utf8'))

const handler = middy()
  .use(crossAccountDynamo())
  .handler(async (event: { table: string }, context) => {
    await context.dynamo.send(new GetCommand({ TableName: event.table, Key: { id: '1' } }))
  })

console.log('loaded')
for await (const table of createInterface({ input: process.stdin })) {
  // This is shorter than the timeout of a request that was pending during the freeze, so the invocation must not wait for it.
  const deadlineMs = performance.now() + 2000
  const context = { getRemainingTimeInMillis: () => deadlineMs - performance.now() }
  // biome-ignore lint/suspicious/noExplicitAny: middy's types require the properties that the middleware adds
  handler({ table }, context as any).then(
    () => console.log('ok'),
    (error: Error & { code?: string }) => console.log(error.code ?? error.name),
  )
}
