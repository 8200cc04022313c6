/**
 * Deploys the tables and the roles of examples/infrastructure/ with the CloudFormation of moto, and uses the table through them.
 *
 * moto reads templates independently of this repository, and separates accounts. It does not evaluate trust policies of other
 * accounts, conditions, session tags, or the resources of DynamoDB requests, so these tests do not check them. The sandbox does.
 */
import { rmSync } from 'node:fs'
import { DescribeTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createCdkDeploy, synthesizeStacks } from '../infrastructure/cdk.ts'
import {
  DEPLOYMENT_TARGET,
  type DeployExample,
  type Deployment,
  EXAMPLES,
  type ExampleName,
} from '../infrastructure/deployment.ts'
import {
  deployStack,
  isMotoInstalled,
  type Moto,
  type MotoCredentials,
  type MotoStack,
  readRole,
  startMoto,
  storePoliciesAsJson,
} from '../infrastructure/moto.ts'
import { deploySam, readTransformedTemplate } from '../infrastructure/sam.ts'
import { createLambdaContext, setEnvironment } from './lambda.ts'

const { functionAccount, tableAccount, region, externalId: ExternalId } = DEPLOYMENT_TARGET
const isInstalled = isMotoInstalled()
const describeIfInstalled = isInstalled ? describe : describe.skip

interface Stacks {
  readonly functionStack: MotoStack
  readonly tableStack: MotoStack
}
interface Tool {
  readonly findStacks: (example: ExampleName) => Stacks
  /** Reads the templates without moto. */
  readonly readDeployment: DeployExample
}

let cdkStacks: ReturnType<typeof synthesizeStacks>
const CDK_STACK_PREFIXES = { 'put-and-get': 'PutAndGet', 'pooled-tenants': 'PooledTenants' }

const TOOLS: Record<string, Tool> = {
  SAM: {
    findStacks: (example) => ({
      functionStack: {
        name: `${example}-function`,
        template: readTransformedTemplate(`${example}/function`),
        parameters: { TableAccountId: tableAccount, ExternalId },
      },
      tableStack: {
        name: `${example}-table`,
        template: readTransformedTemplate(`${example}/table`),
        parameters: { FunctionAccountId: functionAccount, ExternalId },
      },
    }),
    readDeployment: deploySam,
  },
  CDK: {
    findStacks: (example) => {
      const findStack = (suffix: string): MotoStack => {
        const name = CDK_STACK_PREFIXES[example] + suffix
        const stack = cdkStacks.stacks.find(({ stackName }) => stackName === name)
        return { name, template: stack?.template }
      }
      return { functionStack: findStack('Function'), tableStack: findStack('Table') }
    },
    readDeployment: createCdkDeploy(() => cdkStacks),
  },
}

/** The session and the key of an item that each handler would use. */
const ITEMS: Record<ExampleName, { sessionTags?: Record<string, string>; key: Record<string, string> }> = {
  'put-and-get': { key: { id: '123' } },
  'pooled-tenants': { sessionTags: { TenantId: 'acme' }, key: { tenant: 'acme', order: '1' } },
}

