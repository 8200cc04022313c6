/** The public types of the option `session`. */
import type middy from '@middy/core'
import type { ReturnedScope } from '../iam/scope.ts'

/**
 * The argument of a `session` function: middy's request. At run time, it has the properties that earlier middlewares added to its
 * context and to `internal`. To use them with their types, declare the parameter as middy's `Request` type instead.
 *
 * @example
 * ```ts
 * import type { SQSRecord } from 'aws-lambda'
 * import type { SessionRequest } from 'middy-cross-account-dynamo'
 *
 * export const session = ({ event }: SessionRequest<SQSRecord>) => ({
 *   sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
 * })
 * ```
 */
export type SessionRequest<
  // biome-ignore lint/suspicious/noExplicitAny: any event, unless the function declares its type
  Event = any,
> = middy.Request<
  Event,
  // biome-ignore lint/suspicious/noExplicitAny: any response, as in middy's own type
  any,
  Error,
  middy.Request['context'],
  Record<string, unknown>
>

/**
 * The session parameters that a `session` function returns. Each one replaces the option of the same name.
 *
 * Tag values and leading keys have the type `unknown`, and names can be `undefined`, so that `{ TenantId: context.tenantId }`
 * compiles. At run time, a missing value fails the invocation. Do not convert such values with `String()` or a template, which would
 * hide a missing value. TypeScript does not report an unknown key beside a known one, but the invocation fails.
 */
export type ReturnedSession = ReturnedRole & {
  readonly sessionTags?: Readonly<Record<string, unknown>> | null | undefined
  readonly sessionName?: string | null | undefined
  readonly sourceIdentity?: string | null | undefined
  readonly scope?: ReturnedScope | null | undefined
  readonly policy?: object | string | null | undefined
  /** Set it in the options. It cannot vary per invocation. */
  readonly transitiveTagKeys?: never
  /** Set it in the options. It cannot vary per invocation. */
  readonly policyArns?: never
  /** Set it in the options. It cannot vary per invocation. */
  readonly durationSeconds?: never
  /** Set it in the options. Use one middleware per Region if the Region varies. */
  readonly region?: never
}

/**
 * A returned role needs its external ID in the same return value. Otherwise a customer who enters the ARN of another customer's
 * role gains access to it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
type ReturnedRole =
  | { readonly roleArn: string; readonly externalId: string | false }
  | { readonly roleArn?: undefined; readonly externalId?: string | false | null | undefined }

/** What a `session` function returns, synchronously or not. If it returns nothing, the invocation fails. */
export type SessionResult = ReturnedSession | null | undefined | Promise<ReturnedSession | null | undefined>

/**
 * A function that returns the session parameters of an invocation. If it returns nothing or a value that is not valid, or if it
 * throws, the invocation fails with `SESSION_IDENTITY_MISSING`.
 */
export type SessionFunction<
  // biome-ignore lint/suspicious/noExplicitAny: any event, unless the function declares its type
  Event = any,
  Result extends SessionResult = SessionResult,
> = {
  // A method type, because TypeScript checks method parameters bivariantly. A function can then declare a narrower request.
  session(request: SessionRequest<Event>): Result
}['session']
