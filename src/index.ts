/** Gives an AWS Lambda function in one account a DynamoDB client for a table in another. */
export type { AssumeRoleReason, AssumeRoleTrace } from './assume-role.ts'
export { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from './errors.ts'
export type { Logger } from './logger.ts'
export {
  type CrossAccountDynamoContext,
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
  crossAccountDynamo as default,
} from './middleware.ts'
export type { CrossAccountDynamoOptions } from './options.ts'
export type { Access } from './policies/actions.ts'
export type { ResolvedScope, Scope } from './policies/scope.ts'
export type { Resolver, ResolverRequest } from './resolvers.ts'
export type { CredentialProvider } from './session.ts'
