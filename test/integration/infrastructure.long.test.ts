/** The infrastructure in examples/ is what the documentation asks for, and the handlers run on it. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { apiEvent } from '../../examples/local/events.ts'
import { createCdkDeploy, synthesizeStacks } from '../infrastructure/cdk.ts'
import {
  DEPLOYMENT_TARGET,
  type DeployExample,
  type Deployment,
  EXAMPLES,
  type ExampleName,
} from '../infrastructure/deployment.ts'
import { applySamTransform, deploySam, SAM_TEMPLATES } from '../infrastructure/sam.ts'
import { deployTerraform, TERRAFORM_FOLDER } from '../infrastructure/terraform.ts'
import { type PolicyDocument, type Sandbox, type SandboxAccount, startSandbox } from '../sandbox/index.ts'
import { defineTable } from '../sandbox/recipes.ts'
import { lambdaContext, runtimeVariables, setEnvironment } from './lambda.ts'

let plain: ReturnType<typeof synthesizeStacks>
let inVpc: ReturnType<typeof synthesizeStacks>
beforeAll(() => {
  plain = synthesizeStacks(false)
  inVpc = synthesizeStacks(true)
}, 60_000)
afterAll(() => {
  for (const { root } of [plain, inVpc]) rmSync(root, { recursive: true })
})

const TOOLS: [string, DeployExample][] = [
  ['CDK', createCdkDeploy((vpc) => (vpc ? inVpc : plain))],
  ['SAM', deploySam],
  ['Terraform', deployTerraform],
]

const { functionAccount, tableAccount, region, externalId } = DEPLOYMENT_TARGET
const roleIn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`

/** What each set-up is to be, said once more. */
const CONFIGURATIONS: Record<ExampleName, CrossAccountPoliciesOptions> = {
  'put-and-get': {
    roleArn: roleIn(tableAccount, 'CrossAccountDynamoRole'),
    executionRoleArn: roleIn(functionAccount, 'LambdaExecutionRole'),
    tables: ['MyTable'],
    access: ['GetItem', 'PutItem'],
    region,
    externalId,
  },
  'pooled-tenants': {
    roleArn: roleIn(tableAccount, 'TenantOrders'),
    executionRoleArn: roleIn(functionAccount, 'TenantOrdersFunction'),
    tables: ['Orders'],
    access: ['GetItem', 'PutItem', 'Query'],
    region,
    externalId,
    tenantTag: 'TenantId',
  },
}

/** The same for documents that mean the same: a list of one is the one, and order does not count. */
const meaning = (node: unknown): unknown => {
  if (Array.isArray(node)) {
    const items = node.map(meaning)
    const sorted = items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    return sorted.length === 1 ? sorted[0] : sorted
  }
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, meaning(value)]))
}

const LAMBDA_MAY_ASSUME = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
}

/** What the policy of an endpoint allows anybody, as the policy of a role. */
const withoutPrincipal = ({ Version, Statement }: PolicyDocument): PolicyDocument => {
  const statements = [Statement].flat() as { Principal: unknown }[]
  return { Version, Statement: statements.map(({ Principal: _, ...statement }) => statement) }
}

/** Loads the handler into the function's environment; it reads its variables as it is loaded. Whoever calls it is acme. */
const HANDLERS: Record<
  ExampleName,
  (sandbox: Sandbox, deployed: Deployment) => Promise<(tenant?: string) => Promise<void>>
> = {
  'put-and-get': async (sandbox, deployed) => {
    prepare(sandbox, deployed)
    const { handler } = await import('../../examples/put-and-get/handler.ts')
    return async () => expect(await handler({ id: '123' }, lambdaContext())).toEqual({ id: '123' })
  },
  'pooled-tenants': async (sandbox, deployed) => {
    prepare(sandbox, deployed)
    const { handler } = await import('../../examples/pooled-tenants/handler.ts')
    await sandbox.getAccount(tableAccount).seed(
      'Orders',
      ['acme', 'globex'].map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' } })),
    )
    return async (tenant = 'acme') => {
      const event = apiEvent({ tenantId: 'acme' }, { tenant, order: '1' })
      const { body = '' } = await handler(event, lambdaContext())
      expect(JSON.parse(body)).toEqual({ tenant, order: '1' })
    }
  },
}

const prepare = (sandbox: Sandbox, { function: { Role, Variables } }: Deployment): void => {
  jest.resetModules()
  setEnvironment({ ...runtimeVariables(sandbox, Role), ...Variables })
}

