/** Tests the example `customer-regions` with its policies. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createRecipeAccounts, defineTable } from '../sandbox/recipes.ts'
import { ACCOUNT_A } from '../sandbox/two-accounts.ts'
import { createLambdaContext, createRuntimeVariables, setEnvironment } from './lambda.ts'

const CUSTOMERS = [
  { customerId: 'acme', account: '333333333333', region: 'eu-west-1' },
  { customerId: 'globex', account: '444444444444', region: 'us-east-1' },
]

let sandbox: Sandbox
let handler: typeof import('../../examples/customer-regions/handler.ts').handler
beforeAll(async () => {
  const tables = {
    [ACCOUNT_A]: [defineTable('Customers', 'customerId')],
    ...Object.fromEntries(CUSTOMERS.map(({ account }) => [account, [defineTable('Orders', 'order')]])),
  }
  sandbox = await startSandbox({
    accounts: createRecipeAccounts('customer-regions', tables),
    otherRegions: ['eu-west-1'],
  })
  setEnvironment(createRuntimeVariables(sandbox))
  const toItem = ({ customerId, account, region }: (typeof CUSTOMERS)[number]) => ({
    customerId: { S: customerId },
    roleArn: { S: `arn:aws:iam::${account}:role/OrdersReader` },
    externalId: { S: `example-external-id-of-${customerId}` },
    region: { S: region },
  })
  const customerInOtherRegion = { customerId: 'initech', account: '444444444444', region: 'ap-south-1' }
  await sandbox.getAccount(ACCOUNT_A).seed('Customers', [...CUSTOMERS, customerInOtherRegion].map(toItem))
  for (const { customerId, account } of CUSTOMERS)
    await sandbox.getAccount(account).seed('Orders', [{ order: { S: '1' }, owner: { S: customerId } }])
  ;({ handler } = await import('../../examples/customer-regions/handler.ts'))
})
afterEach(() => sandbox.clear())
afterAll(() => sandbox.close())

const readOrder = (customerId: string) =>
  handler({ detail: { customerId, order: '1' } } as Parameters<typeof handler>[0], createLambdaContext())

test('each order is read from the account and the Region of its customer', async () => {
  for (const { customerId } of [...CUSTOMERS, ...CUSTOMERS])
    await expect(readOrder(customerId)).resolves.toEqual({ order: '1', owner: customerId })
  const orders = sandbox.calls.filter(({ table }) => table === 'Orders')
  expect(orders.map(({ accountId, region }) => ({ account: accountId, region }))).toEqual(
    [...CUSTOMERS, ...CUSTOMERS].map(({ account, region }) => ({ account, region })),
  )
  // One session per customer, although there is one middleware per Region.
  expect(sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')).toHaveLength(CUSTOMERS.length)
})

test.each([
  ['unknown', 'there is no such customer'],
  ['initech', "the customer's Region is not supported: ap-south-1"],
])('customer %s gets no session', async (customerId, message) => {
  await expect(readOrder(customerId)).rejects.toThrow(message)
  expect(sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')).toEqual([])
})
