/** Calls the `session` function, and converts its return value to the session parameters of an invocation. */
import { getWaitBudgetMs, withTimeout } from '../deadline.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { findPartitionProblem } from '../iam/constraints.ts'
import { copyDataAndJson } from '../options/copy.ts'
import { formatIssues, type Issue, type Problem, type Report, truncateIssue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { findNearestName } from '../options/nearest.ts'
import { describeType, isRecord } from '../text.ts'
import { readThrown, type Thrown } from '../thrown.ts'
import type { SessionFunction, SessionRequest } from './session-function.ts'
import {
  assembleParameters,
  type CommonParameters,
  type GivenParameters,
  RETURNABLE_NAMES,
  RETURNED_PARSERS,
  type ReturnableName,
  reportCombinedSessionPolicies,
  type SessionParameters,
} from './session-parameters.ts'

/** Returns the session parameters of an invocation, or a promise for them if the `session` function returns a promise. */
export type ResolveParameters = (request: SessionRequest) => SessionParameters | Promise<SessionParameters>

export interface ResolveOptions {
  readonly session: SessionFunction
  /** The parameters that the options set. Each one applies unless the function returns a parameter of the same name. */
  readonly staticParameters: GivenParameters
  readonly common: CommonParameters
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** The maximum number of cached session parameters. The oldest parameters are deleted first. */
  readonly maxCachedParameters: number
}

/**
 * The maximum length of a cached value, as JSON. Longer values are parsed in each invocation, so that the cache stays small. Session
 * policies that STS accepts are shorter.
 */
const MAX_CACHED_JSON_LENGTH = 8192

/**
 * Creates a function that calls the `session` function and returns the session parameters of an invocation.
 *
 * The created function fails closed: a missing or invalid value never leads to a session with more permissions. Instead, the
 * function throws a CrossAccountDynamoError `SESSION_IDENTITY_MISSING` that lists the problems. If the `session` function returns a
 * promise, the created function returns a promise that rejects with this error. It also rejects if the promise of the `session`
 * function does not settle within the time that the invocation can wait.
 */
export const createResolveParameters = (options: ResolveOptions): ResolveParameters => {
  const { session, contextKey, maxCachedParameters } = options
  // The key is the JSON of the returned values and not the object, because the function can change an object and return it again.
  const parametersByJson = new Map<string, SessionParameters>()

  const toParameters = (returned: unknown): SessionParameters => {
    // Copy the values before checking them, because other code can change the returned object later.
    const { data, json } = copyDataAndJson(returned)
    if (json === undefined) return createParameters(data, options)
    const cached = parametersByJson.get(json)
    if (cached !== undefined) return cached
    // While part of a text is in use, V8 keeps the whole text, such as a request body, in memory. A clone releases the text.
    const parameters = createParameters(structuredClone(data), options)
    if (json.length > MAX_CACHED_JSON_LENGTH) return parameters
    const [oldest] = parametersByJson.keys()
    if (oldest !== undefined && parametersByJson.size >= maxCachedParameters) parametersByJson.delete(oldest)
    parametersByJson.set(json, parameters)
    return parameters
  }

  return (request) => {
    const { value, promise } = callSession(session, request, contextKey)
    if (promise === undefined) return toParameters(value)
    const waitMs = getWaitBudgetMs(request.context)
    const createError = () => sessionTimeoutError(contextKey, waitMs)
    return withTimeout(promise.then(toParameters), waitMs, createError)
  }
}

/** Calls the `session` function. Returns its value, or a native promise if the value is a thenable. */
const callSession = (
  session: SessionFunction,
  request: SessionRequest,
  contextKey: string,
): { readonly value?: unknown; readonly promise?: Promise<unknown> } => {
  const fail = (value: unknown): never => {
    const thrown = readThrown(value)
    const issue: Issue = { option: 'session', code: 'function-threw', thrown: thrown.description }
    throw createSessionError(contextKey, [issue], thrown)
  }
  try {
    const returned: unknown = session(request)
    if (!isThenable(returned)) return { value: returned }
    // A thenable can call back twice or throw. The native promise around it settles once.
    return { promise: new Promise((resolve) => resolve(returned)).catch(fail) }
  } catch (error) {
    return fail(error)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/**
 * Creates session parameters from a copy of the returned value.
 *
 * @throws CrossAccountDynamoError `SESSION_IDENTITY_MISSING` if values are missing or invalid.
 */
const createParameters = (
  copy: unknown,
  { staticParameters, common, contextKey }: ResolveOptions,
): SessionParameters => {
  const issues: Issue[] = []
  const reportOn =
    (option: string): Report =>
    (problem) =>
      issues.push({ ...problem, option })
  const returned = parseReturned(copy, reportOn)
  const merged = { ...staticParameters, ...returned }
  if (returned.roleArn !== undefined) {
    const { partition } = parseRoleArn(returned.roleArn)
    if (findPartitionProblem(common.region, { partition }) !== undefined)
      reportOn('roleArn')({ code: 'returned-other-partition', partition, region: common.region })
  }
  // In place of an invalid value, `merged` contains the option of the same name. An issue about that option would mislead.
  const parameters = issues.length === 0 ? assembleMerged(merged, common, reportOn) : undefined
  if (issues.length > 0 || parameters === undefined) throw createSessionError(contextKey, issues)
  return parameters
}

/** Assembles session parameters from the options and the returned values, and reports values that are not valid together. */
const assembleMerged = (
  merged: GivenParameters,
  common: CommonParameters,
  reportOn: (option: string) => Report,
): SessionParameters | undefined => {
  if (merged.roleArn === undefined) reportOn('roleArn')({ code: 'required' })
  const isSet = (name: 'scope' | 'policy' | 'policyArns') =>
    name === 'policyArns' ? common.policyArns.length > 0 : merged[name] !== undefined
  reportCombinedSessionPolicies(isSet, reportOn)
  return assembleParameters(merged, common, reportOn)
}

/** Parses each returned parameter, and reports parameters that are empty, unknown or invalid. */
const parseReturned = (copy: unknown, reportOn: (option: string) => Report): GivenParameters => {
  if (!isRecord(copy) || Object.keys(copy).length === 0) {
    reportOn('session')({
      code: 'returned-no-parameters',
      returned: describeEmptyValue(copy) ?? describeType(copy),
    })
    return {}
  }
  const parsed: GivenParameters = {}
  for (const [name, value] of Object.entries(copy)) {
    if (!isReturnable(name)) continue
    const problem = findReturnedProblem(name, value)
    if (problem !== undefined) reportOn(name)(problem)
    else Object.assign(parsed, { [name]: RETURNED_PARSERS[name](value, reportOn(name)) })
  }
  // Code can return a whole event with any number of properties, and the search for a similar name takes time.
  const unknownNames = Object.keys(copy).filter((name) => !isReturnable(name))
  for (const name of unknownNames.slice(0, MAX_REPORTED_ISSUES))
    if (OPTIONS_ONLY.has(name)) reportOn(name)({ code: 'returned-option' })
    else reportOn('session')(toUnknownProblem(name))
  if (Object.hasOwn(copy, 'roleArn') && !Object.hasOwn(copy, 'externalId'))
    reportOn('externalId')({ code: 'required-with-role' })
  return parsed
}

/** The options that apply to all sessions of a middleware. A `session` function cannot return them. */
const OPTIONS_ONLY: ReadonlySet<string> = new Set([
  'region',
  'policyArns',
  'transitiveTagKeys',
  'durationSeconds',
])

const toUnknownProblem = (property: string): Problem => {
  const known = RETURNABLE_NAMES
  return { code: 'returned-unknown', property, suggestion: findNearestName(property, known), known }
}

/** Finds a problem of a returned value, such as a missing value, that is not a problem for the option of the same name. */
const findReturnedProblem = (name: string, value: unknown): Problem | undefined => {
  const returned = describeEmptyValue(value)
  if (returned !== undefined) return { code: 'returned-empty', returned }
  if (name === 'roleArn' && value === false) return { code: 'returned-no-role' }
  // An empty field must not count as omitted: a scope without leading keys allows all keys.
  const field = name === 'sessionTags' || name === 'scope' ? findEmptyField(value) : undefined
  return field === undefined ? undefined : { code: 'returned-empty-field', field }
}

const isReturnable = (name: string): name is ReturnableName => RETURNABLE_NAMES.includes(name)

const describeEmptyValue = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return String(value)
  if (value === '') return 'an empty string'
  return isRecord(value) && Object.keys(value).length === 0 ? 'an empty object' : undefined
}

/** Returns the key of an empty field of a record. Returns `undefined` for any other value. */
const findEmptyField = (value: unknown): string | undefined =>
  isRecord(value)
    ? Object.entries(value).find(([, field]) => field === undefined || field === null || field === '')?.[0]
    : undefined

/** The maximum number of reported issues. A request can contain any number of invalid values. */
const MAX_REPORTED_ISSUES = 20

const SESSION_FUNCTION_AUDIENCE: Audience = {
  messages: MESSAGES,
  nameOf: (option) => option,
  howToSet: () => 'return it',
}

const createSessionError = (
  contextKey: string,
  issues: readonly Issue[],
  thrown?: Thrown,
): CrossAccountDynamoError => {
  const omittedCount = issues.length - MAX_REPORTED_ISSUES
  const reported = issues.slice(0, MAX_REPORTED_ISSUES).map(truncateIssue)
  const list =
    formatIssues(reported, SESSION_FUNCTION_AUDIENCE) +
    (omittedCount > 0 ? `\n  - and ${omittedCount} more` : '')
  return new CrossAccountDynamoError(
    'SESSION_IDENTITY_MISSING',
    `the session function returned no valid session parameters for context.${contextKey}:\n${list}`,
    {
      issues: reported,
      retryable: thrown?.isRetryable ?? false,
      ...(thrown?.error !== undefined && { cause: thrown.error }),
    },
  )
}

const sessionTimeoutError = (contextKey: string, waitMs: number): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'SESSION_IDENTITY_MISSING',
    `the promise of the session function for context.${contextKey} did not settle within ${Math.round(waitMs)} ms, the time that ` +
      'the invocation can wait. Set a shorter timeout on the calls in the session function, or increase the timeout of the Lambda function.',
    { retryable: true },
  )
