/** Options and environment -> one frozen configuration, or one error that lists everything that is wrong. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { configInvalid } from './errors.ts'
import {
  type Complaint,
  checkDurationSeconds,
  checkPartition,
  checkPolicyArns,
  checkRegion,
  parseRoleArn,
  toSessionName,
} from './limits.ts'
import { LEVELS, type Logger, SILENT } from './logger.ts'
import { createOptionReader, type OptionName } from './option-reader.ts'
import type { ResolvedScope, Scope } from './policies/scope.ts'
import {
  assembleIdentity,
  createIdentityResolver,
  IDENTITY_OPTIONS,
  type Parts,
  type ResolveIdentity,
  type Resolver,
  type Resolvers,
  readPart,
} from './resolvers.ts'
import type { SessionIdentity } from './session-identity.ts'
import { describe, isRecord, quoted, shown, UnsupportedValue } from './values.ts'

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
export interface CrossAccountDynamoOptions<
  Key extends string = 'dynamo',
  Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event, where no resolver says which
  Event = any,
> {
  /**
   * ARN of the target role, in the account of the table; or a resolver, for which `externalId` must be given, too.
   * Required. Variable: `CROSS_ACCOUNT_DYNAMO_ROLE_ARN`.
   */
  roleArn?: string | Resolver<string, Event> | undefined
  /**
   * What the trust policy compares with `sts:ExternalId`; 2 to 1224 characters; or a resolver. `false`: none, also
   * where `roleArn` is a resolver or the variable is set. Variable: `…_EXTERNAL_ID`.
   */
  externalId?: string | false | Resolver<string, Event> | undefined
  /**
   * Session tags: at most 50, keys unique ignoring case; or a resolver, of whose tags none may be empty.
   * Variable: `…_SESSION_TAGS`, as JSON or as `team=orders,stage=prod`.
   */
  sessionTags?:
    | Readonly<Record<string, string>>
    | Resolver<Readonly<Record<string, unknown>>, Event>
    | undefined
  /** Keys of `sessionTags` that stay on sessions assumed from this one. Variable: `…_TRANSITIVE_TAG_KEYS`, comma-separated. */
  transitiveTagKeys?: readonly string[] | undefined
  /**
   * What CloudTrail in the target's account calls the session; 2 to 64 characters.
   * Or a resolver. Default: the function's name, made valid. Variable: `…_SESSION_NAME`.
   */
  sessionName?: string | Resolver<string, Event> | undefined
  /**
   * Who is behind the session, for CloudTrail and `sts:SourceIdentity`; 2 to 64 characters; or a resolver.
   * Variable: `…_SOURCE_IDENTITY`.
   */
  sourceIdentity?: string | Resolver<string, Event> | undefined
  /**
   * The tables and actions that sessions are narrowed to, by a session policy made of it; or a resolver.
   * Variables: `…_TABLES`, comma-separated, and `…_ACCESS`, which is `read`, `write`, `read-write` or actions.
   */
  scope?: Scope | Resolver<ResolvedScope, Event> | undefined
  /**
   * A session policy of your own, as a document or its JSON text, at most 2,048 characters; or a resolver. Not with `scope`.
   * A document holds values of JSON only: `undefined`, in place of a condition for example, is refused.
   */
  policy?: object | string | Resolver<object | string, Event> | undefined
  /** ARNs of managed policies, in the role's account or AWS's own, as session policies; at most 10. Not with `scope`. */
  policyArns?: readonly string[] | undefined
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
  /**
   * How many sessions are kept, with their clients, when resolvers make several: the least recently used goes first.
   * Whoever holds its client is not disturbed. Default: 100. Variable: `…_MAX_SESSIONS`.
   */
  maxSessions?: number | undefined
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
  /** Given each session's `DynamoDBClient` once, when it is made; what it returns is used. For X-Ray or Powertools Tracer. */
  awsClientCapture?: ((client: DynamoDBClient) => DynamoDBClient) | undefined
  /** Is told of failed and repeated AssumeRoles; Powertools Logger or `console` will do. Default: nobody. */
  logger?: Logger | undefined
  /** `true` leaves the first AssumeRole and connection to the first invocation. Default: `false`. */
  disablePrefetch?: boolean | undefined
}

