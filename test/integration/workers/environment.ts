/**
 * One of the worker threads in which Lambda Managed Instances run Node.js: it loads the function by itself, and has many
 * invocations at once. Each message is a list of them, answered by the list of their outcomes: `ok`, or an error's code.
 */
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from '../../../src/index.ts'

export interface Invocation {
  readonly tenant: string
  /** The sort key of the item, by which the invocation's requests are known. */
  readonly order: string
  readonly table: string
}

/** Returns the session of the tenant asynchronously, so that other invocations run before it resolves. */
const session = async ({ event }: SessionRequest<Invocation>) => {
  await setImmediate()
  return { sessionTags: { TenantId: event.tenant } }
}

const handler = middy()
  .use(crossAccountDynamo({ session }))
  .handler(async ({ tenant, order, table }: Invocation, context) => {
    const Key = { tenant, order }
    await context.dynamo.send(new PutCommand({ TableName: table, Item: { ...Key, by: order } }))
    const { Item } = await context.dynamo.send(new GetCommand({ TableName: table, Key }))
    if (Item?.by !== order) throw new Error('this is not what it wrote')
  })

const invoke = async (event: Invocation): Promise<string> => {
  // biome-ignore lint/suspicious/noExplicitAny: middy's types want the client to be there already
  const context: any = { getRemainingTimeInMillis: () => 10_000 }
  try {
    await handler(event, context)
    return 'ok'
  } catch (error) {
    const { code, name } = error as Error & { code?: string }
    return code ?? name
  }
}

parentPort?.on('message', async (invocations: readonly Invocation[]) => {
  parentPort?.postMessage(await Promise.all(invocations.map(invoke)))
})
