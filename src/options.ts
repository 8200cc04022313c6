/** Options and environment -> one frozen configuration, or one error that lists everything that is wrong. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { CrossAccountDynamoError } from './errors.ts'
import {
  type Complaint,
  checkDurationSeconds,
  checkExternalId,
  checkPartition,
  checkRegion,
  checkRoleArn,
  checkSessionName,
  checkSessionTags,
  checkSourceIdentity,
  checkTransitiveTagKeys,
  describe,
  parseRoleArn,
  shown,
  toSessionName,
} from './limits.ts'
import { LEVELS, type Logger, SILENT } from './logger.ts'
import { createOptionReader, isRecord } from './option-reader.ts'
import type { SessionIdentity, Tag } from './session-identity.ts'

/**
 * What {@link crossAccountDynamo} takes. Every option may be left out; those with a variable are then read from the
 * environment when the middleware is made. An explicit option wins, and an empty variable counts as unset.
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
export interface CrossAccountDynamoOptions<Key extends string = 'dynamo', Document extends boolean = true> {
  /** ARN of the target role, in the account of the table. Required. Variable: `CROSS_ACCOUNT_DYNAMO_ROLE_ARN`. */
  roleArn?: string | undefined
  /** What the trust policy compares with `sts:ExternalId`; 2 to 1224 characters. Variable: `…_EXTERNAL_ID`. */
  externalId?: string | undefined
  /**
   * Session tags: at most 50, keys unique ignoring case.
   * Variable: `…_SESSION_TAGS`, as JSON or as `team=orders,stage=prod`.
   */
  sessionTags?: Readonly<Record<string, string>> | undefined
  /** Keys of `sessionTags` that stay on sessions assumed from this one. Variable: `…_TRANSITIVE_TAG_KEYS`, comma-separated. */
  transitiveTagKeys?: readonly string[] | undefined
  /**
   * What CloudTrail in the target's account calls the session; 2 to 64 characters.
   * Default: the function's name, made valid. Variable: `…_SESSION_NAME`.
   */
  sessionName?: string | undefined
  /** Who is behind the session, for CloudTrail and `sts:SourceIdentity`; 2 to 64 characters. Variable: `…_SOURCE_IDENTITY`. */
  sourceIdentity?: string | undefined
  /** How long credentials live, in seconds, 900 to 3600. Default: 3600. Variable: `…_DURATION_SECONDS`. */
  durationSeconds?: number | undefined
  /** The table's Region. Default: `AWS_REGION`. Variable: `…_REGION`. */
  region?: string | undefined
  /** Regions whose STS is asked, in this order. Default: `AWS_REGION`. Variable: `…_STS_REGIONS`, comma-separated. */
  stsRegions?: readonly string[] | undefined
  /**
   * How long before their expiry credentials are refreshed, in seconds, from 60 to less than `durationSeconds`.
   * Default: 900, or half of `durationSeconds` when that is less. Variable: `…_REFRESH_BEFORE`.
   */
  refreshBefore?: number | undefined
  /** Where the client goes on the context. Default: `'dynamo'`. */
  contextKey?: Key | undefined
  /** What the names of the variables begin with. Default: `'CROSS_ACCOUNT_DYNAMO'`. */
  envPrefix?: string | undefined
  /** `false` puts a plain `DynamoDBClient` on the context instead of a `DynamoDBDocumentClient`. Default: `true`. */
  documentClient?: Document | undefined
  /** The document client's marshalling. Default: the SDK's own, with `removeUndefinedValues: true`. */
  translateConfig?: TranslateConfig | undefined
  /** Handed to the constructor of the `DynamoDBClient`. Credentials and Region are the middleware's. */
  awsClientOptions?: Omit<DynamoDBClientConfig, 'credentials' | 'region'> | undefined
  /**
   * Handed to the constructor of the `STSClient`; its `credentials` are the caller's. It takes no `logger`: the SDK
   * would log the session tokens that STS returns.
   */
  stsClientOptions?: Omit<STSClientConfig, 'logger' | 'region'> | undefined
  /** Given the `DynamoDBClient` once, when it is made; what it returns is used. For X-Ray or Powertools Tracer. */
  awsClientCapture?: ((client: DynamoDBClient) => DynamoDBClient) | undefined
  /** Is told of failed and repeated AssumeRoles; Powertools Logger or `console` will do. Default: nobody. */
  logger?: Logger | undefined
  /** `true` leaves the first AssumeRole and connection to the first invocation. Default: `false`. */
  disablePrefetch?: boolean | undefined
}

