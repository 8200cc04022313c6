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
  eventually,
  FUNCTION_NAME,
  functionVariables,
  lambdaContext,
  setEnvironment,
  travel,
} from './lambda.ts'

const MINUTE = 60_000
const SESSION_ARN = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/${FUNCTION_NAME}`

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
  jest.restoreAllMocks()
})

const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const requests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')

const get = (context: { dynamo: DynamoDBDocumentClient }, id = '123') =>
  context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id } }))

describe('the main job', () => {
  test('a handler puts an item into account B’s table and gets it back, configured by the environment', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(
          new PutCommand({ TableName: TABLE, Item: { id: event.id, colour: 'blue' } }),
        )
        return (await get(context, event.id)).Item
      })
    await expect(handler({ id: '123' }, lambdaContext())).resolves.toEqual({ id: '123', colour: 'blue' })
    expect(assumeRoles()).toMatchObject([
      { roleArn: TARGET_ROLE_ARN, sessionName: FUNCTION_NAME, hasExternalId: true },
    ])
    expect(requests().map(({ operation, principal }) => [operation, principal])).toEqual([
      ['PutItem', SESSION_ARN],
      ['GetItem', SESSION_ARN],
    ])
  })

  test('the handler may also be given to middy first', async () => {
    const handler = middy(
      async (event: { id: string }, context: CrossAccountDynamoContext) =>
        (await get(context, event.id)).$metadata.httpStatusCode,
    ).use(crossAccountDynamo())
    await expect(handler({ id: '123' }, lambdaContext())).resolves.toBe(200)
  })

  test('an ARN serves as the name of the table', async () => {
    const TableName = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) =>
        context.dynamo.send(new GetCommand({ TableName, Key: { id: '1' } })),
      )
    await expect(handler({}, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
  })

  test('options reach STS: tags, transitive keys, source identity, session name, duration', async () => {
    const statement = { Effect: 'Allow', Action: 'sts:SetSourceIdentity' }
    const Principal = { AWS: EXECUTION_ROLE_ARN }
    const add = (policy: PolicyDocument | undefined, more: object) =>
      (policy as { Statement: object[] }).Statement.push(more)
    add(sandbox.getRole(TARGET_ROLE_ARN).trustPolicy, { ...statement, Principal })
    add(sandbox.getRole(EXECUTION_ROLE_ARN).policies?.[0], { ...statement, Resource: TARGET_ROLE_ARN })
    const middleware = crossAccountDynamo({
      sessionTags: { team: 'orders', stage: 'prod' },
      transitiveTagKeys: ['team'],
      sessionName: 'a-name',
      sourceIdentity: 'alice',
      durationSeconds: 900,
    })
    await middleware.ready()
    expect(assumeRoles()).toMatchObject([{ sourceIdentity: 'alice' }])
    const handler = middy()
      .use(middleware)
      .before(async (request) => {
        const { expiration } = await request.internal.dynamo()
        expect(Math.round((Number(expiration) - Date.now()) / MINUTE)).toBe(15)
      })
      .handler(async () => {})
    await handler({}, lambdaContext())
    expect(assumeRoles()).toMatchObject([
      {
        tags: { team: 'orders', stage: 'prod' },
        transitiveTagKeys: ['team'],
        sessionName: 'a-name',
        status: 200,
      },
    ])
  })

  test('the plain client with documentClient: false, under a key of one’s own', async () => {
    const handler = middy()
      .use(crossAccountDynamo({ contextKey: 'orders', documentClient: false }))
      .handler(async (_event: unknown, context) => {
        expect(context).not.toHaveProperty('dynamo')
        return context.orders.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: 'none' } } }))
      })
    await expect(handler({}, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
  })

  test('undefined values are left out of items unless translateConfig says otherwise', async () => {
    const put = (translateConfig?: object) =>
      middy()
        .use(crossAccountDynamo({ translateConfig }))
        .handler(async (_event: unknown, context) => {
          await context.dynamo.send(
            new PutCommand({ TableName: TABLE, Item: { id: 'undefined', nested: { gone: undefined } } }),
          )
          return (await get(context, 'undefined')).Item
        })({}, lambdaContext())
    await expect(put()).resolves.toEqual({ id: 'undefined', nested: {} })
    await expect(put({ marshallOptions: { removeUndefinedValues: false } })).rejects.toThrow(
      'removeUndefinedValues',
    )
  })

  test('two targets in one function keep to themselves', async () => {
    process.env.AUDIT_DYNAMO_ROLE_ARN = TARGET_ROLE_ARN
    process.env.AUDIT_DYNAMO_EXTERNAL_ID = process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    process.env.AUDIT_DYNAMO_SESSION_NAME = 'audit'
    const handler = middy()
      .use(crossAccountDynamo())
      .use(crossAccountDynamo({ contextKey: 'audit', envPrefix: 'AUDIT_DYNAMO' }))
      .handler(async (_event: unknown, context) => {
        await get({ dynamo: context.audit })
        await get(context)
      })
    await handler({}, lambdaContext())
    expect(requests().map(({ sessionName }) => sessionName)).toEqual(['audit', FUNCTION_NAME])
  })
})

describe('a warm invocation', () => {
  test('creates no promise, and 10,000 of them call STS once', async () => {
    const middleware = crossAccountDynamo()
    await middleware.ready()
    const requestOf = () => ({ context: lambdaContext(), internal: {} }) as never
    const prepared = Array.from({ length: 10_000 }, requestOf)
    const returned = new Set<unknown>()
    let promises = 0
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PROMISE') promises += 1
      },
    }).enable()
    // The hook must be able to see one, or seeing none says nothing.
    void Promise.resolve()
    const control = promises
    for (const request of prepared) returned.add(middleware.before?.(request))
    const created = promises - control
    hook.disable()
    expect(control).toBeGreaterThan(0)
    expect(created).toBe(0)
    expect([...returned]).toEqual([undefined])
    expect(assumeRoles()).toHaveLength(1)
  })

  test('through middy, too, finds the same client each time', async () => {
    const clients = new Set<unknown>()
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) => clients.add(context.dynamo))
    for (let i = 0; i < 100; i += 1) await handler({}, lambdaContext())
    expect(clients.size).toBe(1)
    expect(assumeRoles()).toHaveLength(1)
  })
})

describe('a refresh', () => {
  test('begins refreshBeforeSeconds seconds before the expiry', async () => {
    const middleware = crossAccountDynamo({ refreshBeforeSeconds: 1800 })
    await middleware.ready()
    travel(23 * MINUTE)
    await middleware.ready()
    expect(assumeRoles()).toHaveLength(1)
    travel(7 * MINUTE)
    await middleware.ready()
    await eventually(() => assumeRoles().length === 2)
  })

  test('keeps the client and its connection, and happens in the background', async () => {
    const clients = new Set<DynamoDBDocumentClient>()
    const middleware = crossAccountDynamo()
    await middleware.ready()
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => {
        clients.add(context.dynamo)
        await get(context)
      })
    await handler({}, lambdaContext())
    travel(50 * MINUTE)
    await handler({}, lambdaContext())
    await middleware.ready()
    await eventually(() => assumeRoles().length === 2 && assumeRoles().every(({ status }) => status === 200))
    travel(30 * MINUTE)
    await handler({}, lambdaContext())
    expect(clients.size).toBe(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    expect(requests().map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(requests().map(({ accessKeyId }) => accessKeyId)).size).toBe(2)
  })
})

describe('prefetch', () => {
  test('assumes the role and opens the connection when the middleware is made; the first item needs no other', async () => {
    const middleware = crossAccountDynamo()
    await middleware.ready()
    expect(sandbox.calls.map(({ operation }) => operation).sort()).toEqual(['AssumeRole', 'Health'])
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => get(context))
    await handler({}, lambdaContext())
    expect(requests()).toHaveLength(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    expect(
      new Set(
        sandbox.calls
          .filter(({ service }) => service === 'dynamodb')
          .map(({ connectionNumber }) => connectionNumber),
      ).size,
    ).toBe(1)
  })

  test('the unsigned request that opens it carries nothing', async () => {
    await crossAccountDynamo().ready()
    const [health] = sandbox.calls.filter(({ operation }) => operation === 'Health')
    expect(health).toMatchObject({ status: 200 })
    expect(health).not.toHaveProperty('principal')
  })

  test('the early connection is no command that mockClient() or a tracer sees', async () => {
    const mock = mockClient(DynamoDBClient)
    try {
      await crossAccountDynamo().ready()
      expect(mock.calls()).toEqual([])
      expect(sandbox.calls.map(({ operation }) => operation)).toContain('Health')
    } finally {
      mock.restore()
    }
  })

  test('the connection is opened while STS still works on its answer', async () => {
    const remove = sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
    const middleware = crossAccountDynamo()
    await eventually(() =>
      sandbox.calls.some(({ operation, status }) => operation === 'Health' && status === 200),
    )
    expect(requests()).toEqual([])
    // The SDK retries a request whose connection is closed.
    remove()
    sandbox.closeConnections()
    await middleware.ready()
  })

  test('a first invocation that comes meanwhile joins it', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: unknown, context) => get(context))
    await handler({}, lambdaContext())
    expect(assumeRoles()).toHaveLength(1)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
  })

  test('with disablePrefetch nothing is called before the first invocation, or ready()', async () => {
    const middleware = crossAccountDynamo({ disablePrefetch: true })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sandbox.calls).toEqual([])
    await middleware.ready()
    expect(assumeRoles()).toHaveLength(1)
  })

  test('a failed one is no unhandled rejection; the first invocation tries again, and reports if it must', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    try {
      sandbox.faults.inject({
        service: 'sts',
        kind: 'status',
        status: 403,
        code: 'AccessDenied',
        message: 'no',
      })
      const middleware = crossAccountDynamo()
      await eventually(() => assumeRoles().some(({ status }) => status === 403))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const handler = middy()
        .use(middleware)
        .handler(async (_event: unknown, context) => get(context))
      await expect(handler({}, lambdaContext())).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
      await expect(middleware.ready()).rejects.toBeInstanceOf(CrossAccountDynamoError)
      // The prefetch and the first invocation asked; ready() met the refusal that was remembered.
      expect(assumeRoles()).toHaveLength(2)
      sandbox.faults.clear()
      travel(5000)
      await expect(handler({}, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).not.toHaveBeenCalled()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })

  test('ready() waits for the connection, also when STS was quicker', async () => {
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'latency', ms: 200 })
    const middleware = crossAccountDynamo()
    await eventually(() => assumeRoles().some(({ status }) => status === 200))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sandbox.calls.find(({ operation }) => operation === 'Health')?.status).toBe(0)
    await middleware.ready()
    expect(sandbox.calls.find(({ operation }) => operation === 'Health')?.status).toBe(200)
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => get(context))
    await handler({}, lambdaContext())
    expect(sandbox.connections.dynamodb).toBe(1)
  })

  test.each(['reset', 'no-response'] as const)(
    'a DynamoDB that answers GET / with %s holds nobody up without end',
    async (kind) => {
      sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind })
      const middleware = crossAccountDynamo()
      await expect(middleware.ready()).resolves.toBeUndefined()
      const handler = middy()
        .use(middleware)
        .handler(async (_event: unknown, context) => get(context))
      await expect(handler({}, lambdaContext())).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    },
  )
})

describe('with other middlewares', () => {
  test('a client of middy’s own takes the credentials by awsClientAssumeRole, and keeps up with refreshes', async () => {
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
    await handler({}, lambdaContext())
    travel(61 * MINUTE)
    await handler({}, lambdaContext())
    expect(identities).toEqual([SESSION_ARN, SESSION_ARN])
    expect(
      new Set(
        sandbox.calls
          .filter(({ operation }) => operation === 'GetCallerIdentity')
          .map(({ accessKeyId }) => accessKeyId),
      ).size,
    ).toBe(2)
  })

  test('http-error-handler shows a client neither a refusal nor an outage in any detail', async () => {
    const respond = async () => {
      const handler = middy()
        .use(httpErrorHandler({ logger: false }))
        .use(crossAccountDynamo({ disablePrefetch: true }))
        .handler(async () => ({ statusCode: 200 }))
      return handler({}, lambdaContext())
    }
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
      times: 1,
    })
    const refusal = await respond()
    sandbox.faults.inject({ service: 'sts', kind: 'throttle', times: 3 })
    const outage = await respond()
    expect([refusal, outage].map(({ statusCode }) => statusCode)).toEqual([500, 500])
    expect(JSON.stringify([refusal, outage])).not.toMatch(/STS|arn:|Role/)
  })

  test('awsClientCapture is given the DynamoDB client once, and its result is used', async () => {
    const capture = jest.fn((client: DynamoDBClient) => {
      client.middlewareStack.add((next) => (args) => next(args), { step: 'initialize', name: 'captured' })
      return client
    })
    const handler = middy()
      .use(crossAccountDynamo({ awsClientCapture: capture, awsClientOptions: { maxAttempts: 7 } }))
      .handler(async (_event: unknown, context) => {
        await get(context)
        return [context.dynamo.middlewareStack.identify().join(), await context.dynamo.config.maxAttempts()]
      })
    const [stack, attempts] = (await handler({}, lambdaContext())) as [string, number]
    await handler({}, lambdaContext())
    expect(capture).toHaveBeenCalledTimes(1)
    expect(stack).toContain('captured')
    expect(attempts).toBe(7)
  })

  test.each([
    ['nothing', () => undefined],
    ['a promise', async (client: DynamoDBClient) => client],
    ['something else', () => ({})],
  ])('refuses an awsClientCapture that returns %s', (_what, capture) => {
    const construct = () => crossAccountDynamo({ awsClientCapture: capture as never, disablePrefetch: true })
    expect(construct).toThrow(CrossAccountDynamoError)
    expect(construct).toThrow(/^CONFIG_INVALID: .*\bawsClientCapture\b/s)
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
    ['awsClientOptions that the SDK does not take', { awsClientOptions: { extensions: [5] } }],
    [
      'awsClientOptions that the SDK does not accept, with a session function',
      {
        awsClientOptions: { extensions: [5] },
        session: () => ({ sessionTags: { TenantId: 'acme' } }),
      },
    ],
    [
      'an awsClientCapture that returns a frozen client',
      { awsClientCapture: (client: DynamoDBClient) => Object.freeze(client) },
    ],
  ])('refuses %s', (_what, options) => {
    const construct = () => crossAccountDynamo({ ...options, disablePrefetch: true })
    expect(construct).toThrow(CrossAccountDynamoError)
    expect(construct).toThrow(/^CONFIG_INVALID: .*\bawsClient(?:Capture|Options)\b/s)
  })

  test('awsClientCapture may return one client to two middlewares', () => {
    let first: DynamoDBClient | undefined
    const awsClientCapture = (client: DynamoDBClient) => {
      first ??= client
      return first
    }
    const options = { awsClientCapture, documentClient: false, disablePrefetch: true } as const
    expect(() => [crossAccountDynamo(options), crossAccountDynamo(options)]).not.toThrow()
  })

  test('stsClientOptions reach the STS client: its credentials may be somebody else’s', async () => {
    const other = sandbox.issueCredentials('arn:aws:iam::111111111111:role/UntrustedRole', 'other')
    const middleware = crossAccountDynamo({ stsClientOptions: { credentials: other }, disablePrefetch: true })
    await expect(middleware.ready()).rejects.toThrow('assumed-role/UntrustedRole/other')
  })
})
