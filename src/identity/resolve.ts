/** Calls the `session` function, and turns what it returns into the session parameters of an invocation. */
import { patience, within } from '../deadline.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { findPartitionProblem } from '../iam/constraints.ts'
import { copyDataAndJson } from '../options/copy.ts'
import { formatIssues, type Issue, type Report, truncateIssue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { reportType } from '../options/parsers.ts'
import { isRecord, quoted } from '../text.ts'
import { readThrown, type Thrown } from '../thrown.ts'
import type { SessionFunction, SessionRequest } from './session-function.ts'
import {
  assembleParameters,
  type CommonParameters,
  findExclusion,
  type GivenParameters,
  RETURNED_PARSERS,
  type SessionParameters,
  VARYING,
  type VaryingParameter,
} from './session-parameters.ts'

/** Returns the session parameters of an invocation, without a promise if the `session` function returns synchronously. */
export type ResolveParameters = (request: SessionRequest) => SessionParameters | Promise<SessionParameters>

export interface ResolveOptions {
  readonly session: SessionFunction
  /** The parameters that apply unless the function returns others. */
  readonly fixed: GivenParameters
  readonly common: CommonParameters
  /** The property of the context that holds the client, for error messages. */
  readonly contextKey: string
  /** How many sets of parameters are kept, so that a returning tenant's values are not checked again. */
  readonly maxKnown: number
}

/**
 * Creates a function that calls the `session` function and assembles the session parameters of an invocation.
 *
 * The function fails closed: a missing or invalid value never leads to a session with more permissions. Instead, it throws a
 * CrossAccountDynamoError `SESSION_IDENTITY_MISSING` that lists the problems, or rejects with it if the `session` function is
 * asynchronous. It rejects with the same code if the `session` function does not return while the invocation can wait.
 */
export const createResolveParameters = (options: ResolveOptions): ResolveParameters => {
  const { session, contextKey, maxKnown } = options
  // Keyed by the JSON of the returned values. The values themselves may be changed by other code.
  const known = new Map<string, SessionParameters>()

  const toParameters = (returned: unknown): SessionParameters => {
    // Copy at once, because other code may change the returned object later.
    const { data, json } = copyDataAndJson(returned)
    const same = json === undefined ? undefined : known.get(json)
    if (same !== undefined) return same
    const parameters = readReturned(data, options)
    if (json !== undefined) {
      if (known.size >= maxKnown) known.delete(known.keys().next().value ?? json)
      known.set(json, parameters)
    }
    return parameters
  }

  return (request) => {
    const { value, promise } = callSession(session, request, contextKey)
    if (promise === undefined) return toParameters(value)
    const waitMs = patience(request.context)
    const createError = () => timeoutError(contextKey, waitMs)
    return within(waitMs, promise.then(toParameters), createError)
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
    throw identityMissing(contextKey, [issue], thrown)
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
const readReturned = (copy: unknown, { fixed, common, contextKey }: ResolveOptions): SessionParameters => {
  const issues: Issue[] = []
  const reportOn =
    (option: string): Report =>
    (problem) =>
      issues.push({ ...problem, option })
  const returned = parseReturned(copy, reportOn)
  const varying = { ...fixed, ...returned }
  if (returned.roleArn !== undefined) {
    const problem = findPartitionProblem(common.region, parseRoleArn(returned.roleArn))
    if (problem !== undefined) reportOn('roleArn')(problem)
  }
  // If a returned value is not valid, the option that it replaces would cause misleading issues.
  const parameters = issues.length === 0 ? combine(varying, common, reportOn) : undefined
  if (issues.length > 0 || parameters === undefined) throw identityMissing(contextKey, issues)
  return parameters
}

const combine = (
  varying: GivenParameters,
  common: CommonParameters,
  reportOn: (option: string) => Report,
): SessionParameters | undefined => {
  if (varying.roleArn === undefined) reportOn('roleArn')({ code: 'required' })
  const exclusion = findExclusion((name) =>
    name === 'policyArns' ? common.policyArns.length > 0 : varying[name] !== undefined,
  )
  if (exclusion !== undefined) reportOn('scope')(exclusion)
  return assembleParameters(varying, common, reportOn)
}

/** Parses each returned parameter, and reports those that are missing, empty, unknown or not valid. */
const parseReturned = (copy: unknown, reportOn: (option: string) => Report): GivenParameters => {
  const nothing = describeEmpty(copy)
  if (nothing !== undefined) {
    reportOn('session')({ code: 'returned-nothing', returned: nothing })
    return {}
  }
  if (!isRecord(copy)) {
    reportType(reportOn('session'), 'a plain object', copy)
    return {}
  }
  const parsed: GivenParameters = {}
  for (const [name, value] of Object.entries(copy)) {
    const empty = describeEmpty(value) ?? describeEmptyField(value)
    if (!isVarying(name)) reportOn('session')({ code: 'unknown-property', property: name, known: VARYING })
    else if (empty !== undefined) reportOn(name)({ code: 'returned-nothing', returned: empty })
    else Object.assign(parsed, { [name]: RETURNED_PARSERS[name](value, reportOn(name)) })
  }
  if (Object.hasOwn(copy, 'roleArn') && !Object.hasOwn(copy, 'externalId'))
    reportOn('externalId')({ code: 'required-with-role' })
  return parsed
}

const isVarying = (name: string): name is VaryingParameter => VARYING.includes(name)

const describeEmpty = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return String(value)
  if (value === '') return 'an empty string'
  return isRecord(value) && Object.keys(value).length === 0 ? 'an empty object' : undefined
}

/** Describes a record with an empty field, such as a session tag without a value. `undefined` for any other value. */
const describeEmptyField = (value: unknown): string | undefined => {
  if (!isRecord(value)) return undefined
  const empty = Object.entries(value).find(
    ([, field]) => field === undefined || field === null || field === '',
  )
  return empty && `an object whose ${quoted(empty[0])} is empty`
}

/** The maximum number of reported issues. A request can contain any number of invalid values. */
const MAX_REPORTED_ISSUES = 20

const RETURNED_NAMES: Audience = {
  messages: MESSAGES,
  nameOf: (option) => option,
  howToSet: () => 'return it',
}

const identityMissing = (
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
    `there is no session for context.${contextKey} of this invocation:\n${list}`,
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
    `there is no session for context.${contextKey} of this invocation: session() did not return within ` +
      `${Math.round(waitMs)} ms, which is as long as the invocation can wait`,
    { retryable: true },
  )
