/** The rows of the middleware's options: the variables, the parser and the copy function of each. `options.ts` documents the options. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import type { TranslateConfig } from '@aws-sdk/lib-dynamodb'
import { isAction, stripServicePrefix } from '../iam/actions.ts'
import { parseDurationSeconds, parsePolicyArns, parseRegion, parseTagKeys } from '../iam/constraints.ts'
import type { SessionFunction } from '../identity/session-function.ts'
import { STATIC_PARSERS } from '../identity/session-parameters.ts'
import { LOG_LEVELS, type Logger } from '../logger.ts'
import { copyProperties } from '../options/copy.ts'
import type { Parser, Report } from '../options/issue.ts'
import {
  createIntegerParser,
  createListParser,
  isString,
  parseBoolean,
  reportTypeProblem,
  toReportable,
} from '../options/parsers.ts'
import { type Row, readList, readNumber, readRecord, readText, returnUnchanged } from '../options/rows.ts'
import { describeType, isRecord, UnsupportedValue } from '../text.ts'
import type { CrossAccountDynamoOptions } from './options.ts'

/**
 * Properties of Lambda's context and of every object. `contextKey` must not replace them.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
const RESERVED_CONTEXT_KEYS: ReadonlySet<string> = new Set([
  ...'functionName functionVersion invokedFunctionArn memoryLimitInMB awsRequestId logGroupName'.split(' '),
  ...'logStreamName identity clientContext callbackWaitsForEmptyEventLoop tenantId'.split(' '),
  ...'getRemainingTimeInMillis done fail succeed __proto__ constructor prototype toJSON'.split(' '),
])

const MIN_REFRESH_BEFORE_SECONDS = 60

/** Parses `roleArn`. `false` selects direct mode. */
const parseRoleArn: Parser<string | false> = (value, report) => {
  if (value === false) return false
  return isString(value)
    ? STATIC_PARSERS.roleArn(value, report)
    : reportTypeProblem(report, 'the ARN of a role, or false', value)
}

/**
 * Converts the variable of `roleArn`. `none` selects direct mode. The option itself accepts `false` instead of `none`, so that a
 * string that code reads at run time cannot select direct mode.
 */
const readRoleArn = (text: string): unknown => (text.trim() === 'none' ? false : text)

const isSessionFunction = (value: unknown): value is SessionFunction => typeof value === 'function'

const parseSession: Parser<SessionFunction> = (value, report) =>
  isSessionFunction(value) ? value : reportTypeProblem(report, 'a function', value)

/** Returns whether a value is an object with readable properties. If it is not, reports it. The SDK checks the properties. */
const isReadableObject = (value: unknown, report: Report): boolean => {
  if (!isRecord(value)) {
    reportTypeProblem(report, 'an object', value)
    return false
  }
  const unreadable = Object.entries(value).find(([, property]) => UnsupportedValue.is(property))
  if (unreadable === undefined) return true
  const [property, actual] = unreadable
  report({ code: 'invalid-property', property, actual: describeType(actual) })
  return false
}

/** Creates a parser of client options. It only requires an object, because the SDK's constructors check the options. */
const createClientOptionsParser =
  <Options extends object>(): Parser<Options> =>
  (value, report) =>
    isReadableObject(value, report) ? (value as Options) : undefined

const parseTranslateConfig: Parser<TranslateConfig> = (value, report) => {
  if (!isReadableObject(value, report)) return undefined
  const config = value as TranslateConfig
  const { marshallOptions = {}, unmarshallOptions = {} } = config
  return isReadableObject(marshallOptions, report) && isReadableObject(unmarshallOptions, report)
    ? config
    : undefined
}

const copyTranslateConfig = (value: unknown): unknown => {
  const copy = copyProperties(value)
  if (UnsupportedValue.is(copy)) return copy
  const { marshallOptions, unmarshallOptions, ...others } = copy
  return {
    ...others,
    ...(marshallOptions !== undefined && { marshallOptions: copyProperties(marshallOptions) }),
    ...(unmarshallOptions !== undefined && { unmarshallOptions: copyProperties(unmarshallOptions) }),
  }
}

const parseCapture: Parser<(client: DynamoDBClient) => DynamoDBClient> = (value, report) =>
  typeof value === 'function' ? (client) => value(client) : reportTypeProblem(report, 'a function', value)

/** Returns whether a value has a method. Returns `false` if the property cannot be read. */
const hasMethod = (value: unknown, name: keyof Logger): boolean => {
  try {
    return typeof (value as Partial<Logger> | null | undefined)?.[name] === 'function'
  } catch {
    return false
  }
}

const isLogger = (value: unknown): value is Logger => LOG_LEVELS.every((level) => hasMethod(value, level))

