/** The stack of account B: the table, and the role that the function assumes. */
import { Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import { CfnRole, PolicyDocument } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { createPolicies, type ExampleSettings } from './example-settings.ts'

const toStringKey = (name: string) => ({ name, type: AttributeType.STRING })

export class TableStack extends Stack {
  constructor(scope: Construct, id: string, settings: ExampleSettings) {
    super(scope, id, { env: { account: settings.tableAccount, region: settings.region } })
    const { trustPolicy, permissionsPolicy } = createPolicies(settings)
    new Table(this, 'Table', {
      tableName: settings.tableName,
      partitionKey: toStringKey(settings.partitionKey),
      ...(settings.sortKey !== undefined && { sortKey: toStringKey(settings.sortKey) }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      deletionProtection: true,
    })
    // The L2 construct Role generates its own trust policy. CfnRole uses the given trust policy unchanged.
    new CfnRole(this, 'TargetRole', {
      roleName: settings.targetRoleName,
      assumeRolePolicyDocument: PolicyDocument.fromJson(trustPolicy),
      policies: [{ policyName: 'Table', policyDocument: PolicyDocument.fromJson(permissionsPolicy) }],
    })
  }
}
