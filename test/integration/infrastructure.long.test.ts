/** Tests that `examples/infrastructure/` creates what the documentation requires, and that the handlers run on it. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import {
  type CrossAccountPolicies,
  type CrossAccountPoliciesOptions,
  crossAccountPolicies,
} from 'middy-cross-account-dynamo/policies'
import { apiEvent } from '../../examples/local/events.ts'
import {
  createCdkDeploy,
  findNagViolations,
  type NagViolation,
  synthesizeStacks,
} from '../infrastructure/cdk.ts'
import {
  DEPLOYMENT_TARGET,
  type DeployExample,
  type Deployment,
  EXAMPLES,
  type ExampleName,
} from '../infrastructure/deployment.ts'
import { normalize } from '../infrastructure/normalize.ts'
import { applySamTransform, deploySam, SAM_TEMPLATES } from '../infrastructure/sam.ts'
import {
  checkServerlessTypes,
  deployServerless,
  readServerlessText,
  resolveServerless,
} from '../infrastructure/serverless.ts'
import {
  deployTerraform,
  isTerraformInstalled,
  MODULES_FOLDER,
  TERRAFORM_FOLDER,
} from '../infrastructure/terraform.ts'
import { type PolicyDocument, type Sandbox, type SandboxAccount, startSandbox } from '../sandbox/index.ts'
import { defineTable } from '../sandbox/recipes.ts'
import { createLambdaContext, createRuntimeVariables, setEnvironment } from './lambda.ts'

let stacksWithoutVpc: ReturnType<typeof synthesizeStacks>
let stacksInVpc: ReturnType<typeof synthesizeStacks>
beforeAll(() => {
  stacksWithoutVpc = synthesizeStacks(false)
  stacksInVpc = synthesizeStacks(true)
}, 60_000)
afterAll(() => {
  for (const { root } of [stacksWithoutVpc, stacksInVpc]) rmSync(root, { recursive: true })
})

interface Tool {
  deploy: DeployExample
  examples: readonly ExampleName[]
  /** Whether the tool can create a VPC for the function. */
  hasVpcOption: boolean
  /** The AWS managed policy that allows the function to write its logs, if the tool does not write the permissions itself. */
  logPolicies: readonly string[]
}

const COMMON_TOOL_SETTINGS = {
  examples: EXAMPLES,
  hasVpcOption: true,
  logPolicies: ['AWSLambdaBasicExecutionRole'],
}
const TOOLS: Record<string, Tool> = {
  CDK: {
    ...COMMON_TOOL_SETTINGS,
    deploy: createCdkDeploy((hasVpc) => (hasVpc ? stacksInVpc : stacksWithoutVpc)),
  },
  SAM: { ...COMMON_TOOL_SETTINGS, deploy: deploySam },
  Terraform: { ...COMMON_TOOL_SETTINGS, deploy: deployTerraform },
  Serverless: { deploy: deployServerless, examples: ['put-and-get'], hasVpcOption: false, logPolicies: [] },
}

