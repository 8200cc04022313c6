/**
 * A day in one execution environment, through middy, the SDK and HTTP: six hours, an invocation every 30 seconds, STS
 * answering in 80 ms. `npm test` takes its first 100 minutes, which contain two refreshes. test/unit/day.test.ts tries
 * each outage that a day can have, on the session itself.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { inLongRun } from '../run-length.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { eventually, functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = inLongRun(100, 6 * 60) * MINUTE
const EVERY = 30 * SECOND
const ANSWER = 80

// Each test runs up to 720 invocations.
jest.setTimeout(60_000)

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

const live = async (outage: { from: number; to: number }) => {
  let flights = 0
  const subscriber = {
    start: () => {
      flights += 1
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => {
      flights -= 1
    },
    error: () => {},
  }
  const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
  channel.subscribe(subscriber)
  const slow = () => sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: ANSWER })
  let restore = slow()
  const { before, ...middleware } = crossAccountDynamo()
  let blocked = 0
  const handler = middy()
    .use({
      ...middleware,
      before: (request) => {
        const waiting = before?.(request)
        if (waiting !== undefined) blocked += 1
        return waiting
      },
    })
    .handler(async (_event: unknown, context) =>
      context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } })),
    )
  let failed = 0
  for (let at = 0; at < DAY; at += EVERY) {
    if (at === outage.from) {
      restore()
      restore = sandbox.faults.inject({ service: 'sts', kind: 'status', status: 503 })
    }
    if (at === outage.to) {
      restore()
      slow()
    }
    await handler({}, lambdaContext(3000)).catch(() => {
      failed += 1
    })
    // What goes on in the background takes less than the 30 seconds until the next.
    await eventually(() => flights === 0)
    travel(EVERY)
  }
  channel.unsubscribe(subscriber)
  const calls = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole').length
  return { failed, blocked, calls }
}

test('without an outage, no invocation fails, only the first waits, and STS is called once per refresh', async () => {
  const { failed, blocked, calls } = await live({ from: -1, to: -1 })
  expect({ failed, blocked }).toEqual({ failed: 0, blocked: 1 })
  expect(calls).toBeLessThanOrEqual(inLongRun(3, 10))
})

test.each([
  ['twelve minutes, from minute 50 on', 50, 62],
  ['thirteen and a half, when the refresh is due', 41, 54.5],
])('with an outage of %s: none fails, and none but the first waits', async (_what, from, to) => {
  const { failed, blocked } = await live({ from: from * MINUTE, to: to * MINUTE })
  expect({ failed, blocked }).toEqual({ failed: 0, blocked: 1 })
  // The first has no refresh in it, which came before; the second has several that failed.
  const refused = sandbox.calls.filter(({ status }) => status === 503).length
  if (from === 50) expect(refused).toBe(0)
  else expect(refused).toBeGreaterThan(3)
})
