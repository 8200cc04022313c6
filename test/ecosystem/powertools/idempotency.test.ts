/** Powertools Idempotency, which keeps its records in a table of the other account. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { makeIdempotent } from '@aws-lambda-powertools/idempotency'
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb'
import { makeHandlerIdempotent } from '@aws-lambda-powertools/idempotency/middleware'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import type { Call } from '../../sandbox/index.ts'
import { createIsolatedTenantAccounts } from '../../sandbox/tenant-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createBarrier } from './barrier.ts'

interface Order {
  readonly tenant: string
  readonly id: string
}

const TENANTS = ['acme', 'globex'] as const

/** The first attempt puts its record and updates it. The second attempt puts in vain, because the record exists. */
const WRITES_OF_TWO_ATTEMPTS = ['PutItem', 'UpdateItem', 'PutItem']

const listWrites = (calls: readonly Call[]): string[] =>
  calls.map(({ operation }) => operation).filter((operation) => /^(?:Put|Update)Item$/.test(operation))

/** Returns the tenant in the key of a request. */
const readTenantOfKey = ({ input }: Call): string | undefined => {
  const { Item, Key } = input as { [Name in 'Item' | 'Key']?: { tenant: { S: string } } }
  return (Item ?? Key)?.tenant.S
}

const sandbox = await startSandboxProcess()
const tenantSandbox = await startSandboxProcess({ accounts: createIsolatedTenantAccounts() })
beforeEach(async () => {
  await sandbox.clear()
  await tenantSandbox.clear()
})

testCombination(
  ['@aws-lambda-powertools/idempotency'],
  'keeps its records with `middleware.client` at module scope, with `makeIdempotent()` and `makeHandlerIdempotent()`',
  async () => {
    setEnvironment(await sandbox.createFunctionVariables())
    const dynamo = crossAccountDynamo({ documentClient: false })
    const persistenceStore = new DynamoDBPersistenceLayer({
      tableName: 'MyTable',
      awsSdkV3Client: dynamo.client,
    })
    const charged: string[] = []
    const charge = makeIdempotent(
      async (order: Order, _context: Context) => {
        charged.push(order.id)
        return { receipt: order.id }
      },
      { persistenceStore },
    )
    const chargeHandler = middy()
      .use(dynamo)
      .handler(async (order: Order, context) => charge(order, context))
    const order = { tenant: 'acme', id: '1' }
    for (let attempt = 0; attempt < 2; attempt += 1)
      assert.deepEqual(await chargeHandler(order, createLambdaContext()), { receipt: '1' })
    assert.deepEqual(charged, ['1'])

    const idempotentHandler = middy()
      .use(dynamo)
      .use(makeHandlerIdempotent({ persistenceStore }))
      .handler(async ({ id }: Order) => {
        charged.push(id)
        return { receipt: id }
      })
    for (let attempt = 0; attempt < 2; attempt += 1)
      assert.deepEqual(await idempotentHandler({ ...order, id: '2' }, createLambdaContext()), {
        receipt: '2',
      })
    assert.deepEqual(charged, ['1', '2'])
    const calls = await sandbox.getCalls()
    assert.deepEqual(listWrites(calls), [...WRITES_OF_TWO_ATTEMPTS, ...WRITES_OF_TWO_ATTEMPTS])
    assert.equal(calls.filter(({ operation }) => operation === 'AssumeRole').length, 1)
  },
)

testCombination(
  ['@aws-lambda-powertools/idempotency'],
  "writes each tenant's records with its own session in concurrent invocations, with a persistence layer in the handler",
  async () => {
    setEnvironment(await tenantSandbox.createFunctionVariables())
    const waitForAll = createBarrier(TENANTS.length)
    const charged: string[] = []
    const handler = middy()
      .use(
        crossAccountDynamo({
          documentClient: false,
          session: ({ event }: SessionRequest<Order>) => ({ sessionTags: { TenantId: event.tenant } }),
        }),
      )
      .handler(async (event: Order, context) => {
        const charge = makeIdempotent(
          async ({ tenant, id }: Order, _context: Context) => {
            await waitForAll()
            charged.push(tenant)
            return { receipt: id }
          },
          {
            persistenceStore: new DynamoDBPersistenceLayer({
              tableName: 'Orders',
              keyAttr: 'tenant',
              sortKeyAttr: 'order',
              staticPkValue: event.tenant,
              awsSdkV3Client: context.dynamo,
            }),
          },
        )
        return charge(event, context)
      })
    const invokeAll = () =>
      Promise.all(TENANTS.map((tenant) => handler({ tenant, id: tenant }, createLambdaContext())))
    const receipts = TENANTS.map((tenant) => ({ receipt: tenant }))
    assert.deepEqual(await invokeAll(), receipts)
    assert.deepEqual(await invokeAll(), receipts)
    assert.deepEqual(charged.toSorted(), TENANTS)

    const calls = await tenantSandbox.getCalls()
    for (const tenant of TENANTS) {
      const ownCalls = calls.filter(
        ({ service, tags }) => service === 'dynamodb' && tags?.TenantId === tenant,
      )
      assert.deepEqual(listWrites(ownCalls), WRITES_OF_TWO_ATTEMPTS)
      assert.deepEqual([...new Set(ownCalls.map(readTenantOfKey))], [tenant])
    }
    assert.equal(calls.filter(({ operation }) => operation === 'AssumeRole').length, TENANTS.length)
  },
)
