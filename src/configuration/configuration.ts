/** Converts options and variables to one frozen configuration, or throws one error that lists all problems. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { createConfigurationError } from '../errors.ts'
import { parseRoleArn, type RoleArn, toTableName } from '../iam/arn.ts'
import { findPartitionProblem, parseRegion, toSessionName } from '../iam/constraints.ts'
import { createResolveParameters, type ResolveParameters } from '../identity/resolve.ts'
import {
  assembleParameters,
  type CommonParameters,
  type GivenParameters,
  reportCombinedSessionPolicies,
  type SessionParameters,
} from '../identity/session-parameters.ts'
import { type Logger, SILENT_LOGGER } from '../logger.ts'
import type { Report } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import {
  createOptionReader,
  DEFAULT_PREFIX,
  type Environment,
  type OptionReader,
  type Rows,
  toVariableName,
} from '../options/rows.ts'
import { createRefreshBeforeSecondsParser, type MiddlewareRows, ROWS } from './rows.ts'

/** The complete, checked and frozen configuration of the middleware. */
export interface Configuration {
  /** Whether the client uses the function's own credentials, and no role is assumed. */
  readonly isDirectMode: boolean
  /** The options that are set but have no effect in direct mode. In Lambda, such options are issues instead. */
  readonly ignoredOptions: readonly string[]
  /** The session parameters that all invocations share. `undefined` with a `session` function. */
  readonly parameters: SessionParameters | undefined
  /** Returns the session parameters of one invocation. Without a `session` function, it returns `parameters`. */
  readonly resolveParameters: ResolveParameters
  /** The account of the option `roleArn`. `undefined` in direct mode, and if only the `session` function returns a role. */
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
 * The options that isolate or restrict sessions. They have no effect without a role. In Lambda, they are therefore invalid in direct
 * mode, so that a function never runs without the isolation that its options describe.
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

/** Creates the audience of messages about the middleware's options, which are set in code or with variables. */
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
 * Reads the configuration from the options and the environment variables.
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
  // Without a valid Region, all table ARNs would be reported as tables in another Region.
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
 * Returns whether the code runs in Lambda. The SAM CLI sets Lambda's variables, too, but also sets `AWS_SAM_LOCAL=true`. Lambda does
 * not set that variable.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const isInLambda = ({ AWS_EXECUTION_ENV, AWS_LAMBDA_RUNTIME_API, AWS_SAM_LOCAL }: Environment): boolean =>
  AWS_SAM_LOCAL !== 'true' &&
  (AWS_EXECUTION_ENV?.startsWith('AWS_Lambda_') === true || Boolean(AWS_LAMBDA_RUNTIME_API))

/** Reads whether a role is assumed, and `disablePrefetch`. Reports a missing role and, in Lambda, options that require a role. */
const readDirectMode = (
  { values, isSet, reportOn }: Reader,
  environment: Environment,
): Pick<Configuration, 'isDirectMode' | 'ignoredOptions' | 'disablePrefetch'> => {
  if (!isSet('roleArn') && !isSet('session')) reportOn('roleArn')({ code: 'required' })
  const isDirectMode = values.roleArn === false
  const isLambda = isInLambda(environment)
  const ignoredOptions = isDirectMode ? NOT_IN_DIRECT_MODE.filter(isSet) : []
  if (isLambda) for (const option of ignoredOptions) reportOn(option)({ code: 'not-in-direct-mode' })
  // Outside Lambda, direct mode is for tests, and importing a handler in a test must not send requests.
  return {
    isDirectMode,
    ignoredOptions,
    disablePrefetch: values.disablePrefetch ?? (isDirectMode && !isLambda),
  }
}

/** Reads the options that do not depend on other options, and applies their defaults. */
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
  logger: values.logger ?? SILENT_LOGGER,
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
    // An invalid value is `undefined` here. Do not replace it with the default, because later checks would report the default.
    sessionTags: isSet('sessionTags') ? sessionTags : [],
    sessionName: isSet('sessionName') ? sessionName : toSessionName(functionName),
    externalId,
    sourceIdentity,
    policy,
    ...(roleArn === false
      ? // Without a role, there is no account to compare with the ARNs of tables.
        { roleArn: PLACEHOLDER_ROLE_ARN, scope: scope && { ...scope, tables: scope.tables.map(toTableName) } }
      : { roleArn, scope }),
  }
}

/**
 * The role ARN with which direct mode checks session parameters. A unit test in direct mode therefore finds the same errors as an
 * invocation with a role.
 */
const PLACEHOLDER_ROLE_ARN = 'arn:aws:iam::000000000000:role/direct-mode'

/**
 * Reads the Region of the tables, and the Regions of the STS endpoints. The default STS Region is the Region of the function, even
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
  // AWS_REGION does not replace an invalid Region, because the checks of tables would then use the wrong Region.
  const region = isSet('region') ? values.region : functionRegion
  if (region === undefined) return undefined
  return { region, stsRegions: Object.freeze([...(values.stsRegions ?? [functionRegion ?? region])]) }
}

const readRefreshBeforeSeconds = ({ values, reportOn }: Reader, durationSeconds: number): number => {
  const fallback = Math.min(DEFAULT_REFRESH_BEFORE_SECONDS, Math.floor(durationSeconds / 2))
  if (values.refreshBeforeSeconds === undefined) return fallback
  return (
    createRefreshBeforeSecondsParser(durationSeconds)(
      values.refreshBeforeSeconds,
      reportOn('refreshBeforeSeconds'),
    ) ?? fallback
  )
}

/** Reports an invalid endpoint when the middleware is created. The SDK would report it only when it sends a request. */
const reportEndpoint = (endpoint: unknown, report: Report): void => {
  if (typeof endpoint === 'string' && !URL.canParse(endpoint))
    report({ code: 'invalid-endpoint', value: endpoint })
}

/** Reports valid options that cannot be combined, and client options that the middleware does not allow. */
const reportConflicts = ({ values, isSet, reportOn }: Reader): void => {
  reportCombinedSessionPolicies(isSet, reportOn)
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