/** What the middleware runs on: checked, complete and frozen. */
export interface Configuration {
  readonly identity: SessionIdentity
  /** Account of the target role. */
  readonly accountId: string
  readonly region: string
  readonly stsRegions: readonly string[]
  readonly refreshBefore: number
  readonly contextKey: string
  readonly documentClient: boolean
  readonly translateConfig: TranslateConfig
  readonly awsClientOptions: DynamoDBClientConfig
  readonly stsClientOptions: STSClientConfig
  readonly awsClientCapture: (client: DynamoDBClient) => DynamoDBClient
  readonly logger: Logger
  readonly disablePrefetch: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_SESSION_NAME = 'middy-cross-account-dynamo'
const DEFAULT_DURATION_SECONDS = 3600
const DEFAULT_REFRESH_BEFORE = 900
const LEAST_REFRESH_BEFORE = 60

/**
 * Keys that a client would break: those of Lambda's own context, and JavaScript's.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
const RESERVED_CONTEXT_KEYS: ReadonlySet<unknown> = new Set([
  ...'functionName functionVersion invokedFunctionArn memoryLimitInMB awsRequestId logGroupName'.split(' '),
  ...'logStreamName identity clientContext callbackWaitsForEmptyEventLoop tenantId'.split(' '),
  ...'getRemainingTimeInMillis done fail succeed __proto__ constructor prototype toJSON'.split(' '),
])

const checkType =
  (type: 'boolean' | 'function' | 'object') =>
  (value: unknown): Complaint =>
    (type === 'object' ? isRecord(value) : typeof value === type)
      ? undefined
      : `must be ${type === 'object' ? 'an' : 'a'} ${type}, but is ${describe(value)}`

const checkStrings = (value: unknown): Complaint =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? undefined
    : 'must be a list of strings'

const checkRegions = (value: unknown): Complaint => {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of Regions'
  return value.map(checkRegion).find((complaint) => complaint !== undefined)
}

/** A logger may be of any class, and have more than is asked for. */
const checkLogger = (value: unknown): Complaint => {
  const missing = LEVELS.filter((level) => typeof (value as Partial<Logger> | null)?.[level] !== 'function')
  return missing.length === 0
    ? undefined
    : `must have the methods ${LEVELS.join(', ')}, but lacks ${missing.join(', ')}`
}

/**
 * The configuration that options and environment make together.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID`, naming every problem with its option and variable.
 */
export const readConfiguration = (given: unknown, environment: Environment): Configuration => {
  const problems: string[] = []
  const { checked, isSet, complain, variableOf } = createOptionReader(given, environment, problems)

  const roleArn = checked<string>('roleArn', checkRoleArn)
  if (roleArn === undefined && !isSet('roleArn')) {
    complain(
      'roleArn',
      `is required: give the option, or set ${variableOf('roleArn')} to the target role's ARN`,
    )
  }
  const role = roleArn === undefined ? undefined : parseRoleArn(roleArn)

  const record = checked<Readonly<Record<string, string>>>('sessionTags', checkType('object'))
  const tags: readonly Tag[] = Object.entries(record ?? {}).map(([Key, Value]) => ({ Key, Value }))
  for (const complaint of checkSessionTags(tags)) complain('sessionTags', complaint)

  const transitiveTagKeys = checked<readonly string[]>('transitiveTagKeys', checkStrings) ?? []
  // Where the tags could not be read, every key would seem to be missing.
  const unknown =
    record === undefined && isSet('sessionTags') ? [] : checkTransitiveTagKeys(transitiveTagKeys, tags)
  for (const complaint of unknown) complain('transitiveTagKeys', complaint)

  const externalId = checked<string>('externalId', checkExternalId)
  const sourceIdentity = checked<string>('sourceIdentity', checkSourceIdentity)
  const sessionName =
    checked<string>('sessionName', checkSessionName) ??
    toSessionName(environment.AWS_LAMBDA_FUNCTION_NAME || DEFAULT_SESSION_NAME)
  const durationSeconds = checked<number>('durationSeconds', checkDurationSeconds) ?? DEFAULT_DURATION_SECONDS
  const refreshBefore =
    checked<number>('refreshBefore', (value) =>
      Number.isInteger(value) &&
      (value as number) >= LEAST_REFRESH_BEFORE &&
      (value as number) < durationSeconds
        ? undefined
        : `must be a whole number of seconds from ${LEAST_REFRESH_BEFORE} to less than durationSeconds, ` +
          `${durationSeconds}, not ${shown(value)}`,
    ) ?? Math.min(DEFAULT_REFRESH_BEFORE, Math.floor(durationSeconds / 2))

  // STS is called in the function's own Region, wherever the table is.
  const functionRegion = environment.AWS_REGION || undefined
  const badFunctionRegion = functionRegion === undefined ? undefined : checkRegion(functionRegion)
  if (badFunctionRegion !== undefined) problems.push(`AWS_REGION: ${badFunctionRegion}`)
  const ownRegion = checked<string>('region', checkRegion)
  const region = isSet('region') ? ownRegion : functionRegion
  if (region === undefined && !isSet('region')) {
    complain(
      'region',
      `is required where AWS_REGION is not set: give the option, or set ${variableOf('region')}`,
    )
  }
  if (role !== undefined && ownRegion !== undefined) complain('region', checkPartition(ownRegion, role))
  if (role !== undefined && functionRegion !== undefined && badFunctionRegion === undefined) {
    const complaint = checkPartition(functionRegion, role)
    if (complaint !== undefined) problems.push(`AWS_REGION: ${complaint}`)
  }

  const stsRegions = checked<readonly string[]>('stsRegions', checkRegions)

  const contextKey =
    checked<string>('contextKey', (value) =>
      typeof value === 'string' && value !== '' && !RESERVED_CONTEXT_KEYS.has(value)
        ? undefined
        : `must be a string that is not a name of Lambda's own context, not ${shown(value)}`,
    ) ?? 'dynamo'
  const documentClient = checked<boolean>('documentClient', checkType('boolean')) ?? true
  const disablePrefetch = checked<boolean>('disablePrefetch', checkType('boolean')) ?? false
  const translateConfig = checked<TranslateConfig>('translateConfig', checkType('object'))
  if (translateConfig !== undefined && !documentClient) {
    complain('translateConfig', 'has no effect with documentClient: false; leave out one of the two')
  }
  const awsClientOptions = checked<DynamoDBClientConfig>('awsClientOptions', checkType('object')) ?? {}
  if (awsClientOptions.credentials !== undefined) {
    complain('awsClientOptions', 'may not hold credentials: they are those of the assumed role')
  }
  if (awsClientOptions.region !== undefined) {
    complain(
      'awsClientOptions',
      `may not hold region: give the option region, or set ${variableOf('region')}`,
    )
  }
  const stsClientOptions = checked<STSClientConfig>('stsClientOptions', checkType('object')) ?? {}
  if (stsClientOptions.logger !== undefined) {
    complain('stsClientOptions', 'may not hold logger: the SDK would log the session tokens that STS returns')
  }
  if ('region' in stsClientOptions && stsClientOptions.region !== undefined) {
    complain(
      'stsClientOptions',
      `may not hold region: give the option stsRegions, or set ${variableOf('stsRegions')}`,
    )
  }
  const logger = checked<Logger>('logger', checkLogger) ?? SILENT
  const awsClientCapture = checked<Configuration['awsClientCapture']>(
    'awsClientCapture',
    checkType('function'),
  )

  if (problems.length > 0 || roleArn === undefined || role === undefined || region === undefined) {
    throw new CrossAccountDynamoError('CONFIG_INVALID', listed(problems))
  }
  return Object.freeze({
    identity: Object.freeze({
      roleArn,
      ...(externalId !== undefined && { externalId }),
      sessionTags: Object.freeze(tags.map((tag) => Object.freeze({ ...tag }))),
      transitiveTagKeys: Object.freeze([...new Set(transitiveTagKeys)]),
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      sessionName,
      durationSeconds,
    }),
    accountId: role.accountId,
    region,
    stsRegions: Object.freeze([...(stsRegions ?? [functionRegion ?? region])]),
    refreshBefore,
    contextKey,
    documentClient,
    // A copy of our own, and not frozen: the document client writes into it.
    translateConfig: {
      ...translateConfig,
      marshallOptions: { removeUndefinedValues: true, ...translateConfig?.marshallOptions },
    },
    awsClientOptions,
    stsClientOptions,
    awsClientCapture: awsClientCapture ?? ((client: DynamoDBClient) => client),
    logger,
    disablePrefetch,
  })
}

const listed = (problems: readonly string[]): string =>
  `the configuration of crossAccountDynamo() has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n` +
  problems.map((problem) => `  - ${problem}`).join('\n')
