/** Converts options and environment to one frozen configuration, or throws one error that lists all problems. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { configInvalid } from '../errors.ts'
import { parseRoleArn, type RoleArn } from '../iam/arn.ts'
import { findPartitionProblem, parseRegion, toSessionName } from '../iam/constraints.ts'
import {
  createResolveParameters,
  type ResolveParameters,
  type Resolver,
  type Resolvers,
} from '../identity/resolve.ts'
import {
  assembleParameters,
  type CommonParameters,
  type SessionParameters,
  type VaryingParameter,
  type VaryingParameters,
} from '../identity/session-parameters.ts'
import { type Logger, SILENT } from '../logger.ts'
import type { Report } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import {
  createOptionReader,
  type Environment,
  type OptionReader,
  type Rows,
  variableName,
} from '../options/rows.ts'
import { DEFAULT_PREFIX, type MiddlewareRows, ROWS, refreshBeforeSecondsParser } from './rows.ts'

/** The complete, checked and frozen configuration of the middleware. */
export interface Configuration {
  /** The session parameters that all invocations share. `undefined` if there are resolvers. */
  readonly parameters: SessionParameters | undefined
  /** Returns the session parameters of one invocation. */
  readonly resolveParameters: ResolveParameters
  /** The account of the target role. `undefined` if a resolver returns `roleArn`. */
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

const VARYING: readonly VaryingParameter[] = [
  'roleArn',
  'externalId',
  'sessionTags',
  'sessionName',
  'sourceIdentity',
  'scope',
  'policy',
]

/** Creates the audience for users of the middleware, who set options in code or with variables. */
export const middlewareAudience = (prefix: string): Audience => ({
  messages: MESSAGES,
  nameOf: (option) => option,
  howToSet: (option) => {
    const rows: Rows = ROWS
    const variables = (rows[option]?.variables ?? []).map((variable) => variableName(prefix, variable))
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
  const { values, issues } = reader
  const contextKey = values.contextKey ?? DEFAULT_CONTEXT_KEY
  const durationSeconds = values.durationSeconds ?? DEFAULT_DURATION_SECONDS

  const { fixed, resolvers } = splitVarying(reader, environment)
  const role = fixed.roleArn === undefined ? undefined : parseRoleArn(fixed.roleArn)
  const regions = readRegions(reader, environment, role)
  reportConflicts(reader, resolvers)
  const common: CommonParameters = {
    transitiveTagKeys: values.transitiveTagKeys ?? Object.freeze([]),
    policyArns: values.policyArns ?? Object.freeze([]),
    durationSeconds,
    region: regions?.region ?? '',
  }
  const refreshBeforeSeconds = readRefreshBeforeSeconds(reader, durationSeconds)
  // Without a valid Region, every table ARN would be reported as a table in another Region.
  const { scope, ...withoutScope } = fixed
  const parameters = assembleParameters(regions === undefined ? withoutScope : fixed, common, reader.reportOn)

  if (issues.length > 0 || regions === undefined)
    throw configInvalid(
      `the configuration of crossAccountDynamo() for context.${contextKey}`,
      issues,
      middlewareAudience(reader.prefix),
    )
  return Object.freeze({
    parameters: Object.keys(resolvers).length === 0 ? parameters : undefined,
    resolveParameters: createResolveParameters(fixed, resolvers, common, contextKey),
    accountId: role?.accountId,
    ...regions,
    refreshBeforeSeconds,
    maxSessions: values.maxSessions ?? DEFAULT_MAX_SESSIONS,
    contextKey,
    documentClient: values.documentClient ?? true,
    translateConfig: {
      ...values.translateConfig,
      marshallOptions: { removeUndefinedValues: true, ...values.translateConfig?.marshallOptions },
    },
    awsClientOptions: { ...values.awsClientOptions },
    stsClientOptions: { ...values.stsClientOptions },
    awsClientCapture: values.awsClientCapture ?? ((client: DynamoDBClient) => client),
    logger: values.logger ?? SILENT,
    disablePrefetch: values.disablePrefetch ?? false,
  })
}

type Reader = OptionReader<MiddlewareRows>

/** Splits the options that can vary per invocation into fixed values and resolvers. */
const splitVarying = (
  { values, isSet, reportOn }: Reader,
  environment: Environment,
): { readonly fixed: Partial<VaryingParameters>; readonly resolvers: Resolvers } => {
  const fixed: Partial<VaryingParameters> = {}
  const resolvers: Resolvers = {}
  for (const name of VARYING) {
    const value = values[name]
    if (typeof value === 'function') resolvers[name] = value as Resolver<unknown>
    else if (value !== undefined && value !== false) Object.assign(fixed, { [name]: value })
  }
  if (!isSet('roleArn')) reportOn('roleArn')({ code: 'required' })
  const sessionName = environment.AWS_LAMBDA_FUNCTION_NAME || DEFAULT_SESSION_NAME
  return {
    fixed: {
      ...(!isSet('sessionTags') && { sessionTags: [] }),
      ...(!isSet('sessionName') && { sessionName: toSessionName(sessionName) }),
      ...fixed,
    },
    resolvers,
  }
}

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
const reportConflicts = ({ values, isSet, isGiven, reportOn }: Reader, resolvers: Resolvers): void => {
  if (resolvers.roleArn !== undefined && !isGiven('externalId'))
    reportOn('externalId')({ code: 'required-with-role-function' })
  const others = (['policy', 'policyArns'] as const).filter(isSet)
  if (isSet('scope') && others.length > 0) reportOn('scope')({ code: 'excluded', by: others })
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
