/** An AssumeRole call that failed: which part of it STS denies, and what to add in both accounts. */
import { isEndpointMistake } from '../credentials/sts-error.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import {
  type Addition,
  accountOf,
  additionsFor,
  DENIED_CALL,
  explainDenial,
  externalIdAdvice,
  UNKNOWN_CALLER,
} from '../iam/advice.ts'
import { parseRoleArn, roleOfSession } from '../iam/arn.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import type { CheckContext } from './check-context.ts'
import type { Step } from './report.ts'

type Assume = (parameters: SessionParameters) => Promise<unknown>

/** The step that reports why the role could not be assumed. */
export const explainFailure = async (
  error: CrossAccountDynamoError,
  context: CheckContext,
  assume: Assume,
): Promise<Step> => {
  if (error.code === 'ASSUME_ROLE_DENIED') return explainDeniedCall(error, context, assume)
  const isAboutSts = error.retryable || isEndpointMistake(error.cause)
  const kind = isAboutSts ? 'sts' : context.caller === undefined ? 'credentials' : 'role'
  return { subject: { kind }, outcome: 'failed', message: error.message }
}

const explainDeniedCall = async (
  { cause }: CrossAccountDynamoError,
  context: CheckContext,
  assume: Assume,
): Promise<Step> => {
  const { parameters, executionRoles } = context
  const { name, message } = cause instanceof Error ? cause : { name: 'AccessDenied', message: '' }
  const { caller = context.caller, action = 'sts:AssumeRole' } = DENIED_CALL.exec(message)?.groups ?? {}
  const callers = callersOf(context, caller)
  const { accountId } = parseRoleArn(parameters.roleArn)
  const conditions = await findFailingConditions(parameters, assume)
  return {
    subject: { kind: 'role' },
    outcome: 'failed',
    message: [
      `STS denied AssumeRole for ${parameters.roleArn} to ${caller ?? 'the caller'}.`,
      `AWS said: ${name}: ${message}`,
      explainDenial(message, action, accountOf(callers[0] ?? ''), accountId),
      ...conditions.map((condition) => `The role can be assumed without ${condition}. Only that is denied.`),
      parameters.externalId === undefined
        ? 'If the trust policy requires sts:ExternalId, give --external-id.'
        : externalIdAdvice({ hasExternalId: true }),
      ...(executionRoles.length === 0 ? [CALLER_ADVICE] : []),
      'The external ID and the values of tags are not shown. The policies command writes them if you give it the same flags.',
    ].join('\n'),
    add: additionsOf(context, callers, action),
  }
}

const CALLER_ADVICE =
  'The statements name the role of the caller. STS does not report the path of a role: if it has one, add it. If the function has ' +
  'another role, give --execution-role-arn.'

const callersOf = ({ executionRoles }: CheckContext, caller: string | undefined): readonly string[] =>
  executionRoles.length > 0 ? executionRoles : [roleOfSession(caller ?? '')?.arn ?? caller ?? UNKNOWN_CALLER]

/** The statements that the `policies` command writes for this session, without values of tags. */
const additionsOf = (
  { parameters, tenantTag }: CheckContext,
  callers: readonly string[],
  action: string,
): readonly Addition[] => {
  const { roleArn, externalId, sessionTags, transitiveTagKeys, sourceIdentity = false } = parameters
  const tags = new Map(
    sessionTags.map(({ Key }) => [Key, Key === tenantTag ? undefined : `<the value of ${Key}>`] as const),
  )
  const needs = { roleArn, hasExternalId: externalId !== undefined, tags, transitiveTagKeys, sourceIdentity }
  return additionsFor(needs, callers, action)
}

/** Whether the caller is a session of one of the roles. */
export const isSessionOfAny = (caller: string, roles: readonly string[]): boolean => {
  const role = roleOfSession(caller)
  return roles
    .map(parseRoleArn)
    .some(({ accountId, name }) => accountId === role?.accountId && name === role.name)
}

export const isFulfilled = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  )

/** A request that lacks a part of the original one. */
interface ReducedRequest {
  /** What it lacks, in words. */
  readonly without: string
  readonly parameters: SessionParameters
}

/**
 * What the request must lack to be allowed, in words. AWS does not report which condition fails, so the role is assumed
 * without one part after another: first with tags that are not transitive, then without each tag, then without any.
 */
const findFailingConditions = async (parameters: SessionParameters, assume: Assume): Promise<string[]> => {
  const keepAllowed = async (requests: readonly ReducedRequest[]): Promise<string[]> => {
    const tried = await Promise.all(
      requests.map(async (request) => ({
        ...request,
        isAllowed: await isFulfilled(assume(request.parameters)),
      })),
    )
    return tried.filter(({ isAllowed }) => isAllowed).map(({ without }) => without)
  }
  const [sourceIdentity, ...tags] = await Promise.all(
    [withoutSourceIdentity(parameters), ...reduceTags(parameters)].map(keepAllowed),
  )
  return [...(tags.find(({ length }) => length > 0) ?? []), ...(sourceIdentity ?? [])]
}

const withoutSourceIdentity = ({
  sourceIdentity,
  ...others
}: SessionParameters): readonly ReducedRequest[] =>
  sourceIdentity === undefined ? [] : [{ without: 'the source identity', parameters: others }]

/** Requests with less of the tags, in groups: if one of a group is allowed, the groups after it lack more than necessary. */
const reduceTags = (parameters: SessionParameters): readonly (readonly ReducedRequest[])[] => {
  const { sessionTags, transitiveTagKeys } = parameters
  const [first, ...others] = sessionTags
  if (first === undefined) return []
  const withoutTag = (key: string): ReducedRequest => ({
    without: `the session tag ${key}`,
    parameters: {
      ...parameters,
      sessionTags: sessionTags.filter(({ Key }) => Key !== key),
      transitiveTagKeys: transitiveTagKeys.filter((Key) => Key !== key),
    },
  })
  if (others.length === 0) return [withoutTransitiveKeys(parameters), [withoutTag(first.Key)]]
  return [
    withoutTransitiveKeys(parameters),
    sessionTags.map(({ Key }) => withoutTag(Key)),
    [{ without: 'the session tags', parameters: { ...parameters, sessionTags: [], transitiveTagKeys: [] } }],
  ]
}

const withoutTransitiveKeys = (parameters: SessionParameters): readonly ReducedRequest[] =>
  parameters.transitiveTagKeys.length === 0
    ? []
    : [{ without: 'its tags being transitive', parameters: { ...parameters, transitiveTagKeys: [] } }]
