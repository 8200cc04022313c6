/** Reads the resources that the Terraform configurations in examples/infrastructure/terraform create. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import {
  type AccountResources,
  createDeployment,
  DEPLOYMENT_TARGET,
  type DeployExample,
  parseManagedPolicyName,
} from './deployment.ts'
import { type AttributeResolver, loadModule, type Resource, type TerraformModule } from './hcl.ts'
import type { Json } from './hcl-expression.ts'

/** The folder of the published modules. */
export const MODULES_FOLDER = join(import.meta.dirname, '../../terraform')
/** The folder of the examples. */
export const TERRAFORM_FOLDER = join(import.meta.dirname, '../../examples/infrastructure/terraform')

export const isTerraformInstalled: boolean = spawnSync('terraform', ['version']).error === undefined

const { functionAccount, tableAccount, region, externalId } = DEPLOYMENT_TARGET

/** Resolves the attributes that the AWS provider returns. */
export const resolveAttribute: AttributeResolver = ({ type, account, arguments: given }, attribute) => {
  switch (`${type}.${attribute}`) {
    case 'aws_iam_role.arn':
      return `arn:aws:iam::${account}:role${given.path ?? '/'}${given.name}`
    case 'aws_dynamodb_table.arn':
      return `arn:aws:dynamodb:${region}:${account}:table/${given.name}`
    case 'data.aws_caller_identity.account_id':
      return account
    case 'data.aws_partition.partition':
      return 'aws'
    case 'data.aws_region.region':
      return region
    default:
      if (type.startsWith('aws_') && attribute === 'id') return `${type}-id`
      throw new Error(`Add the attribute ${attribute} of ${type} to resolveAttribute().`)
  }
}

/** Reads the resources that `terraform apply` creates. */
export const deployTerraform: DeployExample = async (example, { hasVpc }) => {
  const evaluateRoot = await loadModule(join(TERRAFORM_FOLDER, example))
  const root = evaluateRoot({
    variables: {
      function_profile: 'account-a',
      table_profile: 'account-b',
      region,
      external_id: externalId,
      vpc: hasVpc,
    },
    providers: { function_account: functionAccount, table_account: tableAccount },
    resolveAttribute,
  })
  const problems = root.findProblems()
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return createDeployment(readAccount(root, functionAccount), readAccount(root, tableAccount))
}

const readAccount = (module: TerraformModule, account: string): AccountResources => {
  const listArguments = (type: string): Resource['arguments'][] =>
    module
      .listResources(type)
      .filter((resource) => resource.account === account)
      .map((resource) => resource.arguments)
  return {
    roles: listArguments('aws_iam_role').map(({ name, assume_role_policy }) => {
      const listArgumentsOfRole = (type: string) => listArguments(type).filter(({ role }) => role === name)
      return {
        name,
        trustPolicy: JSON.parse(assume_role_policy),
        policies: listArgumentsOfRole('aws_iam_role_policy').map(({ policy }) => JSON.parse(policy)),
        managedPolicies: listArgumentsOfRole('aws_iam_role_policy_attachment').map(({ policy_arn }) =>
          parseManagedPolicyName(policy_arn),
        ),
      }
    }),
    tables: listArguments('aws_dynamodb_table').map((table) => ({
      TableName: table.name,
      AttributeDefinitions: table.attribute.map(({ name, type }: Json) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: [
        { AttributeName: table.hash_key, KeyType: 'HASH' as const },
        ...(table.range_key ? [{ AttributeName: table.range_key, KeyType: 'RANGE' as const }] : []),
      ],
      BillingMode: table.billing_mode,
      DeletionProtectionEnabled: table.deletion_protection_enabled,
    })),
    recoverableTables: listArguments('aws_dynamodb_table')
      .filter(({ point_in_time_recovery: recovery }) => recovery?.[0].enabled === true)
      .map(({ name }) => name),
    functions: listArguments('aws_lambda_function').map((settings) => ({
      FunctionName: settings.function_name,
      Runtime: settings.runtime,
      Architectures: settings.architectures,
      Handler: settings.handler,
      Timeout: settings.timeout,
      MemorySize: settings.memory_size,
      LogFormat: settings.logging_config[0].log_format,
      Role: settings.role,
      Variables: settings.environment[0].variables,
      isInVpc: settings.dynamic.vpc_config.length > 0,
    })),
    endpoints: listArguments('aws_vpc_endpoint').map((endpoint) => ({
      service: endpoint.service_name,
      type: endpoint.vpc_endpoint_type,
      hasPrivateDns: endpoint.private_dns_enabled === true,
      policy: JSON.parse(endpoint.policy),
    })),
  }
}
