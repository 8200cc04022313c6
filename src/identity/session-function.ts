/** The public types of the option `session`. */
import type middy from '@middy/core'
import type { ReturnedScope } from '../iam/scope.ts'

/**
 * The argument of a `session` function: middy's request. At run time, its `context` and `internal` contain the properties that
 * earlier middlewares added. To use these properties with their types, declare the parameter with middy's `Request` type instead.
 *
 * @see https://middy.js.org/docs/intro/how-it-works
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
 * The session parameters that a `session` function returns. Each parameter replaces the option of the same name. See
 * {@link CrossAccountDynamoOptions} for their meanings and limits.
 *
 * Tag values and leading keys have the type `unknown`, and the session name and the source identity can be `undefined`, so that
 * `{ TenantId: context.tenantId }` compiles. At run time, a missing value fails the invocation. Do not convert such values with
 * `String()` or a template literal, because the conversion would hide a missing value.
 *
 * @example
 * ```ts
 * import type { ReturnedSession } from 'middy-cross-account-dynamo'
 *
 * interface Customer {
 *   readonly id: string
 *   readonly roleArn: string
 *   readonly externalId: string
 * }
 *
 * export const toSession = ({ id, roleArn, externalId }: Customer): ReturnedSession => ({
 *   roleArn,
 *   externalId,
 *   sessionName: id,
 * })
 * ```
 */
export type ReturnedSession = ReturnedRole & {
  /** The session tags, at most 50. Each value must be a string that is not empty. */
  readonly sessionTags?: Readonly<Record<string, unknown>> | null | undefined
  /** The session name, which CloudTrail records. 2 to 64 characters. */
  readonly sessionName?: string | null | undefined
  /** The source identity, which CloudTrail records. 2 to 64 characters. */
  readonly sourceIdentity?: string | null | undefined
  /** The tables and actions that the session is restricted to. It must contain names of tables, not ARNs. */
  readonly scope?: ReturnedScope | null | undefined
  /** A session policy, as a document or its JSON text. At most 2,048 characters. */
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
 * A returned role requires its external ID in the same return value, or `externalId: false`. Otherwise, a customer who enters the ARN
 * of another customer's role would gain access to that role.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
type ReturnedRole =
  | {
      /** The ARN of the target role. */
      readonly roleArn: string
      /** The external ID that the role requires, or `false` if the role requires none. */
      readonly externalId: string | false
    }
  | {
      /** Not returned: the session uses the role of the option `roleArn`. */
      readonly roleArn?: undefined
      /** The external ID, or `false` to send none. */
      readonly externalId?: string | false | null | undefined
    }

/** The keys of an object type, or of all members of a union of object types. */
type KeysOf<Value> = Value extends unknown ? keyof Value : never

/**
 * `unknown` if a `session` function returns only known keys. Otherwise a string literal type that TypeScript shows in its error,
 * because no function is assignable to it.
 */
export type KnownKeysOnly<Result> = [
  Exclude<KeysOf<NonNullable<Awaited<Result>>>, KeysOf<ReturnedSession>>,
] extends [never]
  ? unknown
  : `session returns the unknown key ${Exclude<KeysOf<NonNullable<Awaited<Result>>>, KeysOf<ReturnedSession>> & string}`

/**
 * The return type of a `session` function: session parameters, or a promise for them. With `null` or `undefined`, the invocation
 * fails with `SESSION_IDENTITY_MISSING`.
 */
export type SessionResult = ReturnedSession | null | undefined | Promise<ReturnedSession | null | undefined>

/**
 * A function that returns the session parameters of an invocation, or a promise for them. The invocation fails with
 * `SESSION_IDENTITY_MISSING` if the function throws, returns nothing or an invalid value, or returns a promise that rejects or does
 * not settle within the time that the invocation can wait.
 *
 * @example
 * ```ts
 * import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
 * import type { SessionFunction } from 'middy-cross-account-dynamo'
 *
 * export const session: SessionFunction<APIGatewayProxyEventV2WithJWTAuthorizer> = ({ event }) => ({
 *   sessionTags: { TenantId: event.requestContext.authorizer.jwt.claims.tenant_id },
 * })
 * ```
 */
export type SessionFunction<
  // biome-ignore lint/suspicious/noExplicitAny: any event, unless the function declares its type
  Event = any,
  Result extends SessionResult = SessionResult,
> = {
  // With a method type, TypeScript accepts a function whose parameter has a narrower type than SessionRequest, such as a request
  // with the context of an earlier middleware. See https://www.typescriptlang.org/tsconfig/#strictFunctionTypes.
  /** Returns the session parameters of the invocation. */
  session(request: SessionRequest<Event>): Result
}['session']
