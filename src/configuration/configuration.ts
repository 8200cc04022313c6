/** Converts options and environment to one frozen configuration, or throws one error that lists all problems. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { createConfigurationError } from '../errors.ts'
import { parseRoleArn, type RoleArn } from '../iam/arn.ts'
import { findPartitionProblem, parseRegion, toSessionName } from '../iam/constraints.ts'
import { createResolveParameters, type ResolveParameters } from '../identity/resolve.ts'
import {
  assembleParameters,
  type CommonParameters,
  type GivenParameters,
  reportExclusions,
  type SessionParameters,
} from '../identity/session-parameters.ts'
import { type Logger, SILENT } from '../logger.ts'
import type { Report } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import {
  createOptionReader,
  type Environment,
  type OptionReader,
  type Rows,
  toVariableName,
} from '../options/rows.ts'
import { DEFAULT_PREFIX, type MiddlewareRows, ROWS, refreshBeforeSecondsParser } from './rows.ts'

/** The complete, checked and frozen configuration of the middleware. */
export interface Configuration {
  /** Whether no role is assumed, so that the client uses the function's own credentials. */
  readonly isDirect: boolean
  /** The options that have no effect in direct mode. In Lambda, they are issues instead. */
  readonly ignoredOptions: readonly string[]
  /** The session parameters that all invocations share. `undefined` with a `session` function. */
  readonly parameters: SessionParameters | undefined
  /** Returns the session parameters of one invocation. Without a `session` function, these are `parameters`. */
  readonly resolveParameters: ResolveParameters
  /** The account of the role that the options name. `undefined` in direct mode and if only `session` returns the role. */
  readonly accountId: string | undefined
  readonly region: string
  readonly stsRegions: readonly string[]
  /** The seconds before the expiration of credentials at which their background refresh starts. */
  readonly refreshBeforeSeconds: number
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

const DEFAULT_SESSION_NAME = 'middy-cross-account-dynamo'
const DEFAULT_DURATION_SECONDS = 3600
const DEFAULT_REFRESH_BEFORE_SECONDS = 900
const DEFAULT_MAX_SESSIONS = 100
const DEFAULT_CONTEXT_KEY = 'dynamo'

/**
 * The options that isolate or narrow sessions, which have no effect without a role. In Lambda, direct mode refuses them, so that
 * a function never runs without the isolation that its options describe.
 */
const NOT_IN_DIRECT_MODE = [
  'session',
  'scope',
  'policy',
  'policyArns',
  'sessionTags',
  'transitiveTagKeys',
  'sourceIdentity',
] as const

/** Creates the audience for users of the middleware, who set options in code or with variables. */
export const middlewareAudience = (prefix: string): Audience => ({
  messages: MESSAGES,
  nameOf: (option) => option,
  howToSet: (option) => {
    const rows: Rows = ROWS
    const variables = (rows[option]?.variables ?? []).map((variable) => toVariableName(prefix, variable))
    if (variables.length === 0) return `set the option ${option}`
    const noun = variables.length === 1 ? 'variable' : 'variables'
    return `set the option ${option}, or the ${noun} ${variables.join(' and ')}`
  },
})

/**
 * Reads the configuration from the options and the environment.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if an option or a variable is invalid, with an issue for each problem.
 */
export const readConfiguration = (given: unknown, environment: Environment): Configuration => {
  const prefix = { option: 'envPrefix', fallback: DEFAULT_PREFIX }
  const reader = createOptionReader(ROWS, { given, environment, prefix })
  const { values, issues, reportOn } = reader
  const settings = readSettings(reader)
  const { contextKey, maxSessions } = settings

  const directMode = readDirectMode(reader, environment)
  const role = values.roleArn ? parseRoleArn(values.roleArn) : undefined
  const regions = readRegions(reader, environment, role)
  reportConflicts(reader)
  const { scope, ...withoutScope } = readStaticParameters(reader, environment)
  // Without a valid Region, every table ARN would be reported as a table in another Region.
  const staticParameters = regions === undefined ? withoutScope : { ...withoutScope, scope }
  const common = readCommonParameters(reader, regions?.region)
  const refreshBeforeSeconds = readRefreshBeforeSeconds(reader, common.durationSeconds)
  const { session } = values
  // With a session function, the tags of an invocation are not known yet.
  const transitiveTagKeys = session === undefined ? common.transitiveTagKeys : []
  const parameters = assembleParameters(staticParameters, { ...common, transitiveTagKeys }, reportOn)
  const resolveParameters =
    session === undefined
      ? parameters && (() => parameters)
      : createResolveParameters({
          session,
          staticParameters,
          common,
          contextKey,
          maxCachedParameters: maxSessions,
        })

  if (issues.length > 0 || regions === undefined || resolveParameters === undefined)
    throw createConfigurationError(
      `the configuration of crossAccountDynamo() for context.${contextKey}`,
      issues,
      middlewareAudience(reader.prefix),
    )
  return Object.freeze({
    ...settings,
    ...directMode,
    ...regions,
    refreshBeforeSeconds,
    parameters: session === undefined ? parameters : undefined,
    resolveParameters,
    accountId: role?.accountId,
  })
}

type Reader = OptionReader<MiddlewareRows>

/**
 * Returns whether the code runs in Lambda. The SAM CLI sets the same variables for a local function, and also `AWS_SAM_LOCAL=true`.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const isInLambda = ({ AWS_EXECUTION_ENV, AWS_LAMBDA_RUNTIME_API, AWS_SAM_LOCAL }: Environment): boolean =>
  AWS_SAM_LOCAL !== 'true' &&
  (AWS_EXECUTION_ENV?.startsWith('AWS_Lambda_') === true || Boolean(AWS_LAMBDA_RUNTIME_API))

/** Reads whether a role is assumed, and the default of `disablePrefetch`. Reports a missing role, and the options that need one. */
const readDirectMode = (
  { values, isSet, reportOn }: Reader,
  environment: Environment,
): Pick<Configuration, 'isDirect' | 'ignoredOptions' | 'disablePrefetch'> => {
  if (!isSet('roleArn') && !isSet('session')) reportOn('roleArn')({ code: 'required' })
  const isDirect = values.roleArn === false
  const isLambda = isInLambda(environment)
  const ignoredOptions = isDirect ? NOT_IN_DIRECT_MODE.filter(isSet) : []
  if (isLambda) for (const option of ignoredOptions) reportOn(option)({ code: 'not-in-direct-mode' })
  // Outside Lambda, direct mode is for tests, which must not send requests of their own.
  return { isDirect, ignoredOptions, disablePrefetch: values.disablePrefetch ?? (isDirect && !isLambda) }
}

/** Reads the options that only have a default. */
const readSettings = ({ values }: Reader) => ({
  maxSessions: values.maxSessions ?? DEFAULT_MAX_SESSIONS,
  contextKey: values.contextKey ?? DEFAULT_CONTEXT_KEY,
  documentClient: values.documentClient ?? true,
  translateConfig: {
    ...values.translateConfig,
    marshallOptions: { removeUndefinedValues: true, ...values.translateConfig?.marshallOptions },
  },
  awsClientOptions: { ...values.awsClientOptions },
  stsClientOptions: { ...values.stsClientOptions },
  awsClientCapture: values.awsClientCapture ?? ((client: DynamoDBClient) => client),
  logger: values.logger ?? SILENT,
})

const readCommonParameters = ({ values }: Reader, region = ''): CommonParameters => ({
  transitiveTagKeys: values.transitiveTagKeys ?? Object.freeze([]),
  policyArns: values.policyArns ?? Object.freeze([]),
  durationSeconds: values.durationSeconds ?? DEFAULT_DURATION_SECONDS,
  region,
})

/** Reads the parameters that the options set. A `session` function can replace them. */
const readStaticParameters = ({ values, isSet }: Reader, environment: Environment): GivenParameters => {
  const { roleArn, externalId, sessionTags, sessionName, sourceIdentity, scope, policy } = values
  const functionName = environment.AWS_LAMBDA_FUNCTION_NAME || DEFAULT_SESSION_NAME
  return {
    // Do not replace an invalid value with the default. Later checks would report the default instead.
    sessionTags: isSet('sessionTags') ? sessionTags : [],
    sessionName: isSet('sessionName') ? sessionName : toSessionName(functionName),
    externalId,
    sourceIdentity,
    policy,
    ...(roleArn === false
      ? { roleArn: PLACEHOLDER_ROLE_ARN, scope: scope && { ...scope, tables: scope.tables.map(toTableName) } }
      : { roleArn, scope }),
  }
}

/**
 * The role ARN that direct mode uses to check session parameters. A unit test then finds the errors that an invocation with a
 * role would find.
 */
const PLACEHOLDER_ROLE_ARN = 'arn:aws:iam::000000000000:role/direct-mode'

/** Without a role, it is unknown whether the ARN of a table is in the role's account. */
const toTableName = (table: string): string => table.slice(table.lastIndexOf('/') + 1)

/**
 * Reads the Region of the tables, and the Regions of the STS endpoints. The default STS Region is that of the function, even
 * if the tables are in another Region. Returns `undefined` if the Region of the tables is missing or invalid.
 */
const readRegions = (
  { values, isSet, reportOn }: Reader,
  { AWS_REGION }: Environment,
  role: RoleArn | undefined,
): Pick<Configuration, 'region' | 'stsRegions'> | undefined => {
  const reportPartition = (option: string, region: string | undefined): void => {
    const problem = region && role && findPartitionProblem(region, role)
    if (problem) reportOn(option)(problem)
  }
  const functionRegion = AWS_REGION ? parseRegion(AWS_REGION, reportOn('AWS_REGION')) : undefined
  reportPartition('AWS_REGION', functionRegion)
  reportPartition('region', values.region)
  for (const stsRegion of values.stsRegions ?? []) reportPartition('stsRegions', stsRegion)
  if (!isSet('region') && !AWS_REGION) reportOn('region')({ code: 'required-without-aws-region' })
  // AWS_REGION does not replace an invalid Region, because tables would then be compared with the wrong Region.
  const region = isSet('region') ? values.region : functionRegion
  if (region === undefined) return undefined
  return { region, stsRegions: Object.freeze([...(values.stsRegions ?? [functionRegion ?? region])]) }
}

const readRefreshBeforeSeconds = ({ values, reportOn }: Reader, durationSeconds: number): number => {
  const fallback = Math.min(DEFAULT_REFRESH_BEFORE_SECONDS, Math.floor(durationSeconds / 2))
  if (values.refreshBeforeSeconds === undefined) return fallback
  return (
    refreshBeforeSecondsParser(durationSeconds)(
      values.refreshBeforeSeconds,
      reportOn('refreshBeforeSeconds'),
    ) ?? fallback
  )
}

/** Reports an invalid endpoint at creation. The SDK would report it only when it sends a request. */
const reportEndpoint = (endpoint: unknown, report: Report): void => {
  if (typeof endpoint === 'string' && !URL.canParse(endpoint))
    report({ code: 'invalid-endpoint', value: endpoint })
}

/** Reports options that are valid on their own but not together, and client options that the middleware does not allow. */
const reportConflicts = ({ values, isSet, reportOn }: Reader): void => {
  reportExclusions(isSet, reportOn)
  if (values.translateConfig !== undefined && values.documentClient === false)
    reportOn('translateConfig')({ code: 'no-effect', because: 'documentClient is false' })
  const { credentials, region, endpoint } = values.awsClientOptions ?? {}
  reportEndpoint(endpoint, reportOn('awsClientOptions'))
  if (credentials !== undefined) reportOn('awsClientOptions')({ code: 'client-credentials' })
  if (region !== undefined) reportOn('awsClientOptions')({ code: 'client-region', instead: 'region' })
  const sts = values.stsClientOptions ?? {}
  reportEndpoint(sts.endpoint, reportOn('stsClientOptions'))
  if (sts.logger !== undefined) reportOn('stsClientOptions')({ code: 'client-logger' })
  if (sts.region !== undefined) reportOn('stsClientOptions')({ code: 'client-region', instead: 'stsRegions' })
}
