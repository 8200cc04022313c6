import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Credentials } from '../../src/assume-role.ts'
import { createSession } from '../../src/session.ts'

const HOUR = 3_600_000
const SECOND = 1000
const REFRESH_BEFORE = 900

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
})

/** An STS that answers when it is told to, with credentials that live for an hour from then. */
const startStation = () => {
  const waiting: { resolve: (credentials: Credentials) => void; reject: (error: Error) => void }[] = []
  let issued = 0
  const assumeRole = jest.fn(
    () => new Promise<Credentials>((resolve, reject) => waiting.push({ resolve, reject })),
  )
  const next = () => {
    const oldest = waiting.shift()
    if (oldest === undefined) throw new Error('nobody waits for STS')
    return oldest
  }
  return {
    assumeRole,
    answer: (life = HOUR) => {
      issued += 1
      next().resolve({
        accessKeyId: `key ${issued}`,
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(Date.now() + life),
        accountId: '222222222222',
      })
    },
    fail: (message = 'STS is down') => next().reject(new Error(message)),
  }
}

const startSession = () => {
  const sts = startStation()
  return { ...sts, ...createSession(sts.assumeRole, REFRESH_BEFORE) }
}

/** A session that has its first credentials, with an hour to live. */
const startReadySession = async () => {
  const session = startSession()
  const first = session.ready()
  session.answer()
  await first
  return session
}

describe('the first credentials', () => {
  test('are waited for, once however many ask', async () => {
    const { ready, credentials, answer, assumeRole } = startSession()
    const waiting = [ready(), ready(), credentials()]
    expect(waiting.every((each) => each instanceof Promise)).toBe(true)
    answer()
    await Promise.all(waiting)
    expect(assumeRole).toHaveBeenCalledTimes(1)
    expect((await credentials()).accessKeyId).toBe('key 1')
  })

  test('are tried for again after a failure, which everybody who waited hears of', async () => {
    const { ready, fail, answer, assumeRole } = startSession()
    const waiting = Promise.allSettled([ready(), ready()])
    fail('no')
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = ready()
    answer()
    await expect(again).resolves.toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })
})

describe('credentials at hand', () => {
  test('are used until refreshBefore without asking STS again', async () => {
    const { ready, assumeRole } = await startReadySession()
    jest.setSystemTime(Date.now() + HOUR - REFRESH_BEFORE * SECOND - 1)
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(1)
  })

  test('are used while the refresh is under way in the background, and replaced when it is done', async () => {
    const { ready, credentials, answer, assumeRole } = await startReadySession()
    jest.setSystemTime(Date.now() + HOUR - REFRESH_BEFORE * SECOND)
    expect(ready()).toBeUndefined()
    expect(ready()).toBeUndefined()
    expect(assumeRole).toHaveBeenCalledTimes(2)
    expect((await credentials()).accessKeyId).toBe('key 1')
    answer()
    await jest.advanceTimersByTimeAsync(0)
    expect((await credentials()).accessKeyId).toBe('key 2')
    expect(assumeRole).toHaveBeenCalledTimes(2)
  })

  test('are used to the end when their refresh fails, and the failure is nobody’s unhandled rejection', async () => {
    const { ready, credentials, fail } = await startReadySession()
    const expiry = (await credentials()).expiration.getTime()
    jest.setSystemTime(expiry - 120 * SECOND)
    expect(ready()).toBeUndefined()
    fail()
    await jest.advanceTimersByTimeAsync(0)
    jest.setSystemTime(expiry - 1)
    const waiting = ready()
    expect(waiting).toBeInstanceOf(Promise)
    fail()
    await expect(waiting).resolves.toBeUndefined()
  })

  test('are waited for anew with less than a minute left', async () => {
    const { ready, credentials, answer } = await startReadySession()
    const expiry = (await credentials()).expiration.getTime()
    jest.setSystemTime(expiry - 60 * SECOND - 1)
    expect(ready()).toBeUndefined()
    answer(30 * SECOND)
    await jest.advanceTimersByTimeAsync(0)
    const waiting = ready()
    expect(waiting).toBeInstanceOf(Promise)
    answer()
    await waiting
    expect((await credentials()).accessKeyId).toBe('key 3')
  })

  test('are never used past their expiry', async () => {
    const { ready, credentials, fail } = await startReadySession()
    jest.setSystemTime((await credentials()).expiration.getTime())
    const waiting = ready()
    const provided = credentials()
    fail('STS is down')
    await expect(waiting).rejects.toThrow('STS is down')
    await expect(provided).rejects.toThrow('STS is down')
  })
})

test('the provider bears the SDK’s mark for "do not cache"', () => {
  expect(startSession().credentials.memoized).toBe(true)
})
