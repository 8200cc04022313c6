/** What happens when credentials end early, clocks are wrong and STS misbehaves, over real HTTP. Shows NET-3 of SECURITY.md. */
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
import { eventually, functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clock.reset()
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const rejected = () => sandbox.calls.filter(({ service, status }) => service === 'dynamodb' && status === 400)

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
const startServer = async (url: string, listener: RequestListener): Promise<void> => {
  const server = createServer(listener).listen(Number(new URL(url).port), '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
}

type Work = (client: DynamoDBDocumentClient) => Promise<unknown>
const get: Work = (client) => client.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))

/** A handler with credentials at hand that does whatever it is given. */
const startHandler = async (options: { logger?: Logger } = {}) => {
  const middleware = crossAccountDynamo(options)
  await middleware.ready()
  return middy()
    .use(middleware)
    .handler(async (work: Work, context) => work(context.dynamo))
}

describe('a token that DynamoDB rejects', () => {
  test.each<[string, Work]>([
    ['GetItem', get],
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
  ])('is replaced and the %s run once more', async (operation, work) => {
    const handler = await startHandler()
    travel(MINUTE)
    sandbox.revokeSessions()
    await expect(handler(work, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(assumeRoles()).toHaveLength(2)
    expect(sandbox.calls.filter((call) => call.operation === operation).map(({ status }) => status)).toEqual([
      400, 200,
    ])
  })

  test('is replaced once for 64 requests that were rejected together', async () => {
    const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
    const handler = await startHandler({ logger })
    travel(MINUTE)
    sandbox.revokeSessions()
    await Promise.all(Array.from({ length: 64 }, () => handler(get, lambdaContext())))
    expect(assumeRoles()).toHaveLength(2)
    expect(logger.warn).toHaveBeenCalledTimes(1)
    expect(logger.warn).toHaveBeenCalledWith(expect.any(String), { roleArn: TARGET_ROLE_ARN })
  })

  test('reaches the handler if the new one is rejected, too', async () => {
    const handler = await startHandler()
    travel(MINUTE)
    const code = 'UnrecognizedClientException'
    sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 400, code, message: 'no' })
    await expect(handler(get, lambdaContext())).rejects.toHaveProperty('name', code)
    expect(assumeRoles()).toHaveLength(2)
    await expect(handler(get, lambdaContext())).rejects.toHaveProperty('name', code)
    // Brand-new credentials are not replaced: STS is not asked by each request.
    expect(assumeRoles()).toHaveLength(2)
  })

  test('that ended while the environment was frozen is replaced before it is used', async () => {
    const handler = await startHandler()
    travel(5 * HOUR)
    await expect(handler(get, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(assumeRoles()).toHaveLength(2)
    expect(rejected()).toEqual([])
  })
})

test('middy’s early-timeout signal ends a request that DynamoDB does not answer', async () => {
  const middleware = crossAccountDynamo()
  await middleware.ready()
  sandbox.faults.inject({ service: 'dynamodb', operation: 'GetItem', kind: 'stall' })
  let ended: Promise<string> | undefined
  const handler = middy({ timeoutEarlyInMillis: 200, timeoutEarlyResponse: () => 'early' })
    .use(middleware)
    .handler(async (_event: unknown, context, { signal }) => {
      const command = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
      ended = context.dynamo.send(command, { abortSignal: signal }).then(
        () => 'answered',
        (error: Error) => error.name,
      )
      return ended
    })
  await expect(handler({}, lambdaContext(400))).resolves.toBe('early')
  await expect(ended).resolves.toBe('AbortError')
})

test('a GET / that DynamoDB does not answer costs an invocation no more than its own time', async () => {
  sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'no-response' })
  const handler = middy()
    .use(crossAccountDynamo({ disablePrefetch: true }))
    .handler(async () => performance.now())
  // Opening it is given up after a second; this invocation has less.
  const end = performance.now() + 980
  await expect(handler({}, lambdaContext(800))).resolves.toBeLessThan(end)
})

