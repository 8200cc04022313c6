/**
 * Many tenants use one function over real HTTP. Each tenant gets its own session, and an event without a tenant gets none. Shows
 * EVENT-2, EVENT-5, EVENT-6, CODE-2 and CODE-3 of SECURITY.md.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import httpErrorHandler from '@middy/http-error-handler'
import { createClient as createMiddyClient } from '@middy/util'
import {
  CrossAccountDynamoError,
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
  type Logger,
  type SessionFunction,
  type SessionRequest,
} from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy } from '../sandbox/policies.ts'
import {
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const CUSTOMER_ACCOUNT = '333333333333'
const CUSTOMER_ROLE_ARN = `arn:aws:iam::${CUSTOMER_ACCOUNT}:role/OrdersRole`
const MANAGED_POLICY_ARN = `arn:aws:iam::${ACCOUNT_B}:policy/ReadMyTable`
const MINUTE_MS = 60_000

interface Event {
  tenant?: string
}

let sandbox: Sandbox
beforeAll(async () => {
  const [accountA, accountB, ...otherAccounts] = createTwoAccounts({ canTagSession: true })
  if (accountA === undefined || accountB === undefined)
    throw new Error('createTwoAccounts() must return two accounts.')
  const tableArn = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
  sandbox = await startSandbox({
    accounts: [
      accountA,
      {
        ...accountB,
        managedPolicies: {
          [MANAGED_POLICY_ARN]: createPolicy(allowStatement('dynamodb:GetItem', { Resource: tableArn })),
        },
      },
      ...otherAccounts,
      {
        id: CUSTOMER_ACCOUNT,
        roles: [
          {
            name: 'OrdersRole',
            trustPolicy: createPolicy(
              allowStatement('sts:AssumeRole', {
                Principal: { AWS: EXECUTION_ROLE_ARN },
                Condition: { StringEquals: { 'sts:ExternalId': 'customer-external-id' } },
              }),
            ),
            policies: [createPolicy(allowStatement('dynamodb:*', { Resource: '*' }))],
          },
        ],
        tables: accountB.tables ?? [],
      },
    ],
  })
  sandbox.getRole(EXECUTION_ROLE_ARN).policies = [
    createPolicy(
      allowStatement(['sts:AssumeRole', 'sts:TagSession'], {
        Resource: [TARGET_ROLE_ARN, CUSTOMER_ROLE_ARN],
      }),
    ),
  ]
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
})

const listAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const listDynamoDbCalls = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')

const createTenantSession = ({ event }: SessionRequest<Event>) => ({
  sessionTags: { TenantId: event.tenant },
})
const getCommand = new GetCommand({ TableName: TABLE, Key: { id: '1' } })

const createHandler = (middleware: CrossAccountDynamoMiddleware<'dynamo', true, Event>) =>
  middy()
    .use(middleware)
    .handler(async (_event, context) => {
      await context.dynamo.send(getCommand)
      return context.dynamo
    })

/** Creates a middy request, for tests that call the hooks of the middleware themselves. */
// biome-ignore lint/suspicious/noExplicitAny: the types require the properties that the middleware adds
const createRequest = (event: Event): middy.Request<Event, unknown, Error, any, any> => ({
  event,
  context: createLambdaContext(),
  internal: {},
  response: undefined,
  error: undefined,
})

// These tests run first, because a middleware of another test could still send requests.
describe('prefetch with a session function', () => {
  test('opens a connection at INIT and assumes no role if the role is static and the session function returns tags', async () => {
    await crossAccountDynamo({ session: createTenantSession }).ready()
    expect(sandbox.calls.map(({ operation }) => operation)).toEqual(['Health'])
  })

  test('opens no connection at INIT and assumes no role if only the session function returns the role', async () => {
    const { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: _, ...variables } = createFunctionVariables(sandbox)
    setEnvironment(variables)
    const session = () => ({ roleArn: CUSTOMER_ROLE_ARN, externalId: false as const })
    await crossAccountDynamo({ session }).ready()
    expect(sandbox.calls).toEqual([])
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 0 })
  })
})