const { functionAccount, tableAccount, region, externalId } = DEPLOYMENT_TARGET
const toRoleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`

/** The options of `crossAccountPolicies()` that describe the expected roles of each example. */
const POLICIES_OPTIONS: Record<ExampleName, CrossAccountPoliciesOptions> = {
  'put-and-get': {
    roleArn: toRoleArn(tableAccount, 'CrossAccountDynamoRole'),
    executionRoleArn: toRoleArn(functionAccount, 'LambdaExecutionRole'),
    tables: ['MyTable'],
    access: ['GetItem', 'PutItem'],
    region,
    externalId,
  },
  'pooled-tenants': {
    roleArn: toRoleArn(tableAccount, 'TenantOrders'),
    executionRoleArn: toRoleArn(functionAccount, 'TenantOrdersFunction'),
    tables: ['Orders'],
    access: ['GetItem', 'PutItem', 'Query'],
    region,
    externalId,
    tenantTag: 'TenantId',
  },
}

const LAMBDA_TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
}

/** Removes the Sids of a policy. */
const removeSids = ({ Version, Statement }: CrossAccountPolicies['callerPolicy']) => ({
  Version,
  Statement: Statement.map(({ Sid: _, ...statement }) => statement),
})

/** Removes the principals of an endpoint policy, so that a role can have it as its permissions policy. */
const removePrincipals = ({ Version, Statement }: PolicyDocument): PolicyDocument => {
  const statements = [Statement].flat() as { Principal: unknown }[]
  return { Version, Statement: statements.map(({ Principal: _, ...statement }) => statement) }
}

/**
 * Imports the handler of an example into the function's environment, and returns a function that invokes it and checks the result.
 * The JWT of the invocation is that of the tenant acme.
 */
const HANDLER_LOADERS: Record<
  ExampleName,
  (sandbox: Sandbox, deployment: Deployment) => Promise<(tenant?: string) => Promise<void>>
> = {
  'put-and-get': async (sandbox, deployment) => {
    setFunctionEnvironment(sandbox, deployment)
    const { handler } = await import('../../examples/put-and-get/handler.ts')
    return async () => expect(await handler({ id: '123' }, createLambdaContext())).toEqual({ id: '123' })
  },
  'pooled-tenants': async (sandbox, deployment) => {
    setFunctionEnvironment(sandbox, deployment)
    const { handler } = await import('../../examples/pooled-tenants/handler.ts')
    await sandbox.getAccount(tableAccount).seed(
      'Orders',
      ['acme', 'globex'].map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' } })),
    )
    return async (tenant = 'acme') => {
      const event = apiEvent({ tenantId: 'acme' }, { tenant, order: '1' })
      const { body = '' } = await handler(event, createLambdaContext())
      expect(JSON.parse(body)).toEqual({ tenant, order: '1' })
    }
  },
}

/** Sets the variables of the function. The handlers read them when they are imported, so they are imported again. */
const setFunctionEnvironment = (sandbox: Sandbox, { function: { Role, Variables } }: Deployment): void => {
  jest.resetModules()
  setEnvironment({ ...createRuntimeVariables(sandbox, Role), ...Variables })
}

describe.each(Object.entries(TOOLS))('%s', (tool, { deploy, examples, hasVpcOption, logPolicies }) => {
  describe.each(examples)('%s', (example) => {
    const title = `${example} with ${tool}`
    const policiesOptions = POLICIES_OPTIONS[example]
    const roleArn = policiesOptions.executionRoleArn as string
    let deployment: Deployment
    beforeAll(async () => {
      deployment = await deploy(example, { hasVpc: false })
    })

    test(`${title} creates the roles and documents of crossAccountPolicies(), and no others`, () => {
      const { trustPolicy, permissionsPolicy, callerPolicy, warnings } = crossAccountPolicies(policiesOptions)
      expect(warnings).toEqual([])
      const roles = deployment.accounts.flatMap(({ id, roles = [] }) =>
        roles.map(({ name, ...documents }) => ({ arn: toRoleArn(id, name), ...documents })),
      )
      expect(normalize(roles)).toEqual(
        normalize([
          {
            arn: roleArn,
            trustPolicy: LAMBDA_TRUST_POLICY,
            // The construct removes the Sid, so that a function can have several target roles.
            policies: [tool === 'CDK' ? removeSids(callerPolicy) : callerPolicy],
          },
          { arn: policiesOptions.roleArn, trustPolicy, policies: [permissionsPolicy] },
        ]),
      )
      expect(deployment.managedPolicies).toEqual(logPolicies)
    })

    test(`${title} creates the table that the handler needs, with PAY_PER_REQUEST billing`, () => {
      const { tables } = deployment.accounts[1] as SandboxAccount
      const [TableName = ''] = policiesOptions.tables
      const keySchema =
        example === 'put-and-get' ? defineTable(TableName, 'id') : defineTable(TableName, 'tenant', 'order')
      expect(tables).toEqual([
        { ...keySchema, BillingMode: 'PAY_PER_REQUEST', DeletionProtectionEnabled: true },
      ])
      expect(deployment.accounts[0]?.tables).toEqual([])
    })

    test(`${title} turns on point-in-time recovery of the table`, () => {
      expect(deployment.recoverableTables).toEqual(policiesOptions.tables)
    })

    test(`${title} creates a function with the settings that it needs`, () => {
      expect(deployment.function).toEqual({
        FunctionName: example === 'put-and-get' ? 'put-and-get' : 'pooled-tenants',
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Timeout: 10,
        MemorySize: 512,
        LogFormat: 'JSON',
        Role: roleArn,
        Variables: {
          CROSS_ACCOUNT_DYNAMO_ROLE_ARN: policiesOptions.roleArn,
          CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: externalId,
          TABLE_NAME: policiesOptions.tables[0],
        },
        isInVpc: false,
      })
      expect(deployment.endpoints).toEqual([])
    })

    test(`${title} creates roles with which the handler succeeds`, async () => {
      const sandbox = await startSandbox({ accounts: deployment.accounts })
      try {
        const invokeExample = await HANDLER_LOADERS[example](sandbox, deployment)
        await invokeExample()
        if (example === 'pooled-tenants')
          await expect(invokeExample('globex')).rejects.toThrow(
            'is not authorized to perform: dynamodb:GetItem',
          )
      } finally {
        await sandbox.close()
      }
    })

    if (!hasVpcOption) return
    describe('in a VPC', () => {
      let vpcDeployment: Deployment
      beforeAll(async () => {
        vpcDeployment = await deploy(example, { hasVpc: true })
      })

      test(`${title} in a VPC creates endpoints of STS and DynamoDB for these roles and this table only`, () => {
        const { endpoints, ...otherResources } = vpcDeployment
        expect(otherResources).toEqual({
          accounts: deployment.accounts,
          recoverableTables: deployment.recoverableTables,
          function: { ...deployment.function, isInVpc: true },
          managedPolicies: ['AWSLambdaVPCAccessExecutionRole'],
        })
        const createEndpointPolicy = (
          principal: string,
          action: string | string[],
          resource: string | string[],
        ) => ({
          Version: '2012-10-17',
          Statement: {
            Effect: 'Allow',
            Principal: '*',
            Action: action,
            Resource: resource,
            Condition: { ArnEquals: { 'aws:PrincipalArn': principal } },
          },
        })
        const tableArn = `arn:aws:dynamodb:${region}:${tableAccount}:table/${policiesOptions.tables[0]}`
        expect(normalize(endpoints)).toEqual(
          normalize([
            {
              service: `com.amazonaws.${region}.sts`,
              type: 'Interface',
              hasPrivateDns: true,
              policy: createEndpointPolicy(
                roleArn,
                ['sts:AssumeRole', 'sts:TagSession'],
                policiesOptions.roleArn,
              ),
            },
            {
              service: `com.amazonaws.${region}.dynamodb`,
              type: 'Gateway',
              hasPrivateDns: false,
              policy: createEndpointPolicy(policiesOptions.roleArn, 'dynamodb:*', [
                tableArn,
                `${tableArn}/index/*`,
              ]),
            },
          ]),
        )
      })

      test(`${title} in a VPC creates endpoint policies that allow the requests of the handler`, async () => {
        const sandbox = await startSandbox({ accounts: vpcDeployment.accounts })
        try {
          const findPolicies = (service: string) =>
            vpcDeployment.endpoints
              .filter((endpoint) => endpoint.service.endsWith(service))
              .map(({ policy }) => policy)
          // The sandbox has no VPC endpoints. The roles get the endpoint policies as their only policies instead.
          sandbox.getRole(roleArn).policies = findPolicies('sts').map(removePrincipals)
          sandbox.getRole(policiesOptions.roleArn).policies = findPolicies('dynamodb').map(removePrincipals)
          const invokeExample = await HANDLER_LOADERS[example](sandbox, vpcDeployment)
          await invokeExample()
        } finally {
          await sandbox.close()
        }
      })
    })
  })
})

/** The rules of cdk-nag that the examples do not follow, with the reasons. */
const ACCEPTED_VIOLATIONS: readonly {
  readonly rule: RegExp
  readonly construct: RegExp
  readonly reason: string
}[] = [
  {
    rule: /^AwsSolutions-IAM4\[Policy::arn:<AWS::Partition>:iam::aws:policy\/service-role\/AWSLambdaVPCAccessExecutionRole\]$/,
    construct: /Function\/ExecutionRole\/Resource$/,
    reason:
      'AWS maintains this policy for the logs and network interfaces of functions, whose names are not known in advance.',
  },
  {
    rule: /^AwsSolutions-VPC7$/,
    construct: /\/Network\/Vpc\/Resource$/,
    reason:
      'Flow logs belong to the logging configuration of your organization. An example would write them to the wrong place.',
  },
  {
    rule: /^AwsSolutions-EC23$/,
    construct: /\/Network\/Vpc\/Sts\/SecurityGroup\/Resource$/,
    reason:
      'The rule cannot read the CIDR block of the VPC, which is a reference. The ingress rule allows only this block.',
  },
]

