/** A VPC without a way out but to STS and DynamoDB, and through their endpoints only to what the function needs. */
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
import { executionRoleArn, type SetUp, tableArn, targetRoleArn } from './set-ups.ts'

export class Network extends Construct {
  readonly vpc: IVpc

  constructor(scope: Construct, id: string, setUp: SetUp) {
    super(scope, id)
    const vpc = new Vpc(this, 'Vpc', {
      // Without a look-up in the account.
      availabilityZones: [0, 1].map((index) => Fn.select(index, Fn.getAzs())),
      subnetConfiguration: [{ name: 'Function', subnetType: SubnetType.PRIVATE_ISOLATED }],
    })
    // Under exactOptionalPropertyTypes a Vpc is no IVpc.
    this.vpc = vpc as IVpc
    // Its private DNS, on by default, gives it the name that the SDK calls: that of STS in the function's Region.
    const sts = vpc.addInterfaceEndpoint('Sts', { service: InterfaceVpcEndpointAwsService.STS })
    sts.addToPolicy(
      new PolicyStatement({
        principals: [new StarPrincipal()],
        actions: ['sts:AssumeRole', 'sts:TagSession'],
        resources: [targetRoleArn(setUp)],
        conditions: { ArnEquals: { 'aws:PrincipalArn': executionRoleArn(setUp) } },
      }),
    )
    // A gateway reaches tables of its own Region only, whichever account they are in.
    const dynamodb = vpc.addGatewayEndpoint('DynamoDB', {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
    })
    dynamodb.addToPolicy(
      new PolicyStatement({
        // A gateway knows principals by conditions only.
        principals: [new StarPrincipal()],
        actions: ['dynamodb:*'],
        resources: [tableArn(setUp)],
        conditions: { ArnEquals: { 'aws:PrincipalArn': targetRoleArn(setUp) } },
      }),
    )
  }
}
