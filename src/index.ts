/** Gives an AWS Lambda function in one account a DynamoDB client for a table in another. */
export { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from './errors.ts'
export {
  type CrossAccountDynamoContext,
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
  crossAccountDynamo as default,
} from './middleware.ts'
export type { CrossAccountDynamoOptions } from './options.ts'
export type { CredentialProvider } from './session.ts'
