/** The public options of `crossAccountDynamo()`. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import type { Scope } from '../iam/scope.ts'
import type { KnownKeysOnly, SessionFunction, SessionResult } from '../identity/session-function.ts'
import type { Logger } from '../logger.ts'

/**
 * The options of {@link crossAccountDynamo}. Only `roleArn` is required, as an option, as a variable or in the return value of
 * `session`.
 *
 * If an option is not set, `crossAccountDynamo()` reads its environment variable. An option takes precedence over its variable, and
 * an empty variable counts as unset. In the names of variables below, `…` stands for the prefix, which is `CROSS_ACCOUNT_DYNAMO`
 * unless `envPrefix` is set.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 *
 * @example
 * ```ts
 * import { ScanCommand } from '@aws-sdk/lib-dynamodb'
 * import middy from '@middy/core'
 * import { crossAccountDynamo, type CrossAccountDynamoOptions } from 'middy-cross-account-dynamo'
 *
 * const options: CrossAccountDynamoOptions = {
 *   roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
 *   externalId: 'example-external-id',
 *   sessionTags: { team: 'orders' },
 * }
 * export const handler = middy()
 *   .use(crossAccountDynamo(options))
 *   .handler(async (_event: unknown, context) => context.dynamo.send(new ScanCommand({ TableName: 'MyTable' })))
 * ```
 */
export interface CrossAccountDynamoOptions<
  Key extends string = 'dynamo',
  Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event, unless the session function declares its type
  Event = any,
  Result extends SessionResult = SessionResult,
