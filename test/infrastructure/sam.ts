/** Reads the resources in the templates of examples/infrastructure/sam. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CollectionTag, parse, type ScalarTag } from 'yaml'
import { readTemplate, type Template } from './cloudformation.ts'
import {
  type AccountResources,
  createDeployment,
  DEPLOYMENT_TARGET,
  type DeployExample,
  EXAMPLES,
  type ExampleName,
} from './deployment.ts'

const FOLDER = join(import.meta.dirname, '../../examples/infrastructure/sam')

/** The paths of the templates in the folder, without `.yaml`. */
export const SAM_TEMPLATES = [
  'network',
  ...EXAMPLES.flatMap((example) => [`${example}/function`, `${example}/table`]),
]
const readText = (template: string): string => readFileSync(join(FOLDER, `${template}.yaml`), 'utf8')

/**
 * Returns the text of a template after the SAM transform, for a validator that knows only CloudFormation. For these
 * functions, the transform replaces only the type and the code.
 */
export const applySamTransform = (template: string): string =>
  readText(template)
    .replace(/^Transform:.*\n/m, '')
    .replace('AWS::Serverless::Function', 'AWS::Lambda::Function')
    .replace(/CodeUri:.*/, "Code: { ZipFile: '' }")

/** Creates the YAML tag of a short form of a CloudFormation function, such as `!Ref Name`. */
const createScalarTag = (tag: string, toFullForm: (text: string) => unknown): ScalarTag => ({
  tag,
  resolve: toFullForm,
})
const createSequenceTag = (name: string): CollectionTag => ({
  tag: `!${name}`,
  collection: 'seq',
  resolve: (node) => ({ [`Fn::${name}`]: node.toJSON() }),
})
const customTags = [
  createScalarTag('!Ref', (name) => ({ Ref: name })),
  createScalarTag('!Sub', (text) => ({ 'Fn::Sub': text })),
  createScalarTag('!GetAtt', (path) => ({ 'Fn::GetAtt': path.split('.') })),
  createScalarTag('!GetAZs', (region) => ({ 'Fn::GetAZs': region })),
  ...['Sub', 'If', 'Not', 'Equals', 'Join', 'Select'].map(createSequenceTag),
]

const parseText = (text: string): Template => parse(text, { customTags })
const parseTemplate = (template: string): Template => parseText(readText(template))

/** Returns a template after the SAM transform, with the full forms of the functions. */
export const readTransformedTemplate = (template: string): Template => parseText(applySamTransform(template))

/** Reads the resources that the template of account B creates. */
export const readTableTemplate = (example: ExampleName): AccountResources => {
  const { functionAccount, tableAccount, region, externalId: ExternalId } = DEPLOYMENT_TARGET
  return readTemplate(parseTemplate(`${example}/table`), {
    account: tableAccount,
    region,
    parameters: { FunctionAccountId: functionAccount, ExternalId },
  })
}

/** Reads the resources that the SAM commands in examples/infrastructure/README.md deploy. */
export const deploySam: DeployExample = async (example, { hasVpc }) => {
  const { functionAccount, tableAccount, region, externalId: ExternalId } = DEPLOYMENT_TARGET
  const functionTarget = { account: functionAccount, region }
  const functionTemplate = parseTemplate(`${example}/function`)
  const functionResources = readTemplate(functionTemplate, {
    ...functionTarget,
    parameters: {
      TableAccountId: tableAccount,
      ExternalId,
      ...(hasVpc && { SubnetIds: 'subnet-1,subnet-2', SecurityGroupIds: 'sg-1' }),
    },
  })
  const names = Object.entries(functionTemplate.Parameters ?? {})
    .filter(([name]) => ['ExecutionRoleName', 'TargetRoleName', 'TableName'].includes(name))
    .map(([name, { Default = '' }]) => [name, Default])
  const network = readTemplate(parseTemplate('network'), {
    ...functionTarget,
    parameters: { TableAccountId: tableAccount, ...Object.fromEntries(names) },
  })
  return createDeployment(
    { ...functionResources, endpoints: hasVpc ? network.endpoints : [] },
    readTableTemplate(example),
  )
}