describeIfInstalled(`moto${isInstalled ? '' : ' [skipped, because moto_server is not installed]'}`, () => {
  beforeAll(() => {
    cdkStacks = synthesizeStacks(false)
  }, 60_000)
  afterAll(() => rmSync(cdkStacks.root, { recursive: true }))

  describe.each(Object.entries(TOOLS))('%s', (toolName, { findStacks, readDeployment }) => {
    describe.each(EXAMPLES)('%s', (example) => {
      const title = `${example} with ${toolName}`
      let moto: Moto
      let deployment: Deployment
      let deployerCredentials: Record<'functionAccount' | 'tableAccount', MotoCredentials>
      let resourceTypes: Record<'functionStack' | 'tableStack', string[]>

      beforeAll(async () => {
        deployment = await readDeployment(example, { hasVpc: false })
        moto = await startMoto()
        const createDeployer = (account: string) =>
          moto.assumeRole(`arn:aws:iam::${account}:role/Deployer`, 'deployer')
        deployerCredentials = {
          functionAccount: await createDeployer(functionAccount),
          tableAccount: await createDeployer(tableAccount),
        }
        const { functionStack, tableStack } = findStacks(example)
        resourceTypes = {
          functionStack: await deployStack(moto, deployerCredentials.functionAccount, functionStack),
          tableStack: await deployStack(moto, deployerCredentials.tableAccount, tableStack),
        }
        setEnvironment({
          AWS_CONFIG_FILE: '/dev/null',
          AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
          AWS_ENDPOINT_URL: moto.url,
          AWS_REGION: region,
          ...(await createRoleVariables()),
          ...deployment.function.Variables,
        })
      }, 60_000)
      afterAll(() => moto?.stop())

      /** Returns the variables with which the Lambda runtime passes the credentials of the deployed execution role. */
      const createRoleVariables = async () => {
        const { accessKeyId, secretAccessKey, sessionToken } = await moto.assumeRole(
          deployment.function.Role,
          example,
        )
        return {
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_SESSION_TOKEN: sessionToken,
        }
      }
      const getTableName = () => deployment.accounts[1]?.tables?.[0]?.TableName ?? ''
      const { sessionTags, key } = ITEMS[example]
      const createMiddleware = (options: { roleArn?: string } = {}) =>
        crossAccountDynamo({ ...options, ...(sessionTags && { sessionTags }) })

      test(`${title} deploys its table and its roles,`, () => {
        expect(resourceTypes.tableStack).toEqual(['AWS::DynamoDB::Table', 'AWS::IAM::Role'])
        expect(resourceTypes.functionStack.filter((type) => type !== 'AWS::IAM::Policy')).toEqual([
          'AWS::IAM::Role',
        ])
      })

      test(`${title} has the documents in IAM that the tests without moto read from its templates`, async () => {
        const expected = deployment.accounts.flatMap(({ id, roles = [] }) =>
          roles.map(({ name, ...documents }) => ({ arn: `arn:aws:iam::${id}:role/${name}`, ...documents })),
        )
        expect(expected).toHaveLength(2)
        const [executionRole, targetRole] = expected
        const readDeployedRole = (deployer: MotoCredentials, arn = '') =>
          readRole(moto, deployer, arn.split('/').at(-1) ?? '')
        expect(await readDeployedRole(deployerCredentials.functionAccount, executionRole?.arn)).toEqual(
          executionRole,
        )
        expect(await readDeployedRole(deployerCredentials.tableAccount, targetRole?.arn)).toEqual(targetRole)
        // moto also assumes roles that do not exist. Therefore compare the ARN that the function assumes.
        expect(deployment.function.Variables.CROSS_ACCOUNT_DYNAMO_ROLE_ARN).toBe(targetRole?.arn)
        // Each role is only in its account.
        await expect(readDeployedRole(deployerCredentials.functionAccount, targetRole?.arn)).rejects.toThrow(
          'NoSuchEntity',
        )
      })

      test(`${title} lets the function write and read an item of the table in account B`, async () => {
        const item = { ...key, note: 'written through the assumed role' }
        const handler = middy()
          .use(createMiddleware())
          .handler(async (_event: object, context) => {
            await context.dynamo.send(new PutCommand({ TableName: getTableName(), Item: item }))
            return context.dynamo.send(new GetCommand({ TableName: getTableName(), Key: key }))
          })
        expect(await handler({}, createLambdaContext())).toMatchObject({ Item: item })

        const inTableAccount = new DynamoDBClient({ credentials: deployerCredentials.tableAccount })
        const inFunctionAccount = new DynamoDBClient({ credentials: deployerCredentials.functionAccount })
        const input = { TableName: getTableName() }
        expect(await inTableAccount.send(new DescribeTableCommand(input))).toMatchObject({
          Table: {
            TableArn: `arn:aws:dynamodb:${region}:${tableAccount}:table/${getTableName()}`,
            DeletionProtectionEnabled: true,
            BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
          },
        })
        expect(await inTableAccount.send(new ScanCommand(input))).toMatchObject({
          Items: [Object.fromEntries(Object.entries(item).map(([name, text]) => [name, { S: text }]))],
        })
        await expect(inFunctionAccount.send(new DescribeTableCommand(input))).rejects.toMatchObject({
          name: 'ResourceNotFoundException',
        })
        inTableAccount.destroy()
        inFunctionAccount.destroy()
      })

      test(`${title} lets the execution role assume only the target role, if moto checks signatures and caller policies`, async () => {
        const assume = (options?: { roleArn: string }) => {
          const handler = middy()
            .use(createMiddleware(options))
            .handler(async () => 'assumed')
          return handler({}, createLambdaContext())
        }
        const executionRoleName = deployment.function.Role.split('/').at(-1) ?? ''
        await storePoliciesAsJson(moto, deployerCredentials.functionAccount, executionRoleName)
        await moto.setAuthorization(true)
        try {
          expect(await assume()).toBe('assumed')
          const roleArn = `arn:aws:iam::${tableAccount}:role/AnotherRole`
          await expect(assume({ roleArn })).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
          process.env.AWS_SECRET_ACCESS_KEY = 'another key'
          await expect(assume()).rejects.toMatchObject({
            code: 'ASSUME_ROLE_REJECTED',
            cause: { name: 'SignatureDoesNotMatch' },
          })
        } finally {
          await moto.setAuthorization(false)
        }
      })
    })
  })
})
