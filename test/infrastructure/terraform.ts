/** What examples/infrastructure/terraform says. */
import { join } from 'node:path'
import { type Deploy, deployment, type Found, managedPolicyName, TARGET } from './deployment.ts'
import { type Attribute, type Json, loadModule, type Module } from './hcl.ts'

export const FOLDER = join(import.meta.dirname, '../../examples/infrastructure/terraform')

const PROVIDERS: Record<string, string> = {
  'aws.function_account': TARGET.functionAccount,
  'aws.table_account': TARGET.tableAccount,
}

/** A block's account is its provider's. */
const accountOf = (block: Json): string => {
  const account = PROVIDERS[String(block.provider).slice('${'.length, -'}'.length)]
  if (account === undefined) throw new Error(`${JSON.stringify(block)} names the provider of no account`)
  return account
}

const attribute: Attribute = (type, block, name, value) => {
  const called = value(block.name)
  if (name === 'name') return called
  if (type === 'aws_iam_role' && name === 'arn') return `arn:aws:iam::${accountOf(block)}:role/${called}`
  if (type === 'aws_dynamodb_table' && name === 'arn')
    return `arn:aws:dynamodb:${TARGET.region}:${accountOf(block)}:table/${called}`
  throw new Error(`${name} of ${type} is unknown to this test`)
}

/** As `terraform apply` makes it. */
export const terraform: Deploy = async (setUp, { vpc }) => {
  const variables = { region: TARGET.region, external_id: TARGET.externalId, vpc }
  const root = await loadModule(join(FOLDER, setUp), variables, attribute)
  const { source, providers, count, ...inputs } = root.call('network')
  const times = root.value(count)
  if (accountOf({ provider: providers.aws }) !== TARGET.functionAccount)
    throw new Error('the network is not in account A')
  const network = await loadModule(join(FOLDER, setUp, source), root.value(inputs), attribute)
  const a = inAccount(root, TARGET.functionAccount, times)
  const endpoints = times === 1 ? endpointsOf(network) : []
  return deployment({ ...a, endpoints }, inAccount(root, TARGET.tableAccount, times))
}

const inAccount = ({ ofType, value }: Module, account: string, networks: number): Found => {
  const here = (type: string) => Object.values(ofType(type)).filter((block) => accountOf(block) === account)
  return {
    roles: here('aws_iam_role').map((role) => {
      const name = value(role.name)
      const ofRole = (type: string) => here(type).filter((block) => value(block.role) === name)
      return {
        name,
        trustPolicy: JSON.parse(value(role.assume_role_policy)),
        policies: ofRole('aws_iam_role_policy').map(({ policy }) => JSON.parse(value(policy))),
        managedPolicies: ofRole('aws_iam_role_policy_attachment').map(({ policy_arn }) =>
          managedPolicyName(value(policy_arn)),
        ),
      }
    }),
    tables: here('aws_dynamodb_table').map((block) => ({
      TableName: value(block.name),
      AttributeDefinitions: block.attribute.map(({ name, type }: Json) => ({
        AttributeName: value(name),
        AttributeType: value(type),
      })),
      KeySchema: [
        { AttributeName: value(block.hash_key), KeyType: 'HASH' as const },
        ...(block.range_key ? [{ AttributeName: value(block.range_key), KeyType: 'RANGE' as const }] : []),
      ],
      BillingMode: value(block.billing_mode),
      DeletionProtectionEnabled: value(block.deletion_protection_enabled),
    })),
    functions: here('aws_lambda_function').map((block) => ({
      FunctionName: value(block.function_name),
      Runtime: value(block.runtime),
      Architectures: value(block.architectures),
      Handler: value(block.handler),
      Timeout: value(block.timeout),
      MemorySize: value(block.memory_size),
      LogFormat: value(block.logging_config[0].log_format),
      Role: value(block.role),
      Variables: value(block.environment[0].variables),
      inVpc: block.dynamic.vpc_config[0].for_each.includes('module.network') && networks === 1,
    })),
    endpoints: [],
  }
}

const endpointsOf = ({ ofType, value }: Module): Found['endpoints'] =>
  Object.values(ofType('aws_vpc_endpoint')).map((block) => ({
    service: value(block.service_name),
    type: value(block.vpc_endpoint_type),
    privateDns: value(block.private_dns_enabled) === true,
    policy: JSON.parse(value(block.policy)),
  }))
