/** Tests the published Terraform modules with an evaluator. `terraform-modules.long.test.ts` tests them with Terraform. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { readConfiguration } from '../../src/configuration/configuration.ts'
import type { SessionRequest } from '../../src/identity/session-function.ts'
import { toAssumeRoleInput } from '../../src/identity/session-parameters.ts'
import { DEPLOYMENT_TARGET } from './deployment.ts'
import { loadModule, type TerraformModule } from './hcl.ts'
import type { Json } from './hcl-expression.ts'
import { normalize } from './normalize.ts'
import {
  arbitraryOptions,
  createSessionFunction,
  INVALID_COMBINATIONS,
  INVALID_VARIABLES,
  NAMED_OPTIONS,
  toExpectedParameters,
  toModuleVariables,
  VALID_VARIABLES,
} from './policy-samples.ts'
import { MODULES_FOLDER, resolveAttribute } from './terraform.ts'

const { functionAccount, tableAccount, region } = DEPLOYMENT_TARGET

let evaluateTargetRole: (variables: Json) => TerraformModule
let evaluateCaller: (variables: Json) => TerraformModule
beforeAll(async () => {
  const load = async (name: string, account: string) => {
    const evaluateModule = await loadModule(join(MODULES_FOLDER, name))
    return (variables: Json) => evaluateModule({ variables, providers: { aws: account }, resolveAttribute })
  }
  evaluateTargetRole = await load('target-role', tableAccount)
  evaluateCaller = await load('caller', functionAccount)
})

const readOnlyResource = (module: TerraformModule, type: string): Json => {
  const [resource, ...others] = module.listResources(type)
  expect(others).toEqual([])
  return resource?.arguments
}

const checkDocuments = (options: CrossAccountPoliciesOptions): void => {
  const variables = toModuleVariables(options)
  const targetRole = evaluateTargetRole(variables.targetRole)
  const caller = evaluateCaller(variables.caller)
  expect([...targetRole.findProblems(), ...caller.findProblems()]).toEqual([])
  const role = readOnlyResource(targetRole, 'aws_iam_role')
  const rolePolicy = readOnlyResource(targetRole, 'aws_iam_role_policy')
  const callerPolicy = readOnlyResource(caller, 'aws_iam_role_policy')
  const { warnings: _, ...documents } = crossAccountPolicies(options)
  expect(
    normalize({
      trustPolicy: JSON.parse(role.assume_role_policy),
      permissionsPolicy: JSON.parse(rolePolicy.policy),
      callerPolicy: JSON.parse(callerPolicy.policy),
    }),
  ).toEqual(normalize(documents))
  expect(rolePolicy.role).toBe(role.name)
  expect(callerPolicy.role).toBe('LambdaExecutionRole')
  expect(targetRole.outputs.role_arn).toBe(options.roleArn)
}

/** Reads the output `environment` with the middleware, and compares the AssumeRole request with the options. */
const checkEnvironment = async (options: CrossAccountPoliciesOptions): Promise<void> => {
  const { environment } = evaluateCaller(toModuleVariables(options).caller).outputs
  const session = createSessionFunction(options)
  const configuration = readConfiguration(session ? { session } : {}, { ...environment, AWS_REGION: region })
  const parameters = await configuration.resolveParameters({
    event: {},
    context: {},
  } as unknown as SessionRequest)
  const { Tags = [], TransitiveTagKeys = [], ...others } = toAssumeRoleInput(parameters)
  const { RoleArn, ExternalId, SourceIdentity } = others
  expect({
    RoleArn,
    ExternalId,
    SourceIdentity,
    TransitiveTagKeys,
    Tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
  }).toEqual(toExpectedParameters(options))
  expect(configuration.region).toBe(options.region)
}

describe('the Terraform modules', () => {
  test.each(Object.entries(NAMED_OPTIONS))(
    'the documents equal those of crossAccountPolicies(): %s',
    (_, options) => checkDocuments(options),
  )
  test.each(Object.entries(NAMED_OPTIONS))(
    'the environment gives the session parameters that the trust policy requires: %s',
    (_, options) => checkEnvironment(options),
  )

  test('documents and environment are right for any combination of options', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryOptions, async (options) => {
        checkDocuments(options)
        await checkEnvironment(options)
      }),
    )
  })

  test.each(INVALID_VARIABLES)('the module %s reports: %s … (%#)', (module, message, variables) => {
    const evaluateModule = module === 'caller' ? evaluateCaller : evaluateTargetRole
    const problems = evaluateModule({ ...VALID_VARIABLES[module], ...variables }).findProblems()
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${message}`)))
  })

  test.each(INVALID_COMBINATIONS)(
    'the module of the target role reports: %s … (%#)',
    (message, variables) => {
      const problems = evaluateTargetRole({ ...VALID_VARIABLES.targetRole, ...variables }).findProblems()
      expect(problems).toEqual([expect.stringMatching(new RegExp(`^${message}`))])
    },
  )

  it('has the same variable session in both modules', () => {
    const [inTargetRole, inCaller] = ['target-role', 'caller'].map((name) =>
      readFileSync(join(MODULES_FOLDER, name, 'session.tf'), 'utf8'),
    )
    expect(inTargetRole).toBe(inCaller)
  })

  it('writes variables with another prefix', () => {
    const { outputs } = evaluateCaller({ ...VALID_VARIABLES.caller, env_prefix: 'ORDERS' })
    expect(outputs.environment).toEqual({ ORDERS_ROLE_ARN: VALID_VARIABLES.caller.role_arn })
  })
})