describe.each(TOOLS)('%s', (_tool, deploy) => {
  describe.each(EXAMPLES)('%s', (setUp) => {
    const configuration = CONFIGURATIONS[setUp]
    const roleArn = configuration.executionRoleArn as string
    let deployed: Deployment
    let deployedInVpc: Deployment
    beforeAll(async () => {
      deployed = await deploy(setUp, { hasVpc: false })
      deployedInVpc = await deploy(setUp, { hasVpc: true })
    })

    test('has the roles and documents of crossAccountPolicies(), and no others', () => {
      const { trustPolicy, permissionsPolicy, callerPolicy, warnings } = crossAccountPolicies(configuration)
      expect(warnings).toEqual([])
      const roles = deployed.accounts.flatMap(({ id, roles = [] }) =>
        roles.map(({ name, ...documents }) => ({ arn: roleIn(id, name), ...documents })),
      )
      expect(meaning(roles)).toEqual(
        meaning([
          { arn: roleArn, trustPolicy: LAMBDA_MAY_ASSUME, policies: [callerPolicy] },
          { arn: configuration.roleArn, trustPolicy, policies: [permissionsPolicy] },
        ]),
      )
      expect(deployed.managedPolicies).toEqual(['AWSLambdaBasicExecutionRole'])
    })

    test('has the table that the handler needs, on demand', () => {
      const { tables } = deployed.accounts[1] as SandboxAccount
      const [TableName = ''] = configuration.tables
      const keyed =
        setUp === 'put-and-get' ? defineTable(TableName, 'id') : defineTable(TableName, 'tenant', 'order')
      expect(tables).toEqual([{ ...keyed, BillingMode: 'PAY_PER_REQUEST', DeletionProtectionEnabled: true }])
      expect(deployed.accounts[0]?.tables).toEqual([])
    })

    test('has a function with the settings that it needs', () => {
      expect(deployed.function).toEqual({
        FunctionName: setUp === 'put-and-get' ? 'put-and-get' : 'pooled-tenants',
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Timeout: 10,
        MemorySize: 512,
        LogFormat: 'JSON',
        Role: roleArn,
        Variables: {
          CROSS_ACCOUNT_DYNAMO_ROLE_ARN: configuration.roleArn,
          CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: externalId,
          TABLE_NAME: configuration.tables[0],
        },
        isInVpc: false,
      })
      expect(deployed.endpoints).toEqual([])
    })

    test('runs the handler', async () => {
      const sandbox = await startSandbox({ accounts: deployed.accounts })
      try {
        const handle = await HANDLERS[setUp](sandbox, deployed)
        await handle()
        if (setUp === 'pooled-tenants')
          await expect(handle('globex')).rejects.toThrow('is not authorized to perform: dynamodb:GetItem')
      } finally {
        await sandbox.close()
      }
    })

    test('in a VPC, has endpoints of STS and DynamoDB, for these roles and this table only', () => {
      const { endpoints, ...rest } = deployedInVpc
      expect(rest).toEqual({
        accounts: deployed.accounts,
        function: { ...deployed.function, isInVpc: true },
        managedPolicies: ['AWSLambdaVPCAccessExecutionRole'],
      })
      const policy = (principal: string, action: string | string[], resource: string) => ({
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Principal: '*',
          Action: action,
          Resource: resource,
          Condition: { ArnEquals: { 'aws:PrincipalArn': principal } },
        },
      })
      const tableArn = `arn:aws:dynamodb:${region}:${tableAccount}:table/${configuration.tables[0]}`
      expect(meaning(endpoints)).toEqual(
        meaning([
          {
            service: `com.amazonaws.${region}.sts`,
            type: 'Interface',
            hasPrivateDns: true,
            policy: policy(roleArn, ['sts:AssumeRole', 'sts:TagSession'], configuration.roleArn),
          },
          {
            service: `com.amazonaws.${region}.dynamodb`,
            type: 'Gateway',
            hasPrivateDns: false,
            policy: policy(configuration.roleArn, 'dynamodb:*', tableArn),
          },
        ]),
      )
    })

    test('in a VPC, lets what the handler does through the endpoints', async () => {
      const sandbox = await startSandbox({ accounts: deployedInVpc.accounts })
      try {
        const policyOf = (service: string) =>
          deployedInVpc.endpoints.filter((one) => one.service.endsWith(service)).map(({ policy }) => policy)
        // In place of the roles' own policies, which otherwise could not tell.
        sandbox.getRole(roleArn).policies = policyOf('sts').map(withoutPrincipal)
        sandbox.getRole(configuration.roleArn).policies = policyOf('dynamodb').map(withoutPrincipal)
        const handle = await HANDLERS[setUp](sandbox, deployedInVpc)
        await handle()
      } finally {
        await sandbox.close()
      }
    })
  })
})

describe('the templates', () => {
  const engine = new CelEngine()
  afterAll(() => engine.free())
  const complaints = (file: string, severityLevel: 'WARN' | 'ERROR') => {
    const { status, diagnostics } = engine.validateStandard(new TemplateFile(file), {
      severityLevel,
      // Else it takes the empty text, with which a function is in no VPC, for an ID.
      parameterOverrides: { SubnetIds: 'subnet-12345678', SecurityGroupIds: 'sg-12345678' },
    })
    return { status, said: diagnostics.map(({ ruleId, message }) => `${ruleId} ${message}`) }
  }
  const written = (text: string): string => {
    const file = join(plain.root, 'template.yaml')
    writeFileSync(file, text)
    return file
  }
  const FINE = { status: 'OK', said: [] }

  test.each(SAM_TEMPLATES)('of SAM: %s is valid, without a warning', (template) => {
    expect(complaints(written(applySamTransform(template)), 'WARN')).toEqual(FINE)
  })

  test('of CDK are valid', () => {
    const files = [plain, inVpc].flatMap(({ stacks }) => stacks.map((stack) => stack.templateFullPath))
    expect(files).toHaveLength(8)
    // CDK writes a DependsOn that is superfluous, which is a warning.
    for (const file of files) expect(complaints(file, 'ERROR')).toEqual(FINE)
  })

  test('would not be valid with a misspelled property', () => {
    const file = written(applySamTransform('put-and-get/function').replace('Timeout:', 'TimeOut:'))
    expect(complaints(file, 'ERROR').said).toEqual([expect.stringContaining('TimeOut')])
  })
})

describe('the Terraform files', () => {
  // Validating them takes the provider from Terraform's registry; examples/infrastructure/README.md says what was checked.
  const isHere = spawnSync('terraform', ['version']).error === undefined
  const whereInstalled = isHere ? test : test.skip
  whereInstalled(`are formatted${isHere ? '' : ' [only where terraform is installed]'}`, () => {
    const { status, stdout } = spawnSync(
      'terraform',
      ['fmt', '-check', '-diff', '-recursive', TERRAFORM_FOLDER],
      {
        encoding: 'utf8',
      },
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})
