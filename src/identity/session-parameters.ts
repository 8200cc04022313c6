/** Everything that decides what a session may do: how it is assembled, its cache key, and its AssumeRole request. */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import { parseRoleArn } from '../iam/arn.ts'
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
import { compileScope, parseResolvedScope, parseScope, type Scope } from '../iam/scope.ts'
import type { Parser, Report } from '../options/issue.ts'

/** Two invocations share a session only if all of these are equal. */
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

/** The parameters that may vary per invocation, as the options set them. */
export interface VaryingParameters {
  readonly roleArn: string
  readonly externalId: string
  readonly sessionTags: readonly Tag[]
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly scope: Scope
  readonly policy: string
}

export type VaryingParameter = keyof VaryingParameters

/** What is the same for all sessions of a middleware. */
export interface CommonParameters {
  readonly transitiveTagKeys: readonly string[]
  readonly policyArns: readonly string[]
  readonly durationSeconds: number
  readonly region: string
}

type Parsers = { readonly [Name in VaryingParameter]: Parser<VaryingParameters[Name]> }

/** How the values of the static configuration are parsed. */
export const STATIC_PARSERS: Parsers = {
  roleArn: parseRoleArnOption,
  externalId: parseExternalId,
  sessionTags: parseSessionTags,
  sessionName: parseSessionName,
  sourceIdentity: parseSourceIdentity,
  scope: parseScope,
  policy: parsePolicy,
}

/** The same for what a function of the request returned, which can select less. */
export const RESOLVED_PARSERS: Parsers = {
  ...STATIC_PARSERS,
  roleArn: parseExactRoleArn,
  scope: parseResolvedScope,
}

/**
 * Assembles the parameters of a session, and reports values that exclude each other. Returns `undefined` if a required
 * parameter is missing, which has been reported before.
 */
export const assembleParameters = (
  varying: Partial<VaryingParameters>,
  common: CommonParameters,
  reportOn: (option: string) => Report,
): SessionParameters | undefined => {
  const { roleArn, externalId, sessionTags, sessionName, sourceIdentity, scope } = varying
  const { transitiveTagKeys, policyArns, durationSeconds, region } = common
  if (sessionTags !== undefined)
    reportUnknownTagKeys(transitiveTagKeys, sessionTags, reportOn('transitiveTagKeys'))
  let { policy } = varying
  if (scope !== undefined && roleArn !== undefined) {
    const location = { ...parseRoleArn(roleArn), region }
    reportTablesElsewhere(scope.tables, location, reportOn('scope'))
    policy = compileScope(scope, location)
  }
  const sizeProblem = findPolicySizeProblem(policy, policyArns)
  const policySource = scope !== undefined ? 'scope' : policy !== undefined ? 'policy' : 'policyArns'
  if (sizeProblem !== undefined) reportOn(policySource)(sizeProblem)
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

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/**
 * A text that is the same for two sets of parameters only if they are equal. JSON is injective, unlike joined strings: it
 * escapes quotes in values, and a parameter that is not set is `null`, which differs from every string. Tags, transitive
 * keys and policy ARNs are sorted, because their order has no meaning for AWS.
 */
export const toCacheKey = (parameters: SessionParameters): string =>
  JSON.stringify([
    parameters.roleArn,
    parameters.externalId ?? null,
    parameters.sessionTags
      .map(({ Key, Value }) => [Key, Value])
      .sort(([a = ''], [b = '']) => byCodeUnits(a, b)),
    parameters.transitiveTagKeys.toSorted(byCodeUnits),
    parameters.sourceIdentity ?? null,
    parameters.sessionName,
    parameters.durationSeconds,
    parameters.policy ?? null,
    parameters.policyArns.toSorted(byCodeUnits),
  ])

/** The AssumeRole request of a session. Parameters that are not set are omitted, because STS treats an empty list as a value. */
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
