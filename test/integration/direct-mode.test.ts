/** Direct mode and the property `client`, over real HTTP: whose credentials sign a request, and when a connection opens. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { createClient as createMiddyClient } from '@middy/util'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy } from '../sandbox/policies.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TABLE,
} from '../sandbox/two-accounts.ts'
import { eventually, FUNCTION_NAME, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

const FUNCTION_SESSION_ARN = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
const TARGET_SESSION_ARN = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/${FUNCTION_NAME}`
const DIRECT = { roleArn: false } as const

/** The variables by which a function knows that it runs in Lambda. */
const LAMBDA: readonly (readonly [string, Record<string, string>])[] = [
  ['AWS_EXECUTION_ENV', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }],
  ['AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' }],
]

interface Event {
  readonly tenant?: string
}

let sandbox: Sandbox
beforeAll(async () => {
  const [a, b] = createTwoAccounts()
  if (a === undefined || b === undefined) throw new Error('the createTwoAccounts has two accounts')
  // Both accounts have the table, so that a request with the wrong credentials succeeds in the wrong account.
  sandbox = await startSandbox({ accounts: [{ ...a, tables: b.tables ?? [] }, b] })
  const tableOfA = `arn:aws:dynamodb:us-east-1:${ACCOUNT_A}:table/${TABLE}`
  sandbox
    .getRole(EXECUTION_ROLE_ARN)
    .policies?.push(
      createPolicy(allowStatement(['dynamodb:GetItem', 'dynamodb:PutItem'], { Resource: tableOfA })),
    )
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

const operations = () => sandbox.calls.map(({ operation }) => operation)
const stsCalls = () => sandbox.calls.filter(({ service }) => service === 'sts')
const requests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')
const get = new GetCommand({ TableName: TABLE, Key: { id: '1' } })

describe('in direct mode', () => {
  test.each<[string, Record<string, string>, { roleArn?: false }]>([
    ['by roleArn: false', {}, DIRECT],
    ['by the variable none', { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'none' }, {}],
  ])('%s, the client uses the credentials of the function and STS is not called', async (_, env, options) => {
    Object.assign(process.env, env)
    const handler = middy()
      .use(crossAccountDynamo(options))
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new PutCommand({ TableName: TABLE, Item: { id: event.id } }))
        return (await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: event.id } }))).Item
      })
    await expect(handler({ id: '1' }, lambdaContext())).resolves.toEqual({ id: '1' })
    expect(requests()).toMatchObject(
      ['PutItem', 'GetItem'].map((operation) => ({
        operation,
        principal: FUNCTION_SESSION_ARN,
        accountId: ACCOUNT_A,
        accessKeyId: process.env.AWS_ACCESS_KEY_ID,
      })),
    )
    expect(stsCalls()).toEqual([])
    expect(sandbox.connections.sts).toBe(0)
  })

  test('request.internal has a provider of the credentials of the function, which other middlewares can use', async () => {
    let client: STSClient | undefined
    const seen: unknown[] = []
    const handler = middy()
      .use(crossAccountDynamo({ ...DIRECT, contextKey: 'orders' }))
      .before(async (request) => {
        seen.push(await request.internal.orders(), await request.context.orders.config.credentials())
        client ??= await createMiddyClient<STSClient, object>(
          { AwsClient: STSClient as never, awsClientAssumeRole: 'orders' },
          request as never,
        )
        seen.push((await client.send(new GetCallerIdentityCommand({}))).Arn)
      })
      .handler(async () => {})
    await handler({}, lambdaContext())
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
    const credentials = expect.objectContaining({
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN,
    })
    expect(seen).toEqual([credentials, credentials, FUNCTION_SESSION_ARN])
    expect(operations()).toEqual(['GetCallerIdentity'])
  })

  test('ready() opens the one connection that requests use, and does not call STS', async () => {
    const middleware = crossAccountDynamo(DIRECT)
    await middleware.ready()
    await middleware.ready()
    expect(sandbox.calls).toMatchObject([{ operation: 'Health', status: 200 }])
    expect(sandbox.calls[0]).not.toHaveProperty('accessKeyId')
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => context.dynamo.send(get))
    await handler({}, lambdaContext())
    expect(operations()).toEqual(['Health', 'GetItem'])
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 1 })
  })

  test.each(LAMBDA)('the connection opens before the first invocation in Lambda, by %s', async (_, env) => {
    Object.assign(process.env, env)
    const middleware = crossAccountDynamo(DIRECT)
    await eventually(() => sandbox.calls.length > 0)
    await middleware.ready()
    expect(operations()).toEqual(['Health'])
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 1 })
  })

  test.each<[string, Record<string, string>, boolean | undefined]>([
    ['outside Lambda', {}, undefined],
    ['in SAM local', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_SAM_LOCAL: 'true' }, undefined],
    ['with disablePrefetch in Lambda', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }, true],
  ])('no request is sent before that of the handler %s', async (_, env, disablePrefetch) => {
    Object.assign(process.env, env)
    const handler = middy()
      .use(crossAccountDynamo({ ...DIRECT, disablePrefetch }))
      .handler(async (_event: unknown, context) => context.dynamo.send(get))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await handler({}, lambdaContext())
    expect(operations()).toEqual(['GetItem'])
  })

  test('an invocation is synchronous, also the first one', () => {
    const request = { event: {}, context: lambdaContext(), internal: {} }
    expect(crossAccountDynamo(DIRECT).before?.(request as never)).toBeUndefined()
    expect(request.context).toHaveProperty('dynamo')
  })
})

