/** Calls the resolvers to determine the session parameters of an invocation. */
import type middy from '@middy/core'
import { patience, within } from '../deadline.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { findPartitionProblem } from '../iam/constraints.ts'
import { compileScope } from '../iam/scope.ts'
import { copyData } from '../options/copy.ts'
import { formatIssues, type Issue, type Report, truncateIssue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { isRecord, quoted } from '../text.ts'
import { readThrown, type Thrown } from '../thrown.ts'
import {
  assembleParameters,
  type CommonParameters,
  RESOLVED_PARSERS,
  type SessionParameters,
  type VaryingParameter,
  type VaryingParameters,
} from './session-parameters.ts'

/** The argument of a resolver: middy's request, with the properties that earlier middlewares added. */
export type ResolverRequest<Event = unknown> = middy.Request<
  Event,
  // biome-ignore lint/suspicious/noExplicitAny: any response, as in middy's own type
  any,
  Error,
  middy.Request['context'],
  Record<string, unknown>
>

/**
 * A function that returns the value of an option for a request.
 *
 * The type allows `undefined` and `null`, so that `({ context }) => context.tenantId` compiles. At run time, the invocation
 * then fails with `SESSION_IDENTITY_MISSING`. The type is that of a method, so that the parameter can have a more specific
 * type.
 */
export type Resolver<Value, Event = unknown> = {
  resolve(request: ResolverRequest<Event>): Value | undefined | null | Promise<Value | undefined | null>
}['resolve']

export type Resolvers = Partial<Record<VaryingParameter, Resolver<unknown>>>

/** Returns the session parameters of an invocation, without a promise if all resolvers return synchronously. */
export type ResolveParameters = (request: ResolverRequest) => SessionParameters | Promise<SessionParameters>

/** The result of a resolver: the valid parameter, or the issues, with the error if the resolver threw one. */
interface Answer {
  readonly parameters: Partial<VaryingParameters>
  readonly issues: readonly Issue[]
  readonly thrown?: Thrown
}

/**
 * Creates a function that calls the resolvers and assembles the session parameters of an invocation.
 *
 * The function fails closed: a missing or invalid value never leads to a session with more permissions. Instead, the function
 * throws a CrossAccountDynamoError `SESSION_IDENTITY_MISSING` that lists the problems, or rejects with it if a resolver is
 * asynchronous. It rejects with the same code if a resolver does not return while the invocation can wait.
 */
export const createResolveParameters = (
  fixed: Partial<VaryingParameters>,
  resolvers: Resolvers,
  common: CommonParameters,
  contextKey: string,
): ResolveParameters => {
  const { scope, ...others } = fixed
  // If the scope and the role are fixed, compile the scope once instead of on each invocation.
  const known: Partial<VaryingParameters> =
    scope === undefined || others.roleArn === undefined
      ? fixed
      : { ...others, policy: compileScope(scope, { ...parseRoleArn(others.roleArn), region: common.region }) }

  const assemble = (answers: readonly Answer[]): SessionParameters => {
    const parameters: Partial<VaryingParameters> = { ...known }
    for (const answer of answers) Object.assign(parameters, answer.parameters)
    const issues = answers.flatMap((answer) => answer.issues)
    if (resolvers.roleArn !== undefined && parameters.roleArn !== undefined) {
      const problem = findPartitionProblem(common.region, parseRoleArn(parameters.roleArn))
      if (problem !== undefined) reportInto(issues, 'roleArn')(problem)
    }
    const assembled = assembleParameters(parameters, common, (option) => reportInto(issues, option))
    const thrown = answers.find((answer) => answer.thrown !== undefined)?.thrown
    if (issues.length > 0 || assembled === undefined) throw identityMissing(contextKey, issues, thrown)
    return assembled
  }

  return (request) => {
    // Keep the results in the order of the options, so that the order of the issues does not depend on timing.
    const answers = entriesOf(resolvers).map(([name, resolve]) => ask(name, resolve, request))
    if (answers.every(isSynchronous)) return assemble(answers)
    const waitMs = patience(request.context)
    const createError = () => identityTimeout(contextKey, waitMs)
    return within(waitMs, Promise.all(answers), createError).then(assemble)
  }
}

const isSynchronous = (answer: Answer | Promise<Answer>): answer is Answer => !(answer instanceof Promise)

const ask = (
  name: VaryingParameter,
  resolve: Resolver<unknown>,
  request: ResolverRequest,
): Answer | Promise<Answer> => {
  const accept = (returned: unknown): Answer => readReturned(name, returned)
  const fail = (value: unknown): Answer => readFailure(name, value)
  try {
    const returned = resolve(request)
    // Wrap the thenable in a native promise, because its `then` can call back twice, return any value, or throw.
    return isThenable(returned)
      ? new Promise((settle) => settle(returned)).then(accept, fail)
      : accept(returned)
  } catch (error) {
    return fail(error)
  }
}

const entriesOf = (resolvers: Resolvers): [VaryingParameter, Resolver<unknown>][] =>
  Object.entries(resolvers) as [VaryingParameter, Resolver<unknown>][]

const reportInto =
  (issues: Issue[], option: string): Report =>
  (problem) =>
    issues.push({ ...problem, option })

/** Parses the value that a resolver returned. Copies it at once, because other code may change the object later. */
const readReturned = (name: VaryingParameter, returned: unknown): Answer => {
  const value = copyData(returned)
  const emptyField = findEmptyField(value)
  if (emptyField !== undefined)
    return { parameters: {}, issues: [{ option: name, code: 'returned-nothing', returned: emptyField }] }
  const issues: Issue[] = []
  const parsed = RESOLVED_PARSERS[name](value, reportInto(issues, name))
  return { parameters: parsed === undefined ? {} : { [name]: parsed }, issues }
}

const readFailure = (name: VaryingParameter, value: unknown): Answer => {
  const thrown = readThrown(value)
  const issue: Issue = { option: name, code: 'function-threw', thrown: thrown.description }
  return { parameters: {}, issues: [issue], thrown }
}

/** The maximum number of reported issues. A request can contain any number of invalid values. */
const MAX_REPORTED_ISSUES = 20

const OPTION_NAMES: Audience = { messages: MESSAGES, nameOf: (option) => option, howToSet: () => 'return it' }

const identityMissing = (
  contextKey: string,
  issues: readonly Issue[],
  thrown: Thrown | undefined,
): CrossAccountDynamoError => {
  const omittedCount = issues.length - MAX_REPORTED_ISSUES
  const reported = issues.slice(0, MAX_REPORTED_ISSUES).map(truncateIssue)
  const list =
    formatIssues(reported, OPTION_NAMES) + (omittedCount > 0 ? `\n  - and ${omittedCount} more` : '')
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

const identityTimeout = (contextKey: string, waitMs: number): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'SESSION_IDENTITY_MISSING',
    `there is no session for context.${contextKey} of this invocation: a function of the request did not return within ` +
      `${Math.round(waitMs)} ms, which is as long as the invocation can wait`,
    { retryable: true },
  )

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** Describes a copied value that is empty or has an empty field. `undefined` if it is not empty. */
const findEmptyField = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return String(value)
  if (value === '') return 'an empty string'
  if (!isRecord(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length === 0) return 'an empty object'
  const empty = entries.find(([, field]) => field === undefined || field === null || field === '')
  return empty && `an object whose ${quoted(empty[0])} is empty`
}
