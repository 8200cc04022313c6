/** Explains an AssumeRole call that failed: the session parameters that STS denies, and the statements to add in both accounts. */
import {
  CREDENTIALS_ADVICE,
  isAboutCallerCredentials,
  isClientMisconfigured,
} from '../credentials/sts-error.ts'
import type { CrossAccountDynamoError } from '../errors.ts'
import {
  type Addition,
  adviseOnMismatch,
  createAdditions,
  explainDenial,
  formatAccount,
  toPrincipal,
} from '../iam/advice.ts'
import { parseRoleArn, parseSessionRole } from '../iam/arn.ts'
import { parseAssumeRoleDenial } from '../iam/denial-message.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import type { CheckContext } from './check-context.ts'
import type { Step } from './report.ts'

type Assume = (parameters: SessionParameters) => Promise<unknown>

/** Returns the step that reports why the role could not be assumed. */
export const explainFailure = async (
  error: CrossAccountDynamoError,
  context: CheckContext,
  assume: Assume,
): Promise<Step> => {
  if (error.code === 'ASSUME_ROLE_DENIED') return explainDeniedCall(error, context, assume)
  if (context.caller === undefined && isAboutCallerCredentials(error.cause))
    return describeMissingCredentials(error, context.configuration.stsRegions[0])
  const isAboutSts = error.retryable || isClientMisconfigured(error.cause)
  const kind = isAboutSts ? 'sts' : context.caller === undefined ? 'credentials' : 'role'
  return { subject: { kind }, outcome: 'failed', message: error.message }
}

/** Returns the step about credentials that are missing or that STS rejects. The command usually runs in a terminal. */
const describeMissingCredentials = ({ cause }: CrossAccountDynamoError, region: string | undefined): Step => {
  const { name, message } = cause as Error
  return {
    subject: { kind: 'credentials' },
    outcome: 'failed',
    message: [
      `there are no valid credentials to call STS in ${region}`,
      `The call failed with ${name}: ${message || '(no message)'}`,
      CREDENTIALS_ADVICE.terminal,
      CREDENTIALS_ADVICE.lambda,
    ].join('\n'),
  }
}

const explainDeniedCall = async (
  { cause }: CrossAccountDynamoError,
  context: CheckContext,
  assume: Assume,
): Promise<Step> => {
  const { parameters } = context
  const { name, message } = cause instanceof Error ? cause : { name: 'AccessDenied', message: '' }
  const denial = parseAssumeRoleDenial(message)
  const { action } = denial
  // Use the ARN from GetCallerIdentity, if known, instead of text in an error message.
  const caller = context.caller ?? denial.caller
  const callers = listCallers(context, caller)
  const { accountId } = parseRoleArn(parameters.roleArn)
  const deniedParts = await findDeniedParts(parameters, assume)
  const additions = denial.isExplicit ? [] : createSessionAdditions(context, callers, action)
  return {
    subject: { kind: 'role' },
    outcome: 'failed',
    message: [
      `STS did not allow ${caller ?? 'the caller'} to assume ${parameters.roleArn}.`,
      `AWS said: ${name}: ${message}`,
      explainDenial(denial, formatAccount(callers[0] ?? ''), accountId),
      ...deniedParts.map(
        (part) => `The role can be assumed without ${part}. This part of the request is denied.`,
      ),
      ...(additions.length === 0 ? [] : adviseOnAdditions(context, callers, deniedParts.length > 0)),
    ].join('\n'),
    ...(additions.length > 0 && { add: additions }),
  }
}

/**
 * Returns what to know about the statements to add, and what to check if the policies already contain them. If a part of the request
 * caused the denial (`isPartDenied`), the role exists, and its trust policy accepts the caller and the external ID.
 */
const adviseOnAdditions = (
  { parameters, executionRoles }: CheckContext,
  callers: readonly string[],
  isPartDenied: boolean,
): readonly string[] => {
  const { roleArn, externalId } = parameters
  const mismatches = adviseOnMismatch({
    roleArn,
    hasExternalId: externalId !== undefined,
    callerName: callers.map((caller) => caller.split('/').at(-1)).join(' or '),
    externalIdSetting: 'give --external-id',
  })
  return [
    ...(isPartDenied ? [] : mismatches),
    ...(executionRoles.length === 0 ? [CALLER_ADVICE] : []),
    'If a policy already contains a statement with the same Sid, replace it.',
    'The statements do not contain the external ID and the values of tags. If the external ID and the tags that you gave are right, ' +
      'run the policies command with the same flags to write complete statements.',
  ]
}

