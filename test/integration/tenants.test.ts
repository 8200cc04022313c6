/** Many tenants behind one function, over real HTTP: who gets which session, and what happens when nobody knows. Shows EVENT-2, EVENT-5, EVENT-6, CODE-2 and CODE-3 of SECURITY.md. */
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
import { eventually, functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const CUSTOMER = '333333333333'
const CUSTOMER_ROLE_ARN = `arn:aws:iam::${CUSTOMER}:role/OrdersRole`
const MANAGED = `arn:aws:iam::${ACCOUNT_B}:policy/ReadMyTable`
const MINUTE = 60_000

interface Event {
  tenant?: string
}

let sandbox: Sandbox
beforeAll(async () => {
  const [a, b, ...rest] = createTwoAccounts({ canTagSession: true })
  if (a === undefined || b === undefined) throw new Error('the createTwoAccounts has two accounts')
  const tableOfB = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
  sandbox = await startSandbox({
    accounts: [
      a,
      {
        ...b,
        managedPolicies: {
          [MANAGED]: createPolicy(allowStatement('dynamodb:GetItem', { Resource: tableOfB })),
        },
      },
      ...rest,
      {
        id: CUSTOMER,
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
        tables: b.tables ?? [],
      },
    ],
  })
  const execution = sandbox.getRole(EXECUTION_ROLE_ARN)
  execution.policies = [
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
  setEnvironment(functionVariables(sandbox))
})

const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const requests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')

const tenantSession = ({ event }: SessionRequest<Event>) => ({ sessionTags: { TenantId: event.tenant } })
const get = new GetCommand({ TableName: TABLE, Key: { id: '1' } })

const handlerOf = (middleware: CrossAccountDynamoMiddleware<'dynamo', true, Event>) =>
  middy()
    .use(middleware)
    .handler(async (_event, context) => {
      await context.dynamo.send(get)
      return context.dynamo
    })

/** A middleware's request, for looking at one invocation from inside. */
// biome-ignore lint/suspicious/noExplicitAny: what the middleware will add is not there yet
const requestOf = (event: Event): middy.Request<Event, unknown, Error, any, any> => ({
  event,
  context: lambdaContext(),
  internal: {},
  response: undefined,
  error: undefined,
})

// These tests run first, because requests of earlier middlewares would be counted.
describe('when the middleware is created', () => {
  test('with a static role and a session function, it opens the connection and assumes no role', async () => {
    await crossAccountDynamo({ session: tenantSession }).ready()
    expect(sandbox.calls.map(({ operation }) => operation)).toEqual(['Health'])
  })

  test('with a role that only the session function returns, it sends no request and opens no connection', async () => {
    const { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: _, ...variables } = functionVariables(sandbox)
    setEnvironment(variables)
    const session = () => ({ roleArn: CUSTOMER_ROLE_ARN, externalId: false as const })
    await crossAccountDynamo({ session }).ready()
    expect(sandbox.calls).toEqual([])
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 0 })
  })
})

