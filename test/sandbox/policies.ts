import type { PolicyDocument, Sandbox } from './index.ts'
import { EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './two-accounts.ts'

/** Creates an Allow statement. `rest` adds elements such as `Resource`, `Principal` and `Condition`. */
export const allowStatement = (Action: string | string[], rest: object = {}) => ({
  Effect: 'Allow',
  Action,
  ...rest,
})
export const createPolicy = (...Statement: object[]): PolicyDocument => ({ Version: '2012-10-17', Statement })

/**
 * Lets the execution role assume the target role, and allows more STS actions in the caller policy of account A, in the
 * trust policy of account B, or in both.
 *
 * @param condition the condition of the trust policy
 */
export function allowStsActions(
  sandbox: Sandbox,
  actions: string[],
  location: 'both' | 'caller-policy' | 'trust-policy' = 'both',
  condition: object = {},
): void {
  const listActions = (policyType: 'caller-policy' | 'trust-policy') => [
    'sts:AssumeRole',
    ...(location === policyType || location === 'both' ? actions : []),
  ]
  const Principal = { AWS: EXECUTION_ROLE_ARN }
  sandbox.getRole(EXECUTION_ROLE_ARN).policies = [
    createPolicy(allowStatement(listActions('caller-policy'), { Resource: TARGET_ROLE_ARN })),
  ]
  sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(
    allowStatement(listActions('trust-policy'), { Principal, Condition: condition }),
  )
}

/**
 * Restricts partition keys to the session's `TenantId` tag. `ForAllValues` is also true for requests without leading keys,
 * such as Scan.
 */
export const OWN_TENANT_CONDITION = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: This is an IAM policy variable.
  'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['${aws:PrincipalTag/TenantId}'] },
}

/**
 * Creates the policy AWSRevokeOlderSessions, which the IAM console attaches for "Revoke active sessions". It denies
 * everything to sessions that were issued before `timeMs`.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
 */
export const createRevokeSessionsPolicy = (timeMs: number): PolicyDocument =>
  createPolicy({
    Effect: 'Deny',
    Action: ['*'],
    Resource: ['*'],
    Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date(timeMs).toISOString() } },
  })
