/** What is known of a thrown value. */
import { expect, test } from '@jest/globals'
import { readThrown } from '../../src/thrown.ts'
import { withGetters } from './hostile-values.ts'

const fail = (error: unknown) => (): never => {
  throw error
}
const error = (properties: object) => Object.assign(new Error('message'), properties)

test.each<[string, unknown, string]>([
  ['an error', new TypeError('no claims'), 'TypeError: "no claims"'],
  [
    'an error of AWS',
    error({ name: 'AWS.SimpleQueueService.NoSuchQueue' }),
    'AWS.SimpleQueueService.NoSuchQueue: "message"',
  ],
  ['a name that would forge a line of a log', error({ name: 'a\n  - b' }), '"a\\n  - b": "message"'],
  [
    'an error that repeats a signed request',
    new Error(
      'The canonical request was: host:sts.amazonaws.com x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE',
    ),
    'Error: "The canonical request was: host:sts.amazonaws.com x-amz-security-token: [not shown]"',
  ],
  ['a message that is no text', error({ message: 7 }), 'Error: ""'],
  ['a message that is a symbol', error({ message: Symbol('m') }), 'Error: ""'],
  ['a name that is no text', error({ name: {} }), 'Error: "message"'],
  [
    'getters that throw',
    withGetters(
      [
        ['message', fail(1)],
        ['name', fail(2)],
        ['stack', fail(3)],
        ['retryable', fail(4)],
      ],
      new Error(),
    ),
    'Error: ""',
  ],
  ['text, which could be a secret', 'secret', 'a string'],
  ['null', null, 'null'],
  ['nothing', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'a symbol'],
  [
    'a proxy whose traps throw',
    new Proxy(new Error('x'), { getPrototypeOf: fail(1), get: fail(2) }),
    'an object',
  ],
])('describes %s', (_what, thrown, words) => {
  expect(readThrown(thrown)).toMatchObject({ description: words, isRetryable: false })
})

test('copies name, message and stack of an error, and nothing else', () => {
  const thrown = Object.assign(new RangeError('message'), { $response: 'token', cause: 'token' })
  const { error: copy } = readThrown(thrown)
  expect(copy).not.toBe(thrown)
  expect(copy).toMatchObject({ name: 'RangeError', message: 'message', stack: thrown.stack })
  expect(Object.getOwnPropertyNames(copy).sort()).toEqual(['message', 'name', 'stack'])
  expect(readThrown('text').error).toBeUndefined()
})

test.each<[object, boolean]>([
  [{}, false],
  [{ retryable: true }, true],
  [{ retryable: 'true' }, false],
  [{ $retryable: {} }, true],
  [{ $retryable: null }, false],
])('is as retryable as %j says', (properties, isRetryable) => {
  expect(readThrown(properties).isRetryable).toBe(isRetryable)
  expect(readThrown(error(properties)).isRetryable).toBe(isRetryable)
})

test('the copy of an error holds no credential that the message or the stack repeats', () => {
  const token = `IQoJb3JpZ2luX2VjE${'x7Qz'.repeat(20)}`
  const copy = readThrown(new Error(`rejected: x-amz-security-token:${token}`)).error
  expect(JSON.stringify([copy?.message, copy?.stack])).not.toContain('x7Qz')
  expect(copy?.stack).toMatch(/^Error: rejected.*\n {4}at /)
})
