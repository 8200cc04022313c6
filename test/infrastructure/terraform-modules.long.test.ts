/**
 * Tests the published Terraform modules with Terraform. Terraform cannot download the AWS provider in all environments, so the tests
 * run copies of the modules without the resources and data sources of the provider.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { DEPLOYMENT_TARGET } from './deployment.ts'
import { loadModule } from './hcl.ts'
import { normalize } from './normalize.ts'
import {
  arbitraryOptions,
  INVALID_COMBINATIONS,
  INVALID_VARIABLES,
  NAMED_OPTIONS,
  toModuleVariables,
  VALID_VARIABLES,
} from './policy-samples.ts'
import { isTerraformInstalled, MODULES_FOLDER, resolveAttribute } from './terraform.ts'

const { tableAccount, region } = DEPLOYMENT_TARGET
const FOLDER_BY_MODULE = { targetRole: 'target-role', caller: 'caller' }
type ModuleName = keyof typeof FOLDER_BY_MODULE

/** Returns the block `lifecycle` with the preconditions of the target role. */
const readPreconditions = (): string => {
  const [block] =
    /\n {2}lifecycle \{\n.*?\n {2}\}\n/s.exec(
      readFileSync(join(MODULES_FOLDER, 'target-role/main.tf'), 'utf8'),
    ) ?? []
  if (block === undefined) throw new Error('The module target-role has no preconditions.')
  return block
}

/** The text that replaces the resources, the data sources and the outputs of a module. */
const createReplacement = (module: ModuleName): string =>
  module === 'caller'
    ? `output "result" {
         value = { callerPolicy = jsonencode(local.caller_policy), environment = local.environment }
       }`
    : `locals {
         account_id = "${tableAccount}"
         partition  = "aws"
         region     = var.region == null ? "${region}" : var.region
       }
       resource "terraform_data" "preconditions" { ${readPreconditions()} }
       output "result" {
         value = {
           trustPolicy       = jsonencode(local.trust_policy)
           permissionsPolicy = jsonencode(local.permissions_policy)
         }
       }`

interface Call {
  module: ModuleName
  variables: Record<string, unknown>
}

const runTerraform = (folder: string, ...parameters: string[]) => {
  const { stdout, stderr, status, error } = spawnSync('terraform', parameters, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, CHECKPOINT_DISABLE: '1' },
  })
  if (error !== undefined) throw error
  return { status, stdout, stderr }
}

