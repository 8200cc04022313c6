/**
 * The subpath `./policies`: generates the IAM policies that cross-account access requires. It sends no requests and imports no
 * other package.
 *
 * @packageDocumentation
 */
import { formatIssue } from '../options/issue.ts'
import {
  createCallerPolicy,
  createPermissionsPolicy,
  createTrustPolicy,
  findWarnings,
  type PolicyDocument,
} from './documents.ts'
import {
  type CrossAccountPoliciesOptions,
  POLICIES_AUDIENCE,
  readTrustConfiguration,
} from './trust-configuration.ts'

export type { Access } from './actions.ts'
export type { PolicyDocument, Statement } from './documents.ts'
export type { CrossAccountPoliciesOptions } from './trust-configuration.ts'

/** The three IAM policies that {@link crossAccountPolicies} returns, and the warnings about them. */
export interface CrossAccountPolicies {
  /** The target role's trust policy, in the account of the tables. */
  readonly trustPolicy: PolicyDocument
  /** The target role's permissions policy, in the account of the tables. */
  readonly permissionsPolicy: PolicyDocument
  /** A permissions policy for the execution role, in the function's account. */
  readonly callerPolicy: PolicyDocument
  /** The warnings: one sentence for each setting that is valid but risky. Empty if there are none. */
  readonly warnings: readonly string[]
}

/**
 * Returns the IAM policies for both accounts, which allow only what the options describe. `JSON.stringify` converts each policy to
 * a policy document.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if an option is missing, unknown or invalid. The error lists all problems, each
 * with its option.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html
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
    trustPolicy: createTrustPolicy(configuration),
    permissionsPolicy: createPermissionsPolicy(configuration),
    callerPolicy: createCallerPolicy(configuration),
    warnings: findWarnings(configuration).map((warning) => formatIssue(warning, POLICIES_AUDIENCE)),
  }
}
