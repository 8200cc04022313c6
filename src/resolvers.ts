/** The options that decide who a session is, values or functions of the request -> the identity of a session. */
import type middy from '@middy/core'
import { copyData } from './copy.ts'
import { patience, within } from './deadline.ts'
import { CrossAccountDynamoError } from './errors.ts'
import {
  type Complaint,
  checkExternalId,
  checkPartition,
  checkPolicy,
  checkPolicySize,
  checkRoleArn,
  checkSessionName,
  checkSessionTags,
  checkSourceIdentity,
  checkTransitiveTagKeys,
  parseRoleArn,
} from './limits.ts'
import {
  checkResolvedScope,
  checkScope,
  checkScopeTarget,
  compileScope,
  policyText,
  type Scope,
} from './policies/scope.ts'
import type { SessionIdentity, Tag } from './session-identity.ts'
import { readThrown, type Thrown } from './thrown.ts'
import { bulleted, describe, isRecord, quoted } from './values.ts'

/** What a resolver sees: middy's request, with all that earlier middlewares made of it. */
export type ResolverRequest<Event = unknown> = middy.Request<
  Event,
  // biome-ignore lint/suspicious/noExplicitAny: any response, as middy has it
  any,
  Error,
  middy.Request['context'],
  Record<string, unknown>
>

/**
 * An option as a function of the request. What yields nothing is an error at run time, `SESSION_IDENTITY_MISSING`, and
 * so need not be told apart here: `({ context }) => context.tenantId` will do. (A method's type, so that a resolver may
 * say more of its request than is known here.)
 */
export type Resolver<Value, Event = unknown> = {
  resolve(request: ResolverRequest<Event>): Value | undefined | null | Promise<Value | undefined | null>
}['resolve']

export const IDENTITY_OPTIONS = [
  'roleArn',
  'externalId',
  'sessionTags',
  'sessionName',
  'sourceIdentity',
  'scope',
  'policy',
] as const
export type IdentityOption = (typeof IDENTITY_OPTIONS)[number]

/** What the identity options come to. */
export interface Parts {
  readonly roleArn: string
  readonly externalId: string
  readonly sessionTags: readonly Tag[]
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly scope: Scope
  readonly policy: string
}

/** What is the same for all sessions of a middleware. */
export interface Common {
  readonly transitiveTagKeys: readonly string[]
  readonly policyArns: readonly string[]
  readonly durationSeconds: number
  readonly region: string
}

type Complain = (complaint: Complaint) => void
/** What an option comes to, complaining of all that is wrong with it; `undefined` when nothing can be made of it. */
type Reader<Part> = (value: unknown, complain: Complain) => Part | undefined

/** The value itself, or what is made of it, if the check has nothing against it. */
const checked =
  <Part>(
    check: (value: unknown) => readonly Complaint[],
    make: (value: never) => Part = (value) => value,
  ): Reader<Part> =>
  (value, complain) => {
    const complaints = check(value).filter((complaint) => complaint !== undefined)
    complaints.forEach(complain)
    return complaints.length === 0 ? make(value as never) : undefined
  }
const text = (check: (value: unknown) => Complaint): Reader<string> => checked((value) => [check(value)])

type Readers = { readonly [Option in IdentityOption]: Reader<Parts[Option]> }

const READERS: Readers = {
  roleArn: text(checkRoleArn),
  externalId: text(checkExternalId),
  sessionTags: (value, complain) => {
    if (!isRecord(value)) {
      complain(`must be a plain object, but is ${describe(value)}`)
      return undefined
    }
    const tags = Object.entries(value).map(([Key, Value]) => Object.freeze({ Key, Value } as Tag))
    checkSessionTags(tags).forEach(complain)
    return tags
  },
  sessionName: text(checkSessionName),
  sourceIdentity: text(checkSourceIdentity),
  scope: checked(checkScope),
  policy: checked(
    (value) => [checkPolicy(value)],
    (value: string | object) => (typeof value === 'string' ? value : policyText(value)),
  ),
}

/** What functions of the request return is read the same way, but can name less. */
const RESOLVED_READERS: Readers = { ...READERS, scope: checked(checkResolvedScope) }

/**
 * Adds what the value of an option comes to, and complains of all that is wrong with it. The value must be a copy (see
 * `copyData`), because a check reads some properties more than once.
 */
export const readPart = (
  parts: Partial<Parts>,
  option: IdentityOption,
  value: unknown,
  complain: Complain,
  readers: Readers = READERS,
): void => {
  const part = readers[option](value, complain)
  if (part !== undefined) Object.assign(parts, { [option]: part })
}

/**
 * The identity that parts make together, when the necessary ones are there. Complains of what does not fit together,
 * as far as it is there.
 */
export const assembleIdentity = (
  parts: Partial<Parts>,
  common: Common,
  complain: (option: string, complaint: Complaint) => void,
): SessionIdentity | undefined => {
  const { roleArn, externalId, sessionTags, sessionName, sourceIdentity, scope } = parts
  const { transitiveTagKeys, policyArns, durationSeconds, region } = common
  if (sessionTags !== undefined) {
    for (const complaint of checkTransitiveTagKeys(transitiveTagKeys, sessionTags))
      complain('transitiveTagKeys', complaint)
  }
  let { policy } = parts
  if (scope !== undefined && roleArn !== undefined) {
    const target = { ...parseRoleArn(roleArn), region }
    for (const complaint of checkScopeTarget(scope, target)) complain('scope', complaint)
    policy = compileScope(scope, target)
  }
  const origin = scope !== undefined ? 'scope' : policy !== undefined ? 'policy' : 'policyArns'
  complain(origin, checkPolicySize(policy ?? '', policyArns))
  if (roleArn === undefined || sessionTags === undefined || sessionName === undefined) return undefined
  return Object.freeze({
    roleArn,
    ...(externalId !== undefined && { externalId }),
    sessionTags: Object.freeze(sessionTags),
    transitiveTagKeys,
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    sessionName,
    durationSeconds,
    ...(policy !== undefined && { policy }),
    policyArns,
  })
}

