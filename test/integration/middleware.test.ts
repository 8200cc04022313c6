/** Tests the middleware in middy handlers on the sandbox, over HTTP. */
import { createHook } from 'node:async_hooks'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import httpErrorHandler from '@middy/http-error-handler'
import { createClient as createMiddyClient } from '@middy/util'
import { mockClient } from 'aws-sdk-client-mock'
import {
  type CrossAccountDynamoContext,
  CrossAccountDynamoError,
  crossAccountDynamo,
} from 'middy-cross-account-dynamo'
import { type PolicyDocument, type Sandbox, startSandbox } from '../sandbox/index.ts'
import {
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TABLE,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  FUNCTION_NAME,
  setEnvironment,
  waitForEarlyConnections,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000
const SESSION_ARN = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/${FUNCTION_NAME}`

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
})
afterAll(async () => {
  await waitForEarlyConnections()
  await sandbox.close()
})
beforeEach(() => {
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
  jest.restoreAllMocks()
})

const getAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const getDynamoDbRequests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')

const getItem = (context: { dynamo: DynamoDBDocumentClient }, id = '123') =>
  context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id } }))

describe('a handler', () => {
  test('a handler that is configured by environment variables writes an item to the table in account B and reads it', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new PutCommand({ TableName: TABLE, Item: { id: event.id, color: 'blue' } }))
        return (await getItem(context, event.id)).Item
      })
    await expect(handler({ id: '123' }, createLambdaContext())).resolves.toEqual({
      id: '123',
      color: 'blue',
    })
    expect(getAssumeRoleCalls()).toMatchObject([
      { roleArn: TARGET_ROLE_ARN, sessionName: FUNCTION_NAME, hasExternalId: true },
    ])
    expect(getDynamoDbRequests().map(({ operation, principal }) => [operation, principal])).toEqual([
      ['PutItem', SESSION_ARN],
      ['GetItem', SESSION_ARN],
    ])
  })

  test('the client is on the context if the handler is passed to middy() before the middleware is added', async () => {
    const handler = middy(
      async (event: { id: string }, context: CrossAccountDynamoContext) =>
        (await getItem(context, event.id)).$metadata.httpStatusCode,
    ).use(crossAccountDynamo())
    await expect(handler({ id: '123' }, createLambdaContext())).resolves.toBe(200)
  })

  test('a request can name its table by ARN', async () => {
    const TableName = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) =>
        context.dynamo.send(new GetCommand({ TableName, Key: { id: '1' } })),
      )
    await expect(handler({}, createLambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
  })

  test('AssumeRole contains the configured tags, transitive tag keys, source identity, session name and duration', async () => {
    const statement = { Effect: 'Allow', Action: 'sts:SetSourceIdentity' }
    const Principal = { AWS: EXECUTION_ROLE_ARN }
    const addStatement = (policy: PolicyDocument | undefined, added: object) =>
      (policy as { Statement: object[] }).Statement.push(added)
    addStatement(sandbox.getRole(TARGET_ROLE_ARN).trustPolicy, { ...statement, Principal })
    addStatement(sandbox.getRole(EXECUTION_ROLE_ARN).policies?.[0], {
      ...statement,
      Resource: TARGET_ROLE_ARN,
    })
    const middleware = crossAccountDynamo({
      sessionTags: { team: 'orders', stage: 'prod' },
      transitiveTagKeys: ['team'],
      sessionName: 'a-name',
      sourceIdentity: 'alice',
      durationSeconds: 900,
    })
    await middleware.ready()
    expect(getAssumeRoleCalls()).toMatchObject([{ sourceIdentity: 'alice' }])
    const handler = middy()
      .use(middleware)
      .before(async (request) => {
        const { expiration } = await request.internal.dynamo()
        expect(Math.round((Number(expiration) - Date.now()) / MINUTE_MS)).toBe(15)
      })
      .handler(async () => {})
    await handler({}, createLambdaContext())
    expect(getAssumeRoleCalls()).toMatchObject([
      {
        tags: { team: 'orders', stage: 'prod' },
        transitiveTagKeys: ['team'],
        sessionName: 'a-name',
        status: 200,
      },
    ])
  })

  test('the client is a plain DynamoDBClient with documentClient: false, under the configured contextKey', async () => {
    const handler = middy()
      .use(crossAccountDynamo({ contextKey: 'orders', documentClient: false }))
      .handler(async (_event: unknown, context) => {
        expect(context).not.toHaveProperty('dynamo')
        return context.orders.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: 'none' } } }))
      })
    await expect(handler({}, createLambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
  })

  test('undefined values are removed from items, unless translateConfig disables it', async () => {
    const putItem = (translateConfig?: object) =>
      middy()
        .use(crossAccountDynamo({ translateConfig }))
        .handler(async (_event: unknown, context) => {
          await context.dynamo.send(
            new PutCommand({ TableName: TABLE, Item: { id: 'undefined', nested: { removed: undefined } } }),
          )
          return (await getItem(context, 'undefined')).Item
        })({}, createLambdaContext())
    await expect(putItem()).resolves.toEqual({ id: 'undefined', nested: {} })
    await expect(putItem({ marshallOptions: { removeUndefinedValues: false } })).rejects.toThrow(
      'removeUndefinedValues',
    )
  })

  test('two middlewares in one handler use their own sessions', async () => {
    process.env.AUDIT_DYNAMO_ROLE_ARN = TARGET_ROLE_ARN
    process.env.AUDIT_DYNAMO_EXTERNAL_ID = process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    process.env.AUDIT_DYNAMO_SESSION_NAME = 'audit'
    const handler = middy()
      .use(crossAccountDynamo())
      .use(crossAccountDynamo({ contextKey: 'audit', envPrefix: 'AUDIT_DYNAMO' }))
      .handler(async (_event: unknown, context) => {
        await getItem({ dynamo: context.audit })
        await getItem(context)
      })
    await handler({}, createLambdaContext())
    expect(getDynamoDbRequests().map(({ sessionName }) => sessionName)).toEqual(['audit', FUNCTION_NAME])
  })
})

describe('warm invocations', () => {
  test('10,000 warm invocations create no promise, and call STS once', async () => {
    const middleware = crossAccountDynamo()
    await middleware.ready()
    const createRequest = () => ({ context: createLambdaContext(), internal: {} }) as never
    const middyRequests = Array.from({ length: 10_000 }, createRequest)
    const returnValues = new Set<unknown>()
    let promiseCount = 0
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PROMISE') promiseCount += 1
      },
    }).enable()
    // Check first that the hook counts promises, because otherwise the count below is always 0.
    void Promise.resolve()
    const countBefore = promiseCount
    for (const request of middyRequests) returnValues.add(middleware.before?.(request))
    const createdCount = promiseCount - countBefore
    hook.disable()
    expect(countBefore).toBeGreaterThan(0)
    expect(createdCount).toBe(0)
    expect([...returnValues]).toEqual([undefined])
    expect(getAssumeRoleCalls()).toHaveLength(1)
  })

  test('100 invocations of a handler get the same client, and call STS once', async () => {
    const clients = new Set<unknown>()
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) => clients.add(context.dynamo))
    for (let invocation = 0; invocation < 100; invocation += 1) await handler({}, createLambdaContext())
    expect(clients.size).toBe(1)
    expect(getAssumeRoleCalls()).toHaveLength(1)
  })
})

describe('a refresh', () => {
  test('a refresh starts refreshBeforeSeconds before the credentials expire, if the random time is the latest', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0)
    const middleware = crossAccountDynamo({ refreshBeforeSeconds: 1800 })
    await middleware.ready()
    advanceTime(29 * MINUTE_MS)
    await middleware.ready()
    // A refresh that has started would arrive by then.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(getAssumeRoleCalls()).toHaveLength(1)
    advanceTime(MINUTE_MS)
    await middleware.ready()
    await waitUntil(() => getAssumeRoleCalls().length === 2)
  })

  test('a refresh runs in the background, and keeps the client and its connection', async () => {
    const clients = new Set<DynamoDBDocumentClient>()
    const middleware = crossAccountDynamo()
    await middleware.ready()
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => {
        clients.add(context.dynamo)
        await getItem(context)
      })
    await handler({}, createLambdaContext())
    advanceTime(50 * MINUTE_MS)
    await handler({}, createLambdaContext())
    await middleware.ready()
    await waitUntil(
      () => getAssumeRoleCalls().length === 2 && getAssumeRoleCalls().every(({ status }) => status === 200),
    )
    advanceTime(30 * MINUTE_MS)
    await handler({}, createLambdaContext())
    expect(clients.size).toBe(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    expect(getDynamoDbRequests().map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(getDynamoDbRequests().map(({ accessKeyId }) => accessKeyId)).size).toBe(2)
  })
})

describe('the prefetch', () => {
  test('the prefetch assumes the role and opens the connection that the first request uses', async () => {
    const middleware = crossAccountDynamo()
    await middleware.ready()
    expect(sandbox.calls.map(({ operation }) => operation).sort()).toEqual(['AssumeRole', 'Health'])
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => getItem(context))
    await handler({}, createLambdaContext())
    expect(getDynamoDbRequests()).toHaveLength(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    expect(
      new Set(
        sandbox.calls
          .filter(({ service }) => service === 'dynamodb')
          .map(({ connectionNumber }) => connectionNumber),
      ).size,
    ).toBe(1)
  })

  test('the request that opens the connection to DynamoDB is not signed', async () => {
    await crossAccountDynamo().ready()
    const [health] = sandbox.calls.filter(({ operation }) => operation === 'Health')
    expect(health).toMatchObject({ status: 200 })
    expect(health).not.toHaveProperty('principal')
  })

  test('the prefetch sends no SDK command to DynamoDB, so mockClient() and tracers record nothing', async () => {
    const mock = mockClient(DynamoDBClient)
    try {
      await crossAccountDynamo().ready()
      expect(mock.calls()).toEqual([])
      expect(sandbox.calls.map(({ operation }) => operation)).toContain('Health')
    } finally {
      mock.restore()
    }
  })

  test('the prefetch opens the connection to DynamoDB without waiting for STS', async () => {
    const removeFault = sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
    const middleware = crossAccountDynamo()
    await waitUntil(() =>
      sandbox.calls.some(({ operation, status }) => operation === 'Health' && status === 200),
    )
    expect(getDynamoDbRequests()).toEqual([])
    // The SDK retries a request whose connection is closed.
    removeFault()
    sandbox.closeConnections()
    await middleware.ready()
  })

  test('a first invocation that starts during the prefetch uses its AssumeRole call and its connection', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) => getItem(context))
    await handler({}, createLambdaContext())
    expect(getAssumeRoleCalls()).toHaveLength(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
  })

  test('with disablePrefetch, no request is sent before ready() or the first invocation', async () => {
    const middleware = crossAccountDynamo({ disablePrefetch: true })
    await waitForEarlyConnections()
    expect(sandbox.calls).toEqual([])
    await middleware.ready()
    expect(getAssumeRoleCalls()).toHaveLength(1)
  })

  test('a failed prefetch is not an unhandled rejection, and the first invocation calls STS again and reports its error', async () => {
    const onUnhandledRejection = jest.fn()
    process.on('unhandledRejection', onUnhandledRejection)
    try {
      sandbox.faults.inject({
        service: 'sts',
        kind: 'status',
        status: 403,
        code: 'AccessDenied',
        message: 'no',
      })
      const middleware = crossAccountDynamo()
      await waitUntil(() => getAssumeRoleCalls().some(({ status }) => status === 403))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const handler = middy()
        .use(middleware)
        .handler(async (_event: unknown, context) => getItem(context))
      await expect(handler({}, createLambdaContext())).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
      await expect(middleware.ready()).rejects.toBeInstanceOf(CrossAccountDynamoError)
      // The prefetch and the first invocation called STS. ready() got the denial that is remembered for five seconds.
      expect(getAssumeRoleCalls()).toHaveLength(2)
      sandbox.faults.clear()
      advanceTime(5000)
      await expect(handler({}, createLambdaContext())).resolves.toHaveProperty(
        '$metadata.httpStatusCode',
        200,
      )
      await new Promise((resolve) => setImmediate(resolve))
      expect(onUnhandledRejection).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', onUnhandledRejection)
    }
  })

  test('the prefetch sends the request to STS first, and opens the connection to DynamoDB while STS responds', async () => {
    sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: 300 })
    const middleware = crossAccountDynamo()
    await waitUntil(() => sandbox.calls.some(({ operation }) => operation === 'Health'))
    expect(sandbox.calls.map(({ operation, status }) => [operation, status])[0]).toEqual(['AssumeRole', 0])
    await middleware.ready()
    expect(sandbox.calls.map(({ status }) => status)).toEqual([200, 200])
  })

  test('ready() waits for the connection to DynamoDB if STS responds first', async () => {
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'latency', ms: 200 })
    const middleware = crossAccountDynamo()
    await waitUntil(() => getAssumeRoleCalls().some(({ status }) => status === 200))
    await waitUntil(() => sandbox.calls.some(({ operation }) => operation === 'Health'))
    expect(sandbox.calls.find(({ operation }) => operation === 'Health')?.status).toBe(0)
    await middleware.ready()
    expect(sandbox.calls.find(({ operation }) => operation === 'Health')?.status).toBe(200)
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => getItem(context))
    await handler({}, createLambdaContext())
    expect(sandbox.connections.dynamodb).toBe(1)
  })

  test.each(['reset', 'no-response'] as const)(
    'ready() and invocations succeed if DynamoDB answers GET / with %s',
    async (kind) => {
      sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind })
      const middleware = crossAccountDynamo()
      await expect(middleware.ready()).resolves.toBeUndefined()
      const handler = middy()
        .use(middleware)
        .handler(async (_event: unknown, context) => getItem(context))
      await expect(handler({}, createLambdaContext())).resolves.toHaveProperty(
        '$metadata.httpStatusCode',
        200,
      )
    },
  )
})

describe('with other middlewares', () => {
  test('a client of middy’s AWS middlewares gets the credentials and refreshed credentials through awsClientAssumeRole', async () => {
    const identities: (string | undefined)[] = []
    let client: STSClient | undefined
    const handler = middy()
      .use(crossAccountDynamo())
      .before(async (request) => {
        client ??= await createMiddyClient<STSClient, object>(
          { AwsClient: STSClient as never, awsClientAssumeRole: 'dynamo' },
          request as never,
        )
        identities.push((await client.send(new GetCallerIdentityCommand({}))).Arn)
      })
      .handler(async () => {})
    await handler({}, createLambdaContext())
    advanceTime(61 * MINUTE_MS)
    await handler({}, createLambdaContext())
    expect(identities).toEqual([SESSION_ARN, SESSION_ARN])
    expect(
      new Set(
        sandbox.calls
          .filter(({ operation }) => operation === 'GetCallerIdentity')
          .map(({ accessKeyId }) => accessKeyId),
      ).size,
    ).toBe(2)
  })

  test('http-error-handler responds without details to a denial and to an outage', async () => {
    const invokeHandler = async () => {
      const handler = middy()
        .use(httpErrorHandler({ logger: false }))
        .use(crossAccountDynamo({ disablePrefetch: true }))
        .handler(async () => ({ statusCode: 200 }))
      return handler({}, createLambdaContext())
    }
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
      times: 1,
    })
    const denialResponse = await invokeHandler()
    sandbox.faults.inject({ service: 'sts', kind: 'throttle', times: 3 })
    const outageResponse = await invokeHandler()
    expect([denialResponse, outageResponse].map(({ statusCode }) => statusCode)).toEqual([500, 500])
    expect(JSON.stringify([denialResponse, outageResponse])).not.toMatch(/STS|arn:|Role/)
  })

  test('awsClientCapture is called once with the DynamoDB client, and the client that it returns is used', async () => {
    const capture = jest.fn((client: DynamoDBClient) => {
      client.middlewareStack.add((next) => (args) => next(args), { step: 'initialize', name: 'captured' })
      return client
    })
    const handler = middy()
      .use(crossAccountDynamo({ awsClientCapture: capture, awsClientOptions: { maxAttempts: 7 } }))
      .handler(async (_event: unknown, context) => {
        await getItem(context)
        return [context.dynamo.middlewareStack.identify().join(), await context.dynamo.config.maxAttempts()]
      })
    const [stack, attempts] = (await handler({}, createLambdaContext())) as [string, number]
    await handler({}, createLambdaContext())
    expect(capture).toHaveBeenCalledTimes(1)
    expect(stack).toContain('captured')
    expect(attempts).toBe(7)
  })

  test.each([
    ['nothing', () => undefined],
    ['a promise', async (client: DynamoDBClient) => client],
    ['an object that is not a client', () => ({})],
  ])('an awsClientCapture that returns %s is refused', (_case, capture) => {
    const createMiddleware = () =>
      crossAccountDynamo({ awsClientCapture: capture as never, disablePrefetch: true })
    expect(createMiddleware).toThrow(CrossAccountDynamoError)
    expect(createMiddleware).toThrow(/^CONFIG_INVALID: .*\bawsClientCapture\b/s)
  })

  test.each<[string, object]>([
    [
      'an awsClientCapture that throws',
      {
        awsClientCapture: () => {
          throw new TypeError('no segment')
        },
      },
    ],
    ['an option in awsClientOptions that the SDK does not accept', { awsClientOptions: { extensions: [5] } }],
    [
      'an option in awsClientOptions that the SDK does not accept, with a session function,',
      {
        awsClientOptions: { extensions: [5] },
        session: () => ({ sessionTags: { TenantId: 'acme' } }),
      },
    ],
    [
      'an awsClientCapture that returns a frozen client',
      { awsClientCapture: (client: DynamoDBClient) => Object.freeze(client) },
    ],
  ])('%s is refused', (_case, options) => {
    const createMiddleware = () => crossAccountDynamo({ ...options, disablePrefetch: true })
    expect(createMiddleware).toThrow(CrossAccountDynamoError)
    expect(createMiddleware).toThrow(/^CONFIG_INVALID: .*\bawsClient(?:Capture|Options)\b/s)
  })

  test('awsClientCapture can return one client to two middlewares', () => {
    let firstClient: DynamoDBClient | undefined
    const awsClientCapture = (client: DynamoDBClient) => {
      firstClient ??= client
      return firstClient
    }
    const options = { awsClientCapture, documentClient: false, disablePrefetch: true } as const
    expect(() => [crossAccountDynamo(options), crossAccountDynamo(options)]).not.toThrow()
  })

  test('the STS client uses the credentials of stsClientOptions', async () => {
    const credentials = sandbox.issueCredentials('arn:aws:iam::111111111111:role/UntrustedRole', 'other')
    const middleware = crossAccountDynamo({ stsClientOptions: { credentials }, disablePrefetch: true })
    await expect(middleware.ready()).rejects.toThrow('assumed-role/UntrustedRole/other')
  })
})