const folders: string[] = []
/** Writes a configuration that calls the modules. The names of the calls are `call_0`, `call_1` and so on. */
const writeConfiguration = (calls: readonly Call[]): string => {
  const folder = mkdtempSync(join(tmpdir(), 'terraform-'))
  folders.push(folder)
  for (const [module, name] of Object.entries(FOLDER_BY_MODULE)) {
    mkdirSync(join(folder, name))
    for (const file of ['session.tf', 'variables.tf', 'documents.tf'])
      copyFileSync(join(MODULES_FOLDER, name, file), join(folder, name, file))
    writeFileSync(join(folder, name, 'main.tf'), createReplacement(module as ModuleName))
  }
  const blocks = calls.map(({ module, variables }, index) => {
    // A JSON value is also a Terraform expression.
    const values = Object.entries(variables).map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`)
    return `module "call_${index}" {\n  source = "./${FOLDER_BY_MODULE[module]}"\n${values.join('\n')}\n}\n`
  })
  const results = calls.map((_, index) => `module.call_${index}.result`)
  writeFileSync(
    join(folder, 'main.tf'),
    `${blocks.join('')}output "results" {\n  value = [${results.join(', ')}]\n}\n`,
  )
  expect(runTerraform(folder, 'init', '-no-color')).toMatchObject({ status: 0 })
  return folder
}

/** Returns the output of each call. */
const evaluateCalls = (calls: readonly Call[]): Record<string, string>[] => {
  const folder = writeConfiguration(calls)
  expect(runTerraform(folder, 'plan', '-no-color', '-out=plan')).toMatchObject({ status: 0 })
  const plan = JSON.parse(runTerraform(folder, 'show', '-json', 'plan').stdout)
  return plan.planned_values.outputs.results.value
}

interface Diagnostic {
  detail: string
  /** The code of the cause, such as `module "call_0"`. */
  snippet: { context: string }
}

/** Returns the errors in the order in which Terraform reports them. */
const findErrors = (calls: readonly Call[]): Diagnostic[] =>
  runTerraform(writeConfiguration(calls), 'plan', '-json')
    .stdout.trim()
    .split('\n')
    .map((line): { diagnostic?: Diagnostic } => JSON.parse(line))
    .flatMap(({ diagnostic = [] }) => diagnostic)

const describeIfInstalled = isTerraformInstalled ? describe : describe.skip
const note = isTerraformInstalled ? '' : ' [skipped, because terraform is not installed]'
describeIfInstalled(`the Terraform modules, run by Terraform${note}`, () => {
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })

  describe('documents', () => {
    const samples = [
      ...Object.values(NAMED_OPTIONS),
      ...fc.sample(arbitraryOptions, { numRuns: 18, seed: 1 }),
    ]
    let results: Record<string, string>[]
    beforeAll(() => {
      results = evaluateCalls(
        samples.flatMap((options) => {
          const { targetRole, caller } = toModuleVariables(options)
          return [
            { module: 'targetRole', variables: targetRole },
            { module: 'caller', variables: caller },
          ]
        }),
      )
    })
    const parsePolicies = ({ environment: _, ...policies }: Record<string, string> = {}) =>
      Object.fromEntries(Object.entries(policies).map(([name, text]) => [name, JSON.parse(text)]))

    test(`Terraform returns the documents of crossAccountPolicies() for ${samples.length} configurations`, () => {
      for (const [index, options] of samples.entries()) {
        const { warnings: _, ...documents } = crossAccountPolicies(options)
        const returned = { ...parsePolicies(results[2 * index]), ...parsePolicies(results[2 * index + 1]) }
        expect(normalize(returned)).toEqual(normalize(documents))
      }
    })

    test('Terraform returns the environment that the evaluator of the other tests returns', async () => {
      const evaluateCaller = await loadModule(join(MODULES_FOLDER, 'caller'))
      for (const [index, options] of samples.entries()) {
        const { outputs } = evaluateCaller({
          variables: toModuleVariables(options).caller,
          providers: { aws: tableAccount },
          resolveAttribute,
        })
        expect(results[2 * index + 1]?.environment).toEqual(outputs.environment)
      }
    })
  })

  test(`Terraform refuses ${INVALID_VARIABLES.length} invalid values`, () => {
    const calls = INVALID_VARIABLES.map(([module, , variables]) => ({
      module,
      variables: { ...VALID_VARIABLES[module], ...variables },
    }))
    const errors = findErrors(calls)
    for (const [index, [, message]] of INVALID_VARIABLES.entries()) {
      const ofCall = errors.filter(({ snippet }) => snippet.context === `module "call_${index}"`)
      expect(ofCall).toContainEqual(
        expect.objectContaining({ detail: expect.stringMatching(new RegExp(`^${message}`)) }),
      )
    }
  })

  test(`Terraform refuses ${INVALID_COMBINATIONS.length} invalid combinations`, () => {
    const calls = INVALID_COMBINATIONS.map(([, variables]) => ({
      module: 'targetRole' as const,
      variables: { ...VALID_VARIABLES.targetRole, ...variables },
    }))
    // Terraform does not report which call a precondition belongs to.
    const details = findErrors(calls).map(({ detail }) => detail)
    expect(details.toSorted()).toEqual(
      INVALID_COMBINATIONS.map(([message]) => message)
        .toSorted()
        .map((message) => expect.stringMatching(new RegExp(`^${message}`))),
    )
  })

  test('Terraform refuses a session without an attribute, such as a misspelled external_id', () => {
    const { external_id: externalId, ...others } = VALID_VARIABLES.caller.session
    const variables = { ...VALID_VARIABLES.caller, session: { ...others, externalID: externalId } }
    expect(findErrors([{ module: 'caller', variables }])).toMatchObject([
      { detail: expect.stringContaining('attribute "external_id" is required') },
    ])
  })
})
