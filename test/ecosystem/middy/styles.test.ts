/** The ways to add a middleware to a handler, on the oldest and the newest supported version of middy. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { beforeEach } from 'node:test'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import newestMiddy from '@middy/core'
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse'
import oldestMiddy from 'middy-6'
import {
  type CrossAccountDynamoContext,
  crossAccountDynamo,
  type SessionRequest,
} from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createTwoAccounts } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess({ accounts: createTwoAccounts({ canTagSession: true }) })

beforeEach(async () => {
  await sandbox.clear()
  setEnvironment(await sandbox.createFunctionVariables())
})

const TableName = 'MyTable'
/** Returns the calls, without GET /, which opens the connection to DynamoDB and can arrive after the test that caused it. */
const getCalls = async () => (await sandbox.getCalls()).filter(({ operation }) => operation !== 'Health')
const getOperations = async () => (await getCalls()).map(({ operation }) => operation).toSorted()
const getItemRequests = async () => (await getCalls()).filter(({ service }) => service === 'dynamodb')

/** Writes an item and reads it. */
const putAndGet = async (event: { id: string }, { dynamo }: CrossAccountDynamoContext) => {
  await dynamo.send(new PutCommand({ TableName, Item: { id: event.id } }))
  return (await dynamo.send(new GetCommand({ TableName, Key: { id: event.id } }))).Item
}
const PUT_AND_GET_OPERATIONS = ['AssumeRole', 'GetItem', 'PutItem']

/**
 * The global object that Lambda provides for response streaming.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
 */
Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: { from: (stream: unknown) => stream },
  },
})
/** A handler for response streaming, as the Lambda runtime calls it. middy's types do not describe it. */
type StreamingHandler = (event: unknown, stream: PassThrough, context: unknown) => Promise<void>

