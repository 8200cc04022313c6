import type { RoleArn } from '../../iam/arn.ts'
import type { PolicyDocument } from '../../iam/documents.ts'

/** The three policies, and the accounts and roles to attach them to. */
export interface AccountPolicies {
  readonly trustPolicy: PolicyDocument
  readonly permissionsPolicy: PolicyDocument
  readonly callerPolicy: PolicyDocument
  /** The target role. */
  readonly role: RoleArn
  readonly region: string
  readonly callers: readonly CallerAccount[]
}

/** An account that contains execution roles. */
export interface CallerAccount {
  /** The account ID. `undefined` if the trust policy allows all AWS accounts. */
  readonly accountId: string | undefined
  /** The execution roles that the trust policy names. Empty if it names the account or a role pattern. */
  readonly roles: readonly RoleArn[]
}

/** Returns the heading of the part that belongs to the account of the function. */
export const formatCallerHeading = ({ accountId = 'of the function' }: CallerAccount): string =>
  `Account ${accountId} (function)`
