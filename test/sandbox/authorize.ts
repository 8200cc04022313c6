import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate'
import type { Account, PolicyDocument } from './account.ts'
import type { Session } from './sessions.ts'

/** The condition keys of a request and their values. */
export type RequestContext = Record<string, string | string[]>

export interface AuthorizationRequest {
  session: Session
  action: string
  resource: { arn: string; accountId: string }
  resourcePolicy?: PolicyDocument | undefined
  /** The condition keys of the request. `authorize` adds the keys of the principal. */
  context: RequestContext
  nowMs: number
  region: string
}

/** Why IAM denies an action: an explicit deny in a policy, or no policy of this type that allows the action. */
export interface Denial {
  isExplicit: boolean
  policyType: 'service control' | 'identity-based' | 'resource-based' | 'session'
}

const FULL_AWS_ACCESS: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * Decides on one action. Returns undefined if the policies allow it.
 *
 * @throws if a policy is invalid or the simulator does not know one of the condition keys.
 */
export async function authorize(request: AuthorizationRequest): Promise<Denial | undefined> {
  const { session, action, resource, resourcePolicy, nowMs, region } = request
  const { account, definition, arn } = session.role
  const result = await runSimulation(
    {
      request: {
        principal: selectPrincipal(session, resourcePolicy),
        action,
        resource: { resource: resource.arn, accountId: resource.accountId },
        contextVariables: {
          ...request.context,
          'aws:PrincipalArn': arn,
          'aws:PrincipalAccount': account.id,
          'aws:PrincipalType': 'AssumedRole',
          ...(account.organizationId !== undefined && { 'aws:PrincipalOrgID': account.organizationId }),
          'aws:userid': session.userId,
          'aws:TokenIssueTime': new Date(session.issuedAtMs).toISOString(),
          'aws:CurrentTime': new Date(nowMs).toISOString(),
          'aws:EpochTime': String(Math.floor(nowMs / 1000)),
          'aws:RequestedRegion': region,
          'aws:ResourceAccount': resource.accountId,
          // The sandbox uses HTTP, but the AWS endpoints that it replaces accept only TLS.
          'aws:SecureTransport': 'true',
          ...(session.sourceIdentity !== undefined && { 'aws:SourceIdentity': session.sourceIdentity }),
          ...toTagContext('aws:PrincipalTag', session.tags),
        },
      },
      ...createSimulatorPolicies(account, definition.policies),
      resourcePolicy,
      sessionPolicy: session.policy,
    },
    {},
  )
  // The simulator does not throw for an invalid policy, and it ignores condition keys that it does not know.
  if (result.resultType === 'error')
    throw new Error(
      `The simulator cannot evaluate ${action} on ${resource.arn}: ${JSON.stringify(result.errors)}`,
    )
  if (result.resultType !== 'single')
    throw new Error(`The simulator returned more than one decision for ${action} on ${resource.arn}.`)
  const { analysis, ignoredContextKeys = [] } = result.result
  if (ignoredContextKeys.length > 0)
    throw new Error(`${action} does not support the condition key ${ignoredContextKeys.join(', ')}.`)
  if (result.overallResult === 'Allowed') return undefined

  const getDecision = (name: 'scpAnalysis' | 'resourceAnalysis' | 'sessionAnalysis' | 'identityAnalysis') =>
    analysis[name]?.result ?? 'Allowed'
  const decisions = [
    ['service control', getDecision('scpAnalysis')],
    ['resource-based', getDecision('resourceAnalysis')],
    ['identity-based', getDecision('identityAnalysis')],
    ['session', getDecision('sessionAnalysis')],
  ] as const
  const explicitDeny = decisions.find(
    ([, decision]) => decision === 'ExplicitlyDenied' || decision === 'DeniedForAccount',
  )
  if (explicitDeny) return { isExplicit: true, policyType: explicitDeny[0] }
  const implicitDeny = decisions.find(
    ([policyType, decision]) => policyType !== 'resource-based' && decision === 'ImplicitlyDenied',
  )
  return { isExplicit: false, policyType: implicitDeny?.[0] ?? 'resource-based' }
}

/** @throws if a policy of the account is invalid. */
export async function checkPolicies(account: Account): Promise<void> {
  for (const [arn, policy] of Object.entries(account.managedPolicies)) {
    const errors = await findSessionPolicyErrors(policy, `arn:aws:iam::${account.id}:role/any`)
    if (errors) throw new Error(`The managed policy ${arn} is invalid: ${errors}`)
  }
  for (const { arn, definition } of account.roles) {
    const result = await runSimulation(
      {
        request: {
          principal: arn,
          action: 'sts:AssumeRole',
          resource: { resource: arn, accountId: account.id },
          contextVariables: {},
        },
        ...createSimulatorPolicies(account, definition.policies),
        resourcePolicy: definition.trustPolicy,
      },
      {},
    )
    if (result.resultType === 'error')
      throw new Error(`The policies of ${arn} are invalid: ${JSON.stringify(result.errors)}`)
  }
}

/** Returns the errors of a session policy as JSON, or undefined if the policy is valid. */
export async function findSessionPolicyErrors(policy: unknown, roleArn: string): Promise<string | undefined> {
  const result = await runSimulation(
    {
      request: {
        principal: roleArn,
        action: 'sts:GetCallerIdentity',
        resource: { resource: '*', accountId: '' },
        contextVariables: {},
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      sessionPolicy: policy,
    },
    {},
  )
  return result.resultType === 'error'
    ? JSON.stringify(result.errors.sessionPolicyErrors ?? result.errors)
    : undefined
}

export const toTagContext = (prefix: string, tags: Record<string, string>): RequestContext =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]))

/**
 * Selects the ARN of the session or of its role as the principal, because a policy can name either one. If the principal
 * is a session, the simulator compares only the name of the role, so that `role/other-path/Name` would also match. If the
 * principal is the role, the simulator compares the whole ARN.
 */
const selectPrincipal = (session: Session, resourcePolicy?: PolicyDocument) =>
  JSON.stringify(resourcePolicy ?? '').includes(session.arn) ? session.arn : session.role.arn

function createSimulatorPolicies(
  account: Account,
  policies: PolicyDocument[] = [],
): Pick<Simulation, 'identityPolicies' | 'serviceControlPolicies' | 'resourceControlPolicies'> {
  const addNames = (list: PolicyDocument[]) =>
    list.map((policy, index) => ({ name: `policy ${index}`, policy }))
  return {
    identityPolicies: addNames(policies),
    serviceControlPolicies: [
      {
        orgIdentifier: 'organization',
        policies: addNames([FULL_AWS_ACCESS, ...account.serviceControlPolicies]),
      },
    ],
    resourceControlPolicies: [],
  }
}
