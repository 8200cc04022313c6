/**
 * The IAM documents that a cross-account set-up needs, least privilege, from one configuration. Pure: no network, no
 * dependency.
 */
import {
  callerPolicyOf,
  type PolicyDocument,
  permissionsPolicyOf,
  trustPolicyOf,
  warningsOf,
} from './documents.ts'
import { type CrossAccountPoliciesOptions, readSetUp } from './set-up.ts'

export type { Access } from './actions.ts'
export type { PolicyDocument, Statement } from './documents.ts'
export type { CrossAccountPoliciesOptions } from './set-up.ts'

/** The three documents, and what deserves a second look. */
export interface CrossAccountPolicies {
  /** The target role's trust policy, in the account of the tables. */
  readonly trustPolicy: PolicyDocument
  /** The target role's permissions policy, in the account of the tables. */
  readonly permissionsPolicy: PolicyDocument
  /** A policy of the execution role, in the function's account. */
  readonly callerPolicy: PolicyDocument
  /** In sentences; empty for the most part. */
  readonly warnings: readonly string[]
}

/**
 * The IAM documents of both accounts.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID`, naming every problem with its option.
 *
 * @example
 * ```ts
 * import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
 *
 * const { trustPolicy, permissionsPolicy, callerPolicy, warnings } = crossAccountPolicies({
 *   roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
 *   executionRoleArn: 'arn:aws:iam::111111111111:role/LambdaExecutionRole',
 *   tables: ['MyTable'],
 *   access: 'read-write',
 *   region: 'us-east-1',
 *   externalId: 'example-external-id',
 *   tenantTag: 'TenantId',
 * })
 * for (const warning of warnings) console.warn(warning)
 * console.log(JSON.stringify({ trustPolicy, permissionsPolicy, callerPolicy }, undefined, 2))
 * ```
 */
export const crossAccountPolicies = (options: CrossAccountPoliciesOptions): CrossAccountPolicies => {
  const setUp = readSetUp(options)
  return {
    trustPolicy: trustPolicyOf(setUp),
    permissionsPolicy: permissionsPolicyOf(setUp),
    callerPolicy: callerPolicyOf(setUp),
    warnings: warningsOf(setUp),
  }
}
