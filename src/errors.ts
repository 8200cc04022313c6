/** The error class of this package and its codes. */
import { formatIssues, type Issue } from './options/issue.ts'
import type { Audience } from './options/messages.ts'
import { escapeLines } from './text.ts'
import { copyThrown } from './thrown.ts'

/**
 * The code of a {@link CrossAccountDynamoError}.
 *
 * - `CONFIG_INVALID`: an option, a variable or the use of the middleware is invalid. The message describes each problem
 * - `SESSION_IDENTITY_MISSING`: the `session` function threw, timed out or returned no valid session
 * - `ASSUME_ROLE_DENIED`: STS denied AssumeRole. The message contains the policy statements that both accounts need
 * - `ASSUME_ROLE_REJECTED`: the credentials of the function, a session parameter or the STS client is invalid
 * - `STS_THROTTLED`: STS throttled AssumeRole
 * - `STS_UNAVAILABLE`: STS failed or could not be reached
 * - `STS_TIMEOUT`: STS did not respond in time, or the invocation could not wait longer
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
 */
export type CrossAccountDynamoErrorCode =
  | 'CONFIG_INVALID'
  | 'SESSION_IDENTITY_MISSING'
  | 'ASSUME_ROLE_DENIED'
  | 'ASSUME_ROLE_REJECTED'
  | 'STS_THROTTLED'
  | 'STS_UNAVAILABLE'
  | 'STS_TIMEOUT'

/** The codes of errors whose call may succeed later without a change of configuration or policy. */
export const RETRYABLE_CODES: ReadonlySet<CrossAccountDynamoErrorCode> = new Set([
  'STS_THROTTLED',
  'STS_UNAVAILABLE',
  'STS_TIMEOUT',
])

/** The properties of a new {@link CrossAccountDynamoError} that have defaults. */
interface CrossAccountDynamoErrorOptions extends ErrorOptions {
  /** @default true for `STS_THROTTLED`, `STS_UNAVAILABLE` and `STS_TIMEOUT`, otherwise false */
  readonly retryable?: boolean
  /** @default [] */
  readonly issues?: readonly Issue[]
}

/**
 * The error that this package throws. Errors of DynamoDB are thrown unchanged. `cause` is the error of the SDK or of the `session`
 * function, without credentials and requests, if there is one.
 *
 * @example
 * ```ts
 * import { CrossAccountDynamoError } from 'middy-cross-account-dynamo'
 *
 * export const isRetryable = (error: unknown): boolean =>
 *   error instanceof CrossAccountDynamoError && error.retryable
 * ```
 */
export class CrossAccountDynamoError extends Error {
  /** The name of the class, which stays the same if a bundler renames the class. */
  override readonly name = 'CrossAccountDynamoError'
  /** The reason for the error. */
  readonly code: CrossAccountDynamoErrorCode
  /**
   * The HTTP status code: 503 for `STS_THROTTLED`, `STS_UNAVAILABLE` and `STS_TIMEOUT`, 403 for `SESSION_IDENTITY_MISSING`, and 500
   * for the other codes. `@middy/http-error-handler` responds with 500 to all of them, because `expose` is `false`.
   *
   * @see https://middy.js.org/docs/middlewares/http-error-handler
   */
  readonly statusCode: 403 | 500 | 503
  /** Always `false`. The message is for operators and must not be sent to an HTTP client. */
  readonly expose = false
  /**
   * Whether the same call may succeed later without a change of configuration or policy. `true` for `STS_THROTTLED`,
   * `STS_UNAVAILABLE` and `STS_TIMEOUT`. Also `true` for `SESSION_IDENTITY_MISSING` if the `session` function timed out, or threw an
   * `Error` with `retryable: true`, or an error of the AWS SDK or of Node.js about throttling, a failure of the service, a timeout or
   * the network.
   */
  readonly retryable: boolean

  /**
   * The problems of options, of variables and of the values that the `session` function returned. The message describes the same
   * problems. The list is empty for other errors.
   */
  readonly issues: readonly Issue[]

  /**
   * The same as `retryable`. If the handler of a durable function throws an error with this mark, Lambda retries the invocation. Any
   * other error ends the execution. Inside a step, the step's own retry strategy applies. In `runInChildContext`, `parallel` and
   * `map`, the mark has no effect.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
   */
  get isUnrecoverableInvocation(): boolean {
    return this.retryable
  }

  constructor(
    code: CrossAccountDynamoErrorCode,
    message: string,
    { retryable = RETRYABLE_CODES.has(code), issues = [], cause }: CrossAccountDynamoErrorOptions = {},
  ) {
    // Values in a message may contain control characters, which would change how a log line is displayed.
    super(escapeLines(`${code}: ${message}`), cause === undefined ? {} : { cause })
    this.code = code
    this.retryable = retryable
    this.issues = issues
    this.statusCode = code === 'SESSION_IDENTITY_MISSING' ? 403 : RETRYABLE_CODES.has(code) ? 503 : 500
  }
}

/** Creates a `CONFIG_INVALID` error that lists all problems of `subject`, such as `the configuration`, for the audience. */
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
 * Returns a copy of a CrossAccountDynamoError with a copy of its cause, and any other value unchanged. Invocations that wait for the
 * same AssumeRole call throw separate error objects, because error handlers add properties to the errors that they catch.
 */
export const copyError = (error: unknown): unknown => {
  if (!(error instanceof CrossAccountDynamoError)) return error
  const { code, message, cause, retryable, issues } = error
  const withoutCode = message.slice(`${code}: `.length)
  return new CrossAccountDynamoError(code, withoutCode, { retryable, issues, cause: copyThrown(cause) })
}
