/** Reads the resources that the Serverless Framework creates from the files of examples/infrastructure/serverless. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AWS } from '@serverless/typescript'
import { parse } from 'yaml'
import {
  type AccountResources,
  createDeployment,
  DEPLOYMENT_TARGET,
  type DeployExample,
} from './deployment.ts'
import { readTableTemplate } from './sam.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'examples/infrastructure/serverless')

const { functionAccount, tableAccount, externalId } = DEPLOYMENT_TARGET

/** The parameters of the command in examples/infrastructure/README.md. */
const PARAMETERS: Record<string, string> = { tableAccountId: tableAccount, externalId }

export const readServerlessText = (example: string): string =>
  readFileSync(join(FOLDER, example, 'serverless.yml'), 'utf8')

/** Parses a file and replaces its variables. The files use only the variables `${param:…}`. */
export const resolveServerless = (text: string): AWS => {
  const defaults: Record<string, string> = parse(text).params.default
  const resolve = (value: string): string =>
    value.replace(/\$\{(\w+):(\w+)\}/g, (variable, source, name) => {
      const parameter = PARAMETERS[name] ?? defaults[name]
      if (source !== 'param' || parameter === undefined) throw new Error(`${variable} has no value.`)
      return resolve(parameter)
    })
  return parse(resolve(text))
}

/**
 * Compiles a configuration with the types of Serverless Framework 4, which are generated from its schema. Returns the errors of the
 * compiler.
 */
export const checkServerlessTypes = (configuration: AWS): string => {
  const folder = mkdtempSync(join(tmpdir(), 'serverless-'))
  try {
    const types = join(ROOT, 'node_modules/@serverless/typescript/index.d.ts')
    writeFileSync(
      join(folder, 'serverless.ts'),
      `import type { AWS } from ${JSON.stringify(types)}
export const configuration: AWS = ${JSON.stringify(configuration, undefined, 2)}
`,
    )
    const { stdout, error } = spawnSync(
      join(ROOT, 'node_modules/.bin/tsc'),
      [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--pretty',
        'false',
        '--module',
        'nodenext',
        '--target',
        'es2024',
        'serverless.ts',
      ],
      { cwd: folder, encoding: 'utf8' },
    )
    if (error !== undefined) throw error
    return stdout.trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const LAMBDA_TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
}

/**
 * Reads the resources of account A as the framework creates them: one role for all functions, with the statements of the file. The
 * framework also adds statements that allow the function to write its logs, which are not part of the file.
 */
const readFunctionAccount = ({ provider, functions = {} }: AWS): AccountResources => {
  const { role } = provider.iam ?? {}
  if (typeof role !== 'object' || !('statements' in role) || role.name === undefined)
    throw new Error('The file must contain the name and the statements of the execution role.')
  const { name, statements = [] } = role
  return {
    roles: [
      {
        name,
        trustPolicy: LAMBDA_TRUST_POLICY,
        policies: [{ Version: '2012-10-17', Statement: statements }],
        managedPolicies: [],
      },
    ],
    tables: [],
    recoverableTables: [],
    functions: Object.values(functions).map((settings) => ({
      FunctionName: settings.name ?? '',
      Runtime: provider.runtime ?? '',
      Architectures: [provider.architecture ?? ''],
      Handler: settings.handler ?? '',
      Timeout: provider.timeout ?? 0,
      MemorySize: Number(provider.memorySize),
      LogFormat: provider.logs?.lambda?.logFormat ?? '',
      Role: `arn:aws:iam::${functionAccount}:role/${name}`,
      Variables: provider.environment as Record<string, string>,
      isInVpc: provider.vpc !== undefined,
    })),
    endpoints: [],
  }
}

/** Reads the resources that the commands in examples/infrastructure/README.md deploy. The table is that of the SAM example. */
export const deployServerless: DeployExample = async (example) =>
  createDeployment(
    readFunctionAccount(resolveServerless(readServerlessText(example))),
    readTableTemplate(example),
  )
