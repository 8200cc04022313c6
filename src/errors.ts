/** The error class and its codes. */
import { formatIssues, type Issue } from './options/issue.ts'
import type { Audience } from './options/messages.ts'
import { escapeControls } from './text.ts'

/** What went wrong, in one word; the README's table says when each is thrown. */
export type CrossAccountDynamoErrorCode =
  | 'CONFIG_INVALID'
  | 'SESSION_IDENTITY_MISSING'
  | 'ASSUME_ROLE_DENIED'
  | 'ASSUME_ROLE_REJECTED'
  | 'STS_THROTTLED'
  | 'STS_UNAVAILABLE'
  | 'STS_TIMEOUT'

/** Whether the same call may succeed later without anybody changing anything. */
const RETRYABLE: ReadonlySet<CrossAccountDynamoErrorCode> = new Set([
  'STS_THROTTLED',
  'STS_UNAVAILABLE',
  'STS_TIMEOUT',
])

interface CrossAccountDynamoErrorOptions extends ErrorOptions {
  readonly retryable?: boolean
  readonly issues?: readonly Issue[]
}

/**
 * Everything that this package throws. DynamoDB's own errors are not wrapped.
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
   * 503 when a retry may help, 403 when it is not known whose session is meant, else 500. Since `expose` is false,
   * `@middy/http-error-handler` answers 500 to all.
   */
  readonly statusCode: 403 | 500 | 503
  /** Always `false`: the message is for operators, never for an HTTP client. */
  readonly expose = false
  /**
   * `true` when the same call may succeed later without a change of configuration or policy; of a
   * `SESSION_IDENTITY_MISSING`, when a resolver was late or says of its error that it is `retryable`.
   */
  readonly retryable: boolean

  /** The problems of options and of what functions of the request returned; the message describes the same. Otherwise empty. */
  readonly issues: readonly Issue[]

  constructor(
    code: CrossAccountDynamoErrorCode,
    message: string,
    { retryable = RETRYABLE.has(code), issues = [], ...options }: CrossAccountDynamoErrorOptions = {},
  ) {
    // Values in a message may contain characters that change what a line of a log looks like.
    super(`${code}: ${message}`.split('\n').map(escapeControls).join('\n'), options)
    this.code = code
    this.retryable = retryable
    this.issues = issues
    this.statusCode = code === 'SESSION_IDENTITY_MISSING' ? 403 : RETRYABLE.has(code) ? 503 : 500
  }
}

/** The error of an invalid configuration, with everything that is wrong with it. */
export const configInvalid = (
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
 * A new error with the same code, message and cause. Invocations that wait for one AssumeRole call each throw an
 * object of their own, because error handlers add properties to what they catch.
 */
export const copyOfError = (error: unknown): unknown => {
  if (!(error instanceof CrossAccountDynamoError)) return error
  const { code, message, cause, retryable, issues } = error
  const withoutCode = message.slice(`${code}: `.length)
  return new CrossAccountDynamoError(code, withoutCode, {
    retryable,
    issues,
    ...(cause !== undefined && { cause }),
  })
}