> {
  /**
   * The ARN of the target role, in the account of the table. Required, unless `session` returns it. Variable: `…_ROLE_ARN`.
   *
   * `false`, or `none` in the variable, selects direct mode: no role is assumed, and the client uses the function's own
   * credentials. Use it for DynamoDB Local, for a stage in the same account, and for unit tests. Do not write
   * `process.env.X || false`, because a missing variable would then select direct mode.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
   */
  roleArn?: string | false | undefined
  /**
   * The external ID, which the trust policy compares with `sts:ExternalId`. 2 to 1,224 characters. With `false`, the
   * middleware sends no external ID, even if the variable is set. Variable: `…_EXTERNAL_ID`.
   *
   * @default no external ID
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   */
  externalId?: string | false | undefined
  /**
   * The session tags, at most 50, with nonempty values. Two keys must not differ only in case, because AWS does not distinguish them. Variable:
   * `…_SESSION_TAGS`, as JSON or as `team=orders,stage=prod`.
   *
   * @default no session tags
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
   */
  sessionTags?: Readonly<Record<string, string>> | undefined
  /**
   * The keys of the session tags that stay set if the session assumes another role (role chaining). Variable:
   * `…_TRANSITIVE_TAG_KEYS`, comma-separated.
   *
   * @default no transitive tags
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
   */
  transitiveTagKeys?: readonly string[] | undefined
  /**
   * The session name, which CloudTrail records in the account of the table. 2 to 64 characters. Variable: `…_SESSION_NAME`.
   *
   * @default the name of the Lambda function, with invalid characters replaced, or `middy-cross-account-dynamo` outside Lambda
   */
  sessionName?: string | undefined
  /**
   * The source identity, which CloudTrail records and the trust policy compares with `sts:SourceIdentity`. 2 to 64 characters.
   * Variable: `…_SOURCE_IDENTITY`.
   *
   * @default no source identity
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
   */
  sourceIdentity?: string | undefined
  /**
   * The tables and actions that sessions are restricted to. The middleware generates the session policy from this option.
   * Variables: `…_TABLES`, comma-separated, `…_ACCESS`, which is `read`, `write`, `read-write` or a comma-separated list of actions,
   * and `…_KMS_KEY_ARN`. Not allowed with `policy` or `policyArns`.
   *
   * @default no session policy, so that a session has all permissions of the role
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
   */
  scope?: Scope | undefined
  /**
   * A session policy, as a document or its JSON text. At most 2,048 characters. Not allowed with `scope` or
   * `policyArns`. A document must contain only JSON values. For example, `undefined` in place of a condition is rejected.
   *
   * @default no session policy, so that a session has all permissions of the role
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
   */
  policy?: object | string | undefined
  /**
   * The ARNs of managed policies that are used as session policies, at most 10. Each policy must be AWS managed or in the account of
   * the role. Not allowed with `scope` or `policy`.
   *
   * @default no session policy, so that a session has all permissions of the role
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
   */
  policyArns?: readonly string[] | undefined
  /**
   * A function that returns the session parameters that vary per invocation, or a promise for them: any of `roleArn`,
   * `externalId`, `sessionTags`, `sessionName`, `sourceIdentity`, `scope` and `policy`. Each returned parameter replaces the option
   * of the same name. A returned `roleArn` requires `externalId` in the same return value.
   *
   * If the function throws, or returns nothing or an invalid or empty value, the invocation fails with
   * `SESSION_IDENTITY_MISSING`. A returned scope must contain table names, not ARNs. Tag values and fields of a scope must not be
   * empty. An asynchronous function must return a new object in each call.
   *
   * @example
   * ```ts
   * import type { SQSRecord } from 'aws-lambda'
   * import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
   *
   * export const dynamo = crossAccountDynamo({
   *   session: ({ event }: SessionRequest<SQSRecord>) => ({
   *     sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
   *   }),
   * })
   * ```
   */
  session?: (SessionFunction<Event, Result> & KnownKeysOnly<Result>) | undefined
  /**
   * The duration of a session, in seconds: an integer from 900 to 3600. AWS limits sessions from role chaining to one hour.
   * Variable: `…_DURATION_SECONDS`.
   *
   * @default 3600
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
   */
  durationSeconds?: number | undefined
  /**
   * The Region of the table. Variable: `…_REGION`.
   *
   * @default the Region of the function (`AWS_REGION`)
   */
  region?: string | undefined
  /**
   * The Regions of the STS endpoints, in the order in which the middleware calls them. Variable: `…_STS_REGIONS`, comma-separated.
   *
   * @default the Region of the function (`AWS_REGION`), or `region` outside Lambda
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
   */
  stsRegions?: readonly string[] | undefined
  /**
   * The seconds before the expiration of credentials at which their background refresh starts: an integer of at least 60 and less
   * than `durationSeconds`. So that execution environments do not refresh at the same time, a refresh can start earlier, by up to
   * 20 percent of this value. The first credentials of a session are refreshed at a random age, at the earliest after a tenth of
   * their lifetime. Variable: `…_REFRESH_BEFORE_SECONDS`.
   *
   * @default 900, or half of `durationSeconds` if that is less
   */
  refreshBeforeSeconds?: number | undefined
  /**
   * With a `session` function, the maximum number of sessions with credentials that the middleware keeps. A separate limit of the
   * same size applies to sessions that have not had credentials yet, for example because STS refused them. The least recently
   * used session is evicted first. Eviction does not affect invocations that use the client of the session. Variable:
   * `…_MAX_SESSIONS`.
   *
   * @default 100
   */
  maxSessions?: number | undefined
  /**
   * The property of the context that contains the client. If a handler uses this middleware more than once, each use needs its
   * own `contextKey`. Properties of Lambda's context, such as `awsRequestId`, are not allowed.
   *
   * @default 'dynamo'
   */
  contextKey?: Key | undefined
  /**
   * The prefix of the names of the variables. Set it if a function uses this middleware with different configurations.
   *
   * @default 'CROSS_ACCOUNT_DYNAMO'
   */
  envPrefix?: string | undefined
  /**
   * Whether the client on the context is a `DynamoDBDocumentClient`. With `false`, it is a plain `DynamoDBClient`.
   *
   * @default true
   */
  documentClient?: Document | undefined
  /**
   * The marshalling options of the document client. Not allowed with `documentClient: false`.
   *
   * @default the defaults of the SDK, and `removeUndefinedValues: true`
   *
   * @see https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/
   */
  translateConfig?: TranslateConfig | undefined
  /**
   * Options for the constructor of `DynamoDBClient`, except `credentials` and `region`, which the middleware sets.
   *
   * @default the defaults of the SDK
   *
   * @see https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/client/dynamodb/
   */
  awsClientOptions?: Omit<DynamoDBClientConfig, 'credentials' | 'region'> | undefined
  /**
   * Options for the constructor of `STSClient`, except `region`, which `stsRegions` replaces. `credentials` are the credentials of
   * the caller. `maxAttempts` is the maximum number of attempts of an AssumeRole call in all Regions, 3 by default. `logger` is not
   * allowed, because the SDK would log the session tokens that STS returns.
   *
   * @default the defaults of the SDK, with timeouts of 1 second for the connection and 3 seconds for the request
   *
   * @see https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/client/sts/
   */
  stsClientOptions?: Omit<STSClientConfig, 'logger' | 'region'> | undefined
  /**
   * A function that the middleware calls once with each new `DynamoDBClient`, for AWS X-Ray or Powertools Tracer. It must return
   * the client that it is given.
   *
   * @default no capture
   *
   * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/tracer/
   */
  awsClientCapture?: ((client: DynamoDBClient) => DynamoDBClient) | undefined
  /**
   * A logger for failed AssumeRole calls and replaced credentials, such as Powertools Logger or `console`.
   *
   * @default no logging
   */
  logger?: Logger | undefined
  /**
   * Whether to defer the first AssumeRole call and the connection to DynamoDB to the first invocation. By default, both start when
   * the middleware is created.
   *
   * @default false, or true in direct mode outside Lambda
   */
  disablePrefetch?: boolean | undefined
}
