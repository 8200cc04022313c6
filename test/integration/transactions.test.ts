/** Transactions of tenants that share a table, through the middleware. */
import { TransactGetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from '../sandbox/policies.ts'
import { restrictToEngine } from '../sandbox/restrict-to-engine.ts'
import { createTenantAccounts, ORDERS_TABLE, ORDERS_TABLE_ARN } from '../sandbox/tenant-accounts.ts'
import { TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { createFunctionVariables, createLambdaContext, setEnvironment } from './lambda.ts'

/** The tenant of the caller, and the orders to write: pairs of a tenant and an order ID. */
interface OrdersEvent {
  tenant: string
  orders: [string, string][]
}

const TableName = ORDERS_TABLE
const ACTIONS = ['GetItem', 'PutItem']
const createKeys = ({ orders }: OrdersEvent) => orders.map(([tenant, order]) => ({ tenant, order }))

restrictToEngine('dynamodb-local', 'dynalite has no transactions').describe('transactions of tenants', () => {
  let sandbox: Sandbox
  let write: (event: OrdersEvent) => Promise<unknown>

  beforeAll(async () => {
    sandbox = await startSandbox({ accounts: createTenantAccounts() })
    setEnvironment(createFunctionVariables(sandbox))
    sandbox.getRole(TARGET_ROLE_ARN).policies = [
      createPolicy(
        allowStatement(
          ACTIONS.map((action) => `dynamodb:${action}`),
          {
            Resource: ORDERS_TABLE_ARN,
            Condition: { ...OWN_TENANT_CONDITION, Null: { 'dynamodb:LeadingKeys': 'false' } },
          },
        ),
      ),
    ]
    const handler = middy()
      .use(
        crossAccountDynamo({
          session: ({ event }: SessionRequest<OrdersEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
        }),
      )
      .handler(async (event: OrdersEvent, { dynamo }) => {
        const TransactItems = createKeys(event).map((key) => ({
          Put: {
            TableName,
            Item: { ...key, by: event.tenant },
            ConditionExpression: 'attribute_not_exists(tenant)',
          },
        }))
        await dynamo.send(new TransactWriteCommand({ TransactItems }))
        const reads = createKeys(event).map((Key) => ({ Get: { TableName, Key } }))
        const { Responses } = await dynamo.send(new TransactGetCommand({ TransactItems: reads }))
        return Responses?.map(({ Item }) => Item)
      })
    write = (event) => handler(event, createLambdaContext())
  })
  beforeEach(() => sandbox.clear())
  afterAll(() => sandbox.close())

  const getTransactions = () => sandbox.calls.filter(({ operation }) => operation.startsWith('Transact'))

  test('writes and reads the orders of concurrent tenants, each with its own session', async () => {
    const events = ['acme', 'globex', 'acme', 'globex'].map(
      (tenant, index): OrdersEvent => ({
        tenant,
        orders: [
          [tenant, `${index}a`],
          [tenant, `${index}b`],
        ],
      }),
    )
    const items = await Promise.all(events.map(write))
    expect(items).toEqual(
      events.map((event) => createKeys(event).map((key) => ({ ...key, by: event.tenant }))),
    )
    expect(getTransactions()).toHaveLength(8)
    for (const { tags, input } of getTransactions())
      expect(JSON.stringify(input)).toContain(`"tenant":{"S":"${tags?.TenantId}"}`)
    const sessions = getTransactions().map(({ tags, accessKeyId }) => `${tags?.TenantId} ${accessKeyId}`)
    expect(new Set(sessions).size).toBe(2)
  })

  test('writes no order of a transaction that names another tenant', async () => {
    const orders: [string, string][] = [
      ['acme', 'own'],
      ['globex', 'foreign'],
    ]
    await expect(write({ tenant: 'acme', orders })).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect(getTransactions()).toMatchObject([
      { operation: 'TransactWriteItems', tags: { TenantId: 'acme' }, error: 'AccessDeniedException' },
    ])
    // Each order can still be written, because the condition of each Put requires that the order does not exist.
    await expect(write({ tenant: 'acme', orders: [['acme', 'own']] })).resolves.toHaveLength(1)
    await expect(write({ tenant: 'globex', orders: [['globex', 'foreign']] })).resolves.toHaveLength(1)
  })

  test('reports the reason of each item if DynamoDB cancels a transaction', async () => {
    await write({ tenant: 'acme', orders: [['acme', 'existing']] })
    const orders: [string, string][] = [
      ['acme', 'new'],
      ['acme', 'existing'],
    ]
    await expect(write({ tenant: 'acme', orders })).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    })
    await expect(write({ tenant: 'acme', orders: [['acme', 'new']] })).resolves.toHaveLength(1)
  })
})
