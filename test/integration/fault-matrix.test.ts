/**
 * Tests each failure of STS in each situation in which the middleware calls STS, with 1 and with 64 concurrent invocations. The
 * expected results are in `fault-matrix.ts`. docs/reliability.md shows them as a table.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { countRequests, getOutcome, SITUATIONS, STS_FAILURES, type StsFailureCase } from './fault-matrix.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000
/** The timeout in tests that wait for it. It is short to keep them fast. Other tests check the default timeouts. */
const SHORT_TIMEOUT_MS = 60
/** The timeout in all other tests. It is long, so that a slow machine does not cause a timeout. */
const LONG_TIMEOUT_MS = 3000

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())

/** The address of `sts.test`, or undefined if the name does not resolve. */
let stsAddress: string | undefined = '127.0.0.1'
/** The number of requests to STS. Each request looks the name up, because the agent keeps no connections. */
let stsRequestCount = 0
const lookup: LookupFunction = (_hostname, _options, callback) => {
  stsRequestCount += 1
  if (stsAddress !== undefined)
    return process.nextTick(callback, null, [{ address: stsAddress, family: 4 }], 4)
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND sts.test'), { code: 'ENOTFOUND' })
  process.nextTick(callback, error, '', 4)
}

let requestTimeoutMs = SHORT_TIMEOUT_MS

/** The number of AssumeRole calls that succeeded or failed. */
let settledCallCount = 0
/** The number of AssumeRole calls that are in flight. */
let pendingCallCount = 0
const subscriber = {
  start: () => {
    pendingCallCount += 1
  },
  asyncEnd: () => {
    settledCallCount += 1
    pendingCallCount -= 1
  },
}
const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
beforeAll(() => channel.subscribe(subscriber as never))
afterAll(() => void channel.unsubscribe(subscriber as never))

beforeEach(() => {
  stsAddress = '127.0.0.1'
  sandbox.clear()
  sandbox.clock.reset()
  setEnvironment(createFunctionVariables(sandbox))
  // The SDK multiplies the delay before a retry by a random number.
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  jest.restoreAllMocks()
})

const startFault = ({ fault }: StsFailureCase): void => {
  if (fault.kind === 'dns') stsAddress = fault.address
  else sandbox.faults.inject({ service: 'sts', ...fault })
}

type Invoke = () => Promise<string>

/** A new middleware and a handler that uses it. */
interface StartedHandler {
  /** Invokes the handler, and returns `served` or the code of the error. */
  readonly invoke: Invoke
  readonly ready: () => Promise<void>
}

/** Creates the situation, starts the failure of STS in it, and returns how to invoke the handler. */
type Arrange = (failure: StsFailureCase) => Promise<Invoke>

const startHandler = (options = { disablePrefetch: false }): StartedHandler => {
  const endpoint = String(process.env.AWS_ENDPOINT_URL_STS).replace('127.0.0.1', 'sts.test')
  const middleware = crossAccountDynamo({
    ...options,
    stsClientOptions: {
      endpoint,
      requestHandler: {
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: new Agent({ lookup, keepAlive: false }),
      },
    },
  })
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
      return 'served'
    })
  return {
    invoke: () =>
      handler({}, createLambdaContext()).catch((error: { code: string }) => error.code) as Promise<string>,
    ready: () => middleware.ready(),
  }
}

/** Starts the failure when the credentials of the session have the given age. */
const failAtAge =
  (ageMs: number): Arrange =>
  async (failure) => {
    const { invoke, ready } = startHandler()
    await ready()
    advanceTime(ageMs)
    stsRequestCount = 0
    settledCallCount = 0
    startFault(failure)
    return invoke
  }

const ARRANGE: Readonly<Record<keyof typeof SITUATIONS, Arrange>> = {
  first: async (failure) => {
    startFault(failure)
    return startHandler({ disablePrefetch: true }).invoke
  },
  prefetch: async (failure) => {
    startFault(failure)
    const { invoke } = startHandler()
    // The prefetch does not report its failure, so wait for the tracing channel.
    await waitUntil(() => settledCallCount === 1)
    return invoke
  },
  refresh: failAtAge(50 * MINUTE_MS),
  lastMinute: failAtAge(59.5 * MINUTE_MS),
  rejected: async (failure) => {
    const invoke = await failAtAge(MINUTE_MS)(failure)
    sandbox.revokeSessions()
    return invoke
  },
}
const SITUATION_NAMES = Object.keys(SITUATIONS) as (keyof typeof SITUATIONS)[]

// Jest fails a test in which a promise is rejected without a handler, so these tests also show that
// each rejection has a handler.
describe.each(STS_FAILURES)('if STS $name', (failure) => {
  describe.each(SITUATION_NAMES)('%s', (situationName) => {
    const situation = SITUATIONS[situationName]
    const outcome = getOutcome(failure, situation)
    test.each([1, 64])(
      `if STS ${failure.name} (${situation.name}), %d concurrent invocations result in ${outcome}, and an invocation after the fault is served`,
      async (count) => {
        stsRequestCount = 0
        settledCallCount = 0
        requestTimeoutMs = failure.code === 'STS_TIMEOUT' ? SHORT_TIMEOUT_MS : LONG_TIMEOUT_MS
        const invoke = await ARRANGE[situationName](failure)
        const outcomes = new Set(await Promise.all(Array.from({ length: count }, invoke)))
        expect([...outcomes]).toEqual([outcome])
        // A background refresh can end after the invocations.
        await waitUntil(() => settledCallCount >= situation.calls)
        expect(stsRequestCount).toBe(countRequests(failure, situation))
        // After the fault, invocations succeed again.
        sandbox.clear()
        stsAddress = '127.0.0.1'
        advanceTime(2 * MINUTE_MS)
        await expect(invoke()).resolves.toBe('served')
        // A background refresh that is in flight would be counted in the next test.
        await waitUntil(() => pendingCallCount === 0)
      },
    )
  })
})
