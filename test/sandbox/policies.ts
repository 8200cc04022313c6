import type { PolicyDocument, Sandbox } from './index.ts'
import { EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './textbook.ts'

/** Policies, in as few words as tests like. */
export const statement = (Action: string | string[], rest: object = {}) => ({
  Effect: 'Allow',
  Action,
  ...rest,
})
export const policy = (...Statement: object[]): PolicyDocument => ({ Version: '2012-10-17', Statement })

/** Lets the execution role do more to the target role: in account A, in account B's trust policy, or in both. */
export function allow(
  sandbox: Sandbox,
  actions: string[],
  sides: 'both' | 'caller' | 'role' = 'both',
  condition: object = {},
): void {
  const withAssumeRole = (side: 'caller' | 'role') => [
    'sts:AssumeRole',
    ...(sides === side || sides === 'both' ? actions : []),
  ]
  const Principal = { AWS: EXECUTION_ROLE_ARN }
  sandbox.role(EXECUTION_ROLE_ARN).policies = [
    policy(statement(withAssumeRole('caller'), { Resource: TARGET_ROLE_ARN })),
  ]
  sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy(
    statement(withAssumeRole('role'), { Principal, Condition: condition }),
  )
}

/** Items whose partition key is the session's tenant. Holds without any key as well, as at AWS. */
export const OWN_TENANT = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM
  'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['${aws:PrincipalTag/TenantId}'] },
}

/**
 * The policy that the IAM console attaches for "Revoke active sessions", under the name AWSRevokeOlderSessions.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
 */
export const revokeSessionsBefore = (timeMs: number): PolicyDocument =>
  policy({
    Effect: 'Deny',
    Action: ['*'],
    Resource: ['*'],
    Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date(timeMs).toISOString() } },
  })
