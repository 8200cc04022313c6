import type { RoleArn } from '../../iam/arn.ts'
import type { PolicyDocument } from '../../iam/documents.ts'

/** The policies, and the accounts and roles that they belong to. */
export interface PlacedPolicies {
  readonly trustPolicy: PolicyDocument
  readonly permissionsPolicy: PolicyDocument
  readonly callerPolicy: PolicyDocument
  /** The target role. */
  readonly role: RoleArn
  readonly region: string
  readonly callers: readonly Caller[]
}

/** An account of the function, and the execution roles in it that are named. */
export interface Caller {
  /** `undefined` if the callers can be in any account. */
  readonly accountId: string | undefined
  readonly roles: readonly RoleArn[]
}

/** The comment above what belongs to a caller's account. */
export const callerHeading = ({ accountId = 'of the function' }: Caller): string =>
  `Account ${accountId} (function)`
