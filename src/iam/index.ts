/**
 * Generates the IAM policies that cross-account access requires, with least privilege, from one configuration. This module
 * makes no network calls and has no dependencies.
 */
import { formatIssue } from '../options/issue.ts'
import {
  callerPolicyOf,
  findWarnings,
  type PolicyDocument,
  permissionsPolicyOf,
  trustPolicyOf,
} from './documents.ts'
import {
  type CrossAccountPoliciesOptions,
  OPTION_NAMES,
  readTrustConfiguration,
} from './trust-configuration.ts'

export type { Access } from './actions.ts'
export type { PolicyDocument, Statement } from './documents.ts'
export type { CrossAccountPoliciesOptions } from './trust-configuration.ts'

/** The three IAM policies, and the warnings about them. */
export interface CrossAccountPolicies {
  /** The target role's trust policy, in the account of the tables. */
  readonly trustPolicy: PolicyDocument
  /** The target role's permissions policy, in the account of the tables. */
  readonly permissionsPolicy: PolicyDocument
  /** A permissions policy for the execution role, in the function's account. */
  readonly callerPolicy: PolicyDocument
  /** Sentences about settings that are valid but risky. Empty if there are none. */
  readonly warnings: readonly string[]
}

/**
 * Generates the IAM policies for both accounts.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if an option is invalid. The error lists each problem with its option.
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
  const configuration = readTrustConfiguration(options)
  return {
    trustPolicy: trustPolicyOf(configuration),
    permissionsPolicy: permissionsPolicyOf(configuration),
    callerPolicy: callerPolicyOf(configuration),
    warnings: findWarnings(configuration).map((warning) => formatIssue(warning, OPTION_NAMES)),
  }
}
