/** Account B: the table, and the role that the function assumes. */
import { Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import { CfnRole, PolicyDocument } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { policiesOf, type SetUp } from './set-ups.ts'

const key = (name: string) => ({ name, type: AttributeType.STRING })

export class TableStack extends Stack {
  constructor(scope: Construct, id: string, setUp: SetUp) {
    super(scope, id, { env: { account: setUp.tableAccount, region: setUp.region } })
    const { trustPolicy, permissionsPolicy } = policiesOf(setUp)
    new Table(this, 'Table', {
      tableName: setUp.tableName,
      partitionKey: key(setUp.partitionKey),
      ...(setUp.sortKey !== undefined && { sortKey: key(setUp.sortKey) }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      deletionProtection: true,
    })
    // Not a Role, which would write a trust policy of its own.
    new CfnRole(this, 'TargetRole', {
      roleName: setUp.targetRoleName,
      assumeRolePolicyDocument: PolicyDocument.fromJson(trustPolicy),
      policies: [{ policyName: 'Table', policyDocument: PolicyDocument.fromJson(permissionsPolicy) }],
    })
  }
}
