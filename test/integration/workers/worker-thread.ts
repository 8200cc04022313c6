/**
 * A worker thread of the test of Lambda Managed Instances. The thread loads the function and runs concurrent invocations. Each
 * message that it receives is a list of invocations. It responds with the list of their outcomes: `ok`, or the code of an error.
 */
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from '../../../src/index.ts'

export interface Invocation {
  readonly tenant: string
  /** The sort key of the item that the invocation writes. It identifies the invocation's requests. */
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
    if (Item?.by !== order)
      throw new Error(`read ${JSON.stringify(Item)} instead of the item of order ${order}`)
  })

const invoke = async (event: Invocation): Promise<string> => {
  // biome-ignore lint/suspicious/noExplicitAny: middy's types require the properties that the middleware adds
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
