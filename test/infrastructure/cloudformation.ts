/** What CloudFormation makes of a template: its functions are resolved as far as these templates use them. */
import type { PolicyDocument } from '../sandbox/index.ts'
import { type Found, managedPolicyName } from './deployment.ts'

// biome-ignore lint/suspicious/noExplicitAny: templates are JSON of many shapes
type Json = any

export interface Template {
  Parameters?: Record<string, { Default?: string }>
  Conditions?: Record<string, Json>
  Resources: Record<string, { Type: string; Properties: Json }>
}

export interface Target {
  account: string
  region: string
  parameters?: Record<string, string>
}

const NO_VALUE = Symbol('AWS::NoValue')

/** The template's resources as they are in that account. */
function resolveResources(template: Template, { account, region, parameters = {} }: Target) {
  const pseudo: Record<string, Json> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::NoValue': NO_VALUE,
  }
  const unknown = Object.keys(parameters).filter((name) => template.Parameters?.[name] === undefined)
  if (unknown.length > 0) throw new Error(`the template has no parameter ${unknown.join(', ')}`)

  const ref = (name: string): Json => {
    if (name in pseudo) return pseudo[name]
    const resource = template.Resources[name]
    if (resource !== undefined) {
      const { RoleName, TableName } = resource.Properties
      return resolve(RoleName ?? TableName ?? name)
    }
    const value = parameters[name] ?? template.Parameters?.[name]?.Default
    if (value === undefined) throw new Error(`${name} is neither a resource nor a parameter with a value`)
    return value
  }
  const attribute = (name: string, of: string): string => {
    const { Type } = template.Resources[name] ?? {}
    if (Type === 'AWS::IAM::Role' && of === 'Arn') return `arn:aws:iam::${account}:role/${ref(name)}`
    if (Type === 'AWS::DynamoDB::Table' && of === 'Arn')
      return `arn:aws:dynamodb:${region}:${account}:table/${ref(name)}`
    if (Type?.startsWith('AWS::EC2::')) return `${name}.${of}`
    throw new Error(`${name}.${of} is unknown to this test`)
  }
  const functions: Record<string, (argument: Json) => Json> = {
    Ref: ref,
    'Fn::GetAtt': ([name, of]) => attribute(name, of),
    'Fn::Join': ([separator, parts]) => [resolve(parts)].flat().join(separator),
    'Fn::Sub': (argument) => {
      const [text, values = {}] = [argument].flat()
      return text.replace(/\$\{(!?)([^}]+)\}/g, (_: string, literal: string, name: string) =>
        literal ? `\${${name}}` : resolve(values[name] ?? { Ref: name }),
      )
    },
    'Fn::If': ([condition, yes, no]) => resolve(resolve(template.Conditions?.[condition]) ? yes : no),
    'Fn::Equals': ([one, other]) => resolve(one) === resolve(other),
    'Fn::Not': ([condition]) => !resolve(condition),
    'Fn::Select': ([index, list]) => resolve(list)[index],
    'Fn::GetAZs': () => [`${region}a`, `${region}b`],
  }
  const resolve = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(resolve).filter((item) => item !== NO_VALUE)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node)
    const [name = '', argument] = entries[0] ?? []
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      const apply = functions[name]
      if (apply === undefined) throw new Error(`${name} is unknown to this test`)
      return apply(argument)
    }
    return Object.fromEntries(
      entries.map(([key, value]) => [key, resolve(value)]).filter(([, value]) => value !== NO_VALUE),
    )
  }
  return Object.values(template.Resources).map(({ Type, Properties }) => ({ Type, ...resolve(Properties) }))
}

/** What the tests look at in a template. */
export function readTemplate(template: Template, target: Target): Found {
  const resources = resolveResources(template, target)
  const ofType = (...types: string[]) => resources.filter(({ Type }) => types.includes(Type))
  return {
    roles: ofType('AWS::IAM::Role').map((role) => ({
      name: role.RoleName,
      trustPolicy: role.AssumeRolePolicyDocument,
      policies: (role.Policies ?? []).map((policy: Json): PolicyDocument => policy.PolicyDocument),
      managedPolicies: (role.ManagedPolicyArns ?? []).map(managedPolicyName),
    })),
    // The words of CloudFormation are those of CreateTable.
    tables: ofType('AWS::DynamoDB::Table').map(
      ({ TableName, AttributeDefinitions, KeySchema, BillingMode, DeletionProtectionEnabled }) => ({
        TableName,
        AttributeDefinitions,
        KeySchema,
        BillingMode,
        DeletionProtectionEnabled,
      }),
    ),
    functions: ofType('AWS::Lambda::Function', 'AWS::Serverless::Function').map((settings) => ({
      FunctionName: settings.FunctionName,
      Runtime: settings.Runtime,
      Architectures: settings.Architectures,
      Handler: settings.Handler,
      Timeout: settings.Timeout,
      MemorySize: settings.MemorySize,
      LogFormat: settings.LoggingConfig.LogFormat,
      Role: settings.Role,
      Variables: settings.Environment.Variables,
      inVpc: settings.VpcConfig !== undefined,
    })),
    endpoints: ofType('AWS::EC2::VPCEndpoint').map((endpoint) => ({
      service: endpoint.ServiceName,
      type: endpoint.VpcEndpointType,
      privateDns: endpoint.PrivateDnsEnabled === true,
      policy: endpoint.PolicyDocument,
    })),
  }
}
