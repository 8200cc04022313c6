/** What examples/infrastructure/sam says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CollectionTag, parse, type ScalarTag } from 'yaml'
import { readTemplate, type Template } from './cloudformation.ts'
import { type Deploy, deployment, TARGET } from './deployment.ts'

const FOLDER = join(import.meta.dirname, '../../examples/infrastructure/sam')
export const TEMPLATES = [
  'network',
  ...['textbook', 'pooled-tenants'].flatMap((setUp) => [`${setUp}/function`, `${setUp}/table`]),
]
const textOf = (template: string): string => readFileSync(join(FOLDER, `${template}.yaml`), 'utf8')

/**
 * A template as the serverless transform makes it, for a validator that knows only the outcome: these functions are
 * copied as they are, but for their code.
 */
export const transformed = (template: string): string =>
  textOf(template)
    .replace(/^Transform:.*\n/m, '')
    .replace('AWS::Serverless::Function', 'AWS::Lambda::Function')
    .replace(/CodeUri:.*/, "Code: { ZipFile: '' }")

/** CloudFormation's short forms, `!Ref Name`. */
const scalar = (tag: string, value: (text: string) => unknown): ScalarTag => ({ tag, resolve: value })
const sequence = (name: string): CollectionTag => ({
  tag: `!${name}`,
  collection: 'seq',
  resolve: (node) => ({ [`Fn::${name}`]: node.toJSON() }),
})
const customTags = [
  scalar('!Ref', (name) => ({ Ref: name })),
  scalar('!Sub', (text) => ({ 'Fn::Sub': text })),
  scalar('!GetAtt', (path) => ({ 'Fn::GetAtt': path.split('.') })),
  scalar('!GetAZs', (region) => ({ 'Fn::GetAZs': region })),
  ...['Sub', 'If', 'Not', 'Equals', 'Join', 'Select'].map(sequence),
]

const read = (template: string): Template => parse(textOf(template), { customTags })

/** As the commands in examples/infrastructure/README.md deploy it. */
export const sam: Deploy = async (setUp, { vpc }) => {
  const { functionAccount, tableAccount, region, externalId: ExternalId } = TARGET
  const inA = { account: functionAccount, region }
  const fn = readTemplate(read(`${setUp}/function`), {
    ...inA,
    parameters: {
      TableAccountId: tableAccount,
      ExternalId,
      ...(vpc && { SubnetIds: 'subnet-1,subnet-2', SecurityGroupIds: 'sg-1' }),
    },
  })
  const table = readTemplate(read(`${setUp}/table`), {
    account: tableAccount,
    region,
    parameters: { FunctionAccountId: functionAccount, ExternalId },
  })
  const names = Object.entries(read(`${setUp}/function`).Parameters ?? {})
    .filter(([name]) => ['ExecutionRoleName', 'TargetRoleName', 'TableName'].includes(name))
    .map(([name, { Default = '' }]) => [name, Default])
  const network = readTemplate(read('network'), {
    ...inA,
    parameters: { TableAccountId: tableAccount, ...Object.fromEntries(names) },
  })
  return deployment({ ...fn, endpoints: vpc ? network.endpoints : [] }, table)
}
