import { deflateRawSync } from 'node:zlib'
import type { PolicyDocument, Role } from './account.ts'
import { type AssumeRoleRequest, checkLimits, checkTags } from './assume-role-limits.ts'
import { authorize, type Context, sessionPolicyErrors, tagContext } from './authorize.ts'
import { unionOf } from './policy-union.ts'
import { Refusal } from './refusal.ts'
import type { Session, SessionRequest } from './sessions.ts'

/** A role's session may take no longer sessions of another. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining */
const ROLE_CHAINING_SECONDS = 3600

/** AWS documents that there is a limit on the packed size, not how large it is; this is an estimate. */
const PACKED_BYTES = 2048

export interface AssumeRoleContext {
  roles: Role[]
  now: number
  region: string
}

/** Decides, and says what session to issue and how full its packed policy is in percent. */
export async function assumeRole(
  caller: Session,
  request: AssumeRoleRequest,
  context: AssumeRoleContext,
): Promise<{ session: SessionRequest; packedPolicySize?: number }> {
  checkLimits(request)
  const inheritedKeys = caller.transitiveTagKeys
  checkTags(request, inheritedKeys)
  const role = await authorizedRole(caller, request, context)

  const { durationSeconds } = request
  if (durationSeconds > ROLE_CHAINING_SECONDS)
    throw invalid(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  if (durationSeconds > (role.definition.maxSessionDuration ?? 3600))
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')

  const policy = await sessionPolicy(request, role)
  const packedPolicySize = packedSize(request)
  return {
    session: {
      role,
      name: request.roleSessionName,
      durationSeconds,
      assumed: true,
      tags: { ...inheritedTags(caller), ...tagsOf(request) },
      transitiveTagKeys: [...inheritedKeys, ...request.transitiveTagKeys],
      sourceIdentity: request.sourceIdentity ?? caller.sourceIdentity,
      policy,
    },
    ...(packedPolicySize !== undefined && { packedPolicySize }),
  }
}

/**
 * The role, if both sides allow each action that the request needs. Each action has the context keys that the
 * reference gives it, so `sts:ExternalId` is known to sts:AssumeRole alone.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 */
async function authorizedRole(
  caller: Session,
  request: AssumeRoleRequest,
  { roles, now, region }: AssumeRoleContext,
) {
  const { roleArn, externalId } = request
  const sourceIdentity = request.sourceIdentity ?? caller.sourceIdentity
  const tags = { ...inheritedTags(caller), ...tagsOf(request) }
  const hasTags = Object.keys(tags).length > 0
  const transitiveTagKeys = [...caller.transitiveTagKeys, ...request.transitiveTagKeys]
  const tagKeys: Context = {
    ...tagContext('aws:RequestTag', tags),
    ...(hasTags && { 'aws:TagKeys': Object.keys(tags) }),
    ...(transitiveTagKeys.length > 0 && { 'sts:TransitiveTagKeys': transitiveTagKeys }),
  }
  const identityKey: Context = sourceIdentity === undefined ? {} : { 'sts:SourceIdentity': sourceIdentity }
  const needed: [string, Context][] = [
    [
      'sts:AssumeRole',
      {
        ...tagKeys,
        ...identityKey,
        'sts:RoleSessionName': request.roleSessionName,
        ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
      },
    ],
  ]
  if (hasTags) needed.push(['sts:TagSession', tagKeys])
  if (sourceIdentity !== undefined) needed.push(['sts:SetSourceIdentity', identityKey])

  const role = roles.find(({ arn }) => arn === roleArn)
  // To a stranger, AWS does not tell a role that is not there from one that says no.
  if (!role) throw denied(caller, 'sts:AssumeRole', roleArn)
  for (const [action, keys] of needed) {
    const denial = await authorize({
      session: caller,
      action,
      resource: { arn: roleArn, accountId: role.account.id },
      // A role without a trust policy trusts nobody.
      resourcePolicy: role.definition.trustPolicy ?? { Version: '2012-10-17', Statement: [] },
      context: keys,
      now,
      region,
    })
    if (denial?.explicit) throw denied(caller, action, roleArn, denial.policy)
    if (denial) throw denied(caller, action, roleArn)
  }
  // Once set, a source identity stays the same along the chain.
  if (caller.sourceIdentity !== undefined && sourceIdentity !== caller.sourceIdentity)
    throw denied(caller, 'sts:SetSourceIdentity', roleArn)
  return role
}

function denied(caller: Session, action: string, roleArn: string, explicitIn?: string): Refusal {
  const because =
    explicitIn && ` with an explicit deny in ${explicitIn.startsWith('i') ? 'an' : 'a'} ${explicitIn} policy`
  const message = `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${roleArn}${because ?? ''}`
  return new Refusal(403, 'AccessDenied', message)
}

/** What any of the session policies allows and none denies: the inline one, and those of the role's account by ARN. */
async function sessionPolicy(
  { policy, policyArns }: AssumeRoleRequest,
  role: Role,
): Promise<PolicyDocument | undefined> {
  const inline = await parsePolicy(policy, role.arn)
  const managed = policyArns.map((arn) => {
    const found = role.account.managedPolicies[arn]
    // Which error it is, AWS does not document; of those that AssumeRole has, this one fits.
    if (!found) throw malformed(`Policy ${arn} does not exist or is not attachable.`)
    return found
  })
  return unionOf(inline ? [inline, ...managed] : managed)
}

async function parsePolicy(text: string | undefined, roleArn: string): Promise<PolicyDocument | undefined> {
  if (text === undefined) return undefined
  let policy: PolicyDocument
  try {
    policy = JSON.parse(text)
  } catch {
    throw malformed('This policy contains invalid Json')
  }
  const errors = await sessionPolicyErrors(policy, roleArn)
  if (errors) throw malformed(`Syntax errors in policy. ${errors}`)
  return policy
}

function packedSize({ policy = '', policyArns, tags }: AssumeRoleRequest): number | undefined {
  if (!policy && policyArns.length === 0 && tags.length === 0) return undefined
  const packed = deflateRawSync(policy + policyArns.join() + JSON.stringify(tags))
  const percent = Math.ceil((packed.length / PACKED_BYTES) * 100)
  if (percent <= 100) return percent
  const message = `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`
  throw new Refusal(400, 'PackedPolicyTooLarge', message)
}

const tagsOf = ({ tags }: AssumeRoleRequest) => Object.fromEntries(tags.map(({ key, value }) => [key, value]))

function inheritedTags({ tags, transitiveTagKeys }: Session) {
  const transitive = new Set(transitiveTagKeys.map((key) => key.toLowerCase()))
  return Object.fromEntries(Object.entries(tags).filter(([key]) => transitive.has(key.toLowerCase())))
}

const malformed = (message: string) => new Refusal(400, 'MalformedPolicyDocument', message)
const invalid = (message: string) => new Refusal(400, 'ValidationError', message)
