/** When a session calls STS, how long invocations wait for it, and which errors they receive. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Credentials } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import {
  createReadySession,
  createTestSession,
  HOUR_MS,
  MINUTE_MS,
  REFRESH_BEFORE_SECONDS,
  SECOND_MS,
} from './controlled-sts.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

/** Waits until the callbacks of settled promises have run. */
const flushPromises = () => jest.advanceTimersByTimeAsync(0)
const createDeadline = (remainingTimeMs: number) => ({ getRemainingTimeInMillis: () => remainingTimeMs })
/** Resolves to the code of the error that the promise rejects with, or to `no error`. */
const catchErrorCode = (promise: Promise<unknown> | undefined) =>
  Promise.resolve(promise).then(
    () => 'no error',
    (error: { code: string }) => error.code,
  )

describe('first credentials', () => {
  test('concurrent invocations wait for one AssumeRole call that gets the first credentials', async () => {
    const { ensureCredentials, credentials, issueCredentials, getReasons } = createTestSession()
    const waits = [ensureCredentials(), ensureCredentials(), credentials()]
    expect(waits.every((wait) => wait instanceof Promise)).toBe(true)
    issueCredentials()
    await Promise.all(waits)
    expect(getReasons()).toEqual(['first'])
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('a failure of the first call rejects all waiting invocations, and the next invocation calls STS again', async () => {
    const { ensureCredentials, failCall, issueCredentials, assumeRole, log } = createTestSession()
    const waiting = [catchErrorCode(ensureCredentials()), catchErrorCode(ensureCredentials())]
    failCall('STS_UNAVAILABLE')
    await expect(Promise.all(waiting)).resolves.toEqual(['STS_UNAVAILABLE', 'STS_UNAVAILABLE'])
    const secondAttempt = ensureCredentials()
    issueCredentials()
    await expect(secondAttempt).resolves.toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    expect(log).toHaveBeenCalledWith(
      'AssumeRole failed, and there are no valid credentials',
      expect.objectContaining({ code: 'STS_UNAVAILABLE', reason: 'first' }),
    )
  })

  test('the first invocation waits for the AssumeRole call of the prefetch', async () => {
    const { prefetch, ensureCredentials, issueCredentials, getReasons } = createTestSession()
    prefetch()
    const first = ensureCredentials()
    issueCredentials()
    await first
    expect(getReasons()).toEqual(['prefetch'])
  })
})

describe('refused AssumeRole calls', () => {
  test('invocations within five seconds of a refusal fail without another AssumeRole call', async () => {
    const { ensureCredentials, failCall, assumeRole } = createTestSession()
    const first = catchErrorCode(ensureCredentials())
    failCall('ASSUME_ROLE_DENIED')
    expect(await first).toBe('ASSUME_ROLE_DENIED')
    jest.setSystemTime(Date.now() + 5 * SECOND_MS - 1)
    await expect(
      Promise.all([catchErrorCode(ensureCredentials()), catchErrorCode(ensureCredentials())]),
    ).resolves.toEqual(['ASSUME_ROLE_DENIED', 'ASSUME_ROLE_DENIED'])
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 1)
    ensureCredentials()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('the first invocation calls STS again after the prefetch was refused', async () => {
    const { prefetch, ensureCredentials, failCall, issueCredentials } = createTestSession()
    const prefetched = catchErrorCode(prefetch())
    failCall('ASSUME_ROLE_DENIED')
    expect(await prefetched).toBe('ASSUME_ROLE_DENIED')
    const first = ensureCredentials()
    issueCredentials()
    await expect(first).resolves.toBeUndefined()
  })

  test('the next invocation calls STS again after a retryable error', async () => {
    const { ensureCredentials, failCall, assumeRole } = createTestSession()
    const first = catchErrorCode(ensureCredentials())
    failCall('STS_THROTTLED')
    await first
    ensureCredentials()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('an invocation calls STS again if a call succeeded after the last refusal', async () => {
    const { ensureCredentials, failCall, issueCredentials, expiresAt, getReasons } =
      await createReadySession()
    jest.setSystemTime(expiresAt)
    const refused = catchErrorCode(ensureCredentials())
    failCall('ASSUME_ROLE_DENIED')
    expect(await refused).toBe('ASSUME_ROLE_DENIED')
    jest.setSystemTime(expiresAt + 5 * SECOND_MS)
    const secondAttempt = ensureCredentials()
    issueCredentials(SECOND_MS)
    await secondAttempt
    jest.setSystemTime(expiresAt + 6 * SECOND_MS)
    const thirdAttempt = ensureCredentials()
    issueCredentials()
    await expect(thirdAttempt).resolves.toBeUndefined()
    expect(getReasons()).toEqual(['first', 'expired', 'expired', 'expired'])
  })
})

describe('valid credentials', () => {
  test('invocations use the credentials without calling STS until refreshBeforeSeconds before the expiration', async () => {
    const { ensureCredentials, assumeRole, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - REFRESH_BEFORE_SECONDS * SECOND_MS - 1)
    expect(ensureCredentials()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(1)
  })

  test.each([
    [0, 45],
    [0.5, 25.5],
    [1, 6],
  ])(
    'with the random number %d, the first credentials of a session are refreshed at the age of %d minutes',
    async (random, ageMinutes) => {
      const { ensureCredentials, issueCredentials, assumeRole } = createTestSession()
      const first = ensureCredentials()
      jest.spyOn(Math, 'random').mockReturnValue(random)
      issueCredentials()
      await first
      jest.setSystemTime(Date.now() + ageMinutes * MINUTE_MS - 1)
      ensureCredentials()
      expect(assumeRole).toHaveBeenCalledTimes(1)
      jest.setSystemTime(Date.now() + 1)
      ensureCredentials()
      expect(assumeRole).toHaveBeenCalledTimes(2)
    },
  )

  test('a random jitter starts each further refresh up to a fifth of refreshBeforeSeconds earlier', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1)
    const { ensureCredentials, issueCredentials, assumeRole } = await createReadySession()
    jest.setSystemTime(Date.now() + 45 * MINUTE_MS)
    ensureCredentials()
    issueCredentials()
    await flushPromises()
    const expiresAt = Date.now() + HOUR_MS
    jest.setSystemTime(expiresAt - 1.2 * REFRESH_BEFORE_SECONDS * SECOND_MS - 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    jest.setSystemTime(expiresAt - 1.2 * REFRESH_BEFORE_SECONDS * SECOND_MS)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })

  test('credentials that replace expired credentials are refreshed at a random age, too', async () => {
    const { ensureCredentials, issueCredentials, expiresAt, getReasons } = await createReadySession()
    jest.setSystemTime(expiresAt)
    const waiting = ensureCredentials()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    issueCredentials()
    await waiting
    jest.setSystemTime(expiresAt + 6 * MINUTE_MS)
    ensureCredentials()
    expect(getReasons()).toEqual(['first', 'expired', 'refresh'])
  })

  test('credentials that a failed call delayed are refreshed at a random age, too', async () => {
    const { ensureCredentials, failCall, issueCredentials, expiresAt, getReasons } =
      await createReadySession()
    jest.setSystemTime(expiresAt - REFRESH_BEFORE_SECONDS * SECOND_MS)
    ensureCredentials()
    failCall()
    await flushPromises()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    ensureCredentials()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    issueCredentials()
    await flushPromises()
    jest.setSystemTime(Date.now() + 6 * MINUTE_MS)
    ensureCredentials()
    expect(getReasons()).toEqual(['first', 'refresh', 'refresh', 'refresh'])
  })

  test('a refresh before the refresh window that fails is repeated at a random time before the window', async () => {
    const { ensureCredentials, failCall, issueCredentials, assumeRole } = createTestSession()
    const first = ensureCredentials()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    issueCredentials()
    await first
    const expiresAt = Date.now() + HOUR_MS
    jest.setSystemTime(Date.now() + 6 * MINUTE_MS)
    // The middle of the time from now to the start of the refresh window.
    jest.spyOn(Math, 'random').mockReturnValue(0.5)
    ensureCredentials()
    failCall()
    await flushPromises()
    const repeatedAt = (Date.now() + expiresAt - REFRESH_BEFORE_SECONDS * SECOND_MS) / 2
    jest.setSystemTime(repeatedAt - 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    jest.setSystemTime(repeatedAt)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })

  test('invocations use the current credentials during a background refresh and the new credentials afterwards', async () => {
    const { ensureCredentials, credentials, issueCredentials, getReasons, expiresAt } =
      await createReadySession()
    jest.setSystemTime(expiresAt - REFRESH_BEFORE_SECONDS * SECOND_MS)
    expect(ensureCredentials()).toBeUndefined()
    expect(ensureCredentials()).toBeUndefined()
    expect(getReasons()).toEqual(['first', 'refresh'])
    expect((await credentials()).accessKeyId).toBe('key 1')
    issueCredentials()
    await flushPromises()
    expect((await credentials()).accessKeyId).toBe('key 2')
    expect(ensureCredentials()).toBeUndefined()
    expect(getReasons()).toHaveLength(2)
  })

  test('a refresh never starts in the first tenth of the lifetime of the credentials', async () => {
    const { ensureCredentials, issueCredentials, assumeRole } = createTestSession()
    const first = ensureCredentials()
    issueCredentials(10 * MINUTE_MS)
    await first
    jest.setSystemTime(Date.now() + MINUTE_MS - 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('a failed call does not start a refresh in the first tenth of the lifetime of the credentials', async () => {
    const { ensureCredentials, prefetch, issueCredentials, failCall, assumeRole } = createTestSession()
    const first = ensureCredentials()
    issueCredentials(15 * MINUTE_MS)
    await first
    prefetch().catch(() => {})
    failCall()
    await flushPromises()
    jest.setSystemTime(Date.now() + 90 * SECOND_MS - 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    jest.setSystemTime(Date.now() + 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })

  test('an invocation waits for new credentials in the last minute before the expiration', async () => {
    const { ensureCredentials, credentials, issueCredentials, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - MINUTE_MS)
    const waiting = ensureCredentials()
    expect(waiting).toBeInstanceOf(Promise)
    issueCredentials()
    await waiting
    expect((await credentials()).accessKeyId).toBe('key 2')
  })

  test('invocations use the credentials until they expire if STS fails', async () => {
    const { ensureCredentials, credentials, failCall, log, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 2 * MINUTE_MS)
    expect(ensureCredentials()).toBeUndefined()
    failCall()
    await flushPromises()
    expect(log).toHaveBeenCalledWith(
      'AssumeRole failed; the current credentials are still valid',
      expect.objectContaining({ reason: 'refresh' }),
    )
    jest.setSystemTime(expiresAt - 1)
    const waiting = ensureCredentials()
    expect(waiting).toBeInstanceOf(Promise)
    failCall()
    await expect(waiting).resolves.toBeUndefined()
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('the credential provider returns valid credentials without waiting for STS, even in the last minute', async () => {
    const { credentials, assumeRole, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 30 * SECOND_MS)
    expect((await credentials()).accessKeyId).toBe('key 1')
    expect((await credentials()).accessKeyId).toBe('key 1')
    expect(assumeRole).toHaveBeenCalledTimes(2)
    await jest.advanceTimersByTimeAsync(9000)
  })

  test('the session never returns expired credentials', async () => {
    const { ensureCredentials, credentials, failCall, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt)
    const waiting = [catchErrorCode(ensureCredentials()), catchErrorCode(credentials())]
    failCall()
    await expect(Promise.all(waiting)).resolves.toEqual(['STS_UNAVAILABLE', 'STS_UNAVAILABLE'])
  })
})

describe('failed refreshes', () => {
  test.each([
    [0, 1],
    [1, 2],
  ])(
    'after a failed refresh and with a jitter of %d, the next refresh starts after %d s and not earlier',
    async (jitter, pauseSeconds) => {
      const { ensureCredentials, failCall, assumeRole, expiresAt } = await createReadySession()
      jest.spyOn(Math, 'random').mockReturnValue(jitter)
      jest.setSystemTime(expiresAt - 10 * MINUTE_MS)
      ensureCredentials()
      failCall()
      await flushPromises()
      jest.setSystemTime(Date.now() + pauseSeconds * SECOND_MS - 1)
      expect(ensureCredentials()).toBeUndefined()
      expect(assumeRole).toHaveBeenCalledTimes(2)
      jest.setSystemTime(Date.now() + 1)
      expect(ensureCredentials()).toBeUndefined()
      expect(assumeRole).toHaveBeenCalledTimes(3)
    },
  )

  test('the pause between failed refreshes doubles up to one minute and starts again after a success', async () => {
    const { ensureCredentials, failCall, issueCredentials, assumeRole } = await createReadySession()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    jest.setSystemTime(Date.now() + 45 * MINUTE_MS)
    const pausesSeconds: number[] = []
    const failAndMeasurePause = async () => {
      ensureCredentials()
      failCall()
      await flushPromises()
      const calls = assumeRole.mock.calls.length
      const failedAt = Date.now()
      for (;;) {
        jest.setSystemTime(Date.now() + 100)
        ensureCredentials()
        if (assumeRole.mock.calls.length > calls) break
      }
      pausesSeconds.push((Date.now() - failedAt) / SECOND_MS)
    }
    for (let i = 0; i < 8; i += 1) await failAndMeasurePause()
    expect(pausesSeconds).toEqual([2, 4, 8, 16, 32, 60, 60, 60])
    issueCredentials()
    await flushPromises()
    jest.setSystemTime(Date.now() + 50 * MINUTE_MS)
    pausesSeconds.length = 0
    await failAndMeasurePause()
    expect(pausesSeconds).toEqual([2])
  })

  test('an invocation in the last minute does not wait during the pause after a failed refresh', async () => {
    const { ensureCredentials, failCall, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 30 * SECOND_MS)
    const waiting = ensureCredentials()
    failCall()
    await waiting
    expect(ensureCredentials()).toBeUndefined()
    jest.setSystemTime(Date.now() + SECOND_MS)
    expect(ensureCredentials()).toBeInstanceOf(Promise)
  })
})

describe('wait budget without valid credentials', () => {
  test.each<[string, object | undefined, number]>([
    ['9.5 of 10 remaining seconds', createDeadline(10_000), 9500],
    ['0.9 of 1 remaining second', createDeadline(1000), 900],
    ['five seconds if it has no context', undefined, 5000],
    ['five seconds if the context does not state the remaining time', {}, 5000],
    ['0 seconds if no time remains', createDeadline(0), 0],
  ])('an invocation without valid credentials waits %s', async (_what, deadline, waitBudgetMs) => {
    const { ensureCredentials } = createTestSession()
    const onSettled = jest.fn()
    catchErrorCode(ensureCredentials(deadline)).then(onSettled)
    await jest.advanceTimersByTimeAsync(Math.max(0, waitBudgetMs - 1))
    if (waitBudgetMs > 0) expect(onSettled).not.toHaveBeenCalled()
    await jest.advanceTimersByTimeAsync(1)
    expect(onSettled).toHaveBeenCalledWith('STS_TIMEOUT')
  })

  test('an AssumeRole call continues for other invocations after one invocation timed out', async () => {
    const { ensureCredentials, issueCredentials, getReasons } = createTestSession()
    const shortWait = catchErrorCode(ensureCredentials(createDeadline(1000)))
    const longWait = catchErrorCode(ensureCredentials(createDeadline(9000)))
    await jest.advanceTimersByTimeAsync(900)
    expect(await shortWait).toBe('STS_TIMEOUT')
    issueCredentials()
    expect(await longWait).toBe('no error')
    expect(getReasons()).toHaveLength(1)
  })

  test('an invocation whose wait timed out uses the current credentials if they are still valid', async () => {
    const { ensureCredentials, credentials, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 30 * SECOND_MS)
    const waiting = ensureCredentials(createDeadline(1000))
    await jest.advanceTimersByTimeAsync(900)
    await expect(waiting).resolves.toBeUndefined()
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('a session with credentials keeps no timer', async () => {
    await createReadySession()
    expect(jest.getTimerCount()).toBe(0)
  })
})

describe('wait budget with valid credentials', () => {
  test.each<[string, object | undefined, number]>([
    ['a quarter of its wait budget', createDeadline(3000), 675],
    ['at most one second', createDeadline(30_000), 1000],
    ['one second if the remaining time is unknown', undefined, 1000],
  ])(
    'an invocation with valid credentials waits %s in their last minute',
    async (_what, deadline, waitMs) => {
      const { ensureCredentials, expiresAt } = await createReadySession()
      jest.setSystemTime(expiresAt - 50 * SECOND_MS)
      const onSettled = jest.fn()
      catchErrorCode(ensureCredentials(deadline)).then(onSettled)
      await jest.advanceTimersByTimeAsync(waitMs - 1)
      expect(onSettled).not.toHaveBeenCalled()
      await jest.advanceTimersByTimeAsync(1)
      expect(onSettled).toHaveBeenCalledWith('no error')
    },
  )
})

describe('waits during an invocation', () => {
  test('an invocation whose credentials expire while it waits continues to wait for the rest of its time', async () => {
    const { ensureCredentials, issueCredentials, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 500)
    const waiting = catchErrorCode(ensureCredentials(createDeadline(10 * SECOND_MS)))
    await jest.advanceTimersByTimeAsync(2 * SECOND_MS)
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
    issueCredentials()
    expect(await waiting).toBe('no error')
  })

  test('the SDK waits at most as long as the latest invocation can wait', async () => {
    const { ensureCredentials, credentials, getLatestCredentials, replaceRejectedCredentials } =
      await createReadySession()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    expect(ensureCredentials(createDeadline(1000))).toBeUndefined()
    const replaced = catchErrorCode(replaceRejectedCredentials(getLatestCredentials(), performance.now()))
    const provided = catchErrorCode(credentials())
    await jest.advanceTimersByTimeAsync(900)
    await expect(Promise.all([replaced, provided])).resolves.toEqual(['STS_TIMEOUT', 'STS_TIMEOUT'])
  })

  test('the remaining time of an invocation that has ended does not limit a wait', async () => {
    const { ensureCredentials, credentials, issueCredentials, expiresAt } = await createReadySession()
    let remainingTimeMs = 1000
    ensureCredentials({ getRemainingTimeInMillis: () => remainingTimeMs })
    remainingTimeMs = -500
    jest.setSystemTime(expiresAt)
    const provided = credentials()
    await jest.advanceTimersByTimeAsync(4000)
    issueCredentials()
    expect((await provided).accessKeyId).toBe('key 2')
  })
})

describe('a clock that moves back', () => {
  test('an invocation calls STS again after a refusal if the clock moved back', async () => {
    const { ensureCredentials, failCall, assumeRole } = createTestSession()
    const first = catchErrorCode(ensureCredentials())
    failCall('ASSUME_ROLE_DENIED')
    await first
    jest.setSystemTime(Date.now() - HOUR_MS)
    ensureCredentials()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('a clock that moves back ends the pause after a failed refresh', async () => {
    const { ensureCredentials, failCall, assumeRole, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 5 * MINUTE_MS)
    ensureCredentials()
    failCall()
    await flushPromises()
    jest.setSystemTime(Date.now() - 3 * MINUTE_MS)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })

  test('rejected credentials are replaced if the clock moved back to before they were issued', async () => {
    const { replaceRejectedCredentials, getLatestCredentials, issueCredentials, getReasons } =
      await createReadySession()
    jest.setSystemTime(Date.now() - HOUR_MS)
    const replaced = replaceRejectedCredentials(getLatestCredentials(), performance.now())
    await flushPromises()
    expect(getReasons()).toEqual(['first', 'rejected'])
    issueCredentials()
    await expect(replaced).resolves.toBe(true)
  })
})

test('the credentials are frozen, and neither the expiration nor the source that the SDK writes is shared', async () => {
  const { credentials } = await createReadySession()
  const issued = (await credentials()) as Credentials & { $source: Record<string, string> }
  const { expiration } = issued
  expect(Object.isFrozen(issued)).toBe(true)
  issued.expiration.setTime(0)
  issued.$source.CREDENTIALS_CODE = 'e'
  expect(issued.expiration).toEqual(expiration)
  expect(issued.$source).toEqual({})
  expect(Object.keys(issued)).not.toContain('$source')
})

describe('frozen AssumeRole calls', () => {
  test('invocations that waited for a frozen call wait for the call that replaces it', async () => {
    const { ensureCredentials, issueCredentials, assumeRole } = createTestSession()
    const firstWait = catchErrorCode(ensureCredentials(createDeadline(60_000)))
    jest.setSystemTime(Date.now() + 11 * SECOND_MS)
    const secondWait = catchErrorCode(ensureCredentials(createDeadline(60_000)))
    expect(assumeRole).toHaveBeenCalledTimes(2)
    await flushPromises()
    issueCredentials()
    issueCredentials()
    await expect(Promise.all([firstWait, secondWait])).resolves.toEqual(['no error', 'no error'])
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('an invocation that waited for a frozen call waits for the next one only for the rest of its time', async () => {
    const { ensureCredentials } = createTestSession()
    const waiting = catchErrorCode(ensureCredentials())
    await jest.advanceTimersByTimeAsync(4 * SECOND_MS)
    // The environment is frozen for 30 seconds, and another invocation replaces the call.
    jest.setSystemTime(Date.now() + 30 * SECOND_MS)
    ensureCredentials()?.catch(() => {})
    await jest.advanceTimersByTimeAsync(SECOND_MS - 1)
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
    await jest.advanceTimersByTimeAsync(1)
    expect(await Promise.race([waiting, 'still waiting'])).toBe('STS_TIMEOUT')
  })

  test('a refresh after a frozen one is repeated before the last minute, and soon if it fails', async () => {
    const { ensureCredentials, failCall, assumeRole, expiresAt } = await createReadySession()
    jest.setSystemTime(expiresAt - 15 * MINUTE_MS)
    ensureCredentials()
    jest.setSystemTime(expiresAt - 14 * MINUTE_MS)
    // The second call starts, and the next attempt is in the middle of the time to the last minute.
    jest.spyOn(Math, 'random').mockReturnValue(0.5)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    jest.setSystemTime(expiresAt - 7.5 * MINUTE_MS - 1)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    jest.setSystemTime(expiresAt - 7.5 * MINUTE_MS)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(4)
    // The calls that were aborted are still in the queue of the test.
    failCall()
    failCall()
    failCall()
    await flushPromises()
    jest.setSystemTime(Date.now() + 2 * SECOND_MS)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(5)
  })

  test('a pause because of throttling does not postpone a refresh to the last minute after a frozen one', async () => {
    const throttle = createSharedThrottle()
    const session = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const first = session.ensureCredentials()
    session.issueCredentials()
    await first
    jest.setSystemTime(Date.now() + 46 * MINUTE_MS)
    session.ensureCredentials()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    throttle.pause = { from: Date.now(), until: Date.now() + 5 * SECOND_MS }
    session.ensureCredentials()
    expect(session.assumeRole).toHaveBeenCalledTimes(2)
    jest.setSystemTime(Date.now() + 5 * SECOND_MS)
    session.ensureCredentials()
    expect(session.assumeRole).toHaveBeenCalledTimes(3)
  })

  test('an invocation aborts a call that takes longer than the maximum duration and starts a new call', async () => {
    const { prefetch, ensureCredentials, issueCredentials, assumeRole, getReasons } = createTestSession()
    const prefetched = catchErrorCode(prefetch())
    jest.setSystemTime(Date.now() + 10 * SECOND_MS)
    ensureCredentials()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 3 * HOUR_MS)
    const first = ensureCredentials()
    expect(getReasons()).toEqual(['prefetch', 'first'])
    expect(assumeRole.mock.calls[0]?.[1].aborted).toBe(true)
    expect(await prefetched).toBe('STS_TIMEOUT')
    issueCredentials()
    issueCredentials()
    await expect(first).resolves.toBeUndefined()
    expect(ensureCredentials()).toBeUndefined()
  })

  test('an invocation starts a new call if the clock moved back during the call', () => {
    const { prefetch, ensureCredentials, getReasons } = createTestSession()
    prefetch().catch(() => {})
    jest.setSystemTime(Date.now() - HOUR_MS)
    ensureCredentials()?.catch(() => {})
    expect(getReasons()).toEqual(['prefetch', 'first'])
  })

  test('a frozen call that fails late does not affect the call that replaced it', async () => {
    const { ensureCredentials, failCall, issueCredentials, assumeRole, expiresAt } =
      await createReadySession()
    assumeRole.mockImplementationOnce(
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 20 * SECOND_MS)),
    )
    jest.setSystemTime(expiresAt - 10 * MINUTE_MS)
    ensureCredentials()
    jest.setSystemTime(Date.now() + 11 * SECOND_MS)
    ensureCredentials()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    await jest.advanceTimersByTimeAsync(20 * SECOND_MS)
    issueCredentials()
    await flushPromises()
    expect(ensureCredentials()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    expect(() => failCall()).toThrow('no AssumeRole call is pending')
  })
})

describe('rejected credentials', () => {
  test('one AssumeRole call replaces rejected credentials for all requests, which do not use them meanwhile', async () => {
    const { getLatestCredentials, replaceRejectedCredentials, credentials, issueCredentials, getReasons } =
      await createReadySession()
    const used = getLatestCredentials()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    const replaced = [
      replaceRejectedCredentials(used, performance.now()),
      replaceRejectedCredentials(used, performance.now()),
    ]
    const provided = credentials()
    issueCredentials()
    await expect(Promise.all(replaced)).resolves.toEqual([true, true])
    expect((await provided).accessKeyId).toBe('key 2')
    await expect(replaceRejectedCredentials(used, performance.now())).resolves.toBe(true)
    expect(getReasons()).toEqual(['first', 'rejected'])
  })

  test('rejected credentials are replaced even if a refresh failed during the rejected request', async () => {
    const {
      getLatestCredentials,
      replaceRejectedCredentials,
      ensureCredentials,
      failCall,
      issueCredentials,
      getReasons,
      expiresAt,
    } = await createReadySession()
    jest.setSystemTime(expiresAt - 10 * MINUTE_MS)
    const used = getLatestCredentials()
    const requestStartedAt = performance.now()
    ensureCredentials()
    failCall()
    await flushPromises()
    const replaced = replaceRejectedCredentials(used, requestStartedAt)
    issueCredentials()
    await expect(replaced).resolves.toBe(true)
    expect(getReasons()).toEqual(['first', 'refresh', 'rejected'])
  })

  test('rejected credentials that are less than 30 seconds old are not replaced', async () => {
    const { getLatestCredentials, replaceRejectedCredentials, assumeRole } = await createReadySession()
    jest.setSystemTime(Date.now() + 30 * SECOND_MS - 1)
    await expect(replaceRejectedCredentials(getLatestCredentials(), performance.now())).resolves.toBe(false)
    expect(assumeRole).toHaveBeenCalledTimes(1)
  })

  test('a failed replacement fails all requests that began before the failure, and a later request calls STS again', async () => {
    const { getLatestCredentials, replaceRejectedCredentials, failCall, issueCredentials, getReasons } =
      await createReadySession()
    const used = getLatestCredentials()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    const requestStartedAt = performance.now()
    const earlyRequest = catchErrorCode(replaceRejectedCredentials(used, requestStartedAt))
    failCall()
    expect(await earlyRequest).toBe('STS_UNAVAILABLE')
    expect(await catchErrorCode(replaceRejectedCredentials(used, requestStartedAt))).toBe('STS_UNAVAILABLE')
    expect(getReasons()).toEqual(['first', 'rejected'])
    await jest.advanceTimersByTimeAsync(1)
    const laterRequest = replaceRejectedCredentials(used, performance.now())
    issueCredentials()
    await expect(laterRequest).resolves.toBe(true)
  })

  test('rejected credentials are not used again if the replacement fails', async () => {
    const { getLatestCredentials, replaceRejectedCredentials, ensureCredentials, failCall, getReasons } =
      await createReadySession()
    jest.setSystemTime(Date.now() + MINUTE_MS)
    const replaced = catchErrorCode(replaceRejectedCredentials(getLatestCredentials(), performance.now()))
    failCall()
    expect(await replaced).toBe('STS_UNAVAILABLE')
    const next = catchErrorCode(ensureCredentials())
    failCall()
    expect(await next).toBe('STS_UNAVAILABLE')
    expect(getReasons()).toEqual(['first', 'rejected', 'rejected'])
  })
})

/**
 * Creates a session whose AssumeRole calls ignore the abort signal, because a request that was already sent can still be
 * answered.
 */
const createSessionThatIgnoresAbort = () => {
  const calls: { succeed: (lifetimeMs: number) => void; fail: () => void }[] = []
  const log = jest.fn()
  const session = createSession({
    roleArn: 'arn:aws:iam::222222222222:role/R',
    contextKey: 'dynamo',
    refreshBeforeSeconds: 900,
    maxAssumeRoleDurationMs: 10 * SECOND_MS,
    throttle: createSharedThrottle(),
    logger: { debug: log, info: log, warn: log, error: log },
    assumeRole: () =>
      new Promise((resolve, reject) => {
        calls.push({
          succeed: (lifetimeMs) => {
            const expiration = new Date(Date.now() + lifetimeMs)
            resolve({ accessKeyId: '', secretAccessKey: '', sessionToken: '', accountId: '', expiration })
          },
          fail: () => reject(new CrossAccountDynamoError('STS_UNAVAILABLE', 'rejected by the test')),
        })
      }),
  })
  return { ...session, calls, log }
}

describe('aborted AssumeRole calls', () => {
  /** Returns a session whose first call was aborted and whose second call succeeded. */
  const createSessionWithAbortedCall = async () => {
    const session = createSessionThatIgnoresAbort()
    session.ensureCredentials()?.catch(() => {})
    jest.setSystemTime(Date.now() + 10 * SECOND_MS + 1)
    const secondWait = session.ensureCredentials()
    session.calls[1]?.succeed(HOUR_MS)
    await secondWait
    return session
  }

  test('the session logs that it aborts a frozen call', async () => {
    const { log } = await createSessionWithAbortedCall()
    expect(log.mock.calls).toEqual([
      [
        'An AssumeRole call was frozen in flight; the role is assumed again',
        { roleArn: 'arn:aws:iam::222222222222:role/R', reason: 'first' },
      ],
    ])
  })

  test('an aborted call that succeeds late does not replace the credentials of the next call', async () => {
    const { getLatestCredentials, calls } = await createSessionWithAbortedCall()
    const expiration = getLatestCredentials()?.expiration
    calls[0]?.succeed(2 * HOUR_MS)
    await jest.advanceTimersByTimeAsync(0)
    expect(getLatestCredentials()?.expiration).toEqual(expiration)
  })

  test('an aborted call that fails after the next call succeeded is not logged', async () => {
    const { calls, log } = await createSessionWithAbortedCall()
    log.mockClear()
    calls[0]?.fail()
    await jest.advanceTimersByTimeAsync(0)
    expect(log).not.toHaveBeenCalled()
  })
})

test('rejected credentials that a refresh already replaced are not replaced again', async () => {
  const {
    getLatestCredentials,
    replaceRejectedCredentials,
    ensureCredentials,
    issueCredentials,
    assumeRole,
    log,
  } = await createReadySession()
  const oldCredentials = getLatestCredentials()
  jest.setSystemTime(Date.now() + 50 * MINUTE_MS)
  ensureCredentials()
  issueCredentials()
  await jest.advanceTimersByTimeAsync(0)
  jest.setSystemTime(Date.now() + MINUTE_MS)
  await expect(replaceRejectedCredentials(oldCredentials, performance.now())).resolves.toBe(true)
  expect(assumeRole).toHaveBeenCalledTimes(2)
  expect(log).not.toHaveBeenCalled()
})

test('the session logs a warning when DynamoDB rejects the session token', async () => {
  const { getLatestCredentials, replaceRejectedCredentials, issueCredentials, log } =
    await createReadySession()
  jest.setSystemTime(Date.now() + 30 * SECOND_MS)
  const replaced = replaceRejectedCredentials(getLatestCredentials(), performance.now())
  issueCredentials()
  await expect(replaced).resolves.toBe(true)
  expect(log.mock.calls).toEqual([
    [
      'DynamoDB rejected the session token; the role is assumed again',
      { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole' },
    ],
  ])
})

test('the credential provider is memoized, so the SDK does not cache its credentials', () => {
  expect(createTestSession().credentials.memoized).toBe(true)
})

describe('errors of a session', () => {
  test('each invocation that waits or fails because of a recent refusal receives a separate error with the same cause', async () => {
    const { ensureCredentials, rejectCall } = createTestSession()
    const cause = new Error('the cause')
    const waits = [ensureCredentials(), ensureCredentials()]
    rejectCall(new CrossAccountDynamoError('ASSUME_ROLE_DENIED', 'denied', { cause }))
    const errors = (await Promise.allSettled([...waits, ensureCredentials(), ensureCredentials()])).map(
      (outcome) => (outcome as PromiseRejectedResult).reason,
    )
    expect(new Set(errors).size).toBe(4)
    for (const error of errors)
      expect(error).toMatchObject({
        code: 'ASSUME_ROLE_DENIED',
        message: 'ASSUME_ROLE_DENIED: denied',
        cause,
      })
  })
})

describe('returned credentials', () => {
  test('changes to returned credentials and to their expiration do not change the session', async () => {
    const { credentials, ensureCredentials, expiresAt } = await createReadySession()
    const returned = await credentials()
    expect(() => Object.assign(returned, { sessionToken: 'another' })).toThrow(TypeError)
    returned.expiration.setTime(0)
    expect((await credentials()).expiration.getTime()).toBe(expiresAt)
    expect((await credentials()).sessionToken).toBe('token')
    expect(ensureCredentials()).toBeUndefined()
  })
})

describe('throttling of another session', () => {
  test('background refreshes pause for five seconds after STS throttled another session, and invocations without credentials do not wait', async () => {
    const throttle = createSharedThrottle()
    const readySession = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const first = readySession.ensureCredentials()
    readySession.issueCredentials()
    await first
    jest.setSystemTime(Date.now() + 46 * MINUTE_MS)
    const throttledSession = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const throttledCall = catchErrorCode(throttledSession.ensureCredentials())
    throttledSession.failCall('STS_THROTTLED')
    expect(await throttledCall).toBe('STS_THROTTLED')

    expect(readySession.ensureCredentials()).toBeUndefined()
    expect(readySession.getReasons()).toEqual(['first'])
    createTestSession(REFRESH_BEFORE_SECONDS, throttle)
      .ensureCredentials()
      ?.catch(() => {})
    throttledSession.ensureCredentials()?.catch(() => {})
    expect(throttledSession.getReasons()).toEqual(['first', 'first'])
    jest.setSystemTime(Date.now() + 5 * SECOND_MS)
    expect(readySession.ensureCredentials()).toBeUndefined()
    expect(readySession.getReasons()).toEqual(['first', 'refresh'])
  })

  test('an invocation in the last minute does not wait during the pause', async () => {
    const throttle = createSharedThrottle()
    const session = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const first = session.ensureCredentials()
    session.issueCredentials()
    await first
    jest.setSystemTime(Date.now() + HOUR_MS - 30 * SECOND_MS)
    throttle.pause = { from: Date.now(), until: Date.now() + 5 * SECOND_MS }
    expect(session.ensureCredentials()).toBeUndefined()
    expect(session.getReasons()).toEqual(['first'])
  })

  test('credentials whose refresh the pause delayed are refreshed at a random age', async () => {
    const throttle = createSharedThrottle()
    const session = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const first = session.ensureCredentials()
    session.issueCredentials()
    await first
    jest.setSystemTime(Date.now() + 46 * MINUTE_MS)
    const throttledSession = createTestSession(REFRESH_BEFORE_SECONDS, throttle)
    const throttledCall = catchErrorCode(throttledSession.ensureCredentials())
    throttledSession.failCall('STS_THROTTLED')
    await throttledCall
    session.ensureCredentials()
    expect(session.getReasons()).toEqual(['first'])
    jest.setSystemTime(Date.now() + 5 * SECOND_MS)
    session.ensureCredentials()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    session.issueCredentials()
    await flushPromises()
    jest.setSystemTime(Date.now() + 6 * MINUTE_MS)
    session.ensureCredentials()
    expect(session.getReasons()).toEqual(['first', 'refresh', 'refresh'])
  })
})

describe('explicitly denied credentials', () => {
  const createFiveMinuteOldSession = async () => {
    const session = await createReadySession()
    jest.setSystemTime(Date.now() + 5 * MINUTE_MS)
    return session
  }

  test('one AssumeRole call replaces denied credentials for all requests, and invocations use them meanwhile', async () => {
    const {
      getLatestCredentials,
      replaceDeniedCredentials,
      ensureCredentials,
      issueCredentials,
      getReasons,
    } = await createFiveMinuteOldSession()
    const used = getLatestCredentials()
    const replaced = [replaceDeniedCredentials(used), replaceDeniedCredentials(used)]
    expect(ensureCredentials()).toBeUndefined()
    issueCredentials()
    await expect(Promise.all(replaced)).resolves.toEqual([true, true])
    await expect(replaceDeniedCredentials(used)).resolves.toBe(true)
    expect(getReasons()).toEqual(['first', 'denied'])
  })

  test('credentials that replace denied credentials are refreshed at a random age', async () => {
    const {
      getLatestCredentials,
      replaceDeniedCredentials,
      ensureCredentials,
      issueCredentials,
      getReasons,
    } = await createFiveMinuteOldSession()
    const replaced = replaceDeniedCredentials(getLatestCredentials())
    jest.spyOn(Math, 'random').mockReturnValue(1)
    issueCredentials()
    await replaced
    jest.setSystemTime(Date.now() + 6 * MINUTE_MS)
    ensureCredentials()
    expect(getReasons()).toEqual(['first', 'denied', 'refresh'])
  })

  test('denied credentials that are less than five minutes old are not replaced', async () => {
    const { getLatestCredentials, replaceDeniedCredentials, getReasons } = await createReadySession()
    jest.setSystemTime(Date.now() + 5 * MINUTE_MS - 1)
    await expect(replaceDeniedCredentials(getLatestCredentials())).resolves.toBe(false)
    expect(getReasons()).toEqual(['first'])
  })

  test('denied credentials are replaced if the clock moved back to before they were issued', async () => {
    const { getLatestCredentials, replaceDeniedCredentials, issueCredentials, credentials } =
      await createFiveMinuteOldSession()
    jest.setSystemTime(Date.now() - HOUR_MS)
    const replaced = replaceDeniedCredentials(getLatestCredentials())
    issueCredentials()
    await expect(replaced).resolves.toBe(true)
    expect((await credentials()).accessKeyId).toBe('key 2')
  })

  test('denied requests start at most one call in five minutes, even if Lambda freezes the call', async () => {
    const { getLatestCredentials, replaceDeniedCredentials, getReasons } = await createFiveMinuteOldSession()
    replaceDeniedCredentials(getLatestCredentials())
    jest.setSystemTime(Date.now() + 30 * SECOND_MS)
    await expect(replaceDeniedCredentials(getLatestCredentials())).resolves.toBe(false)
    expect(getReasons()).toEqual(['first', 'denied'])
  })

  test('denied credentials stay in use if the replacement fails, and the next denied request does not call STS', async () => {
    const { getLatestCredentials, replaceDeniedCredentials, ensureCredentials, failCall, getReasons } =
      await createFiveMinuteOldSession()
    const replaced = replaceDeniedCredentials(getLatestCredentials())
    failCall('ASSUME_ROLE_DENIED')
    await expect(replaced).resolves.toBe(false)
    await expect(replaceDeniedCredentials(getLatestCredentials())).resolves.toBe(false)
    expect(ensureCredentials()).toBeUndefined()
    expect(getReasons()).toEqual(['first', 'denied'])
  })
})