describe('each tenant', () => {
  test('has a session with its own tags, and one AssumeRole however many ask at once', async () => {
    const handler = handlerOf(crossAccountDynamo({ session: tenantSession }))
    const tenants = ['acme', 'globex', 'initech']
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        handler({ tenant: tenants[index % 3] as string }, lambdaContext()),
      ),
    )
    expect(
      assumeRoles()
        .map(({ tags }) => tags?.TenantId)
        .sort(),
    ).toEqual(tenants)
    expect(requests()).toHaveLength(60)
    for (const tenant of tenants)
      expect(requests().filter(({ tags }) => tags?.TenantId === tenant)).toHaveLength(20)
  })

  test('has one client for as long as its session lives, and nobody else has it', async () => {
    const handler = handlerOf(crossAccountDynamo({ session: tenantSession }))
    const acme = await handler({ tenant: 'acme' }, lambdaContext())
    const globex = await handler({ tenant: 'globex' }, lambdaContext())
    expect(globex).not.toBe(acme)
    travel(50 * MINUTE)
    expect(await handler({ tenant: 'acme' }, lambdaContext())).toBe(acme)
    await eventually(() => assumeRoles().length === 3)
    expect(assumeRoles()[2]).toMatchObject({ tags: { TenantId: 'acme' } })
  })

  test('is served at once when its session is at hand: no promise, no call', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    await middleware.before?.(requestOf({ tenant: 'acme' }))
    const request = requestOf({ tenant: 'acme' })
    const calls = sandbox.calls.length
    expect(middleware.before?.(request)).toBeUndefined()
    expect(request.context).toHaveProperty('dynamo')
    expect(sandbox.calls).toHaveLength(calls)
  })

  test('has its own credentials, which its client asks for', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    const keyOf = async (tenant: string) => {
      const client = await middleware.clientFor({ event: { tenant }, context: lambdaContext() })
      return (await client.config.credentials()).accessKeyId
    }
    const [acme, globex, again] = [await keyOf('acme'), await keyOf('globex'), await keyOf('acme')]
    expect(acme).not.toBe(globex)
    expect(again).toBe(acme)
  })

  test.each<[string, SessionFunction<Event>]>([
    ['a synchronous', tenantSession],
    ['an asynchronous', async (request) => tenantSession(request)],
  ])(
    'with %s session function does not share its credentials with a middleware that keeps its first client',
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
      await expect(handler({ tenant: 'acme' }, lambdaContext())).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('awsClientAssumeRole'),
      })
      expect(sandbox.calls.filter(({ operation }) => operation === 'GetCallerIdentity')).toEqual([])
    },
  )

  test.each([1, 4])(
    'each tenant has its own session if the session function changes and returns the same object, %s at once',
    async (atOnce) => {
      const returned = { sessionTags: { TenantId: '' } }
      const middleware = crossAccountDynamo({
        session: ({ event }: SessionRequest<{ tenant: string }>) => {
          returned.sessionTags.TenantId = event.tenant
          return returned
        },
      })
      const handler = middy()
        .use(middleware)
        .handler(async ({ tenant }, context) => {
          await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: tenant } }))
        })
      const tenants = ['acme', 'globex', 'acme', 'globex']
      for (let first = 0; first < tenants.length; first += atOnce) {
        const group = tenants.slice(first, first + atOnce)
        await Promise.all(group.map((tenant) => handler({ tenant }, lambdaContext())))
      }
      expect(assumeRoles()).toHaveLength(2)
      expect(requests()).toHaveLength(tenants.length)
      for (const { input, tags } of requests()) expect(input).toHaveProperty('Key.id', { S: tags?.TenantId })
    },
  )

  test('waits for one AssumeRole, also where there are more tenants than sessions are kept', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession, maxSessions: 2 })
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        middleware.clientFor({ event: { tenant: `tenant-${index % 3}` }, context: lambdaContext() }),
      ),
    )
    expect(assumeRoles()).toHaveLength(3)
  })

  test('is known by Lambda’s tenant isolation mode, or by what an earlier middleware found', async () => {
    const byContext = middy()
      .use(
        crossAccountDynamo({ session: ({ context }) => ({ sessionTags: { TenantId: context.tenantId } }) }),
      )
      .handler(async (_event: unknown, context) => context.dynamo.send(get))
    await byContext({}, { ...lambdaContext(), tenantId: 'acme' })
    const byInternal = middy()
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
      .handler(async (_event: unknown, context) => context.dynamo.send(get))
    await byInternal({}, lambdaContext())
    expect(requests().map(({ tags }) => tags)).toEqual([{ TenantId: 'acme' }, { TenantId: 'globex' }])
  })

  test('shares the connections with all others', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    await middleware.ready()
    const handler = handlerOf(middleware)
    for (let tenant = 0; tenant < 20; tenant += 1)
      await handler({ tenant: `tenant-${tenant}` }, lambdaContext())
    expect(assumeRoles()).toHaveLength(20)
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
  })

  test('may end its client without ending the requests of others', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    const clientOf = (tenant: string) => middleware.clientFor({ event: { tenant }, context: lambdaContext() })
    const [acme, globex] = await Promise.all([clientOf('acme'), clientOf('globex')])
    sandbox.faults.inject({ service: 'dynamodb', kind: 'latency', ms: 50 })
    const sent = globex.send(get)
    await eventually(() => requests().length === 1)
    acme.destroy()
    await expect(sent).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    expect(requests()).toHaveLength(1)
  })

  test('meets the same sessions in every handler that uses the middleware', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    const client = await handlerOf(middleware)({ tenant: 'acme' }, lambdaContext())
    await expect(handlerOf(middleware)({ tenant: 'acme' }, lambdaContext())).resolves.toBe(client)
    await expect(middleware.clientFor({ event: { tenant: 'acme' }, context: lambdaContext() })).resolves.toBe(
      client,
    )
    expect(assumeRoles()).toHaveLength(1)
  })
})

