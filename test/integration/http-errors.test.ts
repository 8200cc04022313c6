/** Tests the example `http-errors`: the HTTP response for each kind of error. */
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { apiEvent } from '../../examples/local/events.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createRecipeAccounts, defineTable } from '../sandbox/recipes.ts'
import { ACCOUNT_B, EXTERNAL_ID } from '../sandbox/two-accounts.ts'
import { advanceTime, createLambdaContext, createRuntimeVariables, setEnvironment } from './lambda.ts'

const ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/TenantOrders`

let sandbox: Sandbox
let handler: typeof import('../../examples/http-errors/handler.ts').handler
/** Is replaced before the example is imported, because httpErrorHandler reads it then. */
const log = jest.spyOn(console, 'error').mockImplementation(() => {})
beforeAll(async () => {
  sandbox = await startSandbox({
    accounts: createRecipeAccounts('pooled-tenants', {
      [ACCOUNT_B]: [defineTable('Orders', 'tenant', 'order')],
    }),
  })
  setEnvironment({
    ...createRuntimeVariables(sandbox),
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE_ARN,
    CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
  })
  await sandbox.getAccount(ACCOUNT_B).seed('Orders', [{ tenant: { S: 'acme' }, order: { S: '1' } }])
  ;({ handler } = await import('../../examples/http-errors/handler.ts'))
})
afterAll(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})
afterEach(() => {
  log.mockClear()
  sandbox.clear()
})

/** Requests an order. Each test has its own tenant, because a session stays in use. */
const requestOrder = (claims: Record<string, string>) =>
  handler(apiEvent(claims, { order: '1' }), createLambdaContext())
const getLoggedErrors = () => log.mock.calls.map(([error]) => error)

test('an order that exists gets the status 200', async () => {
  await expect(requestOrder({ tenantId: 'acme' })).resolves.toEqual({
    statusCode: 200,
    body: '{"tenant":"acme","order":"1"}',
  })
  expect(log).not.toHaveBeenCalled()
})

test.each([
  ['STS_UNAVAILABLE', { kind: 'status', status: 500 }],
  ['STS_THROTTLED', { kind: 'throttle' }],
] as const)('%s gets the status 503 with Retry-After and no message', async (code, fault) => {
  sandbox.faults.inject({ service: 'sts', ...fault })
  await expect(requestOrder({ tenantId: code })).resolves.toEqual({
    statusCode: 503,
    headers: { 'Retry-After': '1' },
  })
  expect(getLoggedErrors()).toMatchObject([{ code }])
})

test('a token without a tenant gets the status 403 without Retry-After and without a message', async () => {
  await expect(requestOrder({})).resolves.toEqual({ statusCode: 403 })
  expect(getLoggedErrors()).toMatchObject([{ code: 'SESSION_IDENTITY_MISSING' }])
})

test('a denied role gets the status 500 without Retry-After and without a message', async () => {
  const role = sandbox.getRole(ROLE_ARN)
  const original = { ...role }
  role.trustPolicy = { Version: '2012-10-17', Statement: [] }
  await expect(requestOrder({ tenantId: 'denied' })).resolves.toEqual({ statusCode: 500 })
  expect(getLoggedErrors()).toMatchObject([{ code: 'ASSUME_ROLE_DENIED' }])
  Object.assign(role, original)
})

test('an error of DynamoDB gets the response of httpErrorHandler', async () => {
  const message = 'a message of DynamoDB'
  sandbox.faults.inject({
    service: 'dynamodb',
    operation: 'GetItem',
    kind: 'status',
    status: 400,
    code: 'ValidationException',
    message,
  })
  await expect(requestOrder({ tenantId: 'acme' })).resolves.toEqual({ statusCode: 500, headers: {} })
  expect(getLoggedErrors()).toMatchObject([{ name: 'ValidationException', message }])
})

test('a client that tries again after 503 gets its order', async () => {
  advanceTime(2 * 3_600_000)
  sandbox.faults.inject({ service: 'sts', kind: 'status', status: 500 })
  await expect(requestOrder({ tenantId: 'acme' })).resolves.toMatchObject({ statusCode: 503 })
  sandbox.faults.clear()
  await expect(requestOrder({ tenantId: 'acme' })).resolves.toMatchObject({ statusCode: 200 })
})