describe('sessions of tenants', () => {
  test('assumes the role once for each tenant, with the session tags of the tenant, for concurrent invocations', async () => {
    const handler = createHandler(crossAccountDynamo({ session: createTenantSession }))
    const tenants = ['acme', 'globex', 'initech']
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        handler({ tenant: tenants[index % 3] as string }, createLambdaContext()),
      ),
    )
    expect(
      listAssumeRoleCalls()
        .map(({ tags }) => tags?.TenantId)
        .sort(),
    ).toEqual(tenants)
    expect(listDynamoDbCalls()).toHaveLength(60)
    for (const tenant of tenants)
      expect(listDynamoDbCalls().filter(({ tags }) => tags?.TenantId === tenant)).toHaveLength(20)
  })

  test('keeps the client of a tenant when the session is refreshed, and gives other tenants other clients', async () => {
    const handler = createHandler(crossAccountDynamo({ session: createTenantSession }))
    const acme = await handler({ tenant: 'acme' }, createLambdaContext())
    const globex = await handler({ tenant: 'globex' }, createLambdaContext())
    expect(globex).not.toBe(acme)
    advanceTime(50 * MINUTE_MS)
    expect(await handler({ tenant: 'acme' }, createLambdaContext())).toBe(acme)
    await waitUntil(() => listAssumeRoleCalls().length === 3)
    expect(listAssumeRoleCalls()[2]).toMatchObject({ tags: { TenantId: 'acme' } })
  })

  test('returns no promise and sends no request if the tenant has a session', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    await middleware.before?.(createRequest({ tenant: 'acme' }))
    const request = createRequest({ tenant: 'acme' })
    const callCount = sandbox.calls.length
    expect(middleware.before?.(request)).toBeUndefined()
    expect(request.context).toHaveProperty('dynamo')
    expect(sandbox.calls).toHaveLength(callCount)
  })

  test('gives the clients of different tenants different credentials', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    const getAccessKeyId = async (tenant: string) => {
      const client = await middleware.clientFor({ event: { tenant }, context: createLambdaContext() })
      return (await client.config.credentials()).accessKeyId
    }
    const acme = await getAccessKeyId('acme')
    expect(await getAccessKeyId('globex')).not.toBe(acme)
    expect(await getAccessKeyId('acme')).toBe(acme)
  })

  test.each<[string, SessionFunction<Event>]>([
    ['a synchronous', createTenantSession],
    ['an asynchronous', async (request) => createTenantSession(request)],
  ])(
    'refuses awsClientAssumeRole of another middleware, which would share credentials, with %s session function',
    async (_kind, session) => {
      let client: STSClient | undefined
      const handler = middy()
        .use(crossAccountDynamo({ session }))
        .before(async (request) => {
          client ??= await createMiddyClient<STSClient, object>(
            { AwsClient: STSClient as never, awsClientAssumeRole: 'dynamo' },
            request as never,
          )
          await client.send(new GetCallerIdentityCommand({}))
        })
        .handler(async () => {})
      await expect(handler({ tenant: 'acme' }, createLambdaContext())).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('awsClientAssumeRole'),
      })
      expect(sandbox.calls.filter(({ operation }) => operation === 'GetCallerIdentity')).toEqual([])
    },
  )

  test.each([1, 4])(
    'gives each tenant its own session if the session function returns the same object again, with concurrency %s',
    async (concurrency) => {
      const reusedObject = { sessionTags: { TenantId: '' } }
      const middleware = crossAccountDynamo({
        session: ({ event }: SessionRequest<{ tenant: string }>) => {
          reusedObject.sessionTags.TenantId = event.tenant
          return reusedObject
        },
      })
      const handler = middy()
        .use(middleware)
        .handler(async ({ tenant }, context) => {
          await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: tenant } }))
        })
      const tenants = ['acme', 'globex', 'acme', 'globex']
      for (let start = 0; start < tenants.length; start += concurrency) {
        const group = tenants.slice(start, start + concurrency)
        await Promise.all(group.map((tenant) => handler({ tenant }, createLambdaContext())))
      }
      expect(listAssumeRoleCalls()).toHaveLength(2)
      expect(listDynamoDbCalls()).toHaveLength(tenants.length)
      for (const { input, tags } of listDynamoDbCalls())
        expect(input).toHaveProperty('Key.id', { S: tags?.TenantId })
    },
  )

  test('assumes the role once for each tenant if there are more concurrent tenants than maxSessions', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession, maxSessions: 2 })
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        middleware.clientFor({ event: { tenant: `tenant-${index % 3}` }, context: createLambdaContext() }),
      ),
    )
    expect(listAssumeRoleCalls()).toHaveLength(3)
  })

  test('finds the tenant in context.tenantId or in request.internal', async () => {
    const contextHandler = middy()
      .use(
        crossAccountDynamo({ session: ({ context }) => ({ sessionTags: { TenantId: context.tenantId } }) }),
      )
      .handler(async (_event: unknown, context) => context.dynamo.send(getCommand))
    await contextHandler({}, { ...createLambdaContext(), tenantId: 'acme' })
    const internalHandler = middy()
      .before((request) => {
        Object.assign(request.internal, { tenant: 'globex' })
      })
      .use(
        crossAccountDynamo({
          session: async ({ internal }) => ({
            sessionTags: { TenantId: String(await internal.tenant) },
          }),
        }),
      )
      .handler(async (_event: unknown, context) => context.dynamo.send(getCommand))
    await internalHandler({}, createLambdaContext())
    expect(listDynamoDbCalls().map(({ tags }) => tags)).toEqual([
      { TenantId: 'acme' },
      { TenantId: 'globex' },
    ])
  })

  test('uses the same connections for all tenants', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    await middleware.ready()
    const handler = createHandler(middleware)
    for (let tenant = 0; tenant < 20; tenant += 1)
      await handler({ tenant: `tenant-${tenant}` }, createLambdaContext())
    expect(listAssumeRoleCalls()).toHaveLength(20)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
  })

  test('completes requests of other tenants when one client is destroyed', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    const getClient = (tenant: string) =>
      middleware.clientFor({ event: { tenant }, context: createLambdaContext() })
    const [acme, globex] = await Promise.all([getClient('acme'), getClient('globex')])
    sandbox.faults.inject({ service: 'dynamodb', kind: 'latency', ms: 50 })
    const response = globex.send(getCommand)
    await waitUntil(() => listDynamoDbCalls().length === 1)
    acme.destroy()
    await expect(response).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(listDynamoDbCalls()).toHaveLength(1)
  })

  test('uses the same sessions in all handlers of one middleware', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    const client = await createHandler(middleware)({ tenant: 'acme' }, createLambdaContext())
    await expect(createHandler(middleware)({ tenant: 'acme' }, createLambdaContext())).resolves.toBe(client)
    await expect(
      middleware.clientFor({ event: { tenant: 'acme' }, context: createLambdaContext() }),
    ).resolves.toBe(client)
    expect(listAssumeRoleCalls()).toHaveLength(1)
  })
})

