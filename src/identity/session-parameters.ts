/** The parameters of a session, and their conversion to a cache key and to an AssumeRole request. */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import { parseRoleArn, type TableLocation } from '../iam/arn.ts'
import {
  findPolicySizeProblem,
  parseExactRoleArn,
  parseExternalId,
  parsePolicy,
  parseRoleArnOption,
  parseSessionName,
  parseSessionTags,
  parseSourceIdentity,
  reportTablesElsewhere,
  reportUnknownTagKeys,
  type Tag,
} from '../iam/constraints.ts'
import { findKmsKeyProblem } from '../iam/kms-key.ts'
import { compileScope, parseReturnedScope, parseScope, type Scope } from '../iam/scope.ts'
import type { Parser, Report } from '../options/issue.ts'

/** The parameters of a session. Two invocations share a session only if all parameters are equal. */
export interface SessionParameters {
  readonly roleArn: string
  readonly externalId?: string
  readonly sessionTags: readonly Tag[]
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
  readonly sessionName: string
  readonly durationSeconds: number
  /** The session policy, as JSON text. */
  readonly policy?: string
  readonly policyArns: readonly string[]
}

/** The parsed values of the parameters that can vary per invocation. */
export interface ReturnableParameters {
  readonly roleArn: string
  /** `false`: no external ID. */
  readonly externalId: string | false
  readonly sessionTags: readonly Tag[]
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly scope: Scope
  readonly policy: string
}

export type ReturnableName = keyof ReturnableParameters

/** The parsed values of the parameters that are set. Any other parameter is absent or `undefined`. */
export type GivenParameters = {
  readonly [Name in ReturnableName]?: ReturnableParameters[Name] | undefined
}

/** The parameters that all sessions of a middleware share. */
export interface CommonParameters {
  readonly transitiveTagKeys: readonly string[]
  readonly policyArns: readonly string[]
  readonly durationSeconds: number
  readonly region: string
}

type Parsers = { readonly [Name in ReturnableName]: Parser<ReturnableParameters[Name]> }

/** The parsers of values that the options or variables set. */
export const STATIC_PARSERS: Parsers = {
  roleArn: parseRoleArnOption,
  externalId: (value, report) => (value === false ? false : parseExternalId(value, report)),
  sessionTags: parseSessionTags,
  sessionName: parseSessionName,
  sourceIdentity: parseSourceIdentity,
  scope: parseScope,
  policy: parsePolicy,
}

/** The names of the parameters that can vary per invocation. */
export const RETURNABLE_NAMES: readonly string[] = Object.keys(STATIC_PARSERS)

/** The parsers of values that a `session` function returned. They also reject role ARNs with wildcards, and ARNs of tables. */
export const RETURNED_PARSERS: Parsers = {
  ...STATIC_PARSERS,
  roleArn: parseExactRoleArn,
  scope: parseReturnedScope,
}

const SESSION_POLICIES = ['scope', 'policy', 'policyArns'] as const

/**
 * Reports session policies that are set together. STS allows an action if at least one session policy allows it, so a second
 * session policy would extend a session that the first one restricts.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 */
export const reportCombinedSessionPolicies = (
  isSet: (name: (typeof SESSION_POLICIES)[number]) => boolean,
  reportOn: (option: string) => Report,
): void => {
  const [first, ...by] = SESSION_POLICIES.filter(isSet)
  if (first !== undefined && by.length > 0) reportOn(first)({ code: 'excluded', by })
}

/** Reports the tables and the KMS key of a scope that a session in this location cannot use. */
const reportScopeElsewhere = (
  { tables, kmsKeyArn }: Scope,
  location: TableLocation,
  report: Report,
): void => {
  reportTablesElsewhere(tables, location, report)
  const keyProblem = kmsKeyArn === undefined ? undefined : findKmsKeyProblem(kmsKeyArn, location)
  if (keyProblem !== undefined) report({ ...keyProblem, path: 'kmsKeyArn' })
}

