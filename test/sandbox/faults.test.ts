import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { TABLE, textbook } from './textbook.ts'

let sandbox: Sandbox
let clients: Clients
let get: () => Promise<unknown>
let whoAmI: () => Promise<unknown>

beforeAll(async () => {
  sandbox = await startSandbox({ accounts: textbook() })
  clients = clientsOf(sandbox)
  const dynamodb = clients.dynamodb(await clients.assume())
  const sts = clients.sts()
  get = () => dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } }))
  whoAmI = () => sts.send(new GetCallerIdentityCommand({}))
  sandbox.clear()
})
afterEach(() => sandbox.clear())
afterAll(async () => {
  clients.close()
  await sandbox.close()
})

const both = [
  ['sts', () => whoAmI()],
  ['dynamodb', () => get()],
] as const

describe.each(both)('%s', (service, call) => {
  test('throttling, in its own words', async () => {
    sandbox.faults.inject({ service, kind: 'throttle' })
    const name = service === 'sts' ? 'Throttling' : 'ThrottlingException'
    await expect(call()).rejects.toMatchObject({ name })
    expect(sandbox.calls).toMatchObject([{ service, status: 400, error: name }])
  })

  test.each([500, 503])('%i', async (status) => {
    sandbox.faults.inject({ service, kind: 'status', status })
    await expect(call()).rejects.toMatchObject({ $metadata: { httpStatusCode: status } })
    expect(sandbox.calls).toMatchObject([{ service, status }])
  })

  test('a status with a code and a message of its own', async () => {
    sandbox.faults.inject({
      service,
      kind: 'status',
      status: 403,
      code: 'RegionDisabledException',
      message: 'Not here.',
    })
    await expect(call()).rejects.toMatchObject({ name: 'RegionDisabledException', message: 'Not here.' })
  })

  test('reset, before the answer and in the middle of it', async () => {
    sandbox.faults.inject({ service, kind: 'reset', times: 1 })
    await expect(call()).rejects.toThrow(/ECONNRESET|socket hang up/)
    sandbox.faults.inject({ service, kind: 'reset-mid-answer', times: 1 })
    await expect(call()).rejects.toThrow()
    expect(sandbox.calls.map(({ status }) => status)).toEqual([0, 200])
  })

  test('half a body, and one that is no format at all', async () => {
    sandbox.faults.inject({ service, kind: 'truncated', times: 1 })
    sandbox.faults.inject({ service, kind: 'malformed', times: 1 })
    await expect(call()).rejects.toThrow()
    await expect(call()).rejects.toThrow()
    await call()
    expect(sandbox.calls.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('silence, until the client gives up', async () => {
    sandbox.faults.inject({ service, kind: 'silence', times: 1 })
    const silent = call()
    const first = await Promise.race([silent, new Promise((done) => setTimeout(done, 50, 'nothing'))])
    expect(first).toBe('nothing')
    silent.catch(() => {})
    expect(sandbox.calls).toMatchObject([{ service, status: 0 }])
  })

  test('latency, and then the proper answer', async () => {
    sandbox.faults.inject({ service, kind: 'latency', ms: 30 })
    await call()
    sandbox.faults.inject({ service, kind: 'throttle', times: 1 })
    await expect(call()).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    await call()
  })
})

test('a rewritten body is what the client reads', async () => {
  sandbox.faults.inject({
    service: 'sts',
    kind: 'rewrite',
    body: (xml) => xml.replaceAll('111111111111', '999999999999'),
  })
  expect(await whoAmI()).toMatchObject({ Account: '999999999999' })
})

test('a fault strikes its own service and operation, as often as it says, until it is removed', async () => {
  sandbox.faults.inject({ service: 'sts', kind: 'throttle', operation: 'AssumeRole' })
  await whoAmI()
  await get()
  await expect(clients.assume()).rejects.toMatchObject({ name: 'Throttling' })
  sandbox.faults.clear()
  await clients.assume()

  const remove = sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 500, times: 2 })
  await expect(get()).rejects.toThrow()
  await whoAmI()
  remove()
  await get()
  sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 500, times: 2 })
  await expect(get()).rejects.toThrow()
  await expect(get()).rejects.toThrow()
  await get()
})

test('the SDK retries what it may', async () => {
  const dynamodb = clients.dynamodb(await clients.assume(), { maxAttempts: 3 })
  sandbox.faults.inject({ service: 'dynamodb', kind: 'status', status: 503, times: 1 })
  sandbox.faults.inject({ service: 'dynamodb', kind: 'reset', times: 1 })
  await dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } }))
  expect(
    sandbox.calls.filter(({ operation }) => operation === 'GetItem').map(({ status }) => status),
  ).toEqual([503, 0, 200])
})
