import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { createTwoAccounts, TABLE } from './two-accounts.ts'

let sandbox: Sandbox
let clients: Clients
let getItem: () => Promise<unknown>
let getCallerIdentity: () => Promise<unknown>

beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  clients = createClients(sandbox)
  const dynamodb = clients.createDynamoDBClient(await clients.assumeRole())
  const sts = clients.createStsClient()
  getItem = () => dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } }))
  getCallerIdentity = () => sts.send(new GetCallerIdentityCommand({}))
  sandbox.clear()
})
afterEach(() => sandbox.clear())
afterAll(async () => {
  clients.close()
  await sandbox.close()
})

const SERVICES = [
  ['sts', () => getCallerIdentity()],
  ['dynamodb', () => getItem()],
] as const

describe.each(SERVICES)('faults of %s', (service, sendRequest) => {
  test('the throttle fault returns the throttling error of the service', async () => {
    sandbox.faults.inject({ service, kind: 'throttle' })
    const name = service === 'sts' ? 'Throttling' : 'ThrottlingException'
    await expect(sendRequest()).rejects.toMatchObject({ name })
    expect(sandbox.calls).toMatchObject([{ service, status: 400, error: name }])
  })

  test.each([500, 503])('the status fault returns the HTTP status %i', async (status) => {
    sandbox.faults.inject({ service, kind: 'status', status })
    await expect(sendRequest()).rejects.toMatchObject({ $metadata: { httpStatusCode: status } })
    expect(sandbox.calls).toMatchObject([{ service, status }])
  })

  test('the status fault returns its own error code and message', async () => {
    sandbox.faults.inject({
      service,
      kind: 'status',
      status: 403,
      code: 'RegionDisabledException',
      message: 'The Region is disabled.',
    })
    await expect(sendRequest()).rejects.toMatchObject({
      name: 'RegionDisabledException',
      message: 'The Region is disabled.',
    })
  })

  test('the reset and reset-mid-response faults close the connection', async () => {
    sandbox.faults.inject({ service, kind: 'reset', times: 1 })
    await expect(sendRequest()).rejects.toThrow(/ECONNRESET|socket hang up/)
    sandbox.faults.inject({ service, kind: 'reset-mid-response', times: 1 })
    await expect(sendRequest()).rejects.toThrow()
    expect(sandbox.calls.map(({ status }) => status)).toEqual([0, 200])
  })

  test('the truncated and malformed faults make the response unreadable', async () => {
    sandbox.faults.inject({ service, kind: 'truncated', times: 1 })
    sandbox.faults.inject({ service, kind: 'malformed', times: 1 })
    await expect(sendRequest()).rejects.toThrow()
    await expect(sendRequest()).rejects.toThrow()
    await sendRequest()
    expect(sandbox.calls.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('the no-response fault leaves the request open', async () => {
    sandbox.faults.inject({ service, kind: 'no-response', times: 1 })
    const pending = sendRequest()
    const first = await Promise.race([
      pending,
      new Promise((resolve) => setTimeout(resolve, 50, 'no response')),
    ])
    expect(first).toBe('no response')
    pending.catch(() => {})
    expect(sandbox.calls).toMatchObject([{ service, status: 0 }])
  })

  test('the latency fault delays the response and combines with other faults', async () => {
    sandbox.faults.inject({ service, kind: 'latency', ms: 30 })
    await sendRequest()
    sandbox.faults.inject({ service, kind: 'throttle', times: 1 })
    await expect(sendRequest()).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    await sendRequest()
  })
})

test('the rewrite fault replaces the body of the response', async () => {
  sandbox.faults.inject({
    service: 'sts',
    kind: 'rewrite',
    body: (xml) => xml.replaceAll('111111111111', '999999999999'),
  })
  expect(await getCallerIdentity()).toMatchObject({ Account: '999999999999' })
})

test('a fault affects only its service and operation, for `times` calls or until it is removed', async () => {
  sandbox.faults.inject({ service: 'sts', kind: 'throttle', operation: 'AssumeRole' })
  await getCallerIdentity()
  await getItem()
  await expect(clients.assumeRole()).rejects.toMatchObject({ name: 'Throttling' })
  sandbox.faults.clear()
  await clients.assumeRole()

  const remove = sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 500, times: 2 })
  await expect(getItem()).rejects.toThrow()
  await getCallerIdentity()
  remove()
  await getItem()
  sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 500, times: 2 })
  await expect(getItem()).rejects.toThrow()
  await expect(getItem()).rejects.toThrow()
  await getItem()
})

test('the SDK retries after a status of 503 and after a reset', async () => {
  const dynamodb = clients.createDynamoDBClient(await clients.assumeRole(), { maxAttempts: 3 })
  sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 503, times: 1 })
  sandbox.faults.inject({ service: 'dynamodb', kind: 'reset', times: 1 })
  await dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } }))
  expect(
    sandbox.calls.filter(({ operation }) => operation === 'GetItem').map(({ status }) => status),
  ).toEqual([503, 0, 200])
})
