import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate'
import type { Account, PolicyDocument } from './account.ts'
import type { Session } from './sessions.ts'

export type Context = Record<string, string | string[]>

export interface Question {
  session: Session
  action: string
  resource: { arn: string; accountId: string }
  resourcePolicy?: PolicyDocument | undefined
  /** The keys of the request; those of the principal are added here. */
  context: Context
  now: number
  region: string
}

/** Which kind of policy said no, and how: "with an explicit deny in a …" or "because no … policy allows". */
export interface Denial {
  explicit: boolean
  policy: 'service control' | 'identity-based' | 'resource-based' | 'session'
}

const FULL_AWS_ACCESS: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/** Undefined when the action is allowed. */
export async function authorize(question: Question): Promise<Denial | undefined> {
  const { session, action, resource, resourcePolicy, now, region } = question
  const { account, definition, arn } = session.role
  const result = await runSimulation(
    {
      request: {
        principal: principalOf(session, resourcePolicy),
        action,
        resource: { resource: resource.arn, accountId: resource.accountId },
        contextVariables: {
          ...question.context,
          'aws:PrincipalArn': arn,
          'aws:PrincipalAccount': account.id,
          'aws:PrincipalType': 'AssumedRole',
          ...(account.organizationId !== undefined && { 'aws:PrincipalOrgID': account.organizationId }),
          'aws:userid': session.userId,
          'aws:TokenIssueTime': new Date(session.issuedAt).toISOString(),
          'aws:CurrentTime': new Date(now).toISOString(),
          'aws:EpochTime': String(Math.floor(now / 1000)),
          'aws:RequestedRegion': region,
          'aws:ResourceAccount': resource.accountId,
          // The sandbox stands in for an endpoint that is only reached by TLS.
          'aws:SecureTransport': 'true',
          ...(session.sourceIdentity !== undefined && { 'aws:SourceIdentity': session.sourceIdentity }),
          ...tagContext('aws:PrincipalTag', session.tags),
        },
      },
      ...policiesOf(account, definition.policies),
      resourcePolicy,
      sessionPolicy: session.policy,
    },
    {},
  )
  // Neither may pass silently: an invalid policy, or a key that the simulator leaves out of its decision.
  if (result.resultType === 'error')
    throw new Error(`${action} on ${resource.arn}: ${JSON.stringify(result.errors)}`)
  if (result.resultType !== 'single') throw new Error(`${action} on ${resource.arn} was not one question`)
  const { analysis, ignoredContextKeys = [] } = result.result
  if (ignoredContextKeys.length > 0)
    throw new Error(`${action} has no context key ${ignoredContextKeys.join(', ')}`)
  if (result.overallResult === 'Allowed') return undefined

  const says = (which: 'scpAnalysis' | 'resourceAnalysis' | 'sessionAnalysis' | 'identityAnalysis') =>
    analysis[which]?.result ?? 'Allowed'
  const order = [
    ['service control', says('scpAnalysis')],
    ['resource-based', says('resourceAnalysis')],
    ['identity-based', says('identityAnalysis')],
    ['session', says('sessionAnalysis')],
  ] as const
  const denied = order.find(([, verdict]) => verdict === 'ExplicitlyDenied' || verdict === 'DeniedForAccount')
  if (denied) return { explicit: true, policy: denied[0] }
  const silent = order.find(
    ([policy, verdict]) => policy !== 'resource-based' && verdict === 'ImplicitlyDenied',
  )
  return { explicit: false, policy: silent?.[0] ?? 'resource-based' }
}

/** Runs every policy of an account through the simulator's validation. */
export async function checkPolicies(account: Account): Promise<void> {
  for (const [arn, policy] of Object.entries(account.managedPolicies)) {
    const errors = await sessionPolicyErrors(policy, `arn:aws:iam::${account.id}:role/any`)
    if (errors) throw new Error(`The policy ${arn}: ${errors}`)
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
        ...policiesOf(account, definition.policies),
        resourcePolicy: definition.trustPolicy,
      },
      {},
    )
    if (result.resultType === 'error')
      throw new Error(`The policies of ${arn}: ${JSON.stringify(result.errors)}`)
  }
}

/** What is wrong with a session policy. */
export async function sessionPolicyErrors(policy: unknown, roleArn: string): Promise<string | undefined> {
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

export const tagContext = (prefix: string, tags: Record<string, string>): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]))

/**
 * A policy may name the session or its role. The simulator finds the role of a session by its name alone,
 * so that `role/other-path/Name` would match too; given the role itself, it compares the whole ARN.
 */
const principalOf = (session: Session, resourcePolicy?: PolicyDocument) =>
  JSON.stringify(resourcePolicy ?? '').includes(session.arn) ? session.arn : session.role.arn

function policiesOf(
  account: Account,
  policies: PolicyDocument[] = [],
): Pick<Simulation, 'identityPolicies' | 'serviceControlPolicies' | 'resourceControlPolicies'> {
  const named = (list: PolicyDocument[]) => list.map((policy, index) => ({ name: `policy ${index}`, policy }))
  return {
    identityPolicies: named(policies),
    serviceControlPolicies: [
      {
        orgIdentifier: 'organisation',
        policies: named([FULL_AWS_ACCESS, ...account.serviceControlPolicies]),
      },
    ],
    resourceControlPolicies: [],
  }
}
