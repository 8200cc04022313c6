/**
 * An execution environment in a process of its own, so that it can really be frozen. Each line that it reads is an
 * invocation, answered by a line: `ok`, or the code of an error. Its clock is ahead of the machine's by what the file
 * CLOCK_FILE says, since a test cannot be frozen for hours.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from '../../../src/index.ts'

const realNow = Date.now
Date.now = () => realNow() + Number(readFileSync(process.env.CLOCK_FILE as string, 'utf8'))

const handler = middy()
  .use(crossAccountDynamo())
  .handler(async (event: { table: string }, context) => {
    await context.dynamo.send(new GetCommand({ TableName: event.table, Key: { id: '1' } }))
  })

console.log('loaded')
for await (const table of createInterface({ input: process.stdin })) {
  // Too little for the time limit of a request that was frozen to come to its rescue: it must be given up.
  const end = performance.now() + 2000
  const context = { getRemainingTimeInMillis: () => end - performance.now() }
  // biome-ignore lint/suspicious/noExplicitAny: middy's types want the client to be there already
  handler({ table }, context as any).then(
    () => console.log('ok'),
    (error: Error & { code?: string }) => console.log(error.code ?? error.name),
  )
}
