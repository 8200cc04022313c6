/**
 * Simulates six hours of one execution environment in virtual time: a session, an invocation every 30 seconds, and an STS
 * that responds in 80 ms and has outages.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createSeededRandom } from '../../../bench/benches/fleet/random.ts'
import type { AssumeRole } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './controlled-sts.ts'

const DAY_MS = 6 * HOUR_MS
const INVOCATION_INTERVAL_MS = 30 * SECOND_MS
const STS_RESPONSE_TIME_MS = 80
/** The duration of an AssumeRole call during an outage: three requests that time out, and the pauses between them. */
const FAILED_CALL_DURATION_MS = 9300
/** Lambda's default timeout. */
const FUNCTION_TIMEOUT_MS = 3000
const HANDLER_DURATION_MS = 600

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

/** In milliseconds since the start of the simulation. */
interface Outage {
  readonly startMs: number
  readonly endMs: number
}

/** Runs the invocations and returns how many of them failed, waited or got expired credentials. */
const simulateInvocations = async ({
  refreshBeforeSeconds = 900,
  outage = { startMs: -1, endMs: -1 } as Outage,
  durationMs = DAY_MS,
  /** How long timers and promises continue after an invocation that does not wait. */
  runningTimeMs = FAILED_CALL_DURATION_MS + 1000,
} = {}) => {
  const startedAt = Date.now()
  const elapsedMs = () => Date.now() - startedAt
  let stsCallCount = 0
  const assumeRole: AssumeRole = async (_reason, signal) => {
    stsCallCount += 1
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new CrossAccountDynamoError('STS_TIMEOUT', 'aborted')))
    })
    const isDuringOutage = elapsedMs() >= outage.startMs && elapsedMs() < outage.endMs
    if (isDuringOutage) {
      await Promise.race([aborted, new Promise((resolve) => setTimeout(resolve, FAILED_CALL_DURATION_MS))])
      throw new CrossAccountDynamoError('STS_UNAVAILABLE', 'down')
    }
    const expiration = new Date(Date.now() + HOUR_MS)
    await Promise.race([aborted, new Promise((resolve) => setTimeout(resolve, STS_RESPONSE_TIME_MS))])
    return { accessKeyId: '', secretAccessKey: '', sessionToken: '', expiration, accountId: '' }
  }
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const session = createSession({
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND_MS,
    roleArn: 'arn:aws:iam::222222222222:role/R',
    refreshBeforeSeconds,
    assumeRole,
    throttle: createSharedThrottle(),
    logger,
  })
  let failedCount = 0
  let waitedCount = 0
  let expiredCount = 0
  for (let invokedAtMs = 0; invokedAtMs < durationMs; invokedAtMs += INVOCATION_INTERVAL_MS) {
    jest.setSystemTime(startedAt + invokedAtMs)
    const wait = session.ensureCredentials({ getRemainingTimeInMillis: () => FUNCTION_TIMEOUT_MS })
    if (wait !== undefined) {
      waitedCount += 1
      const hasFailed = wait.then(
        // If too little time remains for the handler, the invocation times out.
        () => elapsedMs() - invokedAtMs > FUNCTION_TIMEOUT_MS - HANDLER_DURATION_MS,
        () => true,
      )
      await jest.advanceTimersByTimeAsync(FAILED_CALL_DURATION_MS + 1000)
      if (await hasFailed) failedCount += 1
    } else {
      await jest.advanceTimersByTimeAsync(runningTimeMs)
    }
    const credentials = session.getLatestCredentials()
    if (
      wait === undefined &&
      (credentials === undefined || credentials.expiration.getTime() <= startedAt + invokedAtMs)
    )
      expiredCount += 1
  }
  return { failedCount, waitedCount, stsCallCount, expiredCount }
}

test.each([0, 0.5, 0.999])(
  'without an outage, one invocation waits and the session calls STS at most ten times (jitter %d)',
  async (jitter) => {
    jest.spyOn(Math, 'random').mockReturnValue(jitter)
    const { failedCount, waitedCount, stsCallCount, expiredCount } = await simulateInvocations()
    expect({ failedCount, waitedCount, expiredCount }).toEqual({
      failedCount: 0,
      waitedCount: 1,
      expiredCount: 0,
    })
    expect(stsCallCount).toBeLessThanOrEqual(10)
  },
)

test.each([
  [5, 5, 45],
  [20, 1, 25],
  [60, 1, 25],
])(
  'if Lambda freezes the environment %d ms after each invocation, before STS responds, at most %d invocations wait, with at most %d calls',
  async (runningTimeMs, maxWaitedCount, maxStsCallCount) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      jest.spyOn(Math, 'random').mockImplementation(createSeededRandom(seed))
      const { failedCount, waitedCount, stsCallCount, expiredCount } = await simulateInvocations({
        runningTimeMs,
      })
      expect({ failedCount, expiredCount }).toEqual({ failedCount: 0, expiredCount: 0 })
      expect(waitedCount).toBeLessThanOrEqual(maxWaitedCount)
      expect(stsCallCount).toBeLessThanOrEqual(maxStsCallCount)
    }
  },
)

test('no invocation fails or waits because of a 12-minute outage that begins at minute 50', async () => {
  const outage = { startMs: 50 * MINUTE_MS, endMs: 62 * MINUTE_MS }
  const { failedCount, waitedCount, expiredCount } = await simulateInvocations({ outage })
  expect({ failedCount, waitedCount, expiredCount }).toEqual({
    failedCount: 0,
    waitedCount: 1,
    expiredCount: 0,
  })
})

describe('outages that are shorter than refreshBeforeSeconds minus one minute', () => {
  // The simulation covers two lifetimes of the credentials, so outages begin at each point of a lifetime.
  test.each([
    [900, 0],
    [900, 0.5],
    [900, 0.999],
    [300, 0.999],
    [1800, 0.999],
  ])(
    'no invocation fails if an outage is shorter than refreshBeforeSeconds (%d s) minus one minute (jitter %d)',
    async (refreshBeforeSeconds, jitter) => {
      jest.spyOn(Math, 'random').mockReturnValue(jitter)
      const outageDurationMs = (refreshBeforeSeconds - 60) * SECOND_MS - SECOND_MS
      const failures: { outageStartSeconds: number; invocationCount: number }[] = []
      for (let startMs = MINUTE_MS; startMs < 70 * MINUTE_MS; startMs += 47 * SECOND_MS) {
        const { failedCount, expiredCount } = await simulateInvocations({
          refreshBeforeSeconds,
          outage: { startMs, endMs: startMs + outageDurationMs },
          durationMs: 130 * MINUTE_MS,
        })
        const invocationCount = failedCount + expiredCount
        if (invocationCount > 0) failures.push({ outageStartSeconds: startMs / SECOND_MS, invocationCount })
      }
      expect(failures).toEqual([])
    },
  )
})

test('during a longer outage, only invocations after the expiration of the credentials fail', async () => {
  const outage = { startMs: 30 * MINUTE_MS, endMs: 90 * MINUTE_MS }
  const { failedCount } = await simulateInvocations({ outage, durationMs: 100 * MINUTE_MS })
  const expiredDurationMs = (90 - 60) * MINUTE_MS
  expect(failedCount).toBeGreaterThan(0)
  expect(failedCount).toBeLessThanOrEqual(expiredDurationMs / INVOCATION_INTERVAL_MS + 1)
})
