/** The public options of `crossAccountDynamo()`. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import type { Scope } from '../iam/scope.ts'
import type { SessionFunction, SessionResult } from '../identity/session-function.ts'
import type { Logger } from '../logger.ts'

/**
 * The options of {@link crossAccountDynamo}. If an option is not set, the middleware reads its environment variable at
 * creation. An explicit option takes precedence over its variable, and an empty variable counts as unset. In the names of
 * variables below, `…` stands for the prefix `CROSS_ACCOUNT_DYNAMO`. See `envPrefix`.
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
   * The ARN of the target role, in the account of the table. Required, unless `session` returns it. Variable:
   * `CROSS_ACCOUNT_DYNAMO_ROLE_ARN`.
   *
   * `false`, or `none` in the variable, selects direct mode: no role is assumed, and the client uses the function's own
   * credentials. Use it for DynamoDB Local, for a stage in the same account, and for unit tests. Do not write
   * `process.env.X || false`, because a missing variable would then select direct mode.
   */
  roleArn?: string | false | undefined
  /**
   * The external ID, which the trust policy compares with `sts:ExternalId`. 2 to 1224 characters. With `false`, the
   * middleware sends no external ID, even if the variable is set. Variable: `…_EXTERNAL_ID`.
   */
  externalId?: string | false | undefined
  /**
   * The session tags. At most 50 tags. Keys that differ only in case are duplicates and are rejected. Variable:
   * `…_SESSION_TAGS`, as JSON or as `team=orders,stage=prod`.
   */
  sessionTags?: Readonly<Record<string, string>> | undefined
  /** The keys of `sessionTags` that role chaining passes on. Variable: `…_TRANSITIVE_TAG_KEYS`, comma-separated. */
  transitiveTagKeys?: readonly string[] | undefined
  /**
   * The session name, which CloudTrail in the account of the table records. 2 to 64 characters. Variable: `…_SESSION_NAME`.
   *
   * @default the name of the Lambda function, with invalid characters replaced
   */
  sessionName?: string | undefined
  /**
   * The source identity, which CloudTrail records and the trust policy compares with `sts:SourceIdentity`. 2 to 64 characters.
   * Variable: `…_SOURCE_IDENTITY`.
   */
  sourceIdentity?: string | undefined
  /**
   * The tables and actions that sessions are restricted to. The middleware generates the session policy from this option.
   * Variables: `…_TABLES`, comma-separated, and `…_ACCESS`, which is `read`, `write`, `read-write` or a list of actions.
   */
  scope?: Scope | undefined
  /**
   * A session policy, as a document or its JSON text. At most 2,048 characters. Not allowed with `scope` or
   * `policyArns`. A document must contain only JSON values. For example, `undefined` in place of a condition is rejected.
   */
  policy?: object | string | undefined
  /** The ARNs of managed session policies, AWS managed or in the account of the role. At most 10. Not allowed with `scope` or `policy`. */
  policyArns?: readonly string[] | undefined
  /**
   * A function that returns the session parameters that vary per invocation, synchronously or not: any of `roleArn`,
   * `externalId`, `sessionTags`, `sessionName`, `sourceIdentity`, `scope` and `policy`. Each one replaces the option of the
   * same name. A returned `roleArn` needs `externalId` in the same return value.
   *
   * If the function throws, or returns nothing or an invalid or empty value, the invocation fails with
   * `SESSION_IDENTITY_MISSING`. A returned scope must contain table names, not ARNs. A tag value must not be empty.
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
  session?: SessionFunction<Event, Result> | undefined
  /**
   * The duration of a session, in seconds, 900 to 3600. Variable: `…_DURATION_SECONDS`.
   *
   * @default 3600
   */
  durationSeconds?: number | undefined
  /**
   * The Region of the table. Variable: `…_REGION`.
   *
   * @default the variable `AWS_REGION`
   */
  region?: string | undefined
  /**
   * The Regions of the STS endpoints, in the order in which they are called. Variable: `…_STS_REGIONS`, comma-separated.
   *
   * @default the variable `AWS_REGION`, or `region` if it is not set
   */
  stsRegions?: readonly string[] | undefined
  /**
   * The number of seconds before the expiration of credentials at which their background refresh starts. At least 60 and less
   * than `durationSeconds`. Variable: `…_REFRESH_BEFORE_SECONDS`.
   *
   * @default 900, or half of `durationSeconds` if that is less
   */
  refreshBeforeSeconds?: number | undefined
  /**
   * The maximum number of sessions with credentials that are cached, if there is a `session` function. The store keeps as many
   * more that STS has not answered or has refused. The least recently used session is
   * evicted first. Eviction does not affect invocations that use its client. Variable: `…_MAX_SESSIONS`.
   *
   * @default 100
   */
  maxSessions?: number | undefined
  /**
   * The property of the context that contains the client.
   *
   * @default 'dynamo'
   */
  contextKey?: Key | undefined
  /**
   * The prefix of the names of the variables.
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
   * @default the defaults of the SDK, with `removeUndefinedValues: true`
   */
  translateConfig?: TranslateConfig | undefined
  /** Options for the constructor of `DynamoDBClient`. The middleware sets `credentials` and `region`. */
  awsClientOptions?: Omit<DynamoDBClientConfig, 'credentials' | 'region'> | undefined
  /**
   * Options for the constructor of `STSClient`. `credentials` are the credentials of the caller. `logger` is not allowed,
   * because the SDK would log the session tokens that STS returns.
   */
  stsClientOptions?: Omit<STSClientConfig, 'logger' | 'region'> | undefined
  /**
   * A function that the middleware calls once with each new `DynamoDBClient`. The middleware uses the client that the function
   * returns. Use it for AWS X-Ray or Powertools Tracer.
   */
  awsClientCapture?: ((client: DynamoDBClient) => DynamoDBClient) | undefined
  /**
   * A logger for failures and retries of AssumeRole, such as Powertools Logger or `console`.
   *
   * @default no logging
   */
  logger?: Logger | undefined
  /**
   * Whether to defer the first AssumeRole call and the connection to the first invocation.
   *
   * @default false, or true in direct mode outside Lambda
   */
  disablePrefetch?: boolean | undefined
}