test('a capture that keeps what it returned first gives nobody another’s client', async () => {
  let kept: DynamoDBClient | undefined
  const middleware = crossAccountDynamo({
    session: tenantSession,
    awsClientCapture: (client) => {
      kept ??= client
      return kept
    },
  })
  const clientOf = (tenant: string) => middleware.clientFor({ event: { tenant }, context: lambdaContext() })
  await clientOf('acme')
  await expect(clientOf('globex')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('awsClientCapture'),
  })
  await expect(clientOf('acme')).resolves.toBeDefined()
})

describe('a request of nobody', () => {
  test('reaches no table by a name that is an ARN', async () => {
    const middleware = crossAccountDynamo({
      session: async ({ event }: SessionRequest<Event>) => ({
        scope: { tables: [`${event.tenant}-orders`], access: 'read' },
      }),
    })
    await middleware.ready()
    const tenant = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/victim`
    await expect(handlerOf(middleware)({ tenant }, lambdaContext())).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
    })
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  test('reaches neither STS nor the handler, and leaves no client', async () => {
    const middleware = crossAccountDynamo({ session: tenantSession })
    await middleware.ready()
    const work = jest.fn(async () => {})
    const handler = middy().use(middleware).handler(work)
    const context = lambdaContext()
    await expect(handler({}, context)).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      issues: [{ option: 'sessionTags', code: 'returned-empty-tag', key: 'TenantId' }],
    })
    expect(work).not.toHaveBeenCalled()
    expect(context).not.toHaveProperty('dynamo')
    expect(sandbox.calls.filter(({ operation }) => operation !== 'Health')).toEqual([])
  })

  test('is not served with what the tenant before had', async () => {
    const middleware = crossAccountDynamo({
      session: async (request: SessionRequest<Event>) => tenantSession(request),
    })
    await handlerOf(middleware)({ tenant: 'acme' }, lambdaContext())
    const request = requestOf({})
    await expect(middleware.before?.(request)).rejects.toBeInstanceOf(CrossAccountDynamoError)
    expect(request.internal).toEqual({})
    expect(request.context).not.toHaveProperty('dynamo')
  })

  test('gets no client of an earlier invocation from a context that is used again', async () => {
    const seen: boolean[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session: tenantSession }))
      .onError(({ context }) => {
        seen.push('dynamo' in context)
      })
      .handler(async (_event, context) => {
        seen.push('dynamo' in context)
      })
    const context = lambdaContext()
    await handler({ tenant: 'acme' }, context)
    expect(context).not.toHaveProperty('dynamo')
    await expect(handler({}, context)).rejects.toThrow('SESSION_IDENTITY_MISSING')
    expect(seen).toEqual([true, false])
  })

  test('shows an HTTP client nothing', async () => {
    const handler = middy()
      .use(httpErrorHandler({ logger: () => {} }))
      .use(crossAccountDynamo({ session: tenantSession }))
      .handler(async () => ({ statusCode: 200 }))
    const answer = (await handler({}, lambdaContext())) as { statusCode: number; body?: string }
    expect(answer.statusCode).toBe(500)
    expect(JSON.stringify(answer)).not.toMatch(/TenantId|sessionTags|dynamo/)
  })
})

test('identities that STS refuses, in any number, cost the sessions of others neither calls nor clients', async () => {
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
    const handler = handlerOf(crossAccountDynamo({ session: tenantSession, maxSessions: 90 }))
    const valid = Array.from({ length: 90 }, (_, index) => `valid-${index}`)
    const invokeAll = async () => {
      const clients: unknown[] = []
      for (const tenant of valid) clients.push(await handler({ tenant }, lambdaContext()))
      return clients
    }
    const clients = await invokeAll()
    for (let index = 0; index < 100; index += 1) {
      const refused = handler({ tenant: `refused-${index}` }, lambdaContext())
      await expect(refused).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
    }
    const calls = assumeRoles().length
    const again = await invokeAll()
    expect(again.every((client, index) => client === clients[index])).toBe(true)
    expect(assumeRoles()).toHaveLength(calls)
  } finally {
    Object.assign(role, { trustPolicy })
  }
})

describe('no unhandled rejection comes from', () => {
  const unhandled = jest.fn()
  beforeEach(() => {
    unhandled.mockClear()
    process.on('unhandledRejection', unhandled)
  })
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
  const refuse = () =>
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    })

  test('a logger whose methods reject', async () => {
    const log = async () => Promise.reject(new Error('full'))
    refuse()
    const logger = { debug: log, info: log, warn: log, error: log } as unknown as Logger
    await expect(crossAccountDynamo({ logger }).ready()).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  })

  test('a frozen context while STS refuses', async () => {
    refuse()
    const handler = handlerOf(crossAccountDynamo({ session: tenantSession }))
    const invocation = handler({ tenant: 'acme' }, Object.freeze(lambdaContext()))
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
  ])('a getRemainingTimeInMillis that %s', async (_what, getRemainingTimeInMillis) => {
    refuse()
    const middleware = crossAccountDynamo({ session: tenantSession })
    const context = { ...lambdaContext(), getRemainingTimeInMillis }
    const client = middleware.clientFor({ event: { tenant: 'acme' }, context })
    await expect(client).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
    sandbox.faults.clear()
    const other = await middleware.clientFor({ event: { tenant: 'globex' }, context })
    await expect(other.send(get)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
  })
})

test.each([undefined, null, 'event'])('clientFor(%p) is an error of the configuration', async (request) => {
  const client = crossAccountDynamo({ session: tenantSession }).clientFor(request as never)
  await expect(client).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('user code cannot change the credentials of a session', async () => {
  const middleware = crossAccountDynamo({ sessionName: 'shared' })
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, context) => {
      const credentials = await context.dynamo.config.credentials()
      expect(() => Object.assign(credentials, { sessionToken: 'changed' })).toThrow(TypeError)
      credentials.expiration?.setTime(0)
      return context.dynamo.send(get)
    })
  await handler({}, lambdaContext())
  await handler({}, lambdaContext())
  expect(assumeRoles()).toHaveLength(1)
  expect(requests().map(({ status }) => status)).toEqual([200, 200])
})

test('two middlewares at one place of the context are an error, in each invocation', async () => {
  const work = jest.fn(async () => {})
  const handler = middy()
    .use(crossAccountDynamo())
    .use(crossAccountDynamo({ session: tenantSession }))
    .handler(work)
  for (let invocation = 0; invocation < 2; invocation += 1) {
    await expect(handler({ tenant: 'acme' }, lambdaContext())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/context\.dynamo\b.*\bcontextKey\b/),
    })
  }
  expect(work).not.toHaveBeenCalled()
})

test('a table may be in another Region than the function, whose own STS is asked all the same', async () => {
  const abroad = await startSandbox({
    accounts: createTwoAccounts({ region: 'eu-west-1' }),
    region: 'eu-west-1',
  })
  try {
    setEnvironment({ ...functionVariables(abroad), AWS_REGION: 'us-east-1' })
    const client = await crossAccountDynamo({ region: 'eu-west-1' }).clientFor({
      event: {},
      context: lambdaContext(),
    })
    await expect(client.send(get)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    const regions = abroad.calls
      .filter(({ operation }) => operation !== 'Health')
      .map(({ operation, region }) => [operation, region])
    expect(regions).toEqual([
      ['AssumeRole', 'us-east-1'],
      ['GetItem', 'eu-west-1'],
    ])
  } finally {
    await abroad.close()
  }
})

describe('a customer’s account', () => {
  const CUSTOMERS: Record<string, { roleArn: string; externalId: string }> = {
    own: { roleArn: TARGET_ROLE_ARN, externalId: 'example-external-id' },
    customer: { roleArn: CUSTOMER_ROLE_ARN, externalId: 'customer-external-id' },
    stranger: { roleArn: CUSTOMER_ROLE_ARN, externalId: 'another-external-id' },
  }
  const customers = () =>
    crossAccountDynamo({
      contextKey: 'orders',
      session: async ({ event }: SessionRequest<Event>) => CUSTOMERS[event.tenant ?? ''],
    })
  const handlerOfCustomers = () =>
    middy()
      .use(customers())
      .handler(async ({ tenant }, context) => {
        await context.orders.send(new PutCommand({ TableName: TABLE, Item: { id: 'whose', tenant } }))
        return context.orders.send(new GetCommand({ TableName: TABLE, Key: { id: 'whose' } }))
      })

  test('is reached by its own role and external ID', async () => {
    const handler = handlerOfCustomers()
    const [own, customer] = await Promise.all([
      handler({ tenant: 'own' }, lambdaContext()),
      handler({ tenant: 'customer' }, lambdaContext()),
    ])
    expect([own.Item, customer.Item]).toEqual([
      { id: 'whose', tenant: 'own' },
      { id: 'whose', tenant: 'customer' },
    ])
    expect(new Set(requests().map(({ accountId }) => accountId))).toEqual(new Set([ACCOUNT_B, CUSTOMER]))
  })

  test('is not reached by a stranger who names its role, and the error says whose client it was', async () => {
    const refused = handlerOfCustomers()({ tenant: 'stranger' }, lambdaContext())
    await expect(refused).rejects.toMatchObject({
      code: 'ASSUME_ROLE_DENIED',
      message: expect.stringContaining(`${CUSTOMER_ROLE_ARN} (context.orders)`),
    })
    expect(requests()).toEqual([])
  })

  test('an invocation in a customer’s account does not wait for the connection to the account of the static role', async () => {
    const middleware = crossAccountDynamo({
      session: ({ event }: SessionRequest<Event>) =>
        event.tenant === 'customer' ? CUSTOMERS.customer : { sessionTags: { TenantId: event.tenant } },
      disablePrefetch: true,
    })
    await middleware.before?.(requestOf({ tenant: 'customer' }))
    // An invocation in another account does not open a connection.
    expect(sandbox.calls.map(({ operation }) => operation)).toEqual(['AssumeRole'])
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 0 })

    sandbox.faults.inject({ service: 'dynamodb', operation: 'Health', kind: 'no-response' })
    const first = requestOf({ tenant: 'acme' })
    const started = middleware.before?.(first)
    await first.context.dynamo.config.credentials()
    expect(middleware.before?.(requestOf({ tenant: 'customer' }))).toBeUndefined()
    await middleware.clientFor({ event: { tenant: 'customer' }, context: lambdaContext() })
    // The connection is still opening: an invocation in the account of the static role has credentials, and waits only for it.
    const waiting = middleware.before?.(requestOf({ tenant: 'acme' }))
    expect(waiting).toBeInstanceOf(Promise)
    await Promise.all([started, waiting])
    expect(middleware.before?.(requestOf({ tenant: 'acme' }))).toBeUndefined()
    expect(sandbox.calls.map(({ operation }) => operation).sort()).toEqual([
      'AssumeRole',
      'AssumeRole',
      'Health',
    ])
  })

  test('gets no session if the customer is unknown', async () => {
    await expect(handlerOfCustomers()({ tenant: 'unknown' }, lambdaContext())).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      message: expect.stringContaining('context.orders'),
      issues: [{ option: 'session', code: 'returned-no-parameters', returned: 'undefined' }],
    })
  })
})

describe('a session policy', () => {
  const put = new PutCommand({ TableName: TABLE, Item: { id: '1' } })
  const clientWith = (options: object) =>
    crossAccountDynamo(options).clientFor({ event: {}, context: lambdaContext() })

  test.each<[string, () => object]>([
    ['of a scope', () => ({ scope: { tables: [TABLE], access: 'read' } })],
    [
      'of a scope that the session function returns',
      () => ({ session: async () => ({ scope: { tables: [TABLE], access: ['GetItem'] } }) }),
    ],
    [
      'as a document',
      () => ({
        policy: createPolicy(
          allowStatement('dynamodb:GetItem', { Resource: `arn:aws:dynamodb:*:*:table/${TABLE}` }),
        ),
      }),
    ],
    [
      'as text that the session function returns',
      () => ({
        session: () => ({
          policy: JSON.stringify(createPolicy(allowStatement('dynamodb:GetItem', { Resource: '*' }))),
        }),
      }),
    ],
    ['that is managed', () => ({ policyArns: [MANAGED] })],
  ])('%s takes away from what the role may do', async (_what, options) => {
    const client = await clientWith(options())
    await expect(client.send(get)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    await expect(client.send(put)).rejects.toThrow(
      /not authorized to perform: dynamodb:PutItem .* no session policy/,
    )
  })

  test('adds nothing to it', async () => {
    const client = await clientWith({ scope: { tables: [OTHER_TABLE], access: 'read-write' } })
    const other = new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } })
    await expect(client.send(other)).rejects.toThrow(/no identity-based policy/)
  })

  test('from the environment holds for all', async () => {
    Object.assign(process.env, { CROSS_ACCOUNT_DYNAMO_TABLES: TABLE, CROSS_ACCOUNT_DYNAMO_ACCESS: 'write' })
    const client = await clientWith({})
    await expect(client.send(put)).resolves.toHaveProperty('$metadata.httpStatusCode', 200)
    await expect(client.send(get)).rejects.toThrow(/no session policy/)
  })
})
