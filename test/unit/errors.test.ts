/** The error class, its codes, and the copies that concurrent invocations throw. */
import { describe, expect, test } from '@jest/globals'
import {
  CrossAccountDynamoError,
  type CrossAccountDynamoErrorCode,
  copyError,
  createConfigurationError,
} from '../../src/errors.ts'
import { POLICIES_AUDIENCE } from '../../src/iam/trust-configuration.ts'
import type { Issue } from '../../src/options/issue.ts'

const ISSUES: readonly Issue[] = [
  { option: 'roleArn', code: 'required' },
  { option: 'region', code: 'invalid-region', value: 'here' },
]

describe('CrossAccountDynamoError', () => {
  test.each<[CrossAccountDynamoErrorCode, number, boolean]>([
    ['CONFIG_INVALID', 500, false],
    ['SESSION_IDENTITY_MISSING', 403, false],
    ['ASSUME_ROLE_DENIED', 500, false],
    ['ASSUME_ROLE_REJECTED', 500, false],
    ['STS_THROTTLED', 503, true],
    ['STS_UNAVAILABLE', 503, true],
    ['STS_TIMEOUT', 503, true],
  ])(
    'an error with the code %s has status %i and retryable %p, and is not exposed to HTTP clients',
    (code, statusCode, retryable) => {
      const cause = new Error('the cause')
      const error = new CrossAccountDynamoError(code, 'what happened', { cause })
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({
        name: 'CrossAccountDynamoError',
        code,
        statusCode,
        retryable,
        issues: [],
      })
      expect(error.expose).toBe(false)
      // The SDK of durable functions repeats the invocation if the mark is true.
      expect(error.isUnrecoverableInvocation).toBe(retryable)
      expect(error).not.toHaveProperty('isUnrecoverable')
      expect(error.message).toBe(`${code}: what happened`)
      expect(error.cause).toBe(cause)
      expect(error.stack).toContain(`${code}: what happened`)
    },
  )

  test('an error has no cause if none is given', () => {
    expect(new CrossAccountDynamoError('CONFIG_INVALID', 'what happened')).not.toHaveProperty('cause')
  })

  test('the message of an invalid configuration contains one line for each issue', () => {
    const error = createConfigurationError('the configuration', ISSUES, POLICIES_AUDIENCE)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', issues: ISSUES })
    const [, ...lines] = error.message.split('\n')
    expect(lines.map((line) => /\w+/.exec(line)?.[0])).toEqual(['roleArn', 'region'])
  })
})

describe('copyError', () => {
  test('the copy of an error is another object with the same properties', () => {
    const options = { cause: new Error('the cause'), retryable: true, issues: ISSUES }
    const error = new CrossAccountDynamoError('SESSION_IDENTITY_MISSING', 'what happened', options)
    const copy = copyError(error)
    expect(copy).not.toBe(error)
    expect(copy).toBeInstanceOf(CrossAccountDynamoError)
    // An error handler can add properties to the cause, too.
    expect((copy as Error).cause).not.toBe(options.cause)
    expect(copy).toMatchObject({
      ...options,
      code: 'SESSION_IDENTITY_MISSING',
      message: error.message,
      statusCode: 403,
    })
  })

  test('the copy of an error without a cause has no cause', () => {
    expect(copyError(new CrossAccountDynamoError('STS_TIMEOUT', 'late'))).not.toHaveProperty('cause')
  })

  test.each([new Error('another'), 'text', undefined])(
    'copyError returns other values unchanged: %p',
    (value) => {
      expect(copyError(value)).toBe(value)
    },
  )
})
