/** Tests rejected tokens, wrong clocks and faults of STS, over HTTP. Shows NET-3 of SECURITY.md. */
import { spawn } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger'
import {
  BatchGetCommand,
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { type AssumeRoleTrace, crossAccountDynamo, type Logger } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clock.reset()
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
})

const getAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const getRejectedRequests = () =>
  sandbox.calls.filter(({ service, status }) => service === 'dynamodb' && status === 400)

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
/** Starts a server on the port of the URL. The server is closed after the test. */
const startServer = async (url: string, listener: RequestListener): Promise<void> => {
  const server = createServer(listener).listen(Number(new URL(url).port), '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
}

type SendRequest = (client: DynamoDBDocumentClient) => Promise<unknown>
const getItem: SendRequest = (client) => client.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))

/** Creates a handler whose session has credentials. Its event is a function that sends a request with the client. */
const startHandler = async (options: { logger?: Logger } = {}) => {
  const middleware = crossAccountDynamo(options)
  await middleware.ready()
  return middy()
    .use(middleware)
    .handler(async (sendRequest: SendRequest, context) => sendRequest(context.dynamo))
}

describe('after DynamoDB rejected a token', () => {
  test.each<[string, SendRequest]>([
    ['GetItem', getItem],
    [
      'Query',
      (client) =>
        client.send(
          new QueryCommand({
            TableName: TABLE,
            KeyConditionExpression: 'id = :id',
            ExpressionAttributeValues: { ':id': '1' },
          }),
        ),
    ],
    [
      'BatchGetItem',
      (client) => client.send(new BatchGetCommand({ RequestItems: { [TABLE]: { Keys: [{ id: '1' }] } } })),
    ],
    [
      'BatchWriteItem',
      (client) =>
        client.send(
          new BatchWriteCommand({ RequestItems: { [TABLE]: [{ PutRequest: { Item: { id: '1' } } }] } }),
        ),
    ],
  ])('a rejected token is replaced, and %s is sent again', async (operation, sendRequest) => {
    const handler = await startHandler()
    advanceTime(MINUTE_MS)
    sandbox.revokeSessions()
    await expect(handler(sendRequest, createLambdaContext())).resolves.toHaveProperty(
      '$metadata.httpStatusCode',
      200,
    )
    expect(getAssumeRoleCalls()).toHaveLength(2)
    expect(sandbox.calls.filter((call) => call.operation === operation).map(({ status }) => status)).toEqual([
      400, 200,
    ])
  })

  test('a token is replaced once if 64 concurrent requests are rejected', async () => {
    const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
    const handler = await startHandler({ logger })
    advanceTime(MINUTE_MS)
    sandbox.revokeSessions()
    await Promise.all(Array.from({ length: 64 }, () => handler(getItem, createLambdaContext())))
    expect(getAssumeRoleCalls()).toHaveLength(2)
    expect(logger.warn).toHaveBeenCalledTimes(1)
    expect(logger.warn).toHaveBeenCalledWith(expect.any(String), { roleArn: TARGET_ROLE_ARN })
  })

  test('the error of DynamoDB reaches the handler if the new token is also rejected', async () => {
    const handler = await startHandler()
    advanceTime(MINUTE_MS)
    const code = 'UnrecognizedClientException'
    sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 400, code, message: 'no' })
    await expect(handler(getItem, createLambdaContext())).rejects.toHaveProperty('name', code)
    expect(getAssumeRoleCalls()).toHaveLength(2)
    await expect(handler(getItem, createLambdaContext())).rejects.toHaveProperty('name', code)
    // Credentials that were just issued are not replaced. Otherwise, each request would call STS.
    expect(getAssumeRoleCalls()).toHaveLength(2)
  })

  test('a token that expired while the environment was frozen is replaced before the first request', async () => {
    const handler = await startHandler()
    advanceTime(5 * HOUR_MS)
    await expect(handler(getItem, createLambdaContext())).resolves.toHaveProperty(
      '$metadata.httpStatusCode',
      200,
    )
    expect(getAssumeRoleCalls()).toHaveLength(2)
    expect(getRejectedRequests()).toEqual([])
  })
})

test('the signal of middy’s early timeout aborts a request that DynamoDB does not answer', async () => {
  const middleware = crossAccountDynamo()
  await middleware.ready()
  sandbox.faults.inject({ service: 'dynamodb', operation: 'GetItem', kind: 'stall' })
  let outcome: Promise<string> | undefined
  const handler = middy({ timeoutEarlyInMillis: 200, timeoutEarlyResponse: () => 'early' })
    .use(middleware)
    .handler(async (_event: unknown, context, { signal }) => {
      const command = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
      outcome = context.dynamo.send(command, { abortSignal: signal }).then(
        () => 'answered',
        (error: Error) => error.name,
      )
      return outcome
    })
  await expect(handler({}, createLambdaContext(400))).resolves.toBe('early')
  await expect(outcome).resolves.toBe('AbortError')
})