test('refuses the client of another tenant that awsClientCapture returns', async () => {
  let firstClient: DynamoDBClient | undefined
  const middleware = crossAccountDynamo({
    session: createTenantSession,
    awsClientCapture: (client) => {
      firstClient ??= client
      return firstClient
    },
  })
  const getClient = (tenant: string) =>
    middleware.clientFor({ event: { tenant }, context: createLambdaContext() })
  await getClient('acme')
  await expect(getClient('globex')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('awsClientCapture'),
  })
  await expect(getClient('acme')).resolves.toBeDefined()
})

describe('events without a valid tenant', () => {
  test('refuses a table ARN that the session function returns as a table name, without a request to AWS', async () => {
    const middleware = crossAccountDynamo({
      session: async ({ event }: SessionRequest<Event>) => ({
        scope: { tables: [`${event.tenant}-orders`], access: 'read' },
      }),
    })
    await middleware.ready()
    const tenant = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/victim`
    await expect(createHandler(middleware)({ tenant }, createLambdaContext())).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
    })
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  test('refuses a missing tenant before STS and the handler are called, and sets no client', async () => {
    const middleware = crossAccountDynamo({ session: createTenantSession })
    await middleware.ready()
    const handle = jest.fn(async () => {})
    const handler = middy().use(middleware).handler(handle)
    const context = createLambdaContext()
    await expect(handler({}, context)).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      issues: [{ option: 'sessionTags', code: 'returned-empty-field', field: 'TenantId' }],
    })
    expect(handle).not.toHaveBeenCalled()
    expect(context).not.toHaveProperty('dynamo')
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  test('gives an invocation without a tenant no session of the previous tenant', async () => {
    const middleware = crossAccountDynamo({
      session: async (request: SessionRequest<Event>) => createTenantSession(request),
    })
    await createHandler(middleware)({ tenant: 'acme' }, createLambdaContext())
    const request = createRequest({})
    await expect(middleware.before?.(request)).rejects.toBeInstanceOf(CrossAccountDynamoError)
    expect(request.internal).toEqual({})
    expect(request.context).not.toHaveProperty('dynamo')
  })

  test('leaves no client of a previous invocation on a context that is reused', async () => {
    const hasClient: boolean[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session: createTenantSession }))
      .onError(({ context }) => {
        hasClient.push('dynamo' in context)
      })
      .handler(async (_event, context) => {
        hasClient.push('dynamo' in context)
      })
    const context = createLambdaContext()
    await handler({ tenant: 'acme' }, context)
    expect(context).not.toHaveProperty('dynamo')
    await expect(handler({}, context)).rejects.toThrow('SESSION_IDENTITY_MISSING')
    expect(hasClient).toEqual([true, false])
  })

  test('does not expose the error to an HTTP client', async () => {
    const handler = middy()
      .use(httpErrorHandler({ logger: () => {} }))
      .use(crossAccountDynamo({ session: createTenantSession }))
      .handler(async () => ({ statusCode: 200 }))
    const response = (await handler({}, createLambdaContext())) as { statusCode: number; body?: string }
    expect(response.statusCode).toBe(500)
    expect(JSON.stringify(response)).not.toMatch(/TenantId|sessionTags|dynamo/)
  })
})

test('keeps the sessions of other tenants while STS denies many tenants', async () => {
  const Condition = { StringLike: { 'aws:RequestTag/TenantId': 'valid-*' } }
  const role = sandbox.getRole(TARGET_ROLE_ARN)
  const { trustPolicy } = role
  role.trustPolicy = createPolicy(
    allowStatement(['sts:AssumeRole', 'sts:TagSession'], {
      Principal: { AWS: EXECUTION_ROLE_ARN },
      Condition,
    }),
  )
  try {
    const handler = createHandler(crossAccountDynamo({ session: createTenantSession, maxSessions: 90 }))
    const validTenants = Array.from({ length: 90 }, (_, index) => `valid-${index}`)
    const invokeAll = async () => {
      const clients: unknown[] = []
      for (const tenant of validTenants) clients.push(await handler({ tenant }, createLambdaContext()))
      return clients
    }
    const clients = await invokeAll()
    for (let index = 0; index < 100; index += 1) {
      const invocation = handler({ tenant: `refused-${index}` }, createLambdaContext())
      await expect(invocation).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
    }
    const callCount = listAssumeRoleCalls().length
    const clientsAfterwards = await invokeAll()
    expect(clientsAfterwards.every((client, index) => client === clients[index])).toBe(true)
    expect(listAssumeRoleCalls()).toHaveLength(callCount)
  } finally {
    Object.assign(role, { trustPolicy })
  }
})

describe('unhandled rejections', () => {
  const onUnhandledRejection = jest.fn()
  beforeEach(() => {
    onUnhandledRejection.mockClear()
    process.on('unhandledRejection', onUnhandledRejection)
  })
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', onUnhandledRejection)
    expect(onUnhandledRejection).not.toHaveBeenCalled()
  })
  const denyAssumeRole = () =>
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    })

  test('causes no unhandled rejection if the methods of the logger reject', async () => {
    const log = async () => Promise.reject(new Error('full'))
    denyAssumeRole()
    const logger = { debug: log, info: log, warn: log, error: log } as unknown as Logger
    await expect(crossAccountDynamo({ logger }).ready()).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  })

  test('causes no unhandled rejection if STS denies the call and the context is frozen', async () => {
    denyAssumeRole()
    const handler = createHandler(crossAccountDynamo({ session: createTenantSession }))
    const invocation = handler({ tenant: 'acme' }, Object.freeze(createLambdaContext()))
    await expect(invocation).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  })

  test.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('no')
      },
    ],
    ['is not a function', 10_000],
  ])(
    'causes no unhandled rejection if STS denies the call and getRemainingTimeInMillis %s',
    async (_description, getRemainingTimeInMillis) => {
      denyAssumeRole()
      const middleware = crossAccountDynamo({ session: createTenantSession })
      const context = { ...createLambdaContext(), getRemainingTimeInMillis }
      const refusedClient = middleware.clientFor({ event: { tenant: 'acme' }, context })
      await expect(refusedClient).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
      sandbox.faults.clear()
      const client = await middleware.clientFor({ event: { tenant: 'globex' }, context })
      await expect(client.send(getCommand)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    },
  )
})

test.each([undefined, null, 'event'])('clientFor(%p) fails with CONFIG_INVALID', async (request) => {
  const client = crossAccountDynamo({ session: createTenantSession }).clientFor(request as never)
  await expect(client).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('does not let a handler change the credentials of a session', async () => {
  const middleware = crossAccountDynamo({ sessionName: 'shared' })
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, context) => {
      const credentials = await context.dynamo.config.credentials()
      expect(() => Object.assign(credentials, { sessionToken: 'changed' })).toThrow(TypeError)
      credentials.expiration?.setTime(0)
      return context.dynamo.send(getCommand)
    })
  await handler({}, createLambdaContext())
  await handler({}, createLambdaContext())
  expect(listAssumeRoleCalls()).toHaveLength(1)
  expect(listDynamoDbCalls().map(({ status }) => status)).toEqual([200, 200])
})

test('refuses two middlewares with the same context key in each invocation', async () => {
  const handle = jest.fn(async () => {})
  const handler = middy()
    .use(crossAccountDynamo())
    .use(crossAccountDynamo({ session: createTenantSession }))
    .handler(handle)
  for (let invocation = 0; invocation < 2; invocation += 1) {
    await expect(handler({ tenant: 'acme' }, createLambdaContext())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/context\.dynamo\b.*\bcontextKey\b/),
    })
  }
  expect(handle).not.toHaveBeenCalled()
})

test('calls STS in the Region of the function if the table is in another Region', async () => {
  const otherRegionSandbox = await startSandbox({
    accounts: createTwoAccounts({ region: 'eu-west-1' }),
    region: 'eu-west-1',
  })
  try {
    setEnvironment({ ...createFunctionVariables(otherRegionSandbox), AWS_REGION: 'us-east-1' })
    const client = await crossAccountDynamo({ region: 'eu-west-1' }).clientFor({
      event: {},
      context: createLambdaContext(),
    })
    await expect(client.send(getCommand)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    const callRegions = otherRegionSandbox.calls
      .filter(({ operation }) => operation !== 'Health')
      .map(({ operation, region }) => [operation, region])
    expect(callRegions).toEqual([
      ['AssumeRole', 'us-east-1'],
      ['GetItem', 'eu-west-1'],
    ])
  } finally {
    await otherRegionSandbox.close()
  }
})

describe('customer accounts', () => {
  const CUSTOMERS: Record<string, { roleArn: string; externalId: string }> = {
    own: { roleArn: TARGET_ROLE_ARN, externalId: 'example-external-id' },
    customer: { roleArn: CUSTOMER_ROLE_ARN, externalId: 'customer-external-id' },
    impostor: { roleArn: CUSTOMER_ROLE_ARN, externalId: 'another-external-id' },
  }
  const createCustomerMiddleware = () =>
    crossAccountDynamo({
      contextKey: 'orders',
      session: async ({ event }: SessionRequest<Event>) => CUSTOMERS[event.tenant ?? ''],
    })
  const createCustomerHandler = () =>
    middy()
      .use(createCustomerMiddleware())
      .handler(async ({ tenant }, context) => {
        await context.orders.send(new PutCommand({ TableName: TABLE, Item: { id: 'whose', tenant } }))
        return context.orders.send(new GetCommand({ TableName: TABLE, Key: { id: 'whose' } }))
      })

  test('uses the role and the external ID of each customer', async () => {
    const handler = createCustomerHandler()
    const [own, customer] = await Promise.all([
      handler({ tenant: 'own' }, createLambdaContext()),
      handler({ tenant: 'customer' }, createLambdaContext()),
    ])
    expect([own.Item, customer.Item]).toEqual([
      { id: 'whose', tenant: 'own' },
      { id: 'whose', tenant: 'customer' },
    ])
    expect(new Set(listDynamoDbCalls().map(({ accountId }) => accountId))).toEqual(
      new Set([ACCOUNT_B, CUSTOMER_ACCOUNT]),
    )
  })

  test('denies a customer that names the role of another customer, and the error contains the role and the context key', async () => {
    const invocation = createCustomerHandler()({ tenant: 'impostor' }, createLambdaContext())
    await expect(invocation).rejects.toMatchObject({
      code: 'ASSUME_ROLE_DENIED',
      message: expect.stringContaining(`${CUSTOMER_ROLE_ARN} (context.orders)`),
    })
    expect(listDynamoDbCalls()).toEqual([])
  })

  test('does not wait for the connection to the account of the static role if the session is in a customer’s account', async () => {
    const middleware = crossAccountDynamo({
      session: ({ event }: SessionRequest<Event>) =>
        event.tenant === 'customer' ? CUSTOMERS.customer : { sessionTags: { TenantId: event.tenant } },
      disablePrefetch: true,
    })
    await middleware.before?.(createRequest({ tenant: 'customer' }))
    // An invocation in another account does not open a connection.
    expect(sandbox.calls.map(({ operation }) => operation)).toEqual(['AssumeRole'])
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 0 })

    sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'no-response' })
    const firstRequest = createRequest({ tenant: 'acme' })
    const first = middleware.before?.(firstRequest)
    await firstRequest.context.dynamo.config.credentials()
    expect(middleware.before?.(createRequest({ tenant: 'customer' }))).toBeUndefined()
    await middleware.clientFor({ event: { tenant: 'customer' }, context: createLambdaContext() })
    // An invocation in the account of the static role has credentials, and waits for the connection only.
    const second = middleware.before?.(createRequest({ tenant: 'acme' }))
    expect(second).toBeInstanceOf(Promise)
    await Promise.all([first, second])
    expect(middleware.before?.(createRequest({ tenant: 'acme' }))).toBeUndefined()
    expect(sandbox.calls.map(({ operation }) => operation).sort()).toEqual([
      'AssumeRole',
      'AssumeRole',
      'Health',
    ])
  })

  test('refuses an unknown customer', async () => {
    await expect(createCustomerHandler()({ tenant: 'unknown' }, createLambdaContext())).rejects.toMatchObject(
      {
        code: 'SESSION_IDENTITY_MISSING',
        message: expect.stringContaining('context.orders'),
        issues: [{ option: 'session', code: 'returned-no-parameters', returned: 'undefined' }],
      },
    )
  })
})

describe('session policies', () => {
  const putCommand = new PutCommand({ TableName: TABLE, Item: { id: '1' } })
  const createClient = (options: object) =>
    crossAccountDynamo(options).clientFor({ event: {}, context: createLambdaContext() })

  test.each<[string, () => object]>([
    ['a scope', () => ({ scope: { tables: [TABLE], access: 'read' } })],
    [
      'a scope that the session function returns',
      () => ({ session: async () => ({ scope: { tables: [TABLE], access: ['GetItem'] } }) }),
    ],
    [
      'a policy document',
      () => ({
        policy: createPolicy(
          allowStatement('dynamodb:GetItem', { Resource: `arn:aws:dynamodb:*:*:table/${TABLE}` }),
        ),
      }),
    ],
    [
      'a policy text that the session function returns',
      () => ({
        session: () => ({
          policy: JSON.stringify(createPolicy(allowStatement('dynamodb:GetItem', { Resource: '*' }))),
        }),
      }),
    ],
    ['a managed policy', () => ({ policyArns: [MANAGED_POLICY_ARN] })],
  ])(
    'denies actions that the role allows and the session policy does not, with %s',
    async (_description, options) => {
      const client = await createClient(options())
      await expect(client.send(getCommand)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
      await expect(client.send(putCommand)).rejects.toThrow(
        /not authorized to perform: dynamodb:PutItem .* no session policy/,
      )
    },
  )

  test('denies actions that the scope allows and the role does not allow', async () => {
    const client = await createClient({ scope: { tables: [OTHER_TABLE], access: 'read-write' } })
    const otherTableCommand = new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } })
    await expect(client.send(otherTableCommand)).rejects.toThrow(/no identity-based policy/)
  })

  test('uses the scope in the environment variables', async () => {
    Object.assign(process.env, { CROSS_ACCOUNT_DYNAMO_TABLES: TABLE, CROSS_ACCOUNT_DYNAMO_ACCESS: 'write' })
    const client = await createClient({})
    await expect(client.send(putCommand)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    await expect(client.send(getCommand)).rejects.toThrow(/no session policy/)
  })
})