describe('a session function in direct mode outside Lambda', () => {
  const session = jest.fn(({ event }: SessionRequest<Event>) => ({ sessionTags: { TenantId: event.tenant } }))
  beforeEach(() => {
    session.mockClear()
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  })

  test('the session function is called with each request, and a valid return value gives the client of the function', async () => {
    const middleware = crossAccountDynamo({ ...DIRECT, session })
    const handler = middy()
      .use(middleware)
      .handler(async (_event: Event, context) => {
        await context.dynamo.send(get)
        return context.dynamo
      })
    const acme = await handler({ tenant: 'acme' }, lambdaContext())
    const globex = await handler({ tenant: 'globex' }, lambdaContext())
    expect(globex).toBe(acme)
    const context = lambdaContext()
    await expect(middleware.clientFor({ event: { tenant: 'acme' }, context })).resolves.toBe(acme)
    expect(session.mock.calls.map(([{ event }]) => event.tenant)).toEqual(['acme', 'globex', 'acme'])
    expect(requests().map(({ principal }) => principal)).toEqual([FUNCTION_SESSION_ARN, FUNCTION_SESSION_ARN])
    expect(stsCalls()).toEqual([])
    const warning = expect.objectContaining({ code: 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE' })
    expect(jest.mocked(process.emitWarning).mock.calls).toEqual([
      [expect.stringContaining('session'), warning],
    ])
  })

  test('the invocation fails before the handler if the session function returns a tag without a value', async () => {
    const work = jest.fn(async () => {})
    const seen: boolean[] = []
    const middleware = crossAccountDynamo({ ...DIRECT, session })
    const handler = middy()
      .use(middleware)
      .onError(({ context }) => {
        seen.push('dynamo' in context)
      })
      .handler(work)
    const error = {
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      issues: [{ option: 'sessionTags', code: 'returned-empty-tag' }],
    }
    await expect(handler({}, lambdaContext())).rejects.toMatchObject(error)
    await expect(middleware.clientFor({ event: {}, context: lambdaContext() })).rejects.toMatchObject(error)
    expect(session).toHaveBeenCalledTimes(2)
    expect(work).not.toHaveBeenCalled()
    expect(seen).toEqual([false])
    expect(sandbox.calls).toEqual([])
  })

  test.each<[string, () => unknown, object]>([
    ['nothing', () => undefined, { option: 'session', code: 'returned-no-parameters' }],
    [
      'a role without an external ID',
      () => ({ roleArn: 'arn:aws:iam::333333333333:role/OrdersRole' }),
      { option: 'externalId', code: 'required-with-role' },
    ],
    [
      'an unknown property asynchronously',
      async () => ({ tags: { TenantId: 'acme' } }),
      { option: 'session', code: 'returned-unknown', property: 'tags' },
    ],
  ])('the invocation fails as with a role if the session function returns %s', async (_, invalid, issue) => {
    const handler = middy()
      .use(crossAccountDynamo({ ...DIRECT, session: invalid as () => undefined }))
      .handler(async () => {})
    await expect(handler({}, lambdaContext())).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      issues: [issue],
    })
    expect(sandbox.calls).toEqual([])
  })
})

