/** Reads the resources of a CloudFormation template. Supports only the functions and attributes that the examples use. */
import type { PolicyDocument } from '../sandbox/index.ts'
import { type AccountResources, parseManagedPolicyName } from './deployment.ts'

// biome-ignore lint/suspicious/noExplicitAny: Templates contain JSON of any shape.
type Json = any

export interface Template {
  Parameters?: Record<string, { Default?: string }>
  Conditions?: Record<string, Json>
  Resources: Record<string, { Type: string; Properties: Json }>
}

/** The account and the Region that a stack is deployed to, and its parameters. */
export interface StackTarget {
  account: string
  region: string
  parameters?: Record<string, string>
}

const NO_VALUE = Symbol('AWS::NoValue')

/** Returns the properties of the resources, in which all functions are replaced by their results. */
function resolveResources(template: Template, { account, region, parameters = {} }: StackTarget) {
  const pseudoParameters: Record<string, Json> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::NoValue': NO_VALUE,
  }
  const unknownParameters = Object.keys(parameters).filter(
    (name) => template.Parameters?.[name] === undefined,
  )
  if (unknownParameters.length > 0)
    throw new Error(`The template has no parameter ${unknownParameters.join(', ')}.`)

  const resolveRef = (name: string): Json => {
    if (name in pseudoParameters) return pseudoParameters[name]
    const resource = template.Resources[name]
    if (resource !== undefined) {
      const { RoleName, TableName } = resource.Properties
      return resolve(RoleName ?? TableName ?? name)
    }
    const value = parameters[name] ?? template.Parameters?.[name]?.Default
    if (value === undefined) throw new Error(`${name} is neither a resource nor a parameter with a value.`)
    return value
  }
  const getAttribute = (name: string, attribute: string): string => {
    const { Type } = template.Resources[name] ?? {}
    if (Type === 'AWS::IAM::Role' && attribute === 'Arn')
      return `arn:aws:iam::${account}:role/${resolveRef(name)}`
    if (Type === 'AWS::DynamoDB::Table' && attribute === 'Arn')
      return `arn:aws:dynamodb:${region}:${account}:table/${resolveRef(name)}`
    if (Type?.startsWith('AWS::EC2::')) return `${name}.${attribute}`
    throw new Error(`Add the attribute ${name}.${attribute} to getAttribute().`)
  }
  const functions: Record<string, (argument: Json) => Json> = {
    Ref: resolveRef,
    'Fn::GetAtt': ([name, attribute]) => getAttribute(name, attribute),
    'Fn::Join': ([separator, parts]) => [resolve(parts)].flat().join(separator),
    'Fn::Sub': (argument) => {
      const [text, values = {}] = [argument].flat()
      return text.replace(/\$\{(!?)([^}]+)\}/g, (_: string, exclamationMark: string, name: string) =>
        exclamationMark ? `\${${name}}` : resolve(values[name] ?? { Ref: name }),
      )
    },
    'Fn::If': ([condition, ifTrue, ifFalse]) =>
      resolve(resolve(template.Conditions?.[condition]) ? ifTrue : ifFalse),
    'Fn::Equals': ([left, right]) => resolve(left) === resolve(right),
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
      const callFunction = functions[name]
      if (callFunction === undefined) throw new Error(`Add the function ${name} to resolveResources().`)
      return callFunction(argument)
    }
    return Object.fromEntries(
      entries.map(([key, value]) => [key, resolve(value)]).filter(([, value]) => value !== NO_VALUE),
    )
  }
  return Object.values(template.Resources).map(({ Type, Properties }) => ({ Type, ...resolve(Properties) }))
}

/** Reads the resources that the tests check. */
export function readTemplate(template: Template, target: StackTarget): AccountResources {
  const resources = resolveResources(template, target)
  const getResources = (...types: string[]) => resources.filter(({ Type }) => types.includes(Type))
  // In a role, an inline policy is a property. The CDK writes a policy that it changes later as a resource of its own.
  const separatePolicies = getResources('AWS::IAM::Policy')
  return {
    roles: getResources('AWS::IAM::Role').map((role) => ({
      name: role.RoleName,
      trustPolicy: role.AssumeRolePolicyDocument,
      policies: [
        ...(role.Policies ?? []),
        ...separatePolicies.filter(({ Roles }) => Roles.includes(role.RoleName)),
      ].map((policy: Json): PolicyDocument => policy.PolicyDocument),
      managedPolicies: (role.ManagedPolicyArns ?? []).map(parseManagedPolicyName),
    })),
    // CloudFormation and CreateTable use the same property names.
    tables: getResources('AWS::DynamoDB::Table').map(
      ({ TableName, AttributeDefinitions, KeySchema, BillingMode, DeletionProtectionEnabled }) => ({
        TableName,
        AttributeDefinitions,
        KeySchema,
        BillingMode,
        DeletionProtectionEnabled,
      }),
    ),
    recoverableTables: getResources('AWS::DynamoDB::Table')
      .filter((table) => table.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled === true)
      .map((table) => table.TableName),
    functions: getResources('AWS::Lambda::Function', 'AWS::Serverless::Function').map((settings) => ({
      FunctionName: settings.FunctionName,
      Runtime: settings.Runtime,
      Architectures: settings.Architectures,
      Handler: settings.Handler,
      Timeout: settings.Timeout,
      MemorySize: settings.MemorySize,
      LogFormat: settings.LoggingConfig.LogFormat,
      Role: settings.Role,
      Variables: settings.Environment.Variables,
      isInVpc: settings.VpcConfig !== undefined,
    })),
    endpoints: getResources('AWS::EC2::VPCEndpoint').map((endpoint) => ({
      service: endpoint.ServiceName,
      type: endpoint.VpcEndpointType,
      hasPrivateDns: endpoint.PrivateDnsEnabled === true,
      policy: endpoint.PolicyDocument,
    })),
  }
}