test('the CDK stacks follow the rules AwsSolutions of cdk-nag, except those with a reason', () => {
  const { root, violations } = findNagViolations()
  rmSync(root, { recursive: true })
  const isAccepted = (accepted: (typeof ACCEPTED_VIOLATIONS)[number], { rule, construct }: NagViolation) =>
    accepted.rule.test(rule) && accepted.construct.test(construct)
  expect(
    violations.filter(
      (violation) => !ACCEPTED_VIOLATIONS.some((accepted) => isAccepted(accepted, violation)),
    ),
  ).toEqual([])
  // An exception that is no longer needed must be removed.
  for (const accepted of ACCEPTED_VIOLATIONS)
    expect(violations.filter((violation) => isAccepted(accepted, violation))).toHaveLength(2)
}, 60_000)

describe('the CloudFormation templates', () => {
  const engine = new CelEngine()
  afterAll(() => engine.free())
  const validateTemplate = (file: string, severityLevel: 'WARN' | 'ERROR') => {
    const { status, diagnostics } = engine.validateStandard(new TemplateFile(file), {
      severityLevel,
      // With the default, an empty string, the function is in no VPC, but the validator reports an invalid ID.
      parameterOverrides: { SubnetIds: 'subnet-12345678', SecurityGroupIds: 'sg-12345678' },
    })
    return { status, messages: diagnostics.map(({ ruleId, message }) => `${ruleId} ${message}`) }
  }
  const writeTemplate = (text: string): string => {
    const file = join(stacksWithoutVpc.root, 'template.yaml')
    writeFileSync(file, text)
    return file
  }
  const VALID = { status: 'OK', messages: [] }

  test.each(SAM_TEMPLATES)('the SAM template %s is valid and causes no warning', (template) => {
    expect(validateTemplate(writeTemplate(applySamTransform(template)), 'WARN')).toEqual(VALID)
  })

  test('the templates that CDK synthesizes are valid', () => {
    const files = [stacksWithoutVpc, stacksInVpc].flatMap(({ stacks }) =>
      stacks.map((stack) => stack.templateFullPath),
    )
    expect(files).toHaveLength(8)
    // CDK adds a redundant DependsOn, which causes a warning.
    for (const file of files) expect(validateTemplate(file, 'ERROR')).toEqual(VALID)
  })

  test('a template with a misspelled property is not valid', () => {
    const file = writeTemplate(applySamTransform('put-and-get/function').replace('Timeout:', 'TimeOut:'))
    expect(validateTemplate(file, 'ERROR').messages).toEqual([expect.stringContaining('TimeOut')])
  })
})