/** Parses a logger. It can be an instance of any class, and can have more methods. */
const parseLogger: Parser<Logger> = (value, report) => {
  if (isLogger(value)) return value
  const missing = LOG_LEVELS.filter((level) => !hasMethod(value, level))
  report({ code: 'missing-methods', required: LOG_LEVELS, missing })
  return undefined
}

const parseContextKey: Parser<string> = (value, report) => {
  if (!isString(value)) return reportTypeProblem(report, 'a string', value)
  if (value === '') report({ code: 'empty' })
  else if (RESERVED_CONTEXT_KEYS.has(value)) report({ code: 'reserved-context-key', value })
  else return value
  return undefined
}

const parsePrefix: Parser<string> = (value, report) => {
  if (isString(value) && /^[A-Za-z_]\w*(?<!_)$/.test(value)) return value
  report({ code: 'invalid-env-prefix' })
  return undefined
}

/** Accepts any value. It is for `refreshBeforeSeconds`, whose parser depends on `durationSeconds`. */
const deferParsing: Parser<unknown> = (value) => value

/** Creates a parser of `refreshBeforeSeconds`. The value must be less than `durationSeconds`. */
export const createRefreshBeforeSecondsParser =
  (durationSeconds: number): Parser<number> =>
  (value, report) => {
    const min = MIN_REFRESH_BEFORE_SECONDS
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value < durationSeconds)
      return value
    report({ code: 'invalid-refresh-window', min, durationSeconds, value: toReportable(value) })
    return undefined
  }

/** Converts a preset, or comma-separated actions. One word that is not an action stays a text, so that an error suggests presets, too. */
const readAccess = (text: string): unknown => {
  const word = text.trim()
  return word.includes(',') || isAction(stripServicePrefix(word)) ? readList(text) : word
}

export const ROWS = {
  roleArn: { parse: parseRoleArn, variables: [{ suffix: 'ROLE_ARN', read: readRoleArn }] },
  externalId: {
    parse: STATIC_PARSERS.externalId,
    variables: [{ suffix: 'EXTERNAL_ID', read: readText }],
  },
  sessionTags: {
    parse: STATIC_PARSERS.sessionTags,
    variables: [{ suffix: 'SESSION_TAGS', read: readRecord }],
  },
  transitiveTagKeys: {
    parse: parseTagKeys,
    variables: [{ suffix: 'TRANSITIVE_TAG_KEYS', read: readList }],
  },
  sessionName: {
    parse: STATIC_PARSERS.sessionName,
    variables: [{ suffix: 'SESSION_NAME', read: readText }],
  },
  sourceIdentity: {
    parse: STATIC_PARSERS.sourceIdentity,
    variables: [{ suffix: 'SOURCE_IDENTITY', read: readText }],
  },
  durationSeconds: {
    parse: parseDurationSeconds,
    variables: [{ suffix: 'DURATION_SECONDS', read: readNumber }],
  },
  scope: {
    parse: STATIC_PARSERS.scope,
    variables: [
      { suffix: 'TABLES', property: 'tables', read: readList },
      { suffix: 'ACCESS', property: 'access', read: readAccess },
      { suffix: 'KMS_KEY_ARN', property: 'kmsKeyArn', read: readText },
    ],
  },
  policy: { parse: STATIC_PARSERS.policy },
  policyArns: { parse: parsePolicyArns },
  session: { parse: parseSession, copy: returnUnchanged },
  region: { parse: parseRegion, variables: [{ suffix: 'REGION', read: readText }] },
  stsRegions: {
    parse: createListParser(parseRegion, 'Regions'),
    variables: [{ suffix: 'STS_REGIONS', read: readList }],
  },
  refreshBeforeSeconds: {
    parse: deferParsing,
    variables: [{ suffix: 'REFRESH_BEFORE_SECONDS', read: readNumber }],
  },
  maxSessions: {
    parse: createIntegerParser({ min: 1 }),
    variables: [{ suffix: 'MAX_SESSIONS', read: readNumber }],
  },
  contextKey: { parse: parseContextKey },
  envPrefix: { parse: parsePrefix },
  documentClient: { parse: parseBoolean },
  translateConfig: { parse: parseTranslateConfig, copy: copyTranslateConfig },
  awsClientOptions: { parse: createClientOptionsParser<DynamoDBClientConfig>(), copy: copyProperties },
  stsClientOptions: { parse: createClientOptionsParser<STSClientConfig>(), copy: copyProperties },
  awsClientCapture: { parse: parseCapture, copy: returnUnchanged },
  logger: { parse: parseLogger, copy: returnUnchanged },
  disablePrefetch: { parse: parseBoolean },
} satisfies Readonly<Record<keyof CrossAccountDynamoOptions, Row<unknown>>>

export type MiddlewareRows = typeof ROWS
