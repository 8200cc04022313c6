import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createSharedThrottle } from '../../../src/credentials/refresh.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { HOUR, MINUTE, REFRESH_BEFORE_SECONDS, SECOND, startReadySession, startSession } from './station.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

/** Lets what has been answered arrive. */
const arrive = () => jest.advanceTimersByTimeAsync(0)
const remaining = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds })
const caught = (promise: Promise<unknown> | undefined) =>
  Promise.resolve(promise).then(
    () => 'nothing',
    (error: { code: string }) => error.code,
  )

describe('the first credentials', () => {
  test('are waited for, once however many ask', async () => {
    const { ready, credentials, answer, reasons } = startSession()
    const waiting = [ready(), ready(), credentials()]
    expect(waiting.every((each) => each instanceof Promise)).toBe(true)
    answer()
    await Promise.all(waiting)
    expect(reasons()).toEqual(['first'])
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('are tried for again after a failure, which everybody who waited hears of', async () => {
    const { ready, fail, answer, assumeRole, log } = startSession()
    const waiting = [caught(ready()), caught(ready())]
    fail('STS_UNAVAILABLE')
    await expect(Promise.all(waiting)).resolves.toEqual(['STS_UNAVAILABLE', 'STS_UNAVAILABLE'])
    const again = ready()
    answer()
    await expect(again).resolves.toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    expect(log).toHaveBeenCalledWith(
      'AssumeRole failed, and there are no valid credentials',
      expect.objectContaining({ code: 'STS_UNAVAILABLE', reason: 'first' }),
    )
  })

  test('that are prefetched are joined by the first invocation, and by nobody’s unhandled rejection', async () => {
    const { prefetch, ready, answer, reasons } = startSession()
    prefetch()
    const first = ready()
    answer()
    await first
    expect(reasons()).toEqual(['prefetch'])
  })
})

describe('a refusal', () => {
  test('is remembered for five seconds, so that a burst does not ask STS again', async () => {
    const { ready, fail, assumeRole } = startSession()
    const first = caught(ready())
    fail('ASSUME_ROLE_DENIED')
    expect(await first).toBe('ASSUME_ROLE_DENIED')
    jest.setSystemTime(Date.now() + 5 * SECOND - 1)
    await expect(Promise.all([caught(ready()), caught(ready())])).resolves.toEqual([
      'ASSUME_ROLE_DENIED',
      'ASSUME_ROLE_DENIED',
    ])
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 1)
    ready()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('of the prefetch is not: the first invocation tries again', async () => {
    const { prefetch, ready, fail, answer } = startSession()
    const prefetched = caught(prefetch())
    fail('ASSUME_ROLE_DENIED')
    expect(await prefetched).toBe('ASSUME_ROLE_DENIED')
    const first = ready()
    answer()
    await expect(first).resolves.toBeUndefined()
  })

  test('of what may succeed later is not remembered either', async () => {
    const { ready, fail, assumeRole } = startSession()
    const first = caught(ready())
    fail('STS_THROTTLED')
    await first
    ready()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('is forgotten with the next success', async () => {
    const { ready, fail, answer, expiry, reasons } = await startReadySession()
    jest.setSystemTime(expiry)
    const refused = caught(ready())
    fail('ASSUME_ROLE_DENIED')
    expect(await refused).toBe('ASSUME_ROLE_DENIED')
    jest.setSystemTime(expiry + 5 * SECOND)
    const again = ready()
    answer(SECOND)
    await again
    jest.setSystemTime(expiry + 6 * SECOND)
    const third = ready()
    answer()
    await expect(third).resolves.toBeUndefined()
    expect(reasons()).toEqual(['first', 'expired', 'expired', 'expired'])
  })
})

describe('credentials at hand', () => {
  test('are used until refreshBeforeSeconds without asking STS again', async () => {
    const { ready, assumeRole, expiry } = await startReadySession()
    jest.setSystemTime(expiry - REFRESH_BEFORE_SECONDS * SECOND - 1)
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(1)
  })

  test('are refreshed up to a fifth earlier, each environment at a time of its own', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1)
    const { ready, assumeRole, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 1.2 * REFRESH_BEFORE_SECONDS * SECOND - 1)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(expiry - 1.2 * REFRESH_BEFORE_SECONDS * SECOND)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('are used while the refresh is under way in the background, and replaced when it is done', async () => {
    const { ready, credentials, answer, reasons, expiry } = await startReadySession()
    jest.setSystemTime(expiry - REFRESH_BEFORE_SECONDS * SECOND)
    expect(ready()).toBeUndefined()
    expect(ready()).toBeUndefined()
    expect(reasons()).toEqual(['first', 'refresh'])
    expect((await credentials()).accessKeyId).toBe('key 1')
    answer()
    await arrive()
    expect((await credentials()).accessKeyId).toBe('key 2')
    expect(ready()).toBeUndefined()
    expect(reasons()).toHaveLength(2)
  })

  test('are used for a tenth of their life at least, however early their refresh is wanted', async () => {
    const { ready, answer, assumeRole } = startSession()
    const first = ready()
    answer(10 * MINUTE)
    await first
    jest.setSystemTime(Date.now() + MINUTE - 1)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 1)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('are waited for anew with less than a minute left', async () => {
    const { ready, credentials, answer, expiry } = await startReadySession()
    jest.setSystemTime(expiry - MINUTE)
    const waiting = ready()
    expect(waiting).toBeInstanceOf(Promise)
    answer()
    await waiting
    expect((await credentials()).accessKeyId).toBe('key 2')
  })

  test('are used to the end when STS fails, and a failure in the background is nobody’s unhandled rejection', async () => {
    const { ready, credentials, fail, log, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 2 * MINUTE)
    expect(ready()).toBeUndefined()
    fail()
    await arrive()
    expect(log).toHaveBeenCalledWith(
      'AssumeRole failed; the current credentials are still valid',
      expect.objectContaining({ reason: 'refresh' }),
    )
    jest.setSystemTime(expiry - 1)
    const waiting = ready()
    expect(waiting).toBeInstanceOf(Promise)
    fail()
    await expect(waiting).resolves.toBeUndefined()
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('are given to the SDK at once to their end, which asks for them several times a request', async () => {
    const { credentials, assumeRole, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 30 * SECOND)
    expect((await credentials()).accessKeyId).toBe('key 1')
    expect((await credentials()).accessKeyId).toBe('key 1')
    expect(assumeRole).toHaveBeenCalledTimes(2)
    await jest.advanceTimersByTimeAsync(9000)
  })

  test('are never used past their expiry', async () => {
    const { ready, credentials, fail, expiry } = await startReadySession()
    jest.setSystemTime(expiry)
    const waiting = [caught(ready()), caught(credentials())]
    fail()
    await expect(Promise.all(waiting)).resolves.toEqual(['STS_UNAVAILABLE', 'STS_UNAVAILABLE'])
  })
})

describe('after a failed refresh', () => {
  test.each([
    [0, 1],
    [1, 2],
  ])('with a jitter of %d the next one starts after %d s and not before', async (random, seconds) => {
    const { ready, fail, assumeRole, expiry } = await startReadySession()
    jest.spyOn(Math, 'random').mockReturnValue(random)
    jest.setSystemTime(expiry - 10 * MINUTE)
    ready()
    fail()
    await arrive()
    jest.setSystemTime(Date.now() + seconds * SECOND - 1)
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    jest.setSystemTime(Date.now() + 1)
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })

  test('pauses grow to a minute and no further, and begin anew after a success', async () => {
    const { ready, fail, answer, assumeRole } = await startReadySession()
    jest.spyOn(Math, 'random').mockReturnValue(1)
    jest.setSystemTime(Date.now() + 45 * MINUTE)
    const pauses: number[] = []
    const failAndMeasure = async () => {
      ready()
      fail()
      await arrive()
      const calls = assumeRole.mock.calls.length
      const failedAt = Date.now()
      for (;;) {
        jest.setSystemTime(Date.now() + 100)
        ready()
        if (assumeRole.mock.calls.length > calls) break
      }
      pauses.push((Date.now() - failedAt) / SECOND)
    }
    for (let i = 0; i < 8; i += 1) await failAndMeasure()
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60])
    answer()
    await arrive()
    jest.setSystemTime(Date.now() + 50 * MINUTE)
    pauses.length = 0
    await failAndMeasure()
    expect(pauses).toEqual([2])
  })

  test('an invocation near the expiry does not wait either while the next attempt is not due', async () => {
    const { ready, fail, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 30 * SECOND)
    const waiting = ready()
    fail()
    await waiting
    expect(ready()).toBeUndefined()
    jest.setSystemTime(Date.now() + SECOND)
    expect(ready()).toBeInstanceOf(Promise)
  })
})

describe('an invocation waits', () => {
  test.each<[string, object | undefined, number]>([
    ['until half a second before its end', remaining(10_000), 9500],
    ['until a tenth before its end where that is less', remaining(1000), 900],
    ['five seconds where it does not know its end', undefined, 5000],
    ['five seconds in a context without the function', {}, 5000],
    ['not at all when its time is over', remaining(0), 0],
  ])('%s', async (_when, deadline, milliseconds) => {
    const { ready } = startSession()
    const outcome = jest.fn()
    caught(ready(deadline)).then(outcome)
    await jest.advanceTimersByTimeAsync(Math.max(0, milliseconds - 1))
    if (milliseconds > 0) expect(outcome).not.toHaveBeenCalled()
    await jest.advanceTimersByTimeAsync(1)
    expect(outcome).toHaveBeenCalledWith('STS_TIMEOUT')
  })

  test('and what it waited for goes on for the others', async () => {
    const { ready, answer, reasons } = startSession()
    const hasty = caught(ready(remaining(1000)))
    const patient = caught(ready(remaining(9000)))
    await jest.advanceTimersByTimeAsync(900)
    expect(await hasty).toBe('STS_TIMEOUT')
    answer()
    expect(await patient).toBe('nothing')
    expect(reasons()).toHaveLength(1)
  })

  test('in vain, but uses the credentials at hand if they are still good', async () => {
    const { ready, credentials, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 30 * SECOND)
    const waiting = ready(remaining(1000))
    await jest.advanceTimersByTimeAsync(900)
    await expect(waiting).resolves.toBeUndefined()
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('and leaves no timer behind', async () => {
    await startReadySession()
    expect(jest.getTimerCount()).toBe(0)
  })
})

describe('while the credentials at hand are good, an invocation waits in the last minute', () => {
  test.each<[string, object | undefined, number]>([
    ['a quarter of its time', remaining(3000), 675],
    ['a second where that is less', remaining(30_000), 1000],
    ['a second where it does not know its time', undefined, 1000],
  ])('%s', async (_how, deadline, milliseconds) => {
    const { ready, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 50 * SECOND)
    const outcome = jest.fn()
    caught(ready(deadline)).then(outcome)
    await jest.advanceTimersByTimeAsync(milliseconds - 1)
    expect(outcome).not.toHaveBeenCalled()
    await jest.advanceTimersByTimeAsync(1)
    expect(outcome).toHaveBeenCalledWith('nothing')
  })
})

describe('in the middle of an invocation', () => {
  test('the SDK waits no longer than the invocation may', async () => {
    const { ready, credentials, current, replaceRejected } = await startReadySession()
    jest.setSystemTime(Date.now() + MINUTE)
    expect(ready(remaining(1000))).toBeUndefined()
    const replaced = caught(replaceRejected(current(), performance.now()))
    const provided = caught(credentials())
    await jest.advanceTimersByTimeAsync(900)
    await expect(Promise.all([replaced, provided])).resolves.toEqual(['STS_TIMEOUT', 'STS_TIMEOUT'])
  })

  test('that is over, nothing is said of how long to wait', async () => {
    const { ready, credentials, answer, expiry } = await startReadySession()
    let left = 1000
    ready({ getRemainingTimeInMillis: () => left })
    left = -500
    jest.setSystemTime(expiry)
    const provided = credentials()
    await jest.advanceTimersByTimeAsync(4000)
    answer()
    expect((await provided).accessKeyId).toBe('key 2')
  })
})

describe('a clock that is set back', () => {
  test('does not prolong the memory of a refusal', async () => {
    const { ready, fail, assumeRole } = startSession()
    const first = caught(ready())
    fail('ASSUME_ROLE_DENIED')
    await first
    jest.setSystemTime(Date.now() - HOUR)
    ready()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('does not prolong the pause after a failed refresh', async () => {
    const { ready, fail, assumeRole, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 5 * MINUTE)
    ready()
    fail()
    await arrive()
    jest.setSystemTime(Date.now() - 3 * MINUTE)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(3)
  })
})

describe('a flight that was frozen', () => {
  test('is followed by those who waited for it into the new one', async () => {
    const { ready, answer, assumeRole } = startSession()
    const patient = caught(ready(remaining(60_000)))
    jest.setSystemTime(Date.now() + 11 * SECOND)
    const next = caught(ready(remaining(60_000)))
    expect(assumeRole).toHaveBeenCalledTimes(2)
    await arrive()
    answer()
    answer()
    await expect(Promise.all([patient, next])).resolves.toEqual(['nothing', 'nothing'])
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('is given up after ten seconds by the clock on the wall, and a new one started', async () => {
    const { prefetch, ready, answer, assumeRole, reasons } = startSession()
    const prefetched = caught(prefetch())
    jest.setSystemTime(Date.now() + 10 * SECOND)
    ready()?.catch(() => {})
    expect(assumeRole).toHaveBeenCalledTimes(1)
    jest.setSystemTime(Date.now() + 3 * HOUR)
    const first = ready()
    expect(reasons()).toEqual(['prefetch', 'first'])
    expect(assumeRole.mock.calls[0]?.[1].aborted).toBe(true)
    expect(await prefetched).toBe('STS_TIMEOUT')
    answer()
    answer()
    await expect(first).resolves.toBeUndefined()
    expect(ready()).toBeUndefined()
  })

  test('is given up, too, when the clock was set back meanwhile', () => {
    const { prefetch, ready, reasons } = startSession()
    prefetch().catch(() => {})
    jest.setSystemTime(Date.now() - HOUR)
    ready()?.catch(() => {})
    expect(reasons()).toEqual(['prefetch', 'first'])
  })

  test('that fails late neither delays nor shadows the new one', async () => {
    const { ready, fail, answer, assumeRole, expiry } = await startReadySession()
    assumeRole.mockImplementationOnce(
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 20 * SECOND)),
    )
    jest.setSystemTime(expiry - 10 * MINUTE)
    ready()
    jest.setSystemTime(Date.now() + 11 * SECOND)
    ready()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    await jest.advanceTimersByTimeAsync(20 * SECOND)
    answer()
    await arrive()
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(3)
    expect(() => fail()).toThrow('nobody waits')
  })
})

describe('credentials that DynamoDB rejected', () => {
  test('are replaced once, however many requests were rejected, and used by nobody meanwhile', async () => {
    const { current, replaceRejected, credentials, answer, reasons } = await startReadySession()
    const used = current()
    jest.setSystemTime(Date.now() + MINUTE)
    const replaced = [replaceRejected(used, performance.now()), replaceRejected(used, performance.now())]
    const provided = credentials()
    answer()
    await expect(Promise.all(replaced)).resolves.toEqual([true, true])
    expect((await provided).accessKeyId).toBe('key 2')
    await expect(replaceRejected(used, performance.now())).resolves.toBe(true)
    expect(reasons()).toEqual(['first', 'rejected'])
  })

  test('are replaced also when a refresh failed while the request was under way', async () => {
    const { current, replaceRejected, ready, fail, answer, reasons, expiry } = await startReadySession()
    jest.setSystemTime(expiry - 10 * MINUTE)
    const used = current()
    const since = performance.now()
    ready()
    fail()
    await arrive()
    const replaced = replaceRejected(used, since)
    answer()
    await expect(replaced).resolves.toBe(true)
    expect(reasons()).toEqual(['first', 'refresh', 'rejected'])
  })

  test('are not replaced when they are brand-new: others would be no better', async () => {
    const { current, replaceRejected, assumeRole } = await startReadySession()
    jest.setSystemTime(Date.now() + 30 * SECOND - 1)
    await expect(replaceRejected(current(), performance.now())).resolves.toBe(false)
    expect(assumeRole).toHaveBeenCalledTimes(1)
  })

  test('and cannot be replaced fail all requests that had begun by then with one flight, but not a later one', async () => {
    const { current, replaceRejected, fail, answer, reasons } = await startReadySession()
    const used = current()
    jest.setSystemTime(Date.now() + MINUTE)
    const since = performance.now()
    const early = caught(replaceRejected(used, since))
    fail()
    expect(await early).toBe('STS_UNAVAILABLE')
    expect(await caught(replaceRejected(used, since))).toBe('STS_UNAVAILABLE')
    expect(reasons()).toEqual(['first', 'rejected'])
    await jest.advanceTimersByTimeAsync(1)
    const later = replaceRejected(used, performance.now())
    answer()
    await expect(later).resolves.toBe(true)
  })

  test('and cannot be replaced are not used again', async () => {
    const { current, replaceRejected, ready, fail } = await startReadySession()
    jest.setSystemTime(Date.now() + MINUTE)
    const replaced = caught(replaceRejected(current(), performance.now()))
    fail()
    expect(await replaced).toBe('STS_UNAVAILABLE')
    const next = caught(ready())
    fail()
    expect(await next).toBe('STS_UNAVAILABLE')
  })
})

/** A session whose flights go on when they are given up, as a request does that has left the machine. */
const startStubbornSession = () => {
  const flights: { land: (life: number) => void; crash: () => void }[] = []
  const log = jest.fn()
  const session = createSession({
    roleArn: 'arn:aws:iam::222222222222:role/R',
    contextKey: 'dynamo',
    refreshBeforeSeconds: 900,
    maxAssumeRoleDurationMs: 10 * SECOND,
    throttle: createSharedThrottle(),
    logger: { debug: log, info: log, warn: log, error: log },
    assumeRole: () =>
      new Promise((resolve, reject) => {
        flights.push({
          land: (life) => {
            const expiration = new Date(Date.now() + life)
            resolve({ accessKeyId: '', secretAccessKey: '', sessionToken: '', accountId: '', expiration })
          },
          crash: () => reject(new CrossAccountDynamoError('STS_UNAVAILABLE', 'as told')),
        })
      }),
  })
  return { ...session, flights, log }
}

describe('a flight that was given up', () => {
  const startTwo = async () => {
    const session = startStubbornSession()
    session.ready()?.catch(() => {})
    jest.setSystemTime(Date.now() + 10 * SECOND + 1)
    const second = session.ready()
    session.flights[1]?.land(HOUR)
    await second
    return session
  }

  test('is told of', async () => {
    const { log } = await startTwo()
    expect(log.mock.calls).toEqual([
      [
        'An AssumeRole call was frozen in flight; the role is assumed again',
        { roleArn: 'arn:aws:iam::222222222222:role/R', reason: 'first' },
      ],
    ])
  })

  test('and lands after its successor changes nothing, unless its credentials last longer', async () => {
    const { current, flights } = await startTwo()
    const expiry = current()?.expiration
    flights[0]?.land(HOUR - SECOND)
    await jest.advanceTimersByTimeAsync(0)
    expect(current()?.expiration).toEqual(expiry)
  })

  test('and fails after its successor landed is no failure', async () => {
    const { flights, log } = await startTwo()
    log.mockClear()
    flights[0]?.crash()
    await jest.advanceTimersByTimeAsync(0)
    expect(log).not.toHaveBeenCalled()
  })
})

test('credentials of a short life are waited for in its last quarter', async () => {
  const { ready, answer } = startSession()
  const first = ready()
  answer(100 * SECOND)
  await first
  await jest.advanceTimersByTimeAsync(75 * SECOND - 1)
  expect(ready()).toBeUndefined()
  await jest.advanceTimersByTimeAsync(1)
  expect(ready()).toBeInstanceOf(Promise)
})

test('credentials that have been replaced meanwhile are not replaced again', async () => {
  const { current, replaceRejected, ready, answer, assumeRole, log } = await startReadySession()
  const old = current()
  jest.setSystemTime(Date.now() + 50 * MINUTE)
  ready()
  answer()
  await jest.advanceTimersByTimeAsync(0)
  jest.setSystemTime(Date.now() + MINUTE)
  await expect(replaceRejected(old, performance.now())).resolves.toBe(true)
  expect(assumeRole).toHaveBeenCalledTimes(2)
  expect(log).not.toHaveBeenCalled()
})

test('credentials that were rejected are told of', async () => {
  const { current, replaceRejected, answer, log } = await startReadySession()
  jest.setSystemTime(Date.now() + 30 * SECOND)
  const replaced = replaceRejected(current(), performance.now())
  answer()
  await expect(replaced).resolves.toBe(true)
  expect(log.mock.calls).toEqual([
    [
      'DynamoDB rejected the session token; the role is assumed again',
      { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole' },
    ],
  ])
})

test('the provider bears the SDK’s mark for "do not cache"', () => {
  expect(startSession().credentials.memoized).toBe(true)
})

describe('errors', () => {
  test('are a new object for each invocation that waits or meets a remembered refusal, with one cause', async () => {
    const { ready, rejectWith } = startSession()
    const cause = new Error('the cause')
    const waiting = [ready(), ready()]
    rejectWith(new CrossAccountDynamoError('ASSUME_ROLE_DENIED', 'denied', { cause }))
    const thrown = (await Promise.allSettled([...waiting, ready(), ready()])).map(
      (outcome) => (outcome as PromiseRejectedResult).reason,
    )
    expect(new Set(thrown).size).toBe(4)
    for (const error of thrown)
      expect(error).toMatchObject({
        code: 'ASSUME_ROLE_DENIED',
        message: 'ASSUME_ROLE_DENIED: denied',
        cause,
      })
  })
})

describe('the credentials that it hands out', () => {
  test('cannot be changed, nor can their expiration', async () => {
    const { credentials, ready, expiry } = await startReadySession()
    const handedOut = await credentials()
    expect(() => Object.assign(handedOut, { sessionToken: 'another' })).toThrow(TypeError)
    handedOut.expiration.setTime(0)
    expect((await credentials()).expiration.getTime()).toBe(expiry)
    expect((await credentials()).sessionToken).toBe('token')
    expect(ready()).toBeUndefined()
  })
})

describe('when STS throttled another session', () => {
  test('a background refresh waits for five seconds, and an invocation without credentials does not', async () => {
    const throttle = createSharedThrottle()
    const busy = startSession(REFRESH_BEFORE_SECONDS, throttle)
    const first = busy.ready()
    busy.answer()
    await first
    jest.setSystemTime(Date.now() + 46 * MINUTE)
    const throttled = startSession(REFRESH_BEFORE_SECONDS, throttle)
    const denied = caught(throttled.ready())
    throttled.fail('STS_THROTTLED')
    expect(await denied).toBe('STS_THROTTLED')

    expect(busy.ready()).toBeUndefined()
    expect(busy.reasons()).toEqual(['first'])
    startSession(REFRESH_BEFORE_SECONDS, throttle)
      .ready()
      ?.catch(() => {})
    throttled.ready()?.catch(() => {})
    expect(throttled.reasons()).toEqual(['first', 'first'])
    jest.setSystemTime(Date.now() + 5 * SECOND)
    expect(busy.ready()).toBeUndefined()
    expect(busy.reasons()).toEqual(['first', 'refresh'])
  })
})

describe('credentials that a policy explicitly denies', () => {
  const startOldSession = async () => {
    const session = await startReadySession()
    jest.setSystemTime(Date.now() + 5 * MINUTE)
    return session
  }

  test('are replaced once for all requests, and stay in use meanwhile', async () => {
    const { current, replaceDenied, ready, answer, reasons } = await startOldSession()
    const used = current()
    const replaced = [replaceDenied(used), replaceDenied(used)]
    expect(ready()).toBeUndefined()
    answer()
    await expect(Promise.all(replaced)).resolves.toEqual([true, true])
    await expect(replaceDenied(used)).resolves.toBe(true)
    expect(reasons()).toEqual(['first', 'denied'])
  })

  test('are not replaced in their first five minutes: the policy denies every session then', async () => {
    const { current, replaceDenied, reasons } = await startReadySession()
    jest.setSystemTime(Date.now() + 5 * MINUTE - 1)
    await expect(replaceDenied(current())).resolves.toBe(false)
    expect(reasons()).toEqual(['first'])
  })

  test('stay in use if STS fails, which is not asked again for each denied request', async () => {
    const { current, replaceDenied, ready, fail, reasons } = await startOldSession()
    const replaced = replaceDenied(current())
    fail('ASSUME_ROLE_DENIED')
    await expect(replaced).resolves.toBe(false)
    await expect(replaceDenied(current())).resolves.toBe(false)
    expect(ready()).toBeUndefined()
    expect(reasons()).toEqual(['first', 'denied'])
  })
})
