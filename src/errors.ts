/** The error class of this package and its codes. */
import { formatIssues, type Issue } from './options/issue.ts'
import type { Audience } from './options/messages.ts'
import { escapeControls } from './text.ts'

/** The code of an error. The table in the README describes when each code is thrown and what to do about it. */
export type CrossAccountDynamoErrorCode =
  | 'CONFIG_INVALID'
  | 'SESSION_IDENTITY_MISSING'
  | 'ASSUME_ROLE_DENIED'
  | 'ASSUME_ROLE_REJECTED'
  | 'STS_THROTTLED'
  | 'STS_UNAVAILABLE'
  | 'STS_TIMEOUT'

/** The codes of errors whose call may succeed later without a change of configuration or policy. */
export const RETRYABLE: ReadonlySet<CrossAccountDynamoErrorCode> = new Set([
  'STS_THROTTLED',
  'STS_UNAVAILABLE',
  'STS_TIMEOUT',
])

interface CrossAccountDynamoErrorOptions extends ErrorOptions {
  readonly retryable?: boolean
  readonly issues?: readonly Issue[]
}

/**
 * The error that this package throws. Errors of DynamoDB are not wrapped.
 *
 * @example
 * ```ts
 * import { CrossAccountDynamoError } from 'middy-cross-account-dynamo'
 *
 * export const isWorthARetry = (error: unknown): boolean =>
 *   error instanceof CrossAccountDynamoError && error.retryable
 * ```
 */
export class CrossAccountDynamoError extends Error {
  override readonly name = 'CrossAccountDynamoError'
  readonly code: CrossAccountDynamoErrorCode
  /**
   * The HTTP status code: 503 for `STS_THROTTLED`, `STS_UNAVAILABLE` and `STS_TIMEOUT`, 403 for
   * `SESSION_IDENTITY_MISSING`, and 500 otherwise. Because `expose` is `false`, `@middy/http-error-handler` responds
   * with 500 to all of them.
   */
  readonly statusCode: 403 | 500 | 503
  /** Always `false`. The message is for operators and must not be sent to an HTTP client. */
  readonly expose = false
  /**
   * `true` if the same call may succeed later without a change of configuration or policy. A
   * `SESSION_IDENTITY_MISSING` is retryable if `session` timed out or threw an error that is marked as retryable.
   */
  readonly retryable: boolean

  /**
   * The problems of options and of values that `session` returned. The message describes the same problems. Empty for
   * other errors.
   */
  readonly issues: readonly Issue[]

  constructor(
    code: CrossAccountDynamoErrorCode,
    message: string,
    { retryable = RETRYABLE.has(code), issues = [], cause }: CrossAccountDynamoErrorOptions = {},
  ) {
    // Values in a message may contain control characters, which would change how a log line is displayed.
    super(
      `${code}: ${message}`.split('\n').map(escapeControls).join('\n'),
      cause === undefined ? {} : { cause },
    )
    this.code = code
    this.retryable = retryable
    this.issues = issues
    this.statusCode = code === 'SESSION_IDENTITY_MISSING' ? 403 : RETRYABLE.has(code) ? 503 : 500
  }
}

/** Creates a `CONFIG_INVALID` error that lists all problems of a configuration. */
export const createConfigurationError = (
  subject: string,
  issues: readonly Issue[],
  audience: Audience,
): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `${subject} has ${issues.length === 1 ? 'a problem' : `${issues.length} problems`}:\n${formatIssues(issues, audience)}`,
    { issues },
  )

/**
 * Returns a new error with the same code, message and cause. Any other value is returned as it is. Invocations that wait
 * for the same AssumeRole call each throw a separate error object, because error handlers add properties to the errors
 * that they catch.
 */
export const copyError = (error: unknown): unknown => {
  if (!(error instanceof CrossAccountDynamoError)) return error
  const { code, message, cause, retryable, issues } = error
  const withoutCode = message.slice(`${code}: `.length)
  return new CrossAccountDynamoError(code, withoutCode, { retryable, issues, cause })
}
