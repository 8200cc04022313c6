/** The settings of the examples. The stacks of both accounts use the same `session`. */
import type { CrossAccountSession } from 'middy-cross-account-dynamo/cdk'

/** The accounts and the Region to deploy to, and the external ID. */
export interface DeploymentTarget {
  readonly functionAccount: string
  readonly tableAccount: string
  readonly region: string
  readonly externalId: string
}

export interface ExampleSettings
  extends Pick<DeploymentTarget, 'functionAccount' | 'tableAccount' | 'region'> {
  readonly functionName: string
  readonly executionRoleName: string
  readonly tableName: string
  readonly partitionKey: string
  readonly sortKey?: string
  readonly access: readonly string[]
  /** The session that the function requests and that the role in account B accepts. */
  readonly session: CrossAccountSession
}

/** Returns the settings of `examples/put-and-get/`. */
export const createPutAndGetSettings = ({ externalId, ...target }: DeploymentTarget): ExampleSettings => ({
  ...target,
  functionName: 'put-and-get',
  executionRoleName: 'LambdaExecutionRole',
  tableName: 'MyTable',
  partitionKey: 'id',
  access: ['GetItem', 'PutItem'],
  session: {
    roleArn: `arn:aws:iam::${target.tableAccount}:role/CrossAccountDynamoRole`,
    region: target.region,
    externalId,
  },
})

/** Returns the settings of `examples/pooled-tenants/`. */
export const createPooledTenantsSettings = ({
  externalId,
  ...target
}: DeploymentTarget): ExampleSettings => ({
  ...target,
  functionName: 'pooled-tenants',
  executionRoleName: 'TenantOrdersFunction',
  tableName: 'Orders',
  partitionKey: 'tenant',
  sortKey: 'order',
  access: ['GetItem', 'PutItem', 'Query'],
  session: {
    roleArn: `arn:aws:iam::${target.tableAccount}:role/TenantOrders`,
    region: target.region,
    externalId,
    tenantTag: 'TenantId',
  },
})

export const toExecutionRoleArn = ({ functionAccount, executionRoleName }: ExampleSettings): string =>
  `arn:aws:iam::${functionAccount}:role/${executionRoleName}`

export const toTableArn = ({ region, tableAccount, tableName }: ExampleSettings): string =>
  `arn:aws:dynamodb:${region}:${tableAccount}:table/${tableName}`