for (const [packageName, middy, streaming] of [
  ['@middy/core', newestMiddy, { executionMode: executionModeStreamifyResponse }],
  // middy 7 has no option streamifyResponse.
  ['middy-6', oldestMiddy as unknown as typeof newestMiddy, { streamifyResponse: true } as object],
] as const) {
  testCombination([packageName], 'gives the handler a client with `use()` before `handler()`', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (event: { id: string }, context) => putAndGet(event, context))
    assert.deepEqual(await handler({ id: packageName }, createLambdaContext()), { id: packageName })
    assert.deepEqual(await getOperations(), PUT_AND_GET_OPERATIONS)
  })

  testCombination([packageName], 'gives the handler a client with `middy(handler).use()`', async () => {
    const handler = middy(putAndGet).use(crossAccountDynamo())
    assert.deepEqual(await handler({ id: packageName }, createLambdaContext()), { id: packageName })
    assert.deepEqual(await getOperations(), PUT_AND_GET_OPERATIONS)
  })

  testCombination([packageName], 'gives the client to `before`, `after` and `onError`', async () => {
    const dynamo = crossAccountDynamo()
    const clients: [string, unknown][] = []
    const handler = middy()
      .use(dynamo)
      .before(({ context }) => void clients.push(['before', context.dynamo]))
      .after(({ context }) => void clients.push(['after', context.dynamo]))
      .onError((request) => {
        clients.push(['onError', request.context.dynamo])
        request.response = 'handled'
      })
      .handler(async (event: { fail: boolean }) => {
        if (event.fail) throw new Error('failed')
        return 'succeeded'
      })
    assert.equal(await handler({ fail: false }, createLambdaContext()), 'succeeded')
    assert.equal(await handler({ fail: true }, createLambdaContext()), 'handled')
    assert.deepEqual(
      clients.map(([hook]) => hook),
      ['before', 'after', 'before', 'onError'],
    )
    for (const [hook, client] of clients) assert.equal(client, dynamo.client, hook)
  })

  testCombination([packageName], 'runs with all plugin hooks', async () => {
    const dynamo = crossAccountDynamo()
    const steps: string[] = []
    const record = (step: string) => (name?: unknown) =>
      void steps.push(typeof name === 'string' ? `${step} ${name}` : step)
    let lastClient: unknown
    const handler = middy({
      beforePrefetch: record('beforePrefetch'),
      requestStart: record('requestStart'),
      beforeMiddleware: record('beforeMiddleware'),
      afterMiddleware: record('afterMiddleware'),
      beforeHandler: record('beforeHandler'),
      afterHandler: record('afterHandler'),
      requestEnd: ({ context }) => {
        steps.push('requestEnd')
        lastClient = (context as CrossAccountDynamoContext).dynamo
      },
    })
      .use(dynamo)
      .handler(async (event: { id: string }, context) => {
        steps.push('handler')
        return putAndGet(event, context)
      })
    assert.deepEqual(await handler({ id: packageName }, createLambdaContext()), { id: packageName })
    assert.deepEqual(steps, [
      'beforePrefetch',
      'requestStart',
      'beforeMiddleware crossAccountDynamoMiddlewareBefore',
      'afterMiddleware crossAccountDynamoMiddlewareBefore',
      'beforeHandler',
      'handler',
      'afterHandler',
      'requestEnd',
    ])
    assert.equal(lastClient, dynamo.client)
  })

  testCombination(
    [packageName],
    'sends no request to DynamoDB and does not wait for STS if an earlier middleware returns a response',
    async () => {
      await sandbox.injectFault({ service: 'sts', kind: 'no-response' })
      const handler = middy()
        .before(() => 'early')
        .use(crossAccountDynamo({ disablePrefetch: true }))
        .handler(async () => assert.fail('the handler was called'))
      assert.equal(await handler({}, createLambdaContext()), 'early')
      assert.deepEqual(await getOperations(), [])
    },
  )

  testCombination(
    [packageName],
    'works in the invocation after a later middleware returned a response',
    async () => {
      let isEarly = true
      const handler = middy()
        .use(crossAccountDynamo())
        .before(() => (isEarly ? 'early' : undefined))
        .handler(async (event: { id: string }, context) => putAndGet(event, context))
      assert.equal(await handler({ id: packageName }, createLambdaContext()), 'early')
      isEarly = false
      assert.deepEqual(await handler({ id: packageName }, createLambdaContext()), { id: packageName })
      assert.deepEqual(await getOperations(), PUT_AND_GET_OPERATIONS)
    },
  )

  testCombination(
    [packageName],
    'aborts a request to DynamoDB on `timeoutEarly`, and the client works in the next invocation',
    async () => {
      let abortError: unknown
      const handler = middy({ timeoutEarlyInMillis: 500, timeoutEarlyResponse: () => 'timed out' })
        .use(crossAccountDynamo())
        .handler(async (event: { id: string }, context, { signal }) => {
          const command = new GetCommand({ TableName, Key: { id: event.id } })
          try {
            await context.dynamo.send(command, { abortSignal: signal })
          } catch (error) {
            abortError = error
            throw error
          }
          return 'answered'
        })
      await sandbox.injectFault({ service: 'dynamodb', operation: 'GetItem', kind: 'no-response', times: 1 })
      assert.equal(await handler({ id: packageName }, createLambdaContext(2000)), 'timed out')
      assert.equal(await handler({ id: packageName }, createLambdaContext()), 'answered')
      assert.equal((abortError as Error | undefined)?.name, 'AbortError')
      assert.deepEqual(
        (await getItemRequests()).map(({ status }) => status),
        [0, 200],
      )
    },
  )

  testCombination(
    [packageName],
    'streams items that a generator reads with the client after the handler returned',
    async () => {
      const steps: string[] = []
      const dynamo = crossAccountDynamo({
        session: ({ event }: SessionRequest<{ tenant: string }>) => ({
          sessionTags: { TenantId: event.tenant },
        }),
      })
      const handler = middy(streaming)
        .use(dynamo)
        .handler(async (event: { tenant: string }, context) => {
          async function* readItems() {
            steps.push(`generator of ${event.tenant}`)
            for (const suffix of ['1', '2']) {
              const id = `${event.tenant} ${suffix}`
              yield `${JSON.stringify(await putAndGet({ id }, context))}\n`
            }
          }
          steps.push(`handler of ${event.tenant}`)
          return { statusCode: 200, body: Readable.from(readItems()) }
        }) as unknown as StreamingHandler
      const stream = async (tenant: string) => {
        const response = new PassThrough()
        const [body] = await Promise.all([
          text(response),
          handler({ tenant }, response, createLambdaContext()),
        ])
        return body
      }
      const bodies = await Promise.all([stream('acme'), stream('globex')])
      assert.deepEqual(
        bodies,
        ['acme', 'globex'].map((tenant) => `{"id":"${tenant} 1"}\n{"id":"${tenant} 2"}\n`),
      )
      for (const tenant of ['acme', 'globex'])
        assert.ok(steps.indexOf(`handler of ${tenant}`) < steps.indexOf(`generator of ${tenant}`))
      const requests = await getItemRequests()
      assert.equal(requests.length, 8)
      // Each request used the session of the tenant in its key.
      for (const { input, tags } of requests)
        assert.ok(JSON.stringify(input).includes(`"${tags?.TenantId} `), JSON.stringify({ input, tags }))
    },
  )

  testCombination([packageName], 'ends a stream with an error if a tenant is missing', async () => {
    const handler = middy(streaming)
      .use(crossAccountDynamo({ session: ({ event }) => ({ sessionTags: { TenantId: event.tenant } }) }))
      .handler(async () => assert.fail('the handler was called')) as unknown as StreamingHandler
    const response = new PassThrough()
    await assert.rejects(handler({}, response, createLambdaContext()), { code: 'SESSION_IDENTITY_MISSING' })
    response.end()
    response.resume()
    await once(response, 'end')
  })

  testCombination(
    [packageName],
    'serves several invocations with values in the plugin option `internal`',
    async () => {
      const handler = middy({ internal: { region: 'eu' } })
        .use(crossAccountDynamo())
        .before((request) => {
          const { region } = request.internal as { region?: string }
          request.event = { ...(request.event as object), region }
        })
        .handler(async (event: { id: string; region?: string }, context) => ({
          ...(await putAndGet(event, context)),
          region: event.region,
        }))
      for (const id of ['1', '2'])
        assert.deepEqual(await handler({ id }, createLambdaContext()), { id, region: 'eu' })
      assert.deepEqual(await getOperations(), ['AssumeRole', 'GetItem', 'GetItem', 'PutItem', 'PutItem'])
    },
  )

  testCombination(
    [packageName],
    'refuses two middlewares with the same `contextKey` in one invocation, also with the plugin option `internal`',
    async () => {
      const handler = middy({ internal: { region: 'eu' } })
        .use(crossAccountDynamo({ disablePrefetch: true }))
        .use(crossAccountDynamo({ disablePrefetch: true }))
        .handler(async () => assert.fail('the handler was called'))
      for (let count = 0; count < 2; count += 1)
        await assert.rejects(async () => handler({}, createLambdaContext()), { code: 'CONFIG_INVALID' })
    },
  )
}
