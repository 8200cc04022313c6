/** Tests the examples with several tenants, customers or accounts, with only the policies in their folders. */
import { GetCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import type { EventBridgeEvent, SQSEvent } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { apiEvent } from '../../examples/local/events.ts'
import { type Sandbox, type SandboxAccount, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy } from '../sandbox/policies.ts'
import { createRecipeAccounts, defineTable, readRecipePolicies } from '../sandbox/recipes.ts'
import { createTenantAccounts, ORDERS_TABLE_ARN } from '../sandbox/tenant-accounts.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { advanceTime, createLambdaContext, createRuntimeVariables, setEnvironment } from './lambda.ts'

const ACCOUNT_C = '333333333333'
const ACCOUNT_D = '444444444444'

let sandbox: Sandbox
/** Starts the sandbox of one `describe`. Its handler is imported once, as in an execution environment. */
const startExample = async (accounts: SandboxAccount[], variables: Record<string, string>): Promise<void> => {
  sandbox = await startSandbox({ accounts })
  setEnvironment({ ...createRuntimeVariables(sandbox), ...variables })
}
afterEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
})

const toRoleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`
const getAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
const getDynamoDbRequests = () =>
  sandbox.calls.filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')
/** Returns all calls except GET /, which opens the connection to DynamoDB, is not signed, and can be sent at any time. */
const getSignedCalls = () => sandbox.calls.filter(({ operation }) => operation !== 'Health')

const parseBody = (response: { statusCode: number; body?: string }): unknown =>
  JSON.parse(response.body ?? 'null')

const ORDERS_TABLES = [defineTable('Orders', 'tenant', 'order')]
const EXTERNAL_ID_VARIABLE = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID }
const POOLED_TENANTS_VARIABLES = {
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: toRoleArn(ACCOUNT_B, 'TenantOrders'),
  ...EXTERNAL_ID_VARIABLE,
}
const seedOrders = () =>
  sandbox.getAccount(ACCOUNT_B).seed(
    'Orders',
    ['acme', 'globex'].map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' }, owner: { S: tenant } })),
  )

describe('pooled-tenants', () => {
  test('the policies are those that the policies command writes for the tenant tag', () => {
    const executionRoleArn = toRoleArn(ACCOUNT_A, 'LambdaExecutionRole')
    const roleArn = toRoleArn(ACCOUNT_B, 'TenantOrders')
    const { trustPolicy, permissionsPolicy, callerPolicy } = crossAccountPolicies({
      roleArn,
      executionRoleArn,
      externalId: EXTERNAL_ID,
      tables: ['Orders'],
      access: ['GetItem', 'PutItem', 'Query'],
      region: 'us-east-1',
      tenantTag: 'TenantId',
    })
    expect(readRecipePolicies('pooled-tenants')).toEqual({
      [executionRoleArn]: { permissions: callerPolicy },
      [roleArn]: { trust: trustPolicy, permissions: permissionsPolicy },
    })
  })

  let handler: typeof import('../../examples/pooled-tenants/handler.ts').handler
  beforeAll(async () => {
    await startExample(
      createRecipeAccounts('pooled-tenants', { [ACCOUNT_B]: ORDERS_TABLES }),
      POOLED_TENANTS_VARIABLES,
    )
    await seedOrders()
    ;({ handler } = await import('../../examples/pooled-tenants/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const requestOrder = (claims: Record<string, string>, tenant: string) =>
    handler(apiEvent(claims, { tenant, order: '1' }), createLambdaContext()).then(parseBody)
  const createExpectedOrder = (tenant: string) => ({ tenant, order: '1', owner: tenant })

  test('each tenant reads its own order, and STS is called once for each tenant', async () => {
    for (const tenant of ['acme', 'globex', 'acme', 'globex'])
      await expect(requestOrder({ tenantId: tenant }, tenant)).resolves.toEqual(createExpectedOrder(tenant))
    expect(getAssumeRoleCalls().map(({ tags }) => tags)).toEqual([
      { TenantId: 'acme' },
      { TenantId: 'globex' },
    ])
  })

  test('concurrent requests of two tenants get the order of their own tenant', async () => {
    const tenants = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'acme' : 'globex'))
    const orders = await Promise.all(tenants.map((tenant) => requestOrder({ tenantId: tenant }, tenant)))
    expect(orders).toEqual(tenants.map(createExpectedOrder))
  })

  test('IAM denies a request for an order of another tenant', async () => {
    await expect(requestOrder({ tenantId: 'acme' }, 'globex')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('is not authorized to perform: dynamodb:GetItem'),
    })
    expect(getDynamoDbRequests()).toMatchObject([
      { tags: { TenantId: 'acme' }, error: 'AccessDeniedException' },
    ])
  })

  test.each([
    ['no tenant', {}],
    ['an empty tenant', { tenantId: '' }],
    ['a tenant that is not a valid tag value', { tenantId: 'acme*' }],
  ])('a JWT with %s gets no session, and AWS is not called', async (_case, claims) => {
    await expect(requestOrder(claims as Record<string, string>, 'acme')).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
    })
    expect(getSignedCalls()).toEqual([])
  })

  test('in the tenant isolation mode of Lambda, the session function reads the tenant from the context', async () => {
    const isolatedHandler = middy()
      .use(
        crossAccountDynamo({ session: ({ context }) => ({ sessionTags: { TenantId: context.tenantId } }) }),
      )
      .handler(async (event: { tenant: string }, context) => {
        const Key = { tenant: event.tenant, order: '1' }
        return (await context.dynamo.send(new GetCommand({ TableName: 'Orders', Key }))).Item
      })
    const createTenantContext = () => ({ ...createLambdaContext(), tenantId: 'acme' })
    await expect(isolatedHandler({ tenant: 'acme' }, createTenantContext())).resolves.toEqual(
      createExpectedOrder('acme'),
    )
    await expect(isolatedHandler({ tenant: 'globex' }, createTenantContext())).rejects.toThrow(
      'not authorized',
    )
    await expect(isolatedHandler({ tenant: 'acme' }, createLambdaContext())).rejects.toThrow(
      'SESSION_IDENTITY_MISSING',
    )
  })
})

describe('table-per-tenant', () => {
  let handler: typeof import('../../examples/table-per-tenant/handler.ts').handler
  beforeAll(async () => {
    const tables = ['acme', 'globex', 'undefined'].map((tenant) => defineTable(`orders-${tenant}`, 'order'))
    await startExample(createRecipeAccounts('table-per-tenant', { [ACCOUNT_B]: tables }), {
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: toRoleArn(ACCOUNT_B, 'TenantTables'),
      ...EXTERNAL_ID_VARIABLE,
    })
    ;({ handler } = await import('../../examples/table-per-tenant/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const requestOrder = (claims: Record<string, string>, tenant: string, body?: object) =>
    handler(apiEvent(claims, { tenant, order: '1' }, body), createLambdaContext()).then(parseBody)

  test('each tenant writes to and reads from its own table', async () => {
    for (const tenant of ['acme', 'globex'])
      await expect(requestOrder({ tenantId: tenant }, tenant, { owner: tenant })).resolves.toEqual({
        order: '1',
        owner: tenant,
      })
    await expect(requestOrder({ tenantId: 'acme' }, 'acme')).resolves.toEqual({ order: '1', owner: 'acme' })
  })

  test.each([
    ['GetItem', undefined],
    ['PutItem', { owner: 'acme' }],
  ])('the session policy denies %s on the table of another tenant', async (action, body) => {
    await expect(requestOrder({ tenantId: 'acme' }, 'globex', body)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(`dynamodb:${action} .*/orders-globex because no session policy allows`),
    })
  })

  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a policy variable of IAM
  test.each(['*', 'acme*', 'glob?x', '${aws:PrincipalAccount}', '../orders-globex', 'a/index/b', 'a b', 'ä'])(
    'a tenant %j, which makes the table name invalid, gets no session, and AWS is not called',
    async (tenantId) => {
      const issue = {
        option: 'scope',
        path: 'tables',
        code: 'invalid-table-name',
        value: `orders-${tenantId}`,
      }
      await expect(requestOrder({ tenantId }, 'globex')).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [issue],
      })
      expect(getSignedCalls()).toEqual([])
    },
  )

  test.each([{}, { tenantId: '' }])(
    'a JWT with the claims %j gets no session, and AWS is not called',
    async (claims) => {
      await expect(requestOrder(claims as Record<string, string>, 'undefined')).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [{ option: 'session', code: 'function-threw' }],
      })
      expect(getSignedCalls()).toEqual([])
    },
  )
})

describe('customer-accounts', () => {
  const ACME_ROLE_ARN = toRoleArn(ACCOUNT_C, 'OrdersReader')
  const GLOBEX_ROLE_ARN = toRoleArn(ACCOUNT_D, 'OrdersReader')
  let handler: typeof import('../../examples/customer-accounts/handler.ts').handler
  beforeAll(async () => {
    const tables = {
      [ACCOUNT_A]: [defineTable('Customers', 'customerId')],
      [ACCOUNT_C]: [defineTable('Orders', 'order')],
      [ACCOUNT_D]: [defineTable('Orders', 'order')],
    }
    await startExample(createRecipeAccounts('customer-accounts', tables), {})
    const customers = [
      ['acme', ACME_ROLE_ARN, 'example-external-id-of-acme'],
      ['globex', GLOBEX_ROLE_ARN, 'example-external-id-of-globex'],
      ['mallory', ACME_ROLE_ARN, 'example-external-id-of-mallory'],
      // A customer like this exists only if customers can choose their external ID.
      ['chooser', ACME_ROLE_ARN, 'example-external-id-of-acme'],
    ].map(([customerId = '', roleArn = '', externalId = '']) => ({
      customerId: { S: customerId },
      roleArn: { S: roleArn },
      externalId: { S: externalId },
    }))
    await sandbox.getAccount(ACCOUNT_A).seed('Customers', customers)
    await sandbox.getAccount(ACCOUNT_C).seed('Orders', [{ order: { S: '1' }, owner: { S: 'acme' } }])
    await sandbox.getAccount(ACCOUNT_D).seed('Orders', [{ order: { S: '1' }, owner: { S: 'globex' } }])
    ;({ handler } = await import('../../examples/customer-accounts/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const readOrder = (customerId: string) => {
    const event = { detail: { customerId, order: '1' } }
    return handler(event as EventBridgeEvent<'Order placed', typeof event.detail>, createLambdaContext())
  }
  const getCustomerAccountRequests = () =>
    getDynamoDbRequests().filter(({ accountId }) => accountId !== ACCOUNT_A)

  test('the order of each customer is read from the account of that customer', async () => {
    await expect(readOrder('acme')).resolves.toEqual({ order: '1', owner: 'acme' })
    await expect(readOrder('globex')).resolves.toEqual({ order: '1', owner: 'globex' })
    expect(getAssumeRoleCalls().map(({ roleArn }) => roleArn)).toEqual([ACME_ROLE_ARN, GLOBEX_ROLE_ARN])
    expect(getCustomerAccountRequests().map(({ accountId }) => accountId)).toEqual([ACCOUNT_C, ACCOUNT_D])
  })

  test('a customer that registers the role of another customer is denied, because its external ID differs', async () => {
    await expect(readOrder('mallory')).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
    expect(getCustomerAccountRequests()).toEqual([])
    await expect(readOrder('chooser')).resolves.toEqual({ order: '1', owner: 'acme' })
  })

  test('an unknown customer gets no session after one lookup in the table of customers', async () => {
    await expect(readOrder('unknown')).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      issues: [{ option: 'session', code: 'returned-no-parameters', returned: 'undefined' }],
    })
    expect(getSignedCalls()).toMatchObject([
      { operation: 'GetItem', table: 'Customers', accountId: ACCOUNT_A },
    ])
  })
})

describe('two-accounts', () => {
  const AUDIT_ROLE_ARN = toRoleArn(ACCOUNT_C, 'AuditWriter')
  let handler: typeof import('../../examples/two-accounts/handler.ts').handler
  beforeAll(async () => {
    const tables = {
      [ACCOUNT_B]: [defineTable('Orders', 'order')],
      [ACCOUNT_C]: [defineTable('Reads', 'request')],
    }
    await startExample(createRecipeAccounts('two-accounts', tables), {
      ORDERS_DYNAMO_ROLE_ARN: toRoleArn(ACCOUNT_B, 'OrdersReader'),
      ORDERS_DYNAMO_EXTERNAL_ID: 'example-external-id-for-orders',
      AUDIT_DYNAMO_ROLE_ARN: AUDIT_ROLE_ARN,
      AUDIT_DYNAMO_EXTERNAL_ID: 'example-external-id-for-audit',
    })
    await sandbox.getAccount(ACCOUNT_B).seed('Orders', [{ order: { S: '1' } }])
    ;({ handler } = await import('../../examples/two-accounts/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const readOrder = () => handler(apiEvent({}, { order: '1' }), createLambdaContext()).then(parseBody)
  const summarizeRequests = () =>
    getDynamoDbRequests().map(({ operation, table, accountId }) => [operation, table, accountId])

  test('an audit record is written in one account before the order is read in the other account', async () => {
    await expect(readOrder()).resolves.toEqual({ order: '1' })
    expect(summarizeRequests()).toEqual([
      ['PutItem', 'Reads', ACCOUNT_C],
      ['GetItem', 'Orders', ACCOUNT_B],
    ])
  })

  test('an order is not read if the audit record cannot be written', async () => {
    sandbox.getRole(AUDIT_ROLE_ARN).policies = []
    await expect(readOrder()).rejects.toThrow(
      `assumed-role/AuditWriter/orders-function is not authorized to perform: dynamodb:PutItem`,
    )
    expect(summarizeRequests()).toEqual([['PutItem', 'Reads', ACCOUNT_C]])
  })
})

describe('a scope with leadingKeys', () => {
  beforeAll(async () => {
    await startExample(createTenantAccounts(), {
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN,
      ...EXTERNAL_ID_VARIABLE,
    })
    sandbox.getRole(TARGET_ROLE_ARN).policies = [
      createPolicy(
        allowStatement('dynamodb:*', { Resource: [ORDERS_TABLE_ARN, `${ORDERS_TABLE_ARN}/index/*`] }),
      ),
    ]
  })
  afterAll(() => sandbox.close())

  const TableName = 'Orders'
  const createGetCommand = (tenant: string) => new GetCommand({ TableName, Key: { tenant, order: '1' } })
  const createIndexQuery = (region: string) =>
    new QueryCommand({
      TableName,
      IndexName: 'byRegion',
      KeyConditionExpression: '#r = :r',
      ExpressionAttributeNames: { '#r': 'region' },
      ExpressionAttributeValues: { ':r': region },
    })
  const createMiddleware = () =>
    crossAccountDynamo({
      session: ({ event }) => ({
        scope: { tables: [TableName], access: 'read', indexes: true, leadingKeys: [event.tenant] },
      }),
    })
  const openClient = (tenant: unknown, middleware = createMiddleware()) =>
    middleware.clientFor({ event: { tenant }, context: createLambdaContext() })
  const formatDenial = (action: string) => `dynamodb:${action} on resource`

  test('a scope with leadingKeys allows items and index entries with that partition key, and denies Scan', async () => {
    const acme = await openClient('acme')
    await acme.send(createGetCommand('acme'))
    await expect(acme.send(createGetCommand('globex'))).rejects.toThrow(formatDenial('GetItem'))
    await acme.send(createIndexQuery('acme'))
    await expect(acme.send(createIndexQuery('eu'))).rejects.toThrow(formatDenial('Query'))
    await expect(acme.send(new ScanCommand({ TableName }))).rejects.toThrow(formatDenial('Scan'))
  })

  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a policy variable of IAM
  test.each(['*', 'acm?', '${aws:PrincipalAccount}'])(
    'a leading key %j matches only itself',
    async (tenant) => {
      const client = await openClient(tenant)
      await client.send(createGetCommand(tenant))
      for (const other of ['acme', ACCOUNT_B])
        await expect(client.send(createGetCommand(other))).rejects.toThrow(formatDenial('GetItem'))
    },
  )

  test('clients of two tenants share no credentials, retry strategy or request handler', async () => {
    const middleware = createMiddleware()
    const acme = (await openClient('acme', middleware)).config
    const globex = (await openClient('globex', middleware)).config
    expect(await acme.retryStrategy()).not.toBe(await globex.retryStrategy())
    expect((await acme.credentials()).accessKeyId).not.toBe((await globex.credentials()).accessKeyId)
    expect(acme.requestHandler).not.toBe(globex.requestHandler)
  })

  test.each([undefined, null, '', { prefix: 'g' }, ['g']])(
    'a leading key %j gets no session',
    async (tenant) => {
      await expect(openClient(tenant)).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
      expect(getSignedCalls()).toEqual([])
    },
  )
})

describe('sqs-batch', () => {
  let handler: typeof import('../../examples/sqs-batch/handler.ts').handler
  beforeAll(async () => {
    await startExample(
      createRecipeAccounts('pooled-tenants', { [ACCOUNT_B]: ORDERS_TABLES }),
      POOLED_TENANTS_VARIABLES,
    )
    ;({ handler } = await import('../../examples/sqs-batch/handler.ts'))
  })
  afterAll(() => sandbox.close())

  const createRecord = (messageId: string, sender: string | undefined, body: string) => ({
    messageId,
    body,
    messageAttributes: sender === undefined ? {} : { TenantId: { stringValue: sender, dataType: 'String' } },
  })
  const formatOrder = (tenant: string, number: string) => JSON.stringify({ tenant, order: number })
  const handleBatch = (...records: ReturnType<typeof createRecord>[]) =>
    handler({ Records: records } as SQSEvent, createLambdaContext())
  const readStoredOrders = async () => {
    const { body } = await sandbox.getAccount(ACCOUNT_B).engine.send('Scan', { TableName: 'Orders' })
    const items = JSON.parse(body).Items as { tenant: { S: string }; order: { S: string } }[]
    return items.map((item) => `${item.tenant.S} ${item.order.S}`).sort()
  }

  test('a batch stores the valid orders, and reports the failed records for a retry', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {})
    const response = await handleBatch(
      createRecord('valid 1', 'acme', formatOrder('acme', '1')),
      createRecord('no tenant', undefined, formatOrder('acme', '2')),
      createRecord('order of another tenant', 'acme', formatOrder('globex', '3')),
      createRecord('not JSON', 'globex', 'nonsense'),
      createRecord('valid 2', 'globex', formatOrder('globex', '4')),
    )
    const failed = response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
    expect(failed.toSorted()).toEqual(['no tenant', 'not JSON', 'order of another tenant'])
    await expect(readStoredOrders()).resolves.toEqual(['acme 1', 'globex 4'])
    expect(Object.fromEntries(log.mock.calls.map(([id, error]) => [id, (error as Error).name]))).toEqual({
      'no tenant': 'CrossAccountDynamoError',
      'order of another tenant': 'AccessDeniedException',
      'not JSON': 'SyntaxError',
    })
    expect(
      getAssumeRoleCalls()
        .map(({ tags }) => tags?.TenantId)
        .sort(),
    ).toEqual(['acme', 'globex'])
  })

  test('a batch calls STS once for each tenant, and the next batch does not call STS', async () => {
    const handleOrders = () =>
      handleBatch(
        ...['5', '6', '7'].flatMap((number) => [
          createRecord(`acme ${number}`, 'acme', formatOrder('acme', number)),
          createRecord(`globex ${number}`, 'globex', formatOrder('globex', number)),
        ]),
      )
    advanceTime(61 * 60_000)
    await expect(handleOrders()).resolves.toEqual({ batchItemFailures: [] })
    expect(getAssumeRoleCalls()).toHaveLength(2)
    await expect(handleOrders()).resolves.toEqual({ batchItemFailures: [] })
    expect(getAssumeRoleCalls()).toHaveLength(2)
    expect(getDynamoDbRequests()).toHaveLength(12)
  })
})
