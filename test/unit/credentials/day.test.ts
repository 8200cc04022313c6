/**
 * A day in one execution environment: six hours, an invocation every 30 seconds, STS answering in 80 ms. In virtual
 * time, on the session itself.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { AssumeRole } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/refresh.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { HOUR, MINUTE, SECOND } from './station.ts'

const DAY = 6 * HOUR
const EVERY = 30 * SECOND
const ANSWER = 80
/** Three requests that are not answered, and the pauses between them. */
const OUTAGE_ANSWER = 9300
/** Lambda's default timeout, and what the handler needs of it. */
const FUNCTION_TIME = 3000
const HANDLER_TIME = 600

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

interface Outage {
  readonly from: number
  readonly to: number
}

/** Lives through the day and counts. `random` is the environment's luck. */
const live = async ({
  refreshBeforeSeconds = 900,
  outage = { from: -1, to: -1 } as Outage,
  length = DAY,
} = {}) => {
  const start = Date.now()
  const now = () => Date.now() - start
  let calls = 0
  const assumeRole: AssumeRole = async () => {
    calls += 1
    const isDown = () => now() >= outage.from && now() < outage.to
    if (isDown()) {
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_ANSWER))
      throw new CrossAccountDynamoError('STS_UNAVAILABLE', 'down')
    }
    const expiration = new Date(Date.now() + HOUR)
    await new Promise((resolve) => setTimeout(resolve, ANSWER))
    return { accessKeyId: '', secretAccessKey: '', sessionToken: '', expiration, accountId: '' }
  }
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const session = createSession({
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND,
    roleArn: 'arn:aws:iam::222222222222:role/R',
    refreshBeforeSeconds,
    assumeRole,
    throttle: createSharedThrottle(),
    logger,
  })
  let failed = 0
  let blocked = 0
  let stale = 0
  for (let at = 0; at < length; at += EVERY) {
    jest.setSystemTime(start + at)
    const waiting = session.ready({ getRemainingTimeInMillis: () => FUNCTION_TIME })
    if (waiting !== undefined) {
      blocked += 1
      const outcome = waiting.then(
        // The handler needs its time, too.
        () => (Date.now() - start - at > FUNCTION_TIME - HANDLER_TIME ? 1 : 0),
        () => 1,
      )
      await jest.advanceTimersByTimeAsync(OUTAGE_ANSWER + 1000)
      failed += await outcome
    } else {
      await jest.advanceTimersByTimeAsync(OUTAGE_ANSWER + 1000)
    }
    const credentials = session.current()
    if (
      waiting === undefined &&
      (credentials === undefined || credentials.expiration.getTime() <= start + at)
    )
      stale += 1
  }
  return { failed, blocked, calls, stale }
}

test.each([0, 0.5, 0.999])(
  'without an outage: one wait, at the cold start, and at most ten calls (luck %d)',
  async (luck) => {
    jest.spyOn(Math, 'random').mockReturnValue(luck)
    const { failed, blocked, calls, stale } = await live()
    expect({ failed, blocked, stale }).toEqual({ failed: 0, blocked: 1, stale: 0 })
    expect(calls).toBeLessThanOrEqual(10)
  },
)

test('a 12-minute outage that begins at minute 50 fails nothing and holds nobody up', async () => {
  const outage = { from: 50 * MINUTE, to: 62 * MINUTE }
  const { failed, blocked, stale } = await live({ outage })
  expect({ failed, blocked, stale }).toEqual({ failed: 0, blocked: 1, stale: 0 })
})

describe('an outage a second shorter than refreshBeforeSeconds less a minute fails nothing, wherever it begins:', () => {
  // Two lives of the credentials, which covers each place that an outage can have in one.
  test.each([
    [900, 0],
    [900, 0.5],
    [900, 0.999],
    [300, 0.999],
    [1800, 0.999],
  ])('refreshBeforeSeconds %d s, luck %d', async (refreshBeforeSeconds, luck) => {
    jest.spyOn(Math, 'random').mockReturnValue(luck)
    const length = (refreshBeforeSeconds - 60) * SECOND - SECOND
    const failures: [number, number][] = []
    for (let from = MINUTE; from < 70 * MINUTE; from += 47 * SECOND) {
      const { failed, stale } = await live({
        refreshBeforeSeconds,
        outage: { from, to: from + length },
        length: 130 * MINUTE,
      })
      if (failed + stale > 0) failures.push([from / SECOND, failed + stale])
    }
    expect(failures).toEqual([])
  })
})

test('an outage longer than that fails the invocations after the expiry, and none before', async () => {
  const outage = { from: 30 * MINUTE, to: 90 * MINUTE }
  const { failed } = await live({ outage, length: 100 * MINUTE })
  const afterExpiry = (90 - 60) * MINUTE
  expect(failed).toBeGreaterThan(0)
  expect(failed).toBeLessThanOrEqual(afterExpiry / EVERY + 1)
})
