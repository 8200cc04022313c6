/**
 * The subpath `./cdk`: CDK constructs that configure both accounts from one description of the session. It needs `aws-cdk-lib` and
 * `constructs`, and loads neither middy nor the AWS SDK.
 *
 * @packageDocumentation
 */
export { type GrantOptions, grantCrossAccountDynamo } from './grant.ts'
export { CrossAccountDynamoRole, type CrossAccountDynamoRoleProps } from './role.ts'
export type { CrossAccountSession } from './session.ts'
