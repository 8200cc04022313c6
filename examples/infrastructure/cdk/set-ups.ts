/** What the two accounts must know of each other. Both stacks are made of it, so that they cannot disagree. */
import { type CrossAccountPolicies, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'

/** Where to deploy to. */
export interface Accounts {
  readonly functionAccount: string
  readonly tableAccount: string
  readonly region: string
  readonly externalId: string
}

export interface SetUp extends Accounts {
  readonly functionName: string
  readonly executionRoleName: string
  readonly targetRoleName: string
  readonly tableName: string
  readonly partitionKey: string
  readonly sortKey?: string
  readonly access: readonly string[]
  /** The session tag that must equal an item's partition key. */
  readonly tenantTag?: string
}

/** `examples/put-and-get/` */
export const textbook = (accounts: Accounts): SetUp => ({
  ...accounts,
  functionName: 'put-and-get',
  executionRoleName: 'LambdaExecutionRole',
  targetRoleName: 'CrossAccountDynamoRole',
  tableName: 'MyTable',
  partitionKey: 'id',
  access: ['GetItem', 'PutItem'],
})

/** `examples/pooled-tenants/` */
export const pooledTenants = (accounts: Accounts): SetUp => ({
  ...accounts,
  functionName: 'pooled-tenants',
  executionRoleName: 'TenantOrdersFunction',
  targetRoleName: 'TenantOrders',
  tableName: 'Orders',
  partitionKey: 'tenant',
  sortKey: 'order',
  access: ['GetItem', 'PutItem', 'Query'],
  tenantTag: 'TenantId',
})

export const executionRoleArn = ({ functionAccount, executionRoleName }: SetUp): string =>
  `arn:aws:iam::${functionAccount}:role/${executionRoleName}`

export const targetRoleArn = ({ tableAccount, targetRoleName }: SetUp): string =>
  `arn:aws:iam::${tableAccount}:role/${targetRoleName}`

export const tableArn = ({ region, tableAccount, tableName }: SetUp): string =>
  `arn:aws:dynamodb:${region}:${tableAccount}:table/${tableName}`

export const policiesOf = (setUp: SetUp): CrossAccountPolicies =>
  crossAccountPolicies({
    roleArn: targetRoleArn(setUp),
    executionRoleArn: executionRoleArn(setUp),
    tables: [setUp.tableName],
    access: setUp.access,
    region: setUp.region,
    externalId: setUp.externalId,
    tenantTag: setUp.tenantTag,
  })
