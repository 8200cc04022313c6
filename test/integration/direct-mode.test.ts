/** Tests direct mode and the property `client`, over HTTP: which credentials sign a request, and when a connection opens. */
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
import {
  createFunctionVariables,
  createLambdaContext,
  FUNCTION_NAME,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const FUNCTION_SESSION_ARN = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
const TARGET_SESSION_ARN = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/${FUNCTION_NAME}`
const DIRECT_MODE = { roleArn: false } as const

/** Variables that Lambda sets. The middleware takes each of them as a sign that it runs in Lambda. */
const LAMBDA_VARIABLES: readonly (readonly [string, Record<string, string>])[] = [
  ['AWS_EXECUTION_ENV', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }],
  ['AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' }],
]

interface TenantEvent {
  readonly tenant?: string
}

let sandbox: Sandbox
beforeAll(async () => {
  const [a, b] = createTwoAccounts()
  if (a === undefined || b === undefined) throw new Error('createTwoAccounts() did not return two accounts')
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
  setEnvironment(createFunctionVariables(sandbox))
})

const getOperations = () => sandbox.calls.map(({ operation }) => operation)
const getStsCalls = () => sandbox.calls.filter(({ service }) => service === 'sts')
const getDynamoDbRequests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')
const getCommand = new GetCommand({ TableName: TABLE, Key: { id: '1' } })

describe('in direct mode', () => {
  test.each<[string, Record<string, string>, { roleArn?: false }]>([
    ['by roleArn: false', {}, DIRECT_MODE],
    ['by the variable none', { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'none' }, {}],
  ])(
    'in direct mode %s, the client uses the credentials of the function and STS is not called',
    async (_case, env, options) => {
      Object.assign(process.env, env)
      const handler = middy()
        .use(crossAccountDynamo(options))
        .handler(async (event: { id: string }, context) => {
          await context.dynamo.send(new PutCommand({ TableName: TABLE, Item: { id: event.id } }))
          return (await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: event.id } }))).Item
        })
      await expect(handler({ id: '1' }, createLambdaContext())).resolves.toEqual({ id: '1' })
      expect(getDynamoDbRequests()).toMatchObject(
        ['PutItem', 'GetItem'].map((operation) => ({
          operation,
          principal: FUNCTION_SESSION_ARN,
          accountId: ACCOUNT_A,
          accessKeyId: process.env.AWS_ACCESS_KEY_ID,
        })),
      )
      expect(getStsCalls()).toEqual([])
      expect(sandbox.connections.sts).toBe(0)
    },
  )

  test('in direct mode, code that changes the credentials of the provider does not change those of other callers', async () => {
    const provided: { accessKeyId: string }[] = []
    const handler = middy()
      .use(crossAccountDynamo(DIRECT_MODE))
      .before(async (request) => {
        provided.push(await request.internal.dynamo())
        Object.assign(provided[0] ?? {}, { accessKeyId: 'changed' })
        provided.push(await request.internal.dynamo(), await request.context.dynamo.config.credentials())
      })
      .handler(async () => {})
    await handler({}, createLambdaContext())
    const { AWS_ACCESS_KEY_ID } = process.env
    expect(provided.map(({ accessKeyId }) => accessKeyId)).toEqual([
      'changed',
      AWS_ACCESS_KEY_ID,
      AWS_ACCESS_KEY_ID,
    ])
  })

  test('in direct mode, request.internal has a provider of the function’s credentials, which other middlewares can use', async () => {
    let client: STSClient | undefined
    const identities: unknown[] = []
    const handler = middy()
      .use(crossAccountDynamo({ ...DIRECT_MODE, contextKey: 'orders' }))
      .before(async (request) => {
        identities.push(await request.internal.orders(), await request.context.orders.config.credentials())
        client ??= await createMiddyClient<STSClient, object>(
          { AwsClient: STSClient as never, awsClientAssumeRole: 'orders' },
          request as never,
        )
        identities.push((await client.send(new GetCallerIdentityCommand({}))).Arn)
      })
      .handler(async () => {})
    await handler({}, createLambdaContext())
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
    const credentials = expect.objectContaining({
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN,
    })
    expect(identities).toEqual([credentials, credentials, FUNCTION_SESSION_ARN])
    expect(getOperations()).toEqual(['GetCallerIdentity'])
  })

  test('in direct mode, ready() opens the connection that requests use, and does not call STS', async () => {
    const middleware = crossAccountDynamo(DIRECT_MODE)
    await middleware.ready()
    await middleware.ready()
    expect(sandbox.calls).toMatchObject([{ operation: 'Health', status: 200 }])
    expect(sandbox.calls[0]).not.toHaveProperty('accessKeyId')
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, context) => context.dynamo.send(getCommand))
    await handler({}, createLambdaContext())
    expect(getOperations()).toEqual(['Health', 'GetItem'])
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 1 })
  })

  test.each(LAMBDA_VARIABLES)(
    'in direct mode in Lambda, detected by %s, the connection opens before the first invocation',
    async (_variable, env) => {
      Object.assign(process.env, env)
      const middleware = crossAccountDynamo(DIRECT_MODE)
      await waitUntil(() => sandbox.calls.length > 0)
      await middleware.ready()
      expect(getOperations()).toEqual(['Health'])
      expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 1 })
    },
  )

  test.each<[string, Record<string, string>, boolean | undefined]>([
    ['outside Lambda', {}, undefined],
    ['in SAM local', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_SAM_LOCAL: 'true' }, undefined],
    ['with disablePrefetch in Lambda', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }, true],
  ])(
    'in direct mode %s, no request is sent before that of the handler',
    async (_case, env, disablePrefetch) => {
      Object.assign(process.env, env)
      const handler = middy()
        .use(crossAccountDynamo({ ...DIRECT_MODE, disablePrefetch }))
        .handler(async (_event: unknown, context) => context.dynamo.send(getCommand))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await handler({}, createLambdaContext())
      expect(getOperations()).toEqual(['GetItem'])
    },
  )

  test('in direct mode, before() is synchronous, also in the first invocation', () => {
    const request = { event: {}, context: createLambdaContext(), internal: {} }
    expect(crossAccountDynamo(DIRECT_MODE).before?.(request as never)).toBeUndefined()
    expect(request.context).toHaveProperty('dynamo')
  })
})

describe('a session function in direct mode outside Lambda', () => {
  const session = jest.fn(({ event }: SessionRequest<TenantEvent>) => ({
    sessionTags: { TenantId: event.tenant },
  }))
  beforeEach(() => {
    session.mockClear()
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  })

  test('in direct mode, the session function is called for each request, and invocations with valid parameters share the client of the function', async () => {
    const middleware = crossAccountDynamo({ ...DIRECT_MODE, session })
    const handler = middy()
      .use(middleware)
      .handler(async (_event: TenantEvent, context) => {
        await context.dynamo.send(getCommand)
        return context.dynamo
      })
    const acme = await handler({ tenant: 'acme' }, createLambdaContext())
    const globex = await handler({ tenant: 'globex' }, createLambdaContext())
    expect(globex).toBe(acme)
    const context = createLambdaContext()
    await expect(middleware.clientFor({ event: { tenant: 'acme' }, context })).resolves.toBe(acme)
    expect(session.mock.calls.map(([{ event }]) => event.tenant)).toEqual(['acme', 'globex', 'acme'])
    expect(getDynamoDbRequests().map(({ principal }) => principal)).toEqual([
      FUNCTION_SESSION_ARN,
      FUNCTION_SESSION_ARN,
    ])
    expect(getStsCalls()).toEqual([])
    const warning = expect.objectContaining({ code: 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE' })
    expect(jest.mocked(process.emitWarning).mock.calls).toEqual([
      [expect.stringContaining('session'), warning],
    ])
  })

  test('in direct mode, the invocation fails before the handler runs if the session function returns a tag without a value', async () => {
    const runHandler = jest.fn(async () => {})
    const hasClient: boolean[] = []
    const middleware = crossAccountDynamo({ ...DIRECT_MODE, session })
    const handler = middy()
      .use(middleware)
      .onError(({ context }) => {
        hasClient.push('dynamo' in context)
      })
      .handler(runHandler)
    const error = {
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      issues: [{ option: 'sessionTags', code: 'returned-empty-field' }],
    }
    await expect(handler({}, createLambdaContext())).rejects.toMatchObject(error)
    await expect(middleware.clientFor({ event: {}, context: createLambdaContext() })).rejects.toMatchObject(
      error,
    )
    expect(session).toHaveBeenCalledTimes(2)
    expect(runHandler).not.toHaveBeenCalled()
    expect(hasClient).toEqual([false])
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
  ])(
    'in direct mode, the invocation fails as with a role if the session function returns %s',
    async (_case, returnInvalid, issue) => {
      const handler = middy()
        .use(crossAccountDynamo({ ...DIRECT_MODE, session: returnInvalid as () => undefined }))
        .handler(async () => {})
      await expect(handler({}, createLambdaContext())).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [issue],
      })
      expect(sandbox.calls).toEqual([])
    },
  )
})

test.each(LAMBDA_VARIABLES)(
  'a session function in direct mode is refused in Lambda, detected by %s',
  (_variable, env) => {
    Object.assign(process.env, env)
    const session = () => ({ sessionTags: { TenantId: 'acme' } })
    expect(() => crossAccountDynamo({ ...DIRECT_MODE, session })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        issues: [{ option: 'session', code: 'not-in-direct-mode' }],
      }),
    )
    expect(sandbox.calls).toEqual([])
  },
)

describe.each([
  ['in direct mode', DIRECT_MODE, FUNCTION_SESSION_ARN, 0],
  ['with a role', {}, TARGET_SESSION_ARN, 1],
] as const)('%s, without a session function', (mode, options, principal, assumeRoleCount) => {
  test(`${mode}, the property client is the client on the context`, async () => {
    const middleware = crossAccountDynamo(options)
    const handler = middy()
      .use(middleware)
      .handler(async (_event: unknown, { dynamo }) => dynamo)
    const { client } = middleware
    for (let invocation = 0; invocation < 2; invocation += 1)
      expect(await handler({}, createLambdaContext())).toBe(client)
    await expect(middleware.clientFor({ event: {}, context: createLambdaContext() })).resolves.toBe(client)
    expect(middleware.client).toBe(client)
  })

  test.each([true, false])(
    `${mode}, the property client sends requests before the first invocation, with disablePrefetch: %s`,
    async (disablePrefetch) => {
      const { client } = crossAccountDynamo({ ...options, disablePrefetch })
      await Promise.all([client.send(getCommand), client.send(getCommand)])
      expect(getDynamoDbRequests().map((call) => call.principal)).toEqual([principal, principal])
      expect(getStsCalls()).toHaveLength(assumeRoleCount)
    },
  )

  test(`${mode}, the property client is a plain DynamoDBClient with documentClient: false`, async () => {
    const { DynamoDBClient, GetItemCommand } = await import('@aws-sdk/client-dynamodb')
    const { client } = crossAccountDynamo({ ...options, documentClient: false })
    expect(client).toBeInstanceOf(DynamoDBClient)
    const command = new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })
    await expect(client.send(command)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(getDynamoDbRequests()).toMatchObject([{ principal }])
  })

  test(`${mode}, a copy of the middleware has the property client`, () => {
    const middleware = crossAccountDynamo({ ...options, disablePrefetch: true })
    expect({ ...middleware }.client).toBe(middleware.client)
  })
})

describe('with a session function', () => {
  const session = ({ event }: SessionRequest<TenantEvent>) => ({ sessionName: event.tenant })

  test('with a session function, the property client throws CONFIG_INVALID, which names clientFor()', async () => {
    const middleware = crossAccountDynamo({ session, disablePrefetch: true })
    const readClient = () => Reflect.get(middleware, 'client')
    const error = { code: 'CONFIG_INVALID', message: expect.stringContaining('clientFor(') }
    expect(readClient).toThrow(expect.objectContaining(error))
    // The property also throws after an invocation, because the client of that session is not for other requests.
    await middleware.clientFor({ event: { tenant: 'acme' }, context: createLambdaContext() })
    expect(readClient).toThrow(expect.objectContaining(error))
  })

  test('with a session function, a copy of the middleware serves invocations and has no property client', async () => {
    const copy = { ...crossAccountDynamo({ session }) }
    expect(copy).not.toHaveProperty('client')
    const handler = middy()
      .use(copy)
      .handler(async (_event: TenantEvent, context) => {
        await context.dynamo.send(getCommand)
      })
    await handler({ tenant: 'acme' }, createLambdaContext())
    await copy.ready()
    const client = await copy.clientFor({ event: { tenant: 'globex' }, context: createLambdaContext() })
    await client.send(getCommand)
    expect(getDynamoDbRequests().map(({ sessionName }) => sessionName)).toEqual(['acme', 'globex'])
  })
})
