import { deflateRawSync } from 'node:zlib'
import type { PolicyDocument, Role } from './account.ts'
import { type AssumeRoleRequest, checkLimits, checkTags } from './assume-role-limits.ts'
import { authorize, findSessionPolicyErrors, type RequestContext, toTagContext } from './authorize.ts'
import { AwsError } from './aws-error.ts'
import { mergePolicies } from './merge-policies.ts'
import type { Session, SessionInput } from './sessions.ts'

/**
 * The longest session that a role session can request.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
 */
const MAX_ROLE_CHAINING_SECONDS = 3600

/** An estimate. AWS limits the packed size of session policies and tags, but does not document the limit. */
const MAX_PACKED_BYTES = 2048

export interface AssumeRoleOptions {
  roles: Role[]
  nowMs: number
  region: string
}

/**
 * Decides on an AssumeRole request. Returns the input of the new session, and the size of its packed policy in percent of
 * the limit.
 *
 * @throws AwsError if the request is invalid or IAM denies it.
 */
export async function assumeRole(
  caller: Session,
  request: AssumeRoleRequest,
  options: AssumeRoleOptions,
): Promise<{ session: SessionInput; packedPolicySize?: number }> {
  checkLimits(request)
  const inheritedKeys = caller.transitiveTagKeys
  checkTags(request, inheritedKeys)
  const role = await authorizeRole(caller, request, options)

  const { durationSeconds } = request
  if (durationSeconds > MAX_ROLE_CHAINING_SECONDS)
    throw createValidationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  if (durationSeconds > (role.definition.maxSessionDuration ?? 3600))
    throw createValidationError(
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )

  const policy = await createSessionPolicy(request, role)
  const packedPolicySize = computePackedPolicySize(request)
  return {
    session: {
      role,
      name: request.roleSessionName,
      durationSeconds,
      isAssumed: true,
      tags: { ...getTransitiveTags(caller), ...toTagRecord(request) },
      transitiveTagKeys: [...inheritedKeys, ...request.transitiveTagKeys],
      sourceIdentity: request.sourceIdentity ?? caller.sourceIdentity,
      policy,
    },
    ...(packedPolicySize !== undefined && { packedPolicySize }),
  }
}

/**
 * Returns the role if the policies of both accounts allow each action that the request requires. The request context of
 * each action contains only the condition keys that AWS documents for it, so only sts:AssumeRole has `sts:ExternalId`.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 */
async function authorizeRole(
  caller: Session,
  request: AssumeRoleRequest,
  { roles, nowMs, region }: AssumeRoleOptions,
) {
  const { roleArn, externalId } = request
  const sourceIdentity = request.sourceIdentity ?? caller.sourceIdentity
  const tags = { ...getTransitiveTags(caller), ...toTagRecord(request) }
  const hasTags = Object.keys(tags).length > 0
  const transitiveTagKeys = [...caller.transitiveTagKeys, ...request.transitiveTagKeys]
  const tagContext: RequestContext = {
    ...toTagContext('aws:RequestTag', tags),
    ...(hasTags && { 'aws:TagKeys': Object.keys(tags) }),
    ...(transitiveTagKeys.length > 0 && { 'sts:TransitiveTagKeys': transitiveTagKeys }),
  }
  const sourceIdentityContext: RequestContext =
    sourceIdentity === undefined ? {} : { 'sts:SourceIdentity': sourceIdentity }
  const requiredActions: [string, RequestContext][] = [
    [
      'sts:AssumeRole',
      {
        ...tagContext,
        ...sourceIdentityContext,
        'sts:RoleSessionName': request.roleSessionName,
        ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
      },
    ],
  ]
  if (hasTags) requiredActions.push(['sts:TagSession', tagContext])
  if (sourceIdentity !== undefined) requiredActions.push(['sts:SetSourceIdentity', sourceIdentityContext])

  const role = roles.find(({ arn }) => arn === roleArn)
  // AWS returns the same error for a role that does not exist as for a role that the caller cannot assume.
  if (!role) throw createAccessDeniedError(caller, 'sts:AssumeRole', roleArn)
  for (const [action, context] of requiredActions) {
    const denial = await authorize({
      session: caller,
      action,
      resource: { arn: roleArn, accountId: role.account.id },
      // Without a trust policy, no principal can assume the role.
      resourcePolicy: role.definition.trustPolicy ?? { Version: '2012-10-17', Statement: [] },
      context,
      nowMs,
      region,
    })
    if (denial?.isExplicit) throw createAccessDeniedError(caller, action, roleArn, denial.policyType)
    if (denial) throw createAccessDeniedError(caller, action, roleArn)
  }
  // A session cannot change the source identity that it inherited.
  if (caller.sourceIdentity !== undefined && sourceIdentity !== caller.sourceIdentity)
    throw createAccessDeniedError(caller, 'sts:SetSourceIdentity', roleArn)
  return role
}

function createAccessDeniedError(
  caller: Session,
  action: string,
  roleArn: string,
  denyingPolicyType?: string,
): AwsError {
  const reason =
    denyingPolicyType &&
    ` with an explicit deny in ${denyingPolicyType.startsWith('i') ? 'an' : 'a'} ${denyingPolicyType} policy`
  const message = `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${roleArn}${reason ?? ''}`
  return new AwsError(403, 'AccessDenied', message)
}

/** Merges the inline session policy and the managed session policies, which must be in the account of the role. */
async function createSessionPolicy(
  { policy, policyArns }: AssumeRoleRequest,
  role: Role,
): Promise<PolicyDocument | undefined> {
  const inlinePolicy = await parsePolicy(policy, role.arn)
  const managedPolicies = policyArns.map((arn) => {
    const managedPolicy = role.account.managedPolicies[arn]
    // AWS does not document the error for this case. MalformedPolicyDocument is the closest error of AssumeRole.
    if (!managedPolicy) throw createMalformedPolicyError(`Policy ${arn} does not exist or is not attachable.`)
    return managedPolicy
  })
  return mergePolicies(inlinePolicy ? [inlinePolicy, ...managedPolicies] : managedPolicies)
}

async function parsePolicy(text: string | undefined, roleArn: string): Promise<PolicyDocument | undefined> {
  if (text === undefined) return undefined
  let policy: PolicyDocument
  try {
    policy = JSON.parse(text)
  } catch {
    throw createMalformedPolicyError('This policy contains invalid Json')
  }
  const errors = await findSessionPolicyErrors(policy, roleArn)
  if (errors) throw createMalformedPolicyError(`Syntax errors in policy. ${errors}`)
  return policy
}

function computePackedPolicySize({ policy = '', policyArns, tags }: AssumeRoleRequest): number | undefined {
  if (!policy && policyArns.length === 0 && tags.length === 0) return undefined
  const packed = deflateRawSync(policy + policyArns.join() + JSON.stringify(tags))
  const percent = Math.ceil((packed.length / MAX_PACKED_BYTES) * 100)
  if (percent <= 100) return percent
  const message = `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`
  throw new AwsError(400, 'PackedPolicyTooLarge', message)
}

const toTagRecord = ({ tags }: AssumeRoleRequest) =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]))

function getTransitiveTags({ tags, transitiveTagKeys }: Session) {
  const lowerCaseKeys = new Set(transitiveTagKeys.map((key) => key.toLowerCase()))
  return Object.fromEntries(Object.entries(tags).filter(([key]) => lowerCaseKeys.has(key.toLowerCase())))
}

const createMalformedPolicyError = (message: string) => new AwsError(400, 'MalformedPolicyDocument', message)
const createValidationError = (message: string) => new AwsError(400, 'ValidationError', message)
