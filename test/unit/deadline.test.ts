import { expect, test } from '@jest/globals'
import { type Deadline, patience, within } from '../../src/deadline.ts'

test.each<[unknown, number]>([
  [undefined, 5000],
  [Number.NaN, 5000],
  [10_000, 9500],
  [5000, 4500],
  [1000, 900],
  [0, 0],
  [-100, 0],
  [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
])('who has %p ms left may wait for %d', (remaining, milliseconds) => {
  expect(patience({ getRemainingTimeInMillis: () => remaining as number })).toBe(milliseconds)
})

test('the remaining time of a durable function is that of its Lambda context', () => {
  expect(patience({ lambdaContext: { getRemainingTimeInMillis: () => 1000 } })).toBe(900)
})

test.each<[string, unknown]>([
  ['is missing', undefined],
  ['has no such function', {}],
  ['has something else there', { getRemainingTimeInMillis: 10_000 }],
  [
    'throws',
    {
      getRemainingTimeInMillis: () => {
        throw new TypeError('no')
      },
    },
  ],
  ['returns a string', { getRemainingTimeInMillis: () => '10000' }],
  ['returns a BigInt', { getRemainingTimeInMillis: () => 10_000n }],
])('if the context %s, an invocation waits for at most five seconds', (_what, context) => {
  expect(patience(context as Deadline)).toBe(5000)
})

test('what one waits for goes on when one gives up', async () => {
  let resolve: (value: string) => void = () => {}
  const promise = new Promise<string>((done) => {
    resolve = done
  })
  await expect(within(1, promise, () => new Error('late'))).rejects.toThrow('late')
  resolve('there')
  await expect(within(1000, promise, () => new Error('late'))).resolves.toBe('there')
})
