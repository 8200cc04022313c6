/** How long an invocation may wait, and timeouts of promises. */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { createTimeout, type Deadline, getWaitBudgetMs, withTimeout } from '../../src/deadline.ts'

test.each<[unknown, number]>([
  [undefined, 5000],
  [Number.NaN, 5000],
  [10_000, 9500],
  [5000, 4500],
  [1000, 900],
  [0, 0],
  [-100, 0],
  [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
])('an invocation with %p ms of remaining time may wait for %d ms', (remainingTimeMs, expectedMs) => {
  expect(getWaitBudgetMs({ getRemainingTimeInMillis: () => remainingTimeMs as number })).toBe(expectedMs)
})

test('the wait budget of a durable function depends on the remaining time of its Lambda context', () => {
  expect(getWaitBudgetMs({ lambdaContext: { getRemainingTimeInMillis: () => 1000 } })).toBe(900)
})

test.each<[string, unknown]>([
  ['is missing', undefined],
  ['has no getRemainingTimeInMillis', {}],
  ['has a number as getRemainingTimeInMillis', { getRemainingTimeInMillis: 10_000 }],
  [
    'has a getRemainingTimeInMillis that throws',
    {
      getRemainingTimeInMillis: () => {
        throw new TypeError('no')
      },
    },
  ],
  ['has a getRemainingTimeInMillis that returns a string', { getRemainingTimeInMillis: () => '10000' }],
  ['has a getRemainingTimeInMillis that returns a BigInt', { getRemainingTimeInMillis: () => 10_000n }],
])('if the context %s, an invocation waits for at most five seconds', (_what, context) => {
  expect(getWaitBudgetMs(context as Deadline)).toBe(5000)
})

test('a timeout rejects the wait, and the promise can still resolve afterwards', async () => {
  let resolvePromise: (value: string) => void = () => {}
  const promise = new Promise<string>((resolve) => {
    resolvePromise = resolve
  })
  await expect(withTimeout(promise, 1, () => new Error('late'))).rejects.toThrow('late')
  resolvePromise('resolved')
  await expect(withTimeout(promise, 1000, () => new Error('late'))).resolves.toBe('resolved')
})

describe('createTimeout', () => {
  afterEach(() => {
    jest.useRealTimers()
    jest.restoreAllMocks()
  })

  test('a timeout aborts its signal with a TimeoutError after the given time', () => {
    jest.useFakeTimers()
    const { signal } = createTimeout(3000)
    jest.advanceTimersByTime(2999)
    expect(signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('a timeout starts again if the environment was frozen while it ran', () => {
    jest.useFakeTimers()
    const { signal } = createTimeout(3000)
    jest.advanceTimersByTime(1000)
    const now = performance.now.bind(performance)
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 30_000)
    jest.advanceTimersByTime(2000 + 2999)
    expect(signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(signal.aborted).toBe(true)
  })

  test('a timeout that is cleared leaves no timer', () => {
    jest.useFakeTimers()
    createTimeout(3000).clear()
    expect(jest.getTimerCount()).toBe(0)
  })
})