/**
 * Assembles the parameters of a session, and reports values that are not valid together. Returns `undefined` if a required parameter
 * is missing. It does not report the missing parameter, because its callers report it.
 */
export const assembleParameters = (
  given: GivenParameters,
  common: CommonParameters,
  reportOn: (option: string) => Report,
): SessionParameters | undefined => {
  const { roleArn, externalId, sessionTags, sessionName, sourceIdentity, scope } = given
  const { transitiveTagKeys, policyArns, durationSeconds, region } = common
  if (sessionTags !== undefined)
    reportUnknownTagKeys(transitiveTagKeys, sessionTags, reportOn('transitiveTagKeys'))
  let { policy } = given
  if (scope !== undefined && roleArn !== undefined) {
    const location = { ...parseRoleArn(roleArn), region }
    reportScopeElsewhere(scope, location, reportOn('scope'))
    policy = compileScope(scope, location)
  }
  const sizeProblem = findPolicySizeProblem(policy, policyArns)
  const policySource = scope !== undefined ? 'scope' : policy !== undefined ? 'policy' : 'policyArns'
  if (sizeProblem !== undefined) reportOn(policySource)(sizeProblem)
  if (roleArn === undefined || sessionTags === undefined || sessionName === undefined) return undefined
  return Object.freeze({
    roleArn,
    ...(externalId !== undefined && externalId !== false && { externalId }),
    sessionTags: Object.freeze(sessionTags),
    transitiveTagKeys,
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    sessionName,
    durationSeconds,
    ...(policy !== undefined && { policy }),
    policyArns,
  })
}

/** Compares two texts independently of the locale. */
const compareCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** The cache key of each parameter object, so that a warm invocation does not compute it again. The objects are frozen. */
const cacheKeys = new WeakMap<SessionParameters, string>()

/**
 * Returns the cache key of session parameters. Two keys are equal only if all parameters are equal.
 *
 * The key is JSON, because different parameters could produce the same text if they were joined with a separator. JSON escapes quotes
 * in values, and a parameter that is not set becomes `null`, which differs from every string. Tags, transitive tag keys and policy
 * ARNs are sorted, because AWS ignores their order.
 */
export const toCacheKey = (parameters: SessionParameters): string => {
  const cachedKey = cacheKeys.get(parameters)
  if (cachedKey !== undefined) return cachedKey
  const key = JSON.stringify([
    parameters.roleArn,
    parameters.externalId ?? null,
    parameters.sessionTags
      .map(({ Key, Value }) => [Key, Value])
      .sort(([a = ''], [b = '']) => compareCodeUnits(a, b)),
    parameters.transitiveTagKeys.toSorted(compareCodeUnits),
    parameters.sourceIdentity ?? null,
    parameters.sessionName,
    parameters.durationSeconds,
    parameters.policy ?? null,
    parameters.policyArns.toSorted(compareCodeUnits),
  ])
  cacheKeys.set(parameters, key)
  return key
}

/**
 * Returns the AssumeRole request of a session. Parameters that are not set are omitted, because STS distinguishes an empty list from
 * an absent one.
 */
export const toAssumeRoleInput = (parameters: SessionParameters): AssumeRoleCommandInput => {
  const { externalId, sessionTags, transitiveTagKeys, sourceIdentity, policy, policyArns } = parameters
  return {
    RoleArn: parameters.roleArn,
    RoleSessionName: parameters.sessionName,
    DurationSeconds: parameters.durationSeconds,
    ...(externalId !== undefined && { ExternalId: externalId }),
    ...(sessionTags.length > 0 && { Tags: [...sessionTags] }),
    ...(transitiveTagKeys.length > 0 && { TransitiveTagKeys: [...transitiveTagKeys] }),
    ...(sourceIdentity !== undefined && { SourceIdentity: sourceIdentity }),
    ...(policy !== undefined && { Policy: policy }),
    ...(policyArns.length > 0 && { PolicyArns: policyArns.map((arn) => ({ arn })) }),
  }
}