test('an invocation ends before its timeout if DynamoDB does not answer GET /', async () => {
  sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'no-response' })
  const handler = middy()
    .use(crossAccountDynamo({ disablePrefetch: true }))
    .handler(async () => performance.now())
  // The connection attempt is canceled after one second. This invocation has less time.
  const endMs = performance.now() + 980
  await expect(handler({}, createLambdaContext(800))).resolves.toBeLessThan(endMs)
})

test('a process that creates the middleware and never invokes it exits', async () => {
  const script = `import { crossAccountDynamo } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))}; crossAccountDynamo()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: createFunctionVariables(sandbox),
  })
  await expect(once(child, 'exit')).resolves.toEqual([0, null])
  expect(getAssumeRoleCalls()).toHaveLength(1)
})

describe('with a wrong clock', () => {
  test.each([-40, -10, 10, 40])(
    'if the clock of AWS differs by %d minutes, STS is called at most twice and no expired token is sent',
    async (minutes) => {
      // If the number is positive, the clock of AWS is ahead of the clock of the function.
      sandbox.clock.advance(minutes * MINUTE_MS)
      const handler = await startHandler()
      await handler(getItem, createLambdaContext())
      const callCount = getAssumeRoleCalls().length
      expect(callCount).toBeLessThanOrEqual(2)
      for (let invocation = 0; invocation < 20; invocation += 1) await handler(getItem, createLambdaContext())
      expect(getAssumeRoleCalls()).toHaveLength(callCount)
      advanceTime(59.5 * MINUTE_MS)
      await handler(getItem, createLambdaContext())
      expect(getAssumeRoleCalls()).toHaveLength(callCount + 1)
      expect(getRejectedRequests().filter(({ error }) => error === 'ExpiredTokenException')).toEqual([])
    },
  )

  test('no invocation fails if a wrong clock is corrected', async () => {
    sandbox.clock.advance(10 * MINUTE_MS)
    const handler = await startHandler()
    await handler(getItem, createLambdaContext())
    sandbox.clock.reset()
    advanceTime(10 * MINUTE_MS)
    for (let invocation = 0; invocation < 6; invocation += 1) {
      advanceTime(10 * MINUTE_MS)
      await expect(handler(getItem, createLambdaContext())).resolves.toHaveProperty(
        '$metadata.httpStatusCode',
        200,
      )
    }
  })
})

describe('with a fault of STS', () => {
  test('an invocation fails with STS_TIMEOUT before its own timeout if STS does not respond', async () => {
    sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
    const handler = middy()
      .use(crossAccountDynamo({ disablePrefetch: true }))
      .handler(async () => {})
    await expect(handler({}, createLambdaContext(300))).rejects.toMatchObject({
      code: 'STS_TIMEOUT',
      statusCode: 503,
    })
    expect(getAssumeRoleCalls()).toHaveLength(1)
  })

  test('the request is sent again after three seconds if STS does not respond or stops during the response', async () => {
    const invocations = (['no-response', 'stall'] as const).map(async (kind) => {
      sandbox.faults.inject({ service: 'sts', kind, times: 1 })
      const handler = middy()
        .use(crossAccountDynamo({ disablePrefetch: true, sessionName: kind }))
        .handler(async () => 'served')
      // 4.5 seconds, less a reserve of at most half a second, are enough for a request that times out and a second request.
      await expect(handler({}, createLambdaContext(4500))).resolves.toBe('served')
      // The AssumeRole call of another test may still be in flight.
      expect(getAssumeRoleCalls().filter(({ sessionName }) => sessionName === kind)).toHaveLength(2)
    })
    await Promise.all(invocations)
  })

  test('a connection attempt to STS is canceled after one second', async () => {
    // A server accepts no connections if its process is stopped and its backlog is full.
    const script = `require('node:net').createServer().listen(0, '127.0.0.1', 1, function () { console.log(this.address().port) })`
    const server = spawn(process.execPath, ['-e', script])
    const port = Number(String((await once(server.stdout, 'data'))[0]))
    server.kill('SIGSTOP')
    const sockets = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'connect')))
    try {
      setEnvironment({
        ...createFunctionVariables(sandbox),
        AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}`,
      })
      const handler = middy()
        .use(crossAccountDynamo({ disablePrefetch: true, stsClientOptions: { maxAttempts: 1 } }))
        .handler(async () => {})
      // The timeout of a request that is connected is three seconds.
      await expect(handler({}, createLambdaContext(4000))).rejects.toMatchObject({
        code: 'STS_TIMEOUT',
        message: expect.stringMatching(/connection .* within the configured timeout of 1000 ms/),
      })
    } finally {
      for (const socket of sockets) socket.destroy()
      server.kill('SIGKILL')
    }
  })

  test.each<[string, (failingUrl: string) => Promise<void>]>([
    ['refuses connections', async () => {}],
    [
      'responds with 500',
      async (failingUrl) => {
        await startServer(failingUrl, (_request, response) => response.writeHead(500).end())
      },
    ],
  ])(
    'if STS in the first Region %s, STS in the next Region is called, and is called first from then on',
    async (_case, startFault) => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const failingUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      server.close()
      await startFault(failingUrl)
      const { AWS_ENDPOINT_URL_STS: workingUrl = '', ...variables } = createFunctionVariables(sandbox)
      setEnvironment(variables)
      const calledRegions: unknown[] = []
      const endpointProvider = ({ Region }: { Region?: string }) => {
        calledRegions.push(Region)
        return { url: new URL(Region === 'eu-west-1' ? failingUrl : workingUrl) }
      }
      const middleware = crossAccountDynamo({
        disablePrefetch: true,
        stsRegions: ['eu-west-1', 'us-east-1'],
        stsClientOptions: { endpointProvider } as object,
      })
      const handler = middy()
        .use(middleware)
        .handler(async (sendRequest: SendRequest, context) => sendRequest(context.dynamo))
      await handler(getItem, createLambdaContext())
      advanceTime(50 * MINUTE_MS)
      await handler(getItem, createLambdaContext())
      await waitUntil(() => getAssumeRoleCalls().length === 2)
      expect(calledRegions).toEqual(['eu-west-1', 'us-east-1', 'us-east-1'])
    },
  )

  test('a failed refresh is logged as a warning and fails no invocation while the credentials are valid', async () => {
    const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
    const handler = await startHandler({ logger })
    advanceTime(50 * MINUTE_MS)
    sandbox.faults.inject({ service: 'sts', kind: 'status', status: 500 })
    await expect(handler(getItem, createLambdaContext())).resolves.toHaveProperty(
      '$metadata.httpStatusCode',
      200,
    )
    await waitUntil(() => logger.warn.mock.calls.length === 1)
    expect(logger.warn).toHaveBeenCalledWith(
      'AssumeRole failed; the current credentials are still valid',
      expect.objectContaining({ code: 'STS_UNAVAILABLE', reason: 'refresh' }),
    )
    expect(logger.error).not.toHaveBeenCalled()
  })
})

