/** A VPC that reaches only STS and DynamoDB. The endpoint policies allow only the roles and the table of the example. */
import { Fn } from 'aws-cdk-lib'
import {
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { type ExampleSettings, toExecutionRoleArn, toTableArn } from './example-settings.ts'

export class Network extends Construct {
  readonly vpc: IVpc

  constructor(scope: Construct, id: string, settings: ExampleSettings) {
    super(scope, id)
    const vpc = new Vpc(this, 'Vpc', {
      // Fn::GetAZs selects the Availability Zones at deployment, so CDK does not need credentials to look them up.
      availabilityZones: [0, 1].map((index) => Fn.select(index, Fn.getAzs())),
      subnetConfiguration: [{ name: 'Function', subnetType: SubnetType.PRIVATE_ISOLATED }],
    })
    // With TypeScript's exactOptionalPropertyTypes, Vpc is not assignable to IVpc.
    this.vpc = vpc as IVpc
    // CDK turns on private DNS, so the Regional STS endpoint name that the SDK uses resolves to this endpoint.
    const sts = vpc.addInterfaceEndpoint('Sts', { service: InterfaceVpcEndpointAwsService.STS })
    sts.addToPolicy(
      new PolicyStatement({
        principals: [new StarPrincipal()],
        actions: ['sts:AssumeRole', 'sts:TagSession'],
        resources: [settings.session.roleArn],
        conditions: { ArnEquals: { 'aws:PrincipalArn': toExecutionRoleArn(settings) } },
      }),
    )
    // A gateway endpoint reaches tables in all accounts, but only in its own Region.
    const dynamodb = vpc.addGatewayEndpoint('DynamoDB', {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
    })
    dynamodb.addToPolicy(
      new PolicyStatement({
        // Policies of gateway endpoints cannot name principals. The condition restricts them instead.
        principals: [new StarPrincipal()],
        actions: ['dynamodb:*'],
        // The role decides whether the function can read the indexes of the table.
        resources: [toTableArn(settings), `${toTableArn(settings)}/index/*`],
        conditions: { ArnEquals: { 'aws:PrincipalArn': settings.session.roleArn } },
      }),
    )
  }
}