const CALLER_ADVICE =
  'The statements name the role of the caller. STS does not report the path of a role. If the role has a path, add it. If the ' +
  'function has another role, give --execution-role-arn.'

const listCallers = (
  { executionRoles, parameters }: CheckContext,
  caller: string | undefined,
): readonly string[] =>
  executionRoles.length > 0 ? executionRoles : [toPrincipal(caller, parseRoleArn(parameters.roleArn))]

/**
 * Returns the statements that the `policies` command writes for this session, with placeholders for the external ID and the
 * values of tags.
 */
const createSessionAdditions = (
  { parameters, tenantTag }: CheckContext,
  callers: readonly string[],
  action: string,
): readonly Addition[] => {
  const { roleArn, externalId, sessionTags, transitiveTagKeys, sourceIdentity = false } = parameters
  const tags = new Map(
    sessionTags.map(({ Key }) => [Key, Key === tenantTag ? undefined : `<the value of ${Key}>`] as const),
  )
  const adviceParameters = {
    roleArn,
    hasExternalId: externalId !== undefined,
    tags,
    transitiveTagKeys,
    sourceIdentity,
  }
  return createAdditions(adviceParameters, callers, action)
}

/** Returns whether the caller is a session of one of the roles. */
export const isSessionOfAny = (caller: string, roles: readonly string[]): boolean => {
  const role = parseSessionRole(caller)
  return roles
    .map(parseRoleArn)
    .some(({ accountId, name }) => accountId === role?.accountId && name === role.name)
}

/** Returns whether a promise fulfills. Never rejects. */
export const isFulfilled = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  )

/** An AssumeRole request without a part of the original request. */
interface ReducedRequest {
  /** A phrase that names the missing part. */
  readonly without: string
  readonly parameters: SessionParameters
}

/**
 * Returns phrases that name the parts without which STS allows the request. AWS does not report which condition of a trust policy
 * fails. Therefore the role is assumed again without the source identity, without transitive tag keys, without each tag, and
 * without all tags. If STS allows several requests with fewer tags, only the requests that remove the least count.
 */
const findDeniedParts = async (parameters: SessionParameters, assume: Assume): Promise<string[]> => {
  const findAllowed = async (requests: readonly ReducedRequest[]): Promise<string[]> => {
    const tried = await Promise.all(
      requests.map(async (request) => ({
        ...request,
        isAllowed: await isFulfilled(assume(request.parameters)),
      })),
    )
    return tried.filter(({ isAllowed }) => isAllowed).map(({ without }) => without)
  }
  const [sourceIdentity, ...tags] = await Promise.all(
    [omitSourceIdentity(parameters), ...reduceTags(parameters)].map(findAllowed),
  )
  return [...(tags.find(({ length }) => length > 0) ?? []), ...(sourceIdentity ?? [])]
}

const omitSourceIdentity = ({ sourceIdentity, ...others }: SessionParameters): readonly ReducedRequest[] =>
  sourceIdentity === undefined ? [] : [{ without: 'the source identity', parameters: others }]

/**
 * Returns groups of requests with fewer tags. Each group removes more than the group before it. If STS allows a request of one group,
 * the later groups remove more than necessary.
 */
const reduceTags = (parameters: SessionParameters): readonly (readonly ReducedRequest[])[] => {
  const { sessionTags, transitiveTagKeys } = parameters
  const [first, ...others] = sessionTags
  if (first === undefined) return []
  const omitTag = (key: string): ReducedRequest => ({
    without: `the session tag ${key}`,
    parameters: {
      ...parameters,
      sessionTags: sessionTags.filter(({ Key }) => Key !== key),
      transitiveTagKeys: transitiveTagKeys.filter((Key) => Key !== key),
    },
  })
  if (others.length === 0) return [omitTransitiveKeys(parameters), [omitTag(first.Key)]]
  return [
    omitTransitiveKeys(parameters),
    sessionTags.map(({ Key }) => omitTag(Key)),
    [{ without: 'the session tags', parameters: { ...parameters, sessionTags: [], transitiveTagKeys: [] } }],
  ]
}

const omitTransitiveKeys = (parameters: SessionParameters): readonly ReducedRequest[] =>
  parameters.transitiveTagKeys.length === 0
    ? []
    : [{ without: 'transitive tag keys', parameters: { ...parameters, transitiveTagKeys: [] } }]
