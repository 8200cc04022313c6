/** The stack of account B: the table, and the role that the function assumes. */
import { Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import type { Construct } from 'constructs'
import { CrossAccountDynamoRole } from 'middy-cross-account-dynamo/cdk'
import { type ExampleSettings, toExecutionRoleArn } from './example-settings.ts'

const toStringKey = (name: string) => ({ name, type: AttributeType.STRING })

export class TableStack extends Stack {
  constructor(scope: Construct, id: string, settings: ExampleSettings) {
    super(scope, id, { env: { account: settings.tableAccount, region: settings.region } })
    const table = new Table(this, 'Table', {
      tableName: settings.tableName,
      partitionKey: toStringKey(settings.partitionKey),
      ...(settings.sortKey !== undefined && { sortKey: toStringKey(settings.sortKey) }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
    })
    new CrossAccountDynamoRole(this, 'TargetRole', {
      ...settings.session,
      executionRoleArn: toExecutionRoleArn(settings),
      tables: [table],
      access: settings.access,
    })
  }
}
