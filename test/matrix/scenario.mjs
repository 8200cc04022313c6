// One combination of `npm run test:matrix`: invocations on the sandbox, which run.ts runs in the parent process.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const MINUTE_MS = 60_000

/** Calls an operation of the sandbox. See `createOperations()` in run.ts. */
const callSandbox = async (operation, ...args) => {
  process.send({ operation, args })
  const [{ result }] = await once(process, 'message')
  return result
}
const countCalls = (operation) => callSandbox('countCalls', operation)
/** Advances the clocks of this process and of the sandbox. */
const advanceTime = async (ms) => {
  const getTimeMs = Date.now
  Date.now = () => getTimeMs() + ms
  await callSandbox('advanceClock', ms)
}
const createLambdaContext = () => ({
  functionName: 'orders-function',
  getRemainingTimeInMillis: () => 10_000,
})

const putAndGet = async ({ id }, { dynamo }) => {
  await dynamo.send(new PutCommand({ TableName: 'MyTable', Item: { id } }))
  return (await dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id } }))).Item
}

/** One session for all invocations, which is replaced when STS revokes it and when it expires. */
const testStaticSession = async () => {
  const handler = middy().use(crossAccountDynamo()).handler(putAndGet)
  const invoke = async (id) => assert.deepEqual(await handler({ id }, createLambdaContext()), { id })
  await invoke('first')
  await invoke('second')
  assert.equal(await countCalls('AssumeRole'), 1)

  // The package does not replace a token that was issued less than 30 seconds ago.
  await advanceTime(MINUTE_MS)
  await callSandbox('revokeSessions')
  await invoke('revoked')
  assert.equal(await countCalls('AssumeRole'), 2)

  await advanceTime(120 * MINUTE_MS)
  await invoke('expired')
  assert.equal(await countCalls('AssumeRole'), 3)
}

/** Concurrent invocations of two tenants. Each one can access only the orders of its tenant. */
const testTenants = async () => {
  const handler = middy()
    .use(crossAccountDynamo({ session: ({ event }) => ({ sessionTags: { TenantId: event.tenant } }) }))
    .handler(async ({ tenant, neighbor, order }, { dynamo }) => {
      const TableName = 'Orders'
      await dynamo.send(new PutCommand({ TableName, Item: { tenant, order } }))
      const getOrder = (owner) => dynamo.send(new GetCommand({ TableName, Key: { tenant: owner, order } }))
      const { Item } = await getOrder(tenant)
      return { Item, neighborOrder: await getOrder(neighbor).catch(({ name }) => name) }
    })
  const events = ['1', '2', '3'].flatMap((order) => [
    { tenant: 'acme', neighbor: 'globex', order },
    { tenant: 'globex', neighbor: 'acme', order },
  ])
  const results = await Promise.all(events.map((event) => handler(event, createLambdaContext())))
  assert.deepEqual(
    results,
    events.map(({ tenant, order }) => ({
      Item: { tenant, order },
      neighborOrder: 'AccessDeniedException',
    })),
  )
  assert.equal(await countCalls('AssumeRole'), 2)
  await assert.rejects(handler({}, createLambdaContext()), { code: 'SESSION_IDENTITY_MISSING' })
}

/** A generator that uses the client after the handler returned. */
const testStreaming = async () => {
  // Lambda's runtime defines this global.
  globalThis.awslambda = {
    streamifyResponse: (handler) => handler,
    HttpResponseStream: { from: (stream) => stream },
  }
  const options = await import('@middy/core/StreamifyResponse').then(
    ({ executionModeStreamifyResponse }) => ({ executionMode: executionModeStreamifyResponse }),
    () => ({ streamifyResponse: true }),
  )
  async function* generateItems(context) {
    for (const id of ['1', '2']) yield JSON.stringify(await putAndGet({ id }, context))
  }
  const handler = middy(options)
    .use(crossAccountDynamo())
    .handler(async (_event, context) => ({ statusCode: 200, body: Readable.from(generateItems(context)) }))
  const stream = new PassThrough()
  const [body] = await Promise.all([text(stream), handler({}, stream, createLambdaContext())])
  assert.equal(body, '{"id":"1"}{"id":"2"}')
}

/** A role that the execution role cannot assume. */
const testDeniedRole = async () => {
  const roleArn = 'arn:aws:iam::222222222222:role/OtherRole'
  const handler = middy().use(crossAccountDynamo({ roleArn })).handler(putAndGet)
  await assert.rejects(handler({ id: '1' }, createLambdaContext()), {
    name: 'CrossAccountDynamoError',
    code: 'ASSUME_ROLE_DENIED',
    statusCode: 500,
  })
  assert.equal(await countCalls('PutItem'), 0)
}

for (const run of [testTenants, testStreaming, testDeniedRole, testStaticSession]) {
  await callSandbox('clear')
  await run()
}
process.disconnect()