export type Resolvers = Partial<Record<IdentityOption, Resolver<unknown>>>

/** Who the session of an invocation is: at once, if all resolvers answer at once. */
export type ResolveIdentity = (request: ResolverRequest) => SessionIdentity | Promise<SessionIdentity>

/**
 * Asks the resolvers, and fails closed: whatever is missing or wrong is a `SESSION_IDENTITY_MISSING` that lists
 * it all, and never a session that is less confined. What was given as a value has been checked and stays.
 */
export const createIdentityResolver = (
  fixed: Partial<Parts>,
  resolvers: Resolvers,
  common: Common,
  contextKey: string,
): ResolveIdentity => {
  const { scope, ...rest } = fixed
  // A fixed scope for a fixed role is compiled once.
  const known: Partial<Parts> =
    scope === undefined || rest.roleArn === undefined
      ? fixed
      : { ...rest, policy: compileScope(scope, { ...parseRoleArn(rest.roleArn), region: common.region }) }
  const asked = Object.entries(resolvers) as [IdentityOption, Resolver<unknown>][]

  const missing = (problems: readonly string[], cause: Error | undefined, retryable: boolean) =>
    new CrossAccountDynamoError(
      'SESSION_IDENTITY_MISSING',
      `there is no session for context.${contextKey} of this invocation:\n${listed(problems)}`,
      { ...(cause !== undefined && { cause }), retryable },
    )

  const identify = (answers: Iterable<Answer>): SessionIdentity => {
    const parts: Partial<Parts> = { ...known }
    const problems: string[] = []
    let thrown: Thrown | undefined
    for (const answer of answers) {
      Object.assign(parts, answer.part)
      problems.push(...answer.complaints)
      thrown ??= answer.thrown
    }
    const complain = (option: string, complaint: Complaint): void => {
      if (complaint !== undefined) problems.push(`${option}: ${complaint}`)
    }
    if (resolvers.roleArn !== undefined && parts.roleArn !== undefined)
      complain('roleArn', checkPartition(common.region, parseRoleArn(parts.roleArn)))
    const identity = assembleIdentity(parts, common, complain)
    if (problems.length > 0 || identity === undefined)
      throw missing(problems, thrown?.error, thrown?.isRetryable ?? false)
    return identity
  }

  return (request) => {
    // In the order of the options, whenever they answer.
    const answers = new Map<IdentityOption, Answer>()
    const waiting: Promise<unknown>[] = []
    for (const [option, resolve] of asked) {
      const answer = (value: unknown) => answers.set(option, read(option, value))
      const fail = (error: unknown) => answers.set(option, failed(option, error))
      try {
        const value = resolve(request)
        if (isThenable(value)) {
          answers.set(option, NO_ANSWER)
          // A promise of our own: `then` of another may call back twice, return anything, or throw.
          waiting.push(new Promise((settle) => settle(value)).then(answer, fail))
        } else answer(value)
      } catch (error) {
        fail(error)
      }
    }
    if (waiting.length === 0) return identify(answers.values())
    const milliseconds = patience(request.context)
    const late = () => {
      const within = `within the ${Math.round(milliseconds)} ms that this invocation could wait`
      return missing([`a resolver did not answer ${within}`], undefined, true)
    }
    return within(milliseconds, Promise.all(waiting), late).then(() => identify(answers.values()))
  }
}

/**
 * What came of a resolver. Its value is read and copied in the moment when it comes: another invocation may change the
 * object while this one waits for other resolvers.
 */
interface Answer {
  readonly part: Partial<Parts>
  readonly complaints: readonly string[]
  readonly thrown?: Thrown
}
const NO_ANSWER: Answer = { part: {}, complaints: ['a resolver has not answered'] }

const read = (option: IdentityOption, returned: unknown): Answer => {
  const value = copyData(returned)
  const nothing = nothingIn(value)
  if (nothing !== undefined) return { part: {}, complaints: [`${option}: the resolver returned ${nothing}`] }
  const part: Partial<Parts> = {}
  const complaints: string[] = []
  const complain: Complain = (complaint) => {
    if (complaint !== undefined) complaints.push(`${option}: ${complaint}`)
  }
  readPart(part, option, value, complain, RESOLVED_READERS)
  return { part, complaints }
}

const failed = (option: IdentityOption, error: unknown): Answer => {
  const thrown = readThrown(error)
  return { part: {}, complaints: [`${option}: the resolver threw ${thrown.description}`], thrown }
}

/** Many problems come from data that somebody made up. */
const MOST_PROBLEMS = 20

const listed = (problems: readonly string[]): string => {
  const more = problems.length - MOST_PROBLEMS
  const shown = more > 0 ? [...problems.slice(0, MOST_PROBLEMS), `and ${more} more`] : problems
  return bulleted(shown)
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** In words, what a copied value holds nothing of; `undefined` when it holds something. */
const nothingIn = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return String(value)
  if (value === '') return 'an empty string'
  if (!isRecord(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length === 0) return 'an empty object'
  const empty = entries.find(([, each]) => each === undefined || each === null || each === '')
  return empty && `an object with nothing in ${quoted(empty[0])}`
}
