/** The description of thrown values, and whether a retry can succeed. */
import { expect, test } from '@jest/globals'
import { copyThrown, readThrown } from '../../src/thrown.ts'
import { defineGetters } from './hostile-values.ts'

const createThrowing = (error: unknown) => (): never => {
  throw error
}
const createError = (properties: object) => Object.assign(new Error('message'), properties)

test.each<[string, unknown, string]>([
  ['an error', new TypeError('no claims'), 'TypeError: "no claims"'],
  [
    'an error of an AWS service',
    createError({ name: 'AWS.SimpleQueueService.NoSuchQueue' }),
    'AWS.SimpleQueueService.NoSuchQueue: "message"',
  ],
  ['an error whose name contains a line break', createError({ name: 'a\n  - b' }), '"a\\n  - b": "message"'],
  [
    'an error whose message contains a signed request',
    new Error(
      'The canonical request was: host:sts.amazonaws.com x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE',
    ),
    'Error: "The canonical request was: host:sts.amazonaws.com x-amz-security-token: [not shown]"',
  ],
  ['an error whose message is not a string', createError({ message: 7 }), 'Error: ""'],
  ['an error whose message is a symbol', createError({ message: Symbol('m') }), 'Error: ""'],
  ['an error whose name is not a string', createError({ name: {} }), 'Error: "message"'],
  [
    'an error whose getters throw',
    defineGetters(
      [
        ['message', createThrowing(1)],
        ['name', createThrowing(2)],
        ['stack', createThrowing(3)],
        ['retryable', createThrowing(4)],
      ],
      new Error(),
    ),
    'Error: ""',
  ],
  ['a string by its type, because it could be a secret', 'secret', 'a string'],
  ['null', null, 'null'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'a symbol'],
  [
    'a proxy whose traps throw',
    new Proxy(new Error('x'), { getPrototypeOf: createThrowing(1), get: createThrowing(2) }),
    'an object',
  ],
])('readThrown describes %s', (_what, thrown, description) => {
  expect(readThrown(thrown)).toMatchObject({ description, isRetryable: false })
})

test('readThrown copies only name, message and stack of an error', () => {
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
  [{ $retryable: false }, false],
  [{ $metadata: { httpStatusCode: 503 } }, true],
  [{ $metadata: { httpStatusCode: 429 } }, true],
  [{ $metadata: { httpStatusCode: 400 } }, false],
  [{ name: 'ThrottlingException' }, true],
  [{ name: 'ProvisionedThroughputExceededException' }, true],
  [{ name: 'TimeoutError' }, true],
  [{ name: 'AccessDeniedException' }, false],
  [{ code: 'ECONNRESET' }, true],
  [{ code: 'ERR_INVALID_URL' }, false],
])('readThrown reads whether a retry can succeed from an error with %j', (properties, isRetryable) => {
  expect(readThrown(createError(properties)).isRetryable).toBe(isRetryable)
  // A value that is not an error can be data of the event.
  expect(readThrown(properties).isRetryable).toBe(false)
})

test('the copy of an error contains no control characters', () => {
  const controls = '\u001b[31m\u202e'
  const { error: copy } = readThrown(
    Object.assign(new Error(`first${controls}\nsecond`), { name: `E${controls}` }),
  )
  for (const text of [copy?.name, copy?.message, copy?.stack])
    for (const control of ['\u001b', '\u202e']) expect(text).not.toContain(control)
  expect(copy?.message.split('\n')).toHaveLength(2)
})

test('copyThrown copies all properties of an error, and returns other values unchanged', () => {
  const error = Object.assign(new RangeError('message'), { requestId: '1' })
  const copy = copyThrown(error) as Error
  expect(copy).not.toBe(error)
  expect(copy).toMatchObject({ message: 'message', requestId: '1', stack: error.stack })
  expect(copyThrown('text')).toBe('text')
})

test('the copy of an error contains no credential from its message or stack', () => {
  const token = `IQoJb3JpZ2luX2VjE${'x7Qz'.repeat(20)}`
  const copy = readThrown(new Error(`rejected: x-amz-security-token:${token}`)).error
  expect(JSON.stringify([copy?.message, copy?.stack])).not.toContain('x7Qz')
  expect(copy?.stack).toMatch(/^Error: rejected.*\n {4}at /)
})

test('text in a message that looks like a stack frame is redacted in the stack', () => {
  // cspell:ignore EXAMPLETOKEN
  const token = 'FwoGZXIvYXdzEXAMPLETOKEN'.repeat(8)
  const { error: copy } = readThrown(new Error(`first line\n    at ${token}`))
  expect(copy?.message).not.toContain(token)
  expect(copy?.stack).not.toContain(token)
  expect(copy?.stack).toMatch(/\n {4}at /)
})
