/** The options of `crossAccountDynamo()`, as users write them. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import type { ResolvedScope, Scope } from '../iam/scope.ts'
import type { Resolver } from '../identity/resolve.ts'
import type { Logger } from '../logger.ts'

/**
 * The options of {@link crossAccountDynamo}. If an option is not set, its environment variable is read when the middleware
 * is created. An explicit option takes precedence over its variable, and an empty variable counts as unset.
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
  // biome-ignore lint/suspicious/noExplicitAny: any event, if no resolver declares its type
  Event = any,
> {
  /**
   * ARN of the target role, in the account of the table, or a resolver. A resolver requires `externalId`.
   * Required. Variable: `CROSS_ACCOUNT_DYNAMO_ROLE_ARN`.
   */
  roleArn?: string | Resolver<string, Event> | undefined
  /**
   * The external ID, which the trust policy compares with `sts:ExternalId`, or a resolver. 2 to 1224 characters. `false`
   * sends none, even if the variable is set. Variable: `…_EXTERNAL_ID`.
   */
  externalId?: string | false | Resolver<string, Event> | undefined
  /**
   * Session tags, or a resolver. At most 50; keys that differ only in case are duplicates. A resolver cannot return a tag
   * with an empty value. Variable: `…_SESSION_TAGS`, as JSON or as `team=orders,stage=prod`.
   */
  sessionTags?:
    | Readonly<Record<string, string>>
    | Resolver<Readonly<Record<string, unknown>>, Event>
    | undefined
  /** Keys of `sessionTags` that role chaining passes on. Variable: `…_TRANSITIVE_TAG_KEYS`, comma-separated. */
  transitiveTagKeys?: readonly string[] | undefined
  /**
   * The session name, which CloudTrail in the account of the table records, or a resolver. 2 to 64 characters.
   * Default: the name of the function, with invalid characters replaced. Variable: `…_SESSION_NAME`.
   */
  sessionName?: string | Resolver<string, Event> | undefined
  /**
   * The source identity, which CloudTrail records and the trust policy compares with `sts:SourceIdentity`, or a resolver.
   * 2 to 64 characters. Variable: `…_SOURCE_IDENTITY`.
   */
  sourceIdentity?: string | Resolver<string, Event> | undefined
  /**
   * The tables and actions that sessions are limited to, or a resolver. The session policy is generated from it.
   * Variables: `…_TABLES`, comma-separated, and `…_ACCESS`, which is `read`, `write`, `read-write` or a list of actions.
   */
  scope?: Scope | Resolver<ResolvedScope, Event> | undefined
  /**
   * A session policy, as a document or its JSON text of at most 2,048 characters, or a resolver. Not with `scope`.
   * A document can contain only JSON values. `undefined` in place of a condition, for example, is refused.
   */
  policy?: object | string | Resolver<object | string, Event> | undefined
  /** ARNs of managed session policies, AWS managed or in the account of the role. At most 10. Not with `scope`. */
  policyArns?: readonly string[] | undefined
  /** The duration of a session, in seconds, 900 to 3600. Default: 3600. Variable: `…_DURATION_SECONDS`. */
  durationSeconds?: number | undefined
  /** The table's Region. Default: `AWS_REGION`. Variable: `…_REGION`. */
  region?: string | undefined
  /** Regions whose STS is called, in this order. Default: `AWS_REGION`. Variable: `…_STS_REGIONS`, comma-separated. */
  stsRegions?: readonly string[] | undefined
  /**
   * Seconds before the expiration of credentials at which their background refresh starts, at least 60 and less than
   * `durationSeconds`. Default: 900, or half of `durationSeconds` if that is less. Variable: `…_REFRESH_BEFORE`.
   */
  refreshBefore?: number | undefined
  /**
   * The maximum number of sessions that are kept, with their clients, if there are resolvers. The least recently used
   * session is evicted first, which does not affect invocations that use its client. Default: 100. Variable: `…_MAX_SESSIONS`.
   */
  maxSessions?: number | undefined
  /** The property of the context that holds the client. Default: `'dynamo'`. */
  contextKey?: Key | undefined
  /** The prefix of the variables. Default: `'CROSS_ACCOUNT_DYNAMO'`. */
  envPrefix?: string | undefined
  /** `false` puts a plain `DynamoDBClient` on the context instead of a `DynamoDBDocumentClient`. Default: `true`. */
  documentClient?: Document | undefined
  /** The marshalling options of the document client. Default: those of the SDK, with `removeUndefinedValues: true`. */
  translateConfig?: TranslateConfig | undefined
  /** Options for the constructor of `DynamoDBClient`. The middleware sets credentials and Region. */
  awsClientOptions?: Omit<DynamoDBClientConfig, 'credentials' | 'region'> | undefined
  /**
   * Options for the constructor of `STSClient`; `credentials` are those of the caller. `logger` is not allowed, because
   * the SDK would log the session tokens that STS returns.
   */
  stsClientOptions?: Omit<STSClientConfig, 'logger' | 'region'> | undefined
  /**
   * Called once with each new `DynamoDBClient`. The client that it returns is used. For AWS X-Ray or Powertools Tracer.
   */
  awsClientCapture?: ((client: DynamoDBClient) => DynamoDBClient) | undefined
  /** Receives failures and retries of AssumeRole. Powertools Logger or `console`, for example. Default: no logging. */
  logger?: Logger | undefined
  /** `true` delays the first AssumeRole and the connection until the first invocation. Default: `false`. */
  disablePrefetch?: boolean | undefined
}