describe('the file of the Serverless Framework', () => {
  const text = readServerlessText('put-and-get')

  test('serverless.yml has the types of the Serverless Framework 4', () => {
    expect(checkServerlessTypes(resolveServerless(text))).toBe('')
  })

  test.each([
    ['a misspelled property', 'timeout: 10', 'timeOut: 10', '\'"timeOut"\' does not exist'],
    ['an unknown runtime', 'nodejs24.x', 'nodejs24', 'nodejs24.x'],
    ['a misspelled property of the role', 'statements:', 'statement:', '\'"statement"\' does not exist'],
    ['an unknown log format', 'logFormat: JSON', 'logFormat: json', '\'"json"\' is not assignable'],
  ])('serverless.yml with %s does not have these types', (_, right, wrong, message) => {
    expect(text).toContain(right)
    const configuration = resolveServerless(text.replace(right, wrong))
    expect(checkServerlessTypes(configuration)).toContain(message)
  })
})

describe('the Terraform files', () => {
  // `terraform validate` downloads the provider from Terraform's registry. `examples/infrastructure/README.md` says what was checked.
  const testIfInstalled = isTerraformInstalled ? test : test.skip
  testIfInstalled(
    `the Terraform files are formatted${isTerraformInstalled ? '' : ' [skipped, because terraform is not installed]'}`,
    () => {
      const { status, stdout } = spawnSync(
        'terraform',
        ['fmt', '-check', '-diff', '-recursive', TERRAFORM_FOLDER, MODULES_FOLDER],
        {
          encoding: 'utf8',
        },
      )
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    },
  )
})
