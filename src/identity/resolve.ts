/** Calls the `session` function, and turns what it returns into the session parameters of an invocation. */
import { waitBudgetMs, withTimeout } from '../deadline.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { findPartitionProblem } from '../iam/constraints.ts'
import { copyDataAndJson } from '../options/copy.ts'
import { formatIssues, type Issue, type Problem, type Report, truncateIssue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { findNearestName } from '../options/nearest.ts'
import { describe, isRecord } from '../text.ts'
import { readThrown, type Thrown } from '../thrown.ts'
import type { SessionFunction, SessionRequest } from './session-function.ts'
import {
  assembleParameters,
  type CommonParameters,
  type GivenParameters,
  RETURNABLE_NAMES,
  RETURNED_PARSERS,
  type ReturnableParameter,
  reportExclusions,
  type SessionParameters,
} from './session-parameters.ts'

/** Returns the session parameters of an invocation, without a promise if the `session` function returns synchronously. */
export type ResolveParameters = (request: SessionRequest) => SessionParameters | Promise<SessionParameters>

export interface ResolveOptions {
  readonly session: SessionFunction
  /** The parameters that apply unless the function returns others. */
  readonly staticParameters: GivenParameters
  readonly common: CommonParameters
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** The maximum number of checked parameters that are cached. The oldest ones are deleted first. */
  readonly maxCachedParameters: number
}

/**
 * Creates a function that calls the `session` function and assembles the session parameters of an invocation.
 *
 * The function fails closed: a missing or invalid value never leads to a session with more permissions. Instead, it throws a
 * CrossAccountDynamoError `SESSION_IDENTITY_MISSING` that lists the problems, or rejects with it if the `session` function is
 * asynchronous. It rejects with the same code if the `session` function does not return while the invocation can wait.
 */
export const createResolveParameters = (options: ResolveOptions): ResolveParameters => {
  const { session, contextKey, maxCachedParameters } = options
  // Keyed by the JSON of the returned values and never by the object, because the function can return one object that it changes.
  const parametersByJson = new Map<string, SessionParameters>()

  const toParameters = (returned: unknown): SessionParameters => {
    // Copy at once, because other code may change the returned object later.
    const { data, json } = copyDataAndJson(returned)
    if (json === undefined) return readReturned(data, options)
    const cached = parametersByJson.get(json)
    if (cached !== undefined) return cached
    const parameters = readReturned(data, options)
    const [oldest] = parametersByJson.keys()
    if (oldest !== undefined && parametersByJson.size >= maxCachedParameters) parametersByJson.delete(oldest)
    parametersByJson.set(json, parameters)
    return parameters
  }

  return (request) => {
    const { value, promise } = callSession(session, request, contextKey)
    if (promise === undefined) return toParameters(value)
    const waitMs = waitBudgetMs(request.context)
    const createError = () => timeoutError(contextKey, waitMs)
    return withTimeout(promise.then(toParameters), waitMs, createError)
  }
}

/** Calls the `session` function. Returns its value, or a native promise for it. */
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
    // Wrap the thenable in a native promise, because its `then` can call back twice, return any value, or throw.
    return { promise: new Promise((settle) => settle(returned)).catch(fail) }
  } catch (error) {
    return fail(error)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** @throws CrossAccountDynamoError `SESSION_IDENTITY_MISSING` if the values are missing or not valid. */
const readReturned = (
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
  // If a returned value is not valid, the option that it replaces would cause misleading issues.
  const parameters = issues.length === 0 ? combine(merged, common, reportOn) : undefined
  if (issues.length > 0 || parameters === undefined) throw createSessionError(contextKey, issues)
  return parameters
}

const combine = (
  merged: GivenParameters,
  common: CommonParameters,
  reportOn: (option: string) => Report,
): SessionParameters | undefined => {
  if (merged.roleArn === undefined) reportOn('roleArn')({ code: 'required' })
  const isSet = (name: 'scope' | 'policy' | 'policyArns') =>
    name === 'policyArns' ? common.policyArns.length > 0 : merged[name] !== undefined
  reportExclusions(isSet, reportOn)
  return assembleParameters(merged, common, reportOn)
}

/** Parses each returned parameter, and reports those that are empty, unknown or not valid. */
const parseReturned = (copy: unknown, reportOn: (option: string) => Report): GivenParameters => {
  if (!isRecord(copy) || Object.keys(copy).length === 0) {
    reportOn('session')({ code: 'returned-no-parameters', returned: describeEmpty(copy) ?? describe(copy) })
    return {}
  }
  const parsed: GivenParameters = {}
  for (const [name, value] of Object.entries(copy)) {
    const problem = findReturnedProblem(name, value)
    if (!isReturnable(name)) reportOn('session')(unknownProblem(name))
    else if (problem !== undefined) reportOn(name)(problem)
    else Object.assign(parsed, { [name]: RETURNED_PARSERS[name](value, reportOn(name)) })
  }
  if (Object.hasOwn(copy, 'roleArn') && !Object.hasOwn(copy, 'externalId'))
    reportOn('externalId')({ code: 'required-with-role' })
  return parsed
}

const unknownProblem = (property: string): Problem => {
  const known = RETURNABLE_NAMES
  return { code: 'returned-unknown', property, suggestion: findNearestName(property, known), known }
}

/** Finds a problem that only returned values have: a missing value never leads to a session with more permissions. */
const findReturnedProblem = (name: string, value: unknown): Problem | undefined => {
  const returned = describeEmpty(value)
  if (returned !== undefined) return { code: 'returned-empty', returned }
  if (name === 'roleArn' && value === false) return { code: 'returned-no-role' }
  const key = name === 'sessionTags' ? findEmptyField(value) : undefined
  return key === undefined ? undefined : { code: 'returned-empty-tag', key }
}

const isReturnable = (name: string): name is ReturnableParameter => RETURNABLE_NAMES.includes(name)

const describeEmpty = (value: unknown): string | undefined => {
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

const RETURNED_NAMES: Audience = {
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
    formatIssues(reported, RETURNED_NAMES) + (omittedCount > 0 ? `\n  - and ${omittedCount} more` : '')
  return new CrossAccountDynamoError(
    'SESSION_IDENTITY_MISSING',
    `the session function returned no valid session for context.${contextKey}:\n${list}`,
    {
      issues: reported,
      retryable: thrown?.isRetryable ?? false,
      ...(thrown?.error !== undefined && { cause: thrown.error }),
    },
  )
}

const timeoutError = (contextKey: string, waitMs: number): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'SESSION_IDENTITY_MISSING',
    `the promise of the session function for context.${contextKey} did not settle within ${Math.round(waitMs)} ms, the time that ` +
      'the invocation can wait. Set a shorter timeout on the lookup, or increase the timeout of the Lambda function.',
    { retryable: true },
  )
