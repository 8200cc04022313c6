/**
 * A middy middleware that gives an AWS Lambda function in one account a DynamoDB client for tables in another account.
 *
 * @packageDocumentation
 */

export type { CrossAccountDynamoOptions } from './configuration/options.ts'
export type { AssumeRoleReason, AssumeRoleTrace } from './credentials/assume-role.ts'
export type { CredentialProvider, ProvidedCredentials } from './credentials/session.ts'
export { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from './errors.ts'
export type { Access } from './iam/actions.ts'
export type { ReturnedScope, Scope } from './iam/scope.ts'
export type {
  ReturnedSession,
  SessionFunction,
  SessionRequest,
  SessionResult,
} from './identity/session-function.ts'
export type { Logger } from './logger.ts'
export {
  type CrossAccountDynamoContext,
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
  crossAccountDynamo as default,
} from './middleware.ts'