test('Powertools Logger writes the code, the reason and the message of a failed AssumeRole call', async () => {
  process.env.POWERTOOLS_DEV = 'true'
  const lines: string[] = []
  for (const level of ['error', 'warn'] as const)
    jest.spyOn(console, level).mockImplementation((line: string) => {
      lines.push(line)
    })
  try {
    sandbox.faults.inject({ service: 'sts', kind: 'status', status: 500 })
    const logger = new PowertoolsLogger({ serviceName: 'orders' })
    const ready = crossAccountDynamo({ logger, disablePrefetch: true }).ready()
    await expect(ready).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
  } finally {
    delete process.env.POWERTOOLS_DEV
  }
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      service: 'orders',
      code: 'STS_UNAVAILABLE',
      reason: 'first',
      error: expect.objectContaining({ message: expect.stringContaining('STS_UNAVAILABLE') }),
    }),
  ])
})

test('the tracing channel publishes each AssumeRole call, without credentials', async () => {
  const channel = tracingChannel<string, AssumeRoleTrace>('middy-cross-account-dynamo:assume-role')
  const published: [string, AssumeRoleTrace & { error?: unknown; result?: unknown }][] = []
  const subscriber = {
    start: () => {},
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (message: AssumeRoleTrace) => published.push(['asyncEnd', { ...message }]),
    error: (message: AssumeRoleTrace) => published.push(['error', { ...message }]),
  }
  channel.subscribe(subscriber as never)
  try {
    const handler = await startHandler()
    advanceTime(HOUR_MS)
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    })
    await expect(handler(getItem, createLambdaContext())).rejects.toHaveProperty('code', 'ASSUME_ROLE_DENIED')
  } finally {
    channel.unsubscribe(subscriber as never)
  }
  expect(published.map(([event, { reason, attempts }]) => [event, reason, attempts])).toEqual([
    ['asyncEnd', 'prefetch', 1],
    ['error', 'expired', 1],
    ['asyncEnd', 'expired', 1],
  ])
  const [succeeded, failed] = published.map(([, message]) => message)
  expect(succeeded).toMatchObject({
    roleArn: TARGET_ROLE_ARN,
    region: 'us-east-1',
    durationMs: expect.any(Number),
    expiration: expect.any(Date),
    result: undefined,
  })
  expect(failed?.error).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
})
