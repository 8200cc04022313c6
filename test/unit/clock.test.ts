import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { createClock } from '../../src/clock.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const MINUTE = 60_000

beforeEach(() => {
  jest.useFakeTimers({ now: NOW })
})
afterEach(() => {
  jest.useRealTimers()
})

const answered = (at: number) => ({ date: new Date(at).toUTCString(), 'x-amzn-requestid': '1' })

test('a clock that has heard nothing believes the function’s own', () => {
  expect(createClock().now()).toBe(NOW)
})

test.each([-40, -1, 1, 40])(
  'it learns that AWS is %d minutes away, and forgets it when that is mended',
  (minutes) => {
    const clock = createClock()
    clock.learn(answered(NOW + minutes * MINUTE), NOW)
    expect(Math.abs(clock.now() - (NOW + minutes * MINUTE))).toBeLessThanOrEqual(1000)
    clock.learn(answered(NOW), NOW)
    expect(clock.now()).toBe(NOW)
  },
)

test.each([
  ['at its beginning', NOW - 9000],
  ['in between', NOW - 4000],
  ['at its end', NOW],
])('an answer that took nine seconds and was dated %s is no error of the clock', (_when, at) => {
  const clock = createClock()
  clock.learn(answered(at), NOW - 9000)
  expect(clock.now()).toBe(NOW)
})

test.each<[string, Record<string, string> | undefined, number]>([
  ['without headers', undefined, NOW],
  ['without a date', { 'x-amzn-requestid': '1' }, NOW],
  ['with a date that is none', { date: 'today', 'x-amzn-requestid': '1' }, NOW],
  ['of a proxy', { date: new Date(NOW + 70 * MINUTE).toUTCString() }, NOW],
  ['that lay in a frozen environment', answered(NOW - 5 * MINUTE), NOW - 10_001],
  ['from before the clock was set back', answered(NOW + 5 * MINUTE), NOW + 1],
])('an answer %s teaches nothing', (_which, headers, sentAt) => {
  const clock = createClock()
  clock.learn(headers, sentAt)
  expect(clock.now()).toBe(NOW)
})
