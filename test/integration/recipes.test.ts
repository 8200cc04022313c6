/** The recipes for several targets run, with the policies that they show and no others; what is another's is refused. */
import { GetCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import type { EventBridgeEvent, SQSEvent } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { apiEvent } from '../../examples/local/events.ts'
import { type Sandbox, type SandboxAccount, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy } from '../sandbox/policies.ts'
import { createRecipeAccounts, defineTable } from '../sandbox/recipes.ts'
import { createTenantAccounts, ORDERS_TABLE_ARN } from '../sandbox/tenant-accounts.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { lambdaContext, runtimeVariables, setEnvironment, travel } from './lambda.ts'

const ACCOUNT_C = '333333333333'
const ACCOUNT_D = '444444444444'

let sandbox: Sandbox
/** What the tests of a `describe` share; its handler is loaded once, as in an execution environment. */
const start = async (accounts: SandboxAccount[], variables: Record<string, string>): Promise<void> => {
  sandbox = await startSandbox({ accounts })
  setEnvironment({ ...runtimeVariables(sandbox), ...variables })
}
afterEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
})

const roleIn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`
const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const requests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')
/** What no invocation may cause that has no session; the early connection may come at any time, and is nobody's. */
const signedCalls = () => sandbox.calls.filter(({ operation }) => operation !== 'Health')

/** What an HTTP client gets to read. */
const bodyOf = (answer: { statusCode: number; body?: string }): unknown => JSON.parse(answer.body ?? 'null')

const ORDERS = [defineTable('Orders', 'tenant', 'order')]
const EXTERNAL = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID }
const POOLED = { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleIn(ACCOUNT_B, 'TenantOrders'), ...EXTERNAL }
const seedOrders = () =>
  sandbox.getAccount(ACCOUNT_B).seed(
    'Orders',
    ['acme', 'globex'].map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' }, of: { S: tenant } })),
  )

describe('pooled-tenants', () => {
  let handler: typeof import('../../examples/pooled-tenants/handler.ts').handler
  beforeAll(async () => {
    await start(createRecipeAccounts('pooled-tenants', { [ACCOUNT_B]: ORDERS }), POOLED)
    await seedOrders()
    ;({ handler } = await import('../../examples/pooled-tenants/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const read = (claims: Record<string, string>, tenant: string) =>
    handler(apiEvent(claims, { tenant, order: '1' }), lambdaContext()).then(bodyOf)
  const orderOf = (tenant: string) => ({ tenant, order: '1', of: tenant })

  test('each tenant reads its own order, and only the first request of each waits for STS', async () => {
    for (const tenant of ['acme', 'globex', 'acme', 'globex'])
      await expect(read({ tenantId: tenant }, tenant)).resolves.toEqual(orderOf(tenant))
    expect(assumeRoles().map(({ tags }) => tags)).toEqual([{ TenantId: 'acme' }, { TenantId: 'globex' }])
  })

  test('many at once are not mixed up', async () => {
    const asked = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'acme' : 'globex'))
    const answers = await Promise.all(asked.map((tenant) => read({ tenantId: tenant }, tenant)))
    expect(answers).toEqual(asked.map(orderOf))
  })

  test('another tenant’s order is refused by IAM', async () => {
    await expect(read({ tenantId: 'acme' }, 'globex')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('is not authorized to perform: dynamodb:GetItem'),
    })
    expect(requests()).toMatchObject([{ tags: { TenantId: 'acme' }, error: 'AccessDeniedException' }])
  })

  test.each([
    ['no tenant', {}],
    ['an empty one', { tenantId: '' }],
    ['one that no tag can hold', { tenantId: 'acme*' }],
  ])('a token with %s gets no session, and AWS is not asked', async (_what, claims) => {
    await expect(read(claims as Record<string, string>, 'acme')).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
    })
    expect(signedCalls()).toEqual([])
  })

  test('in tenant isolation mode the tenant is the context’s', async () => {
    const isolated = middy()
      .use(
        crossAccountDynamo({ session: ({ context }) => ({ sessionTags: { TenantId: context.tenantId } }) }),
      )
      .handler(async (event: { tenant: string }, context) => {
        const Key = { tenant: event.tenant, order: '1' }
        return (await context.dynamo.send(new GetCommand({ TableName: 'Orders', Key }))).Item
      })
    const ofAcme = () => ({ ...lambdaContext(), tenantId: 'acme' })
    await expect(isolated({ tenant: 'acme' }, ofAcme())).resolves.toEqual(orderOf('acme'))
    await expect(isolated({ tenant: 'globex' }, ofAcme())).rejects.toThrow('not authorized')
    await expect(isolated({ tenant: 'acme' }, lambdaContext())).rejects.toThrow('SESSION_IDENTITY_MISSING')
  })
})

describe('table-per-tenant', () => {
  let handler: typeof import('../../examples/table-per-tenant/handler.ts').handler
  beforeAll(async () => {
    const tables = ['acme', 'globex', 'undefined'].map((tenant) => defineTable(`orders-${tenant}`, 'order'))
    await start(createRecipeAccounts('table-per-tenant', { [ACCOUNT_B]: tables }), {
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleIn(ACCOUNT_B, 'TenantTables'),
      ...EXTERNAL,
    })
    ;({ handler } = await import('../../examples/table-per-tenant/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const ask = (claims: Record<string, string>, tenant: string, body?: object) =>
    handler(apiEvent(claims, { tenant, order: '1' }, body), lambdaContext()).then(bodyOf)

  test('each tenant writes and reads its own table', async () => {
    for (const tenant of ['acme', 'globex'])
      await expect(ask({ tenantId: tenant }, tenant, { of: tenant })).resolves.toEqual({
        order: '1',
        of: tenant,
      })
    await expect(ask({ tenantId: 'acme' }, 'acme')).resolves.toEqual({ order: '1', of: 'acme' })
  })

  test.each([
    ['GetItem', undefined],
    ['PutItem', { of: 'acme' }],
  ])('%s of another tenant’s is refused, by the session policy', async (action, body) => {
    await expect(ask({ tenantId: 'acme' }, 'globex', body)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(`dynamodb:${action} .*/orders-globex because no session policy allows`),
    })
  })

  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM
  test.each(['*', 'acme*', 'glob?x', '${aws:PrincipalAccount}', '../orders-globex', 'a/index/b', 'a b', 'ä'])(
    'a tenant %j, which no table name can contain, gets no session, and AWS is not called',
    async (tenantId) => {
      const issue = {
        option: 'scope',
        path: 'tables',
        code: 'invalid-table-name',
        value: `orders-${tenantId}`,
      }
      await expect(ask({ tenantId }, 'globex')).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [issue],
      })
      expect(signedCalls()).toEqual([])
    },
  )

  test.each([{}, { tenantId: '' }])(
    'a token with the claims %j gets no session, and AWS is not called',
    async (claims) => {
      await expect(ask(claims as Record<string, string>, 'undefined')).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [{ option: 'session', code: 'function-threw' }],
      })
      expect(signedCalls()).toEqual([])
    },
  )
})

describe('customer-accounts', () => {
  const ACME = roleIn(ACCOUNT_C, 'OrdersReader')
  const GLOBEX = roleIn(ACCOUNT_D, 'OrdersReader')
  let handler: typeof import('../../examples/customer-accounts/handler.ts').handler
  beforeAll(async () => {
    const tables = {
      [ACCOUNT_A]: [defineTable('Customers', 'customerId')],
      [ACCOUNT_C]: [defineTable('Orders', 'order')],
      [ACCOUNT_D]: [defineTable('Orders', 'order')],
    }
    await start(createRecipeAccounts('customer-accounts', tables), {})
    const customers = [
      ['acme', ACME, 'example-external-id-of-acme'],
      ['globex', GLOBEX, 'example-external-id-of-globex'],
      ['mallory', ACME, 'example-external-id-of-mallory'],
      // What mallory would be, if customers could choose.
      ['chooser', ACME, 'example-external-id-of-acme'],
    ].map(([customerId = '', roleArn = '', externalId = '']) => ({
      customerId: { S: customerId },
      roleArn: { S: roleArn },
      externalId: { S: externalId },
    }))
    await sandbox.getAccount(ACCOUNT_A).seed('Customers', customers)
    await sandbox.getAccount(ACCOUNT_C).seed('Orders', [{ order: { S: '1' }, of: { S: 'acme' } }])
    await sandbox.getAccount(ACCOUNT_D).seed('Orders', [{ order: { S: '1' }, of: { S: 'globex' } }])
    ;({ handler } = await import('../../examples/customer-accounts/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const read = (customerId: string) => {
    const event = { detail: { customerId, order: '1' } }
    return handler(event as EventBridgeEvent<'Order placed', typeof event.detail>, lambdaContext())
  }
  const inCustomersAccounts = () => requests().filter(({ accountId }) => accountId !== ACCOUNT_A)

  test('each customer’s order is read in that customer’s account', async () => {
    await expect(read('acme')).resolves.toEqual({ order: '1', of: 'acme' })
    await expect(read('globex')).resolves.toEqual({ order: '1', of: 'globex' })
    expect(assumeRoles().map(({ roleArn }) => roleArn)).toEqual([ACME, GLOBEX])
    expect(inCustomersAccounts().map(({ accountId }) => accountId)).toEqual([ACCOUNT_C, ACCOUNT_D])
  })

  test('a customer who names another’s role is refused by it, since the external ID is ours', async () => {
    await expect(read('mallory')).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
    expect(inCustomersAccounts()).toEqual([])
    await expect(read('chooser')).resolves.toEqual({ order: '1', of: 'acme' })
  })

  test('an unknown customer costs one lookup, and gets no session', async () => {
    await expect(read('unknown')).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      issues: [{ option: 'session', code: 'returned-no-parameters', returned: 'undefined' }],
    })
    expect(signedCalls()).toMatchObject([{ operation: 'GetItem', table: 'Customers', accountId: ACCOUNT_A }])
  })
})

describe('two-accounts', () => {
  const AUDIT = roleIn(ACCOUNT_C, 'AuditWriter')
  let handler: typeof import('../../examples/two-accounts/handler.ts').handler
  beforeAll(async () => {
    const tables = {
      [ACCOUNT_B]: [defineTable('Orders', 'order')],
      [ACCOUNT_C]: [defineTable('Reads', 'request')],
    }
    await start(createRecipeAccounts('two-accounts', tables), {
      ORDERS_DYNAMO_ROLE_ARN: roleIn(ACCOUNT_B, 'OrdersReader'),
      ORDERS_DYNAMO_EXTERNAL_ID: 'example-external-id-for-orders',
      AUDIT_DYNAMO_ROLE_ARN: AUDIT,
      AUDIT_DYNAMO_EXTERNAL_ID: 'example-external-id-for-audit',
    })
    await sandbox.getAccount(ACCOUNT_B).seed('Orders', [{ order: { S: '1' } }])
    ;({ handler } = await import('../../examples/two-accounts/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const read = () => handler(apiEvent({}, { order: '1' }), lambdaContext()).then(bodyOf)
  const seen = () => requests().map(({ operation, table, accountId }) => [operation, table, accountId])

  test('notes the read in one account, and reads the order in the other', async () => {
    await expect(read()).resolves.toEqual({ order: '1' })
    expect(seen()).toEqual([
      ['PutItem', 'Reads', ACCOUNT_C],
      ['GetItem', 'Orders', ACCOUNT_B],
    ])
  })

  test('what cannot be noted is not read', async () => {
    sandbox.getRole(AUDIT).policies = []
    await expect(read()).rejects.toThrow(
      `assumed-role/AuditWriter/orders-function is not authorized to perform: dynamodb:PutItem`,
    )
    expect(seen()).toEqual([['PutItem', 'Reads', ACCOUNT_C]])
  })
})

describe('a scope with leadingKeys', () => {
  beforeAll(async () => {
    await start(createTenantAccounts(), { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN, ...EXTERNAL })
    sandbox.getRole(TARGET_ROLE_ARN).policies = [
      createPolicy(
        allowStatement('dynamodb:*', { Resource: [ORDERS_TABLE_ARN, `${ORDERS_TABLE_ARN}/index/*`] }),
      ),
    ]
  })
  afterAll(() => sandbox.close())

  const TableName = 'Orders'
  const get = (tenant: string) => new GetCommand({ TableName, Key: { tenant, order: '1' } })
  const ofRegion = (region: string) =>
    new QueryCommand({
      TableName,
      IndexName: 'byRegion',
      KeyConditionExpression: '#r = :r',
      ExpressionAttributeNames: { '#r': 'region' },
      ExpressionAttributeValues: { ':r': region },
    })
  const dynamo = () =>
    crossAccountDynamo({
      session: ({ event }) => ({
        scope: { tables: [TableName], access: 'read', indexes: true, leadingKeys: [event.tenant] },
      }),
    })
  const clientOf = (tenant: unknown, from = dynamo()) =>
    from.clientFor({ event: { tenant }, context: lambdaContext() })
  const refused = (action: string) => `dynamodb:${action} on resource`

  test('reaches what has that key, in the table and in an index by the index’s own, and nothing by Scan', async () => {
    const acme = await clientOf('acme')
    await acme.send(get('acme'))
    await expect(acme.send(get('globex'))).rejects.toThrow(refused('GetItem'))
    await acme.send(ofRegion('acme'))
    await expect(acme.send(ofRegion('eu'))).rejects.toThrow(refused('Query'))
    await expect(acme.send(new ScanCommand({ TableName }))).rejects.toThrow(refused('Scan'))
  })

  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM
  test.each(['*', 'acm?', '${aws:PrincipalAccount}'])('takes %j for a key like any other', async (tenant) => {
    const client = await clientOf(tenant)
    await client.send(get(tenant))
    for (const other of ['acme', ACCOUNT_B])
      await expect(client.send(get(other))).rejects.toThrow(refused('GetItem'))
  })

  test('makes a client for each tenant, that shares neither credentials nor retries nor a request handler', async () => {
    const one = dynamo()
    const acme = (await clientOf('acme', one)).config
    const globex = (await clientOf('globex', one)).config
    expect(await acme.retryStrategy()).not.toBe(await globex.retryStrategy())
    expect((await acme.credentials()).accessKeyId).not.toBe((await globex.credentials()).accessKeyId)
    expect(acme.requestHandler).not.toBe(globex.requestHandler)
  })

  test.each([undefined, null, '', { prefix: 'g' }, ['g']])('is no scope with the key %j', async (tenant) => {
    await expect(clientOf(tenant)).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
    expect(signedCalls()).toEqual([])
  })
})

describe('sqs-batch', () => {
  let handler: typeof import('../../examples/sqs-batch/handler.ts').handler
  beforeAll(async () => {
    await start(createRecipeAccounts('pooled-tenants', { [ACCOUNT_B]: ORDERS }), POOLED)
    ;({ handler } = await import('../../examples/sqs-batch/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const record = (messageId: string, sender: string | undefined, body: string) => ({
    messageId,
    body,
    messageAttributes: sender === undefined ? {} : { TenantId: { stringValue: sender, dataType: 'String' } },
  })
  const order = (tenant: string, number: string) => JSON.stringify({ tenant, order: number })
  const run = (...records: ReturnType<typeof record>[]) =>
    handler({ Records: records } as SQSEvent, lambdaContext())
  const stored = async () => {
    const { body } = await sandbox.getAccount(ACCOUNT_B).engine.send('Scan', { TableName: 'Orders' })
    const items = JSON.parse(body).Items as { tenant: { S: string }; order: { S: string } }[]
    return items.map((item) => `${item.tenant.S} ${item.order.S}`).sort()
  }

  test('stores what is right, and says which records to try again', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {})
    const response = await run(
      record('right', 'acme', order('acme', '1')),
      record('no tenant', undefined, order('acme', '2')),
      record('another’s order', 'acme', order('globex', '3')),
      record('no order', 'globex', 'nonsense'),
      record('right as well', 'globex', order('globex', '4')),
    )
    const failed = response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
    expect(failed.toSorted()).toEqual(['another’s order', 'no order', 'no tenant'])
    await expect(stored()).resolves.toEqual(['acme 1', 'globex 4'])
    expect(Object.fromEntries(log.mock.calls.map(([id, error]) => [id, (error as Error).name]))).toEqual({
      'no tenant': 'CrossAccountDynamoError',
      'another’s order': 'AccessDeniedException',
      'no order': 'SyntaxError',
    })
    expect(
      assumeRoles()
        .map(({ tags }) => tags?.TenantId)
        .sort(),
    ).toEqual(['acme', 'globex'])
  })

  test('a batch asks STS once for each tenant, and the next one not at all', async () => {
    const batch = () =>
      run(
        ...['5', '6', '7'].flatMap((number) => [
          record(`acme ${number}`, 'acme', order('acme', number)),
          record(`globex ${number}`, 'globex', order('globex', number)),
        ]),
      )
    travel(61 * 60_000)
    await expect(batch()).resolves.toEqual({ batchItemFailures: [] })
    expect(assumeRoles()).toHaveLength(2)
    await expect(batch()).resolves.toEqual({ batchItemFailures: [] })
    expect(assumeRoles()).toHaveLength(2)
    expect(requests()).toHaveLength(12)
  })
})
