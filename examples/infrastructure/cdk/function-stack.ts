/** Account A: the function, and an execution role that may assume the role in account B. */
import { Duration, Stack } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { Network } from './network.ts'
import { policiesOf, type SetUp, targetRoleArn } from './set-ups.ts'

export interface FunctionStackOptions {
  /** The folder of the bundled handler. */
  readonly code: string
  /** Whether the function is in a VPC of its own, whose only ways out are endpoints of STS and DynamoDB. */
  readonly vpc?: boolean
}

export class FunctionStack extends Stack {
  constructor(scope: Construct, id: string, setUp: SetUp, { code, vpc = false }: FunctionStackOptions) {
    super(scope, id, { env: { account: setUp.functionAccount, region: setUp.region } })
    const role = new Role(this, 'ExecutionRole', {
      // Account B's trust policy names it.
      roleName: setUp.executionRoleName,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName(
          `service-role/${vpc ? 'AWSLambdaVPCAccessExecutionRole' : 'AWSLambdaBasicExecutionRole'}`,
        ),
      ],
      inlinePolicies: { AssumeTargetRole: PolicyDocument.fromJson(policiesOf(setUp).callerPolicy) },
    })
    new LambdaFunction(this, 'Function', {
      functionName: setUp.functionName,
      code: Code.fromAsset(code),
      handler: 'index.handler',
      role,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(10),
      memorySize: 512,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        CROSS_ACCOUNT_DYNAMO_ROLE_ARN: targetRoleArn(setUp),
        CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: setUp.externalId,
        TABLE_NAME: setUp.tableName,
      },
      ...(vpc && { vpc: new Network(this, 'Network', setUp).vpc }),
    })
  }
}