test.each(LAMBDA)('a session function in direct mode is refused in Lambda, by %s', (_, env) => {
  Object.assign(process.env, env)
  const session = () => ({ sessionTags: { TenantId: 'acme' } })
  expect(() => crossAccountDynamo({ ...DIRECT, session })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      issues: [{ option: 'session', code: 'not-in-direct-mode' }],
    }),
  )
  expect(sandbox.calls).toEqual([])
})

describe.each([
  ['in direct mode', DIRECT, FUNCTION_SESSION_ARN, 0],
  ['with a role', {}, TARGET_SESSION_ARN, 1],
] as const)('a middleware without a session function, %s', (_, options, principal, assumeRoleCount) => {
  test('client is the client on the context', async () => {
    const middleware = crossAccountDynamo(options)
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, { dynamo }) => dynamo)
    const { client } = middleware
    for (let invocation = 0; invocation < 2; invocation += 1)
      expect(await handler({}, lambdaContext())).toBe(client)
    await expect(middleware.clientFor({ event: {}, context: lambdaContext() })).resolves.toBe(client)
    expect(middleware.client).toBe(client)
  })

  test.each([true, false])(
    'client sends requests before any invocation, with disablePrefetch: %s',
    async (disablePrefetch) => {
      const { client } = crossAccountDynamo({ ...options, disablePrefetch })
      await Promise.all([client.send(get), client.send(get)])
      expect(requests().map((call) => call.principal)).toEqual([principal, principal])
      expect(stsCalls()).toHaveLength(assumeRoleCount)
    },
  )

  test('client is a plain DynamoDBClient with documentClient: false', async () => {
    const { DynamoDBClient, GetItemCommand } = await import('@aws-sdk/client-dynamodb')
    const { client } = crossAccountDynamo({ ...options, documentClient: false })
    expect(client).toBeInstanceOf(DynamoDBClient)
    const command = new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })
    await expect(client.send(command)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(requests()).toMatchObject([{ principal }])
  })

  test('client is not an enumerable property', () => {
    const middleware = crossAccountDynamo({ ...options, disablePrefetch: true })
    expect(Object.keys(middleware)).toEqual(['before', 'ready', 'clientFor'])
  })
})

describe('a middleware with a session function', () => {
  const session = ({ event }: SessionRequest<Event>) => ({ sessionName: event.tenant })

  test('client throws CONFIG_INVALID, which names clientFor()', async () => {
    const middleware = crossAccountDynamo({ session, disablePrefetch: true })
    const readClient = () => Reflect.get(middleware, 'client')
    const error = { code: 'CONFIG_INVALID', message: expect.stringContaining('clientFor(') }
    expect(readClient).toThrow(expect.objectContaining(error))
    // It also throws after an invocation, whose client must not be used for other invocations.
    await middleware.clientFor({ event: { tenant: 'acme' }, context: lambdaContext() })
    expect(readClient).toThrow(expect.objectContaining(error))
  })

  test('a copy of the middleware serves invocations, and has no client', async () => {
    const copy = { ...crossAccountDynamo({ session }) }
    expect(copy).not.toHaveProperty('client')
    const handler = middy()
      .use(copy)
      .handler(async (_event: Event, context) => {
        await context.dynamo.send(get)
      })
    await handler({ tenant: 'acme' }, lambdaContext())
    await copy.ready()
    const client = await copy.clientFor({ event: { tenant: 'globex' }, context: lambdaContext() })
    await client.send(get)
    expect(requests().map(({ sessionName }) => sessionName)).toEqual(['acme', 'globex'])
  })
})