test('a process that makes the middleware and never calls it ends by itself', async () => {
  const script = `import { crossAccountDynamo } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))}; crossAccountDynamo()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: functionVariables(sandbox),
  })
  await expect(once(child, 'exit')).resolves.toEqual([0, null])
  expect(assumeRoles()).toHaveLength(1)
})

describe('a clock that is wrong', () => {
  test.each([-40, -10, 10, 40])(
    'by %d minutes neither loops nor uses credentials that have ended',
    async (minutes) => {
      // AWS is ahead of the function, or behind.
      sandbox.clock.advance(minutes * MINUTE)
      const handler = await startHandler()
      await handler(get, lambdaContext())
      const skewed = assumeRoles().length
      expect(skewed).toBeLessThanOrEqual(2)
      for (let i = 0; i < 20; i += 1) await handler(get, lambdaContext())
      expect(assumeRoles()).toHaveLength(skewed)
      travel(59.5 * MINUTE)
      await handler(get, lambdaContext())
      expect(assumeRoles()).toHaveLength(skewed + 1)
      expect(rejected().filter(({ error }) => error === 'ExpiredTokenException')).toEqual([])
    },
  )

  test('and is set right meanwhile costs no failed invocation', async () => {
    sandbox.clock.advance(10 * MINUTE)
    const handler = await startHandler()
    await handler(get, lambdaContext())
    sandbox.clock.reset()
    travel(10 * MINUTE)
    for (let i = 0; i < 6; i += 1) {
      travel(10 * MINUTE)
      await expect(handler(get, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    }
  })
})

describe('an STS that', () => {
  test('stays silent costs an invocation no more than its own time', async () => {
    sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
    const handler = middy()
      .use(crossAccountDynamo({ disablePrefetch: true }))
      .handler(async () => {})
    await expect(handler({}, lambdaContext(300))).rejects.toMatchObject({
      code: 'STS_TIMEOUT',
      statusCode: 503,
    })
    expect(assumeRoles()).toHaveLength(1)
  })

  test('does not answer, or stops in its answer, is asked again after three seconds, not after more', async () => {
    const served = (['no-response', 'stall'] as const).map(async (kind) => {
      sandbox.faults.inject({ service: 'sts', kind, times: 1 })
      const handler = middy()
        .use(crossAccountDynamo({ disablePrefetch: true, sessionName: kind }))
        .handler(async () => 'served')
      // Less a tenth or half a second, this leaves time for one request of three seconds and a second one.
      await expect(handler({}, lambdaContext(4500))).resolves.toBe('served')
      // The flight of another test may still be at it.
      expect(assumeRoles().filter(({ sessionName }) => sessionName === kind)).toHaveLength(2)
    })
    await Promise.all(served)
  })

  test('cannot be connected to is given up after one second an attempt', async () => {
    // A server that takes no connections: stopped, and its queue full.
    const script = `require('node:net').createServer().listen(0, '127.0.0.1', 1, function () { console.log(this.address().port) })`
    const server = spawn(process.execPath, ['-e', script])
    const port = Number(String((await once(server.stdout, 'data'))[0]))
    server.kill('SIGSTOP')
    const queue = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    await Promise.all(queue.slice(0, 2).map((socket) => once(socket, 'connect')))
    try {
      setEnvironment({ ...functionVariables(sandbox), AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` })
      const handler = middy()
        .use(crossAccountDynamo({ disablePrefetch: true, stsClientOptions: { maxAttempts: 1 } }))
        .handler(async () => {})
      // A silent request would be given three seconds.
      await expect(handler({}, lambdaContext(4000))).rejects.toMatchObject({
        code: 'STS_TIMEOUT',
        message: expect.stringMatching(/connection .* within the configured timeout of 1000 ms/),
      })
    } finally {
      for (const socket of queue) socket.destroy()
      server.kill('SIGKILL')
    }
  })

  test.each<[string, (dead: string) => Promise<void>]>([
    ['cannot be reached', async () => {}],
    [
      'answers 500',
      async (dead) => {
        await startServer(dead, (_request, response) => response.writeHead(500).end())
      },
    ],
  ])('%s in one Region is asked in the next, which goes first from then on', async (_what, start) => {
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const dead = `http://127.0.0.1:${(free.address() as AddressInfo).port}`
    free.close()
    await start(dead)
    const { AWS_ENDPOINT_URL_STS: alive = '', ...variables } = functionVariables(sandbox)
    setEnvironment(variables)
    const asked: unknown[] = []
    const endpointProvider = ({ Region }: { Region?: string }) => {
      asked.push(Region)
      return { url: new URL(Region === 'eu-west-1' ? dead : alive) }
    }
    const middleware = crossAccountDynamo({
      disablePrefetch: true,
      stsRegions: ['eu-west-1', 'us-east-1'],
      stsClientOptions: { endpointProvider } as object,
    })
    const handler = middy()
      .use(middleware)
      .handler(async (work: Work, context) => work(context.dynamo))
    await handler(get, lambdaContext())
    travel(50 * MINUTE)
    await handler(get, lambdaContext())
    await eventually(() => assumeRoles().length === 2)
    expect(asked).toEqual(['eu-west-1', 'us-east-1', 'us-east-1'])
  })

  test('is down while credentials are good is noticed by the logger and by nobody else', async () => {
    const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
    const handler = await startHandler({ logger })
    travel(50 * MINUTE)
    sandbox.faults.inject({ service: 'sts', kind: 'status', status: 500 })
    await expect(handler(get, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    await eventually(() => logger.warn.mock.calls.length === 1)
    expect(logger.warn).toHaveBeenCalledWith(
      'AssumeRole failed; the current credentials are still valid',
      expect.objectContaining({ code: 'STS_UNAVAILABLE', reason: 'refresh' }),
    )
    expect(logger.error).not.toHaveBeenCalled()
  })
})

test('Powertools Logger writes every detail of a failure', async () => {
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
      errorMessage: expect.stringContaining('STS_UNAVAILABLE'),
    }),
  ])
})

test('the tracing channel tells of each AssumeRole, without a credential', async () => {
  const channel = tracingChannel<string, AssumeRoleTrace>('middy-cross-account-dynamo:assume-role')
  const told: [string, AssumeRoleTrace & { error?: unknown; result?: unknown }][] = []
  const subscriber = {
    start: () => {},
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (message: AssumeRoleTrace) => told.push(['asyncEnd', { ...message }]),
    error: (message: AssumeRoleTrace) => told.push(['error', { ...message }]),
  }
  channel.subscribe(subscriber as never)
  try {
    const handler = await startHandler()
    travel(HOUR)
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    })
    await expect(handler(get, lambdaContext())).rejects.toHaveProperty('code', 'ASSUME_ROLE_DENIED')
  } finally {
    channel.unsubscribe(subscriber as never)
  }
  expect(told.map(([event, { reason, attempts }]) => [event, reason, attempts])).toEqual([
    ['asyncEnd', 'prefetch', 1],
    ['error', 'expired', 1],
    ['asyncEnd', 'expired', 1],
  ])
  const [succeeded, failed] = told.map(([, message]) => message)
  expect(succeeded).toMatchObject({
    roleArn: TARGET_ROLE_ARN,
    region: 'us-east-1',
    durationMs: expect.any(Number),
    expiration: expect.any(Date),
    result: undefined,
  })
  expect(failed?.error).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
})
