/**
 * Runs six hours of one execution environment with middy, the SDK and HTTP: an invocation every 30 seconds, and an STS that
 * responds in 80 ms. `npm test` runs the first 100 minutes, which contain two refreshes. `test/unit/credentials/day.test.ts`
 * tests outages that start at any minute, without HTTP.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { selectByRunLength } from '../run-length.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000
const RUN_MS = selectByRunLength(100, 6 * 60) * MINUTE_MS
const INVOCATION_INTERVAL_MS = 30_000
const STS_LATENCY_MS = 80

// Each test runs up to 720 invocations.
jest.setTimeout(60_000)

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  // The first refresh is due as late as possible, at minute 45.
  jest.spyOn(Math, 'random').mockReturnValue(0)
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
})

/** Counts the AssumeRole calls that are in flight, until `unsubscribe()`. */
const watchPendingCalls = () => {
  let pendingCallCount = 0
  const subscriber = {
    start: () => {
      pendingCallCount += 1
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => {
      pendingCallCount -= 1
    },
    error: () => {},
  }
  const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
  channel.subscribe(subscriber)
  return {
    hasPendingCalls: () => pendingCallCount > 0,
    unsubscribe: () => channel.unsubscribe(subscriber),
  }
}

interface Outage {
  readonly startMs: number
  readonly endMs: number
}

/** Invokes a handler every 30 seconds. Counts failed invocations, invocations that wait, and AssumeRole calls. */
const runInvocations = async (outage?: Outage) => {
  const { hasPendingCalls, unsubscribe } = watchPendingCalls()
  const addLatency = () => sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: STS_LATENCY_MS })
  let removeFault = addLatency()
  const { before, ...middleware } = crossAccountDynamo()
  let waitingCount = 0
  const handler = middy()
    .use({
      ...middleware,
      before: (request) => {
        const waiting = before?.(request)
        if (waiting !== undefined) waitingCount += 1
        return waiting
      },
    })
    .handler(async (_event: unknown, context) =>
      context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } })),
    )
  let failedCount = 0
  for (let elapsedMs = 0; elapsedMs < RUN_MS; elapsedMs += INVOCATION_INTERVAL_MS) {
    if (elapsedMs === outage?.startMs) {
      removeFault()
      removeFault = sandbox.faults.inject({ service: 'sts', kind: 'status', status: 503 })
    }
    if (elapsedMs === outage?.endMs) {
      removeFault()
      addLatency()
    }
    await handler({}, createLambdaContext(3000)).catch(() => {
      failedCount += 1
    })
    // A background refresh ends before the next invocation, which is 30 seconds later.
    await waitUntil(() => !hasPendingCalls())
    advanceTime(INVOCATION_INTERVAL_MS)
  }
  unsubscribe()
  const assumeRoleCount = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole').length
  return { failedCount, waitingCount, assumeRoleCount }
}

test('without an outage, no invocation fails, only the first waits, and each refresh calls STS once', async () => {
  const { failedCount, waitingCount, assumeRoleCount } = await runInvocations()
  expect({ failedCount, waitingCount }).toEqual({ failedCount: 0, waitingCount: 1 })
  expect(assumeRoleCount).toBeLessThanOrEqual(selectByRunLength(3, 10))
})

test.each([
  { name: '12 minutes, between two refreshes', startMinute: 50, endMinute: 62, hasFailedRefreshes: false },
  {
    name: '13.5 minutes, while a refresh is due',
    startMinute: 41,
    endMinute: 54.5,
    hasFailedRefreshes: true,
  },
])(
  'with an STS outage of $name, no invocation fails and only the first waits',
  async ({ startMinute, endMinute, hasFailedRefreshes }) => {
    const outage = { startMs: startMinute * MINUTE_MS, endMs: endMinute * MINUTE_MS }
    const { failedCount, waitingCount } = await runInvocations(outage)
    expect({ failedCount, waitingCount }).toEqual({ failedCount: 0, waitingCount: 1 })
    const rejectedCount = sandbox.calls.filter(({ status }) => status === 503).length
    if (hasFailedRefreshes) expect(rejectedCount).toBeGreaterThan(3)
    else expect(rejectedCount).toBe(0)
  },
)