/** What the middleware runs on: checked, complete and frozen. */
export interface Configuration {
  /** Who the session is, unless resolvers tell. */
  readonly identity: SessionIdentity | undefined
  /** Who the session of an invocation is. */
  readonly resolveIdentity: ResolveIdentity
  /** Account of the target role, unless a resolver tells. */
  readonly accountId: string | undefined
  readonly region: string
  readonly stsRegions: readonly string[]
  readonly refreshBefore: number
  readonly maxSessions: number
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
const DEFAULT_MAX_SESSIONS = 100

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
  (type: 'boolean' | 'function') =>
  (value: unknown): Complaint =>
    typeof value === type ? undefined : `must be a ${type}, but is ${describe(value)}`

/** An object whose properties have been copied, without looking into them. */
const checkProperties = (value: unknown): Complaint => {
  if (!isRecord(value)) return `must be an object, but is ${describe(value)}`
  const [name, property] = Object.entries(value).find(([, each]) => UnsupportedValue.is(each)) ?? []
  return name === undefined ? undefined : `may not hold ${quoted(name)}, which is ${describe(property)}`
}

const checkTranslateConfig = (value: unknown): Complaint => {
  const complaint = checkProperties(value)
  if (complaint !== undefined) return complaint
  const { marshallOptions = {}, unmarshallOptions = {} } = value as TranslateConfig
  return checkProperties(marshallOptions) ?? checkProperties(unmarshallOptions)
}

const checkStrings = (value: unknown): Complaint =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? undefined
    : 'must be a list of strings'

const checkRegions = (value: unknown): Complaint => {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of Regions'
  return value.map(checkRegion).find((complaint) => complaint !== undefined)
}

/** Whether a value of any class has a method. `false` if it cannot be read. */
const hasMethod = (value: unknown, name: keyof Logger): boolean => {
  try {
    return typeof (value as Partial<Logger> | null | undefined)?.[name] === 'function'
  } catch {
    return false
  }
}

/** A logger may be of any class, and have more than is asked for. */
const checkLogger = (value: unknown): Complaint => {
  const missing = LEVELS.filter((level) => !hasMethod(value, level))
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
  const { checked, isSet, isGiven, readOption, complain, variableOf } = createOptionReader(
    given,
    environment,
    problems,
  )

  // Who the session is: values, or resolvers that are asked with each invocation.
  const parts: { -readonly [Option in keyof Parts]?: Parts[Option] } = {}
  const resolvers: Resolvers = {}
  const withoutExternalId = readOption('externalId') === false
  for (const option of IDENTITY_OPTIONS) {
    const value = readOption(option)
    if (value === undefined || (option === 'externalId' && withoutExternalId)) continue
    if (typeof value === 'function') resolvers[option] = value as Resolver<unknown>
    else readPart(parts, option, value, (complaint) => complain(option, complaint))
  }
  if (!isSet('roleArn')) {
    complain(
      'roleArn',
      `is required: give the option, or set ${variableOf('roleArn')} to the target role's ARN`,
    )
  }
  if (!isSet('sessionTags')) parts.sessionTags = []
  if (!isSet('sessionName'))
    parts.sessionName = toSessionName(environment.AWS_LAMBDA_FUNCTION_NAME || DEFAULT_SESSION_NAME)
  if (resolvers.roleArn !== undefined && !isGiven('externalId')) {
    complain(
      'externalId',
      'is required where roleArn is a resolver: without one of its own for each customer, a customer who names somebody ' +
        "else's role is let in by your permissions (the confused deputy, " +
        'https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html). Give a resolver; where all the roles are your own, a ' +
        `value or externalId: false will do (${variableOf('externalId')} alone will not: it is the same for all)`,
    )
  }
  const role = parts.roleArn === undefined ? undefined : parseRoleArn(parts.roleArn)
  const policyArns = checked<readonly string[]>('policyArns', checkPolicyArns) ?? []
  const sessionPolicies = (['scope', 'policy', 'policyArns'] as const).filter(isSet)
  if (sessionPolicies[0] === 'scope' && sessionPolicies.length > 1)
    complain(
      'scope',
      `may not be set together with ${sessionPolicies.slice(1).join(' and ')}: give one or the other`,
    )
  const transitiveTagKeys = checked<readonly string[]>('transitiveTagKeys', checkStrings) ?? []
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
  const maxSessions =
    checked<number>('maxSessions', (value) =>
      Number.isInteger(value) && (value as number) >= 1
        ? undefined
        : `must be a whole number from 1 on, not ${shown(value)}`,
    ) ?? DEFAULT_MAX_SESSIONS

  const contextKey =
    checked<string>('contextKey', (value) =>
      typeof value === 'string' && value !== '' && !RESERVED_CONTEXT_KEYS.has(value)
        ? undefined
        : `must be a string that is not a name of Lambda's own context, not ${shown(value)}`,
    ) ?? 'dynamo'
  const documentClient = checked<boolean>('documentClient', checkType('boolean')) ?? true
  const disablePrefetch = checked<boolean>('disablePrefetch', checkType('boolean')) ?? false
  const translateConfig = checked<TranslateConfig>('translateConfig', checkTranslateConfig)
  if (translateConfig !== undefined && !documentClient) {
    complain('translateConfig', 'has no effect with documentClient: false; leave out one of the two')
  }
  const awsClientOptions = checked<DynamoDBClientConfig>('awsClientOptions', checkProperties) ?? {}
  if (awsClientOptions.credentials !== undefined) {
    complain('awsClientOptions', 'may not hold credentials: they are those of the assumed role')
  }
  if (awsClientOptions.region !== undefined) {
    complain(
      'awsClientOptions',
      `may not hold region: give the option region, or set ${variableOf('region')}`,
    )
  }
  const stsClientOptions = checked<STSClientConfig>('stsClientOptions', checkProperties) ?? {}
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

  const common = {
    transitiveTagKeys: Object.freeze([...new Set(transitiveTagKeys)]),
    policyArns: Object.freeze([...new Set(policyArns)]),
    durationSeconds,
    region: region ?? '',
  }
  // Where the Region is missing, every table would seem to be elsewhere.
  const { scope: _, ...withoutScope } = parts
  const assembled = assembleIdentity(
    region === undefined ? withoutScope : parts,
    common,
    (option, complaint) => complain(option as OptionName, complaint),
  )

  if (problems.length > 0 || region === undefined) {
    throw configInvalid(`the configuration of crossAccountDynamo() for context.${contextKey}`, problems)
  }
  return Object.freeze({
    identity: Object.keys(resolvers).length === 0 ? assembled : undefined,
    resolveIdentity: createIdentityResolver(parts, resolvers, common, contextKey),
    accountId: role?.accountId,
    region,
    stsRegions: Object.freeze([...(stsRegions ?? [functionRegion ?? region])]),
    refreshBefore,
    maxSessions,
    contextKey,
    documentClient,
    // Not frozen, because the document client writes into it.
    translateConfig: {
      ...translateConfig,
      ...(translateConfig?.unmarshallOptions && {
        unmarshallOptions: { ...translateConfig.unmarshallOptions },
      }),
      marshallOptions: { removeUndefinedValues: true, ...translateConfig?.marshallOptions },
    },
    awsClientOptions: { ...awsClientOptions },
    stsClientOptions: { ...stsClientOptions },
    awsClientCapture: awsClientCapture ?? ((client: DynamoDBClient) => client),
    logger,
    disablePrefetch,
  })
}
