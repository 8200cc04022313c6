/** The stack of account A: the function, and an execution role that can assume the role in account B. */
import { Duration, Stack } from 'aws-cdk-lib'
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { grantCrossAccountDynamo } from 'middy-cross-account-dynamo/cdk'
import type { ExampleSettings } from './example-settings.ts'
import { Network } from './network.ts'

export interface FunctionStackOptions {
  /** The path of the folder that contains the bundled handler. */
  readonly code: string
  /** Whether the stack creates a VPC for the function. The VPC reaches only STS and DynamoDB, through VPC endpoints. */
  readonly hasVpc?: boolean
}

export class FunctionStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    settings: ExampleSettings,
    { code, hasVpc = false }: FunctionStackOptions,
  ) {
    super(scope, id, { env: { account: settings.functionAccount, region: settings.region } })
    const role = new Role(this, 'ExecutionRole', {
      // The name is fixed, because the trust policy in account B contains the ARN of this role.
      roleName: settings.executionRoleName,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName(
          `service-role/${hasVpc ? 'AWSLambdaVPCAccessExecutionRole' : 'AWSLambdaBasicExecutionRole'}`,
        ),
      ],
    })
    const lambdaFunction = new LambdaFunction(this, 'Function', {
      functionName: settings.functionName,
      code: Code.fromAsset(code),
      handler: 'index.handler',
      role,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(10),
      memorySize: 512,
      loggingFormat: LoggingFormat.JSON,
      environment: { TABLE_NAME: settings.tableName },
      ...(hasVpc && { vpc: new Network(this, 'Network', settings).vpc }),
    })
    grantCrossAccountDynamo(lambdaFunction, settings.session)
  }
}
