/** Reads the resources in the modules of examples/infrastructure/terraform. */
import { join } from 'node:path'
import {
  type AccountResources,
  createDeployment,
  DEPLOYMENT_TARGET,
  type DeployExample,
  parseManagedPolicyName,
} from './deployment.ts'
import { type AttributeResolver, type Json, loadModule, type TerraformModule } from './hcl.ts'

export const TERRAFORM_FOLDER = join(import.meta.dirname, '../../examples/infrastructure/terraform')

const ACCOUNT_BY_PROVIDER: Record<string, string> = {
  'aws.function_account': DEPLOYMENT_TARGET.functionAccount,
  'aws.table_account': DEPLOYMENT_TARGET.tableAccount,
}

const getAccount = (block: Json): string => {
  const account = ACCOUNT_BY_PROVIDER[String(block.provider).slice('${'.length, -'}'.length)]
  if (account === undefined)
    throw new Error(`This block must use the provider of account A or B: ${JSON.stringify(block)}`)
  return account
}

const resolveAttribute: AttributeResolver = (type, block, attribute, evaluate) => {
  const resourceName = evaluate(block.name)
  if (attribute === 'name') return resourceName
  if (type === 'aws_iam_role' && attribute === 'arn')
    return `arn:aws:iam::${getAccount(block)}:role/${resourceName}`
  if (type === 'aws_dynamodb_table' && attribute === 'arn')
    return `arn:aws:dynamodb:${DEPLOYMENT_TARGET.region}:${getAccount(block)}:table/${resourceName}`
  throw new Error(`Add the attribute ${attribute} of ${type} to resolveAttribute().`)
}

/** Reads the resources that `terraform apply` creates. */
export const deployTerraform: DeployExample = async (example, { hasVpc }) => {
  const variables = {
    region: DEPLOYMENT_TARGET.region,
    external_id: DEPLOYMENT_TARGET.externalId,
    vpc: hasVpc,
  }
  const root = await loadModule(join(TERRAFORM_FOLDER, example), variables, resolveAttribute)
  const { source, providers, count, ...inputs } = root.getModuleCall('network')
  const networkCount = root.evaluate(count)
  if (getAccount({ provider: providers.aws }) !== DEPLOYMENT_TARGET.functionAccount)
    throw new Error('The network module must use the provider of account A.')
  const network = await loadModule(
    join(TERRAFORM_FOLDER, example, source),
    root.evaluate(inputs),
    resolveAttribute,
  )
  const functionResources = readAccount(root, DEPLOYMENT_TARGET.functionAccount, networkCount)
  const endpoints = networkCount === 1 ? readEndpoints(network) : []
  const tableResources = readAccount(root, DEPLOYMENT_TARGET.tableAccount, networkCount)
  return createDeployment({ ...functionResources, endpoints }, tableResources)
}

const readAccount = (
  { getResources, evaluate }: TerraformModule,
  account: string,
  networkCount: number,
): AccountResources => {
  const getBlocks = (type: string) =>
    Object.values(getResources(type)).filter((block) => getAccount(block) === account)
  return {
    roles: getBlocks('aws_iam_role').map((role) => {
      const name = evaluate(role.name)
      const getBlocksOfRole = (type: string) =>
        getBlocks(type).filter((block) => evaluate(block.role) === name)
      return {
        name,
        trustPolicy: JSON.parse(evaluate(role.assume_role_policy)),
        policies: getBlocksOfRole('aws_iam_role_policy').map(({ policy }) => JSON.parse(evaluate(policy))),
        managedPolicies: getBlocksOfRole('aws_iam_role_policy_attachment').map(({ policy_arn }) =>
          parseManagedPolicyName(evaluate(policy_arn)),
        ),
      }
    }),
    tables: getBlocks('aws_dynamodb_table').map((block) => ({
      TableName: evaluate(block.name),
      AttributeDefinitions: block.attribute.map(({ name, type }: Json) => ({
        AttributeName: evaluate(name),
        AttributeType: evaluate(type),
      })),
      KeySchema: [
        { AttributeName: evaluate(block.hash_key), KeyType: 'HASH' as const },
        ...(block.range_key ? [{ AttributeName: evaluate(block.range_key), KeyType: 'RANGE' as const }] : []),
      ],
      BillingMode: evaluate(block.billing_mode),
      DeletionProtectionEnabled: evaluate(block.deletion_protection_enabled),
    })),
    functions: getBlocks('aws_lambda_function').map((block) => ({
      FunctionName: evaluate(block.function_name),
      Runtime: evaluate(block.runtime),
      Architectures: evaluate(block.architectures),
      Handler: evaluate(block.handler),
      Timeout: evaluate(block.timeout),
      MemorySize: evaluate(block.memory_size),
      LogFormat: evaluate(block.logging_config[0].log_format),
      Role: evaluate(block.role),
      Variables: evaluate(block.environment[0].variables),
      isInVpc: block.dynamic.vpc_config[0].for_each.includes('module.network') && networkCount === 1,
    })),
    endpoints: [],
  }
}

const readEndpoints = ({ getResources, evaluate }: TerraformModule): AccountResources['endpoints'] =>
  Object.values(getResources('aws_vpc_endpoint')).map((block) => ({
    service: evaluate(block.service_name),
    type: evaluate(block.vpc_endpoint_type),
    hasPrivateDns: evaluate(block.private_dns_enabled) === true,
    policy: JSON.parse(evaluate(block.policy)),
  }))
