import * as cdk from 'aws-cdk-lib'
import { AttributeType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import {
  CrossAccountDynamoRole,
  type CrossAccountSession,
  grantCrossAccountDynamo,
} from 'middy-cross-account-dynamo/cdk'

const session: CrossAccountSession = {
  roleArn: 'arn:aws:iam::222222222222:role/Orders',
  region: 'us-east-1',
  externalId: 'example-external-id',
  tenantTag: 'TenantId',
}

export class FunctionStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props)
    const ordersFunction = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = async () => {}'),
    })
    grantCrossAccountDynamo(ordersFunction, session)
  }
}

export class TableStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props)
    const orders = new Table(this, 'Orders', {
      partitionKey: { name: 'tenant', type: AttributeType.STRING },
      encryption: TableEncryption.CUSTOMER_MANAGED,
    })
    new CrossAccountDynamoRole(this, 'Role', {
      ...session,
      executionRoleArn: 'arn:aws:iam::111111111111:role/OrdersFunction',
      tables: [orders],
      access: 'read-write',
    })
  }
}
