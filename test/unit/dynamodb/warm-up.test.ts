import { setImmediate, setTimeout } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect, test } from '@jest/globals'
import { createWarmUp } from '../../../src/dynamodb/warm-up.ts'

const ACCOUNT_ID = '222222222222'

/** Creates a warm-up whose client records requests and sends none. `requested` resolves with the first request. */
const createRecordedWarmUp = () => {
  const requests: string[] = []
  let resolveRequested: () => void
  const requested = new Promise<void>((resolve) => {
    resolveRequested = resolve
  })
  const requestHandler = {
    handle: async ({ method, hostname }: { method: string; hostname: string }) => {
      requests.push(`${method} ${hostname}`)
      resolveRequested()
      return { response: { statusCode: 200, headers: {} } }
    },
  }
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: '', secretAccessKey: '' },
    requestHandler: requestHandler as unknown as DynamoDBClient['config']['requestHandler'],
  })
  return { warmUp: createWarmUp(client, ACCOUNT_ID), requests, requested }
}

const never = new Promise<void>(() => {})

test('a warm-up without an AssumeRole call opens one connection, even if it is started twice', async () => {
  const { warmUp, requests, requested } = createRecordedWarmUp()
  warmUp.start(ACCOUNT_ID)
  warmUp.start(ACCOUNT_ID)
  await requested
  await warmUp.waitUntilSettled(ACCOUNT_ID)
  expect(requests).toEqual([`GET ${ACCOUNT_ID}.ddb.us-east-1.amazonaws.com`])
  expect(warmUp.waitUntilSettled(ACCOUNT_ID)).toBeUndefined()
})

test('a warm-up for another account opens no connection', async () => {
  const { warmUp, requests } = createRecordedWarmUp()
  warmUp.start('333333333333')
  await setTimeout(5)
  expect(requests).toEqual([])
  expect(warmUp.waitUntilSettled('333333333333')).toBeUndefined()
})

test('during an AssumeRole call, the connection opens later than immediately, and before the call settles', async () => {
  const { warmUp, requests, requested } = createRecordedWarmUp()
  warmUp.start(ACCOUNT_ID, never)
  await setImmediate()
  expect(requests).toEqual([])
  await requested
  expect(requests).toHaveLength(1)
})

test.each([
  ['succeeds', () => Promise.resolve()],
  ['fails', () => Promise.reject(new Error('denied'))],
])('if the AssumeRole call %s before the head start ends, the connection opens at once', async (_, call) => {
  const { warmUp, requested } = createRecordedWarmUp()
  warmUp.start(ACCOUNT_ID, call())
  const first = await Promise.race([requested.then(() => 'request'), setTimeout(30).then(() => 'head start')])
  expect(first).toBe('request')
})

test('a variable that changes during the head start does not change the endpoint of the connection', async () => {
  const { warmUp, requests, requested } = createRecordedWarmUp()
  process.env.AWS_ENDPOINT_URL_DYNAMODB = 'http://localhost:8000'
  try {
    warmUp.start(ACCOUNT_ID, never)
    await setImmediate()
  } finally {
    delete process.env.AWS_ENDPOINT_URL_DYNAMODB
  }
  await requested
  expect(requests).toEqual(['GET localhost'])
})
