/** The settings that the stacks of both accounts share, such as role names and the external ID. */
import { type CrossAccountPolicies, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'

/** The accounts and the Region to deploy to, and the external ID. */
export interface DeploymentTarget {
  readonly functionAccount: string
  readonly tableAccount: string
  readonly region: string
  readonly externalId: string
}

export interface ExampleSettings extends DeploymentTarget {
  readonly functionName: string
  readonly executionRoleName: string
  readonly targetRoleName: string
  readonly tableName: string
  readonly partitionKey: string
  readonly sortKey?: string
  readonly access: readonly string[]
  /** The key of the session tag whose value must equal the partition key of an item. */
  readonly tenantTag?: string
}

/** Returns the settings of `examples/put-and-get/`. */
export const createPutAndGetSettings = (target: DeploymentTarget): ExampleSettings => ({
  ...target,
  functionName: 'put-and-get',
  executionRoleName: 'LambdaExecutionRole',
  targetRoleName: 'CrossAccountDynamoRole',
  tableName: 'MyTable',
  partitionKey: 'id',
  access: ['GetItem', 'PutItem'],
})

/** Returns the settings of `examples/pooled-tenants/`. */
export const createPooledTenantsSettings = (target: DeploymentTarget): ExampleSettings => ({
  ...target,
  functionName: 'pooled-tenants',
  executionRoleName: 'TenantOrdersFunction',
  targetRoleName: 'TenantOrders',
  tableName: 'Orders',
  partitionKey: 'tenant',
  sortKey: 'order',
  access: ['GetItem', 'PutItem', 'Query'],
  tenantTag: 'TenantId',
})

export const toExecutionRoleArn = ({ functionAccount, executionRoleName }: ExampleSettings): string =>
  `arn:aws:iam::${functionAccount}:role/${executionRoleName}`

export const toTargetRoleArn = ({ tableAccount, targetRoleName }: ExampleSettings): string =>
  `arn:aws:iam::${tableAccount}:role/${targetRoleName}`

export const toTableArn = ({ region, tableAccount, tableName }: ExampleSettings): string =>
  `arn:aws:dynamodb:${region}:${tableAccount}:table/${tableName}`

export const createPolicies = (settings: ExampleSettings): CrossAccountPolicies =>
  crossAccountPolicies({
    roleArn: toTargetRoleArn(settings),
    executionRoleArn: toExecutionRoleArn(settings),
    tables: [settings.tableName],
    access: settings.access,
    region: settings.region,
    externalId: settings.externalId,
    tenantTag: settings.tenantTag,
  })
