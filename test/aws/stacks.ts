/** The CDK stacks of a run: the two examples with names of the run, and the roles of `misconfigurations.ts`. */
import { join } from 'node:path'
import { App, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib'
import { AttributeType, BillingMode, type CfnTable, Table } from 'aws-cdk-lib/aws-dynamodb'
import { AccountPrincipal, CfnRole, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ExampleSettings } from '../../examples/infrastructure/cdk/example-settings.ts'
import { FunctionStack } from '../../examples/infrastructure/cdk/function-stack.ts'
import { TableStack } from '../../examples/infrastructure/cdk/table-stack.ts'
import {
  createSetups,
  type PolicyDocument,
  toCallerName,
  toTableName,
  toTargetRoleName,
} from './misconfigurations.ts'
import { createExamples, type TestTarget, toResourceName } from './target.ts'

/**
 * Synthesizes the stacks to a folder that `cdk deploy` and `cdk destroy` read.
 *
 * @param bundles the folder that contains the bundled handlers, in the folders `PutAndGet` and `PooledTenants`
 */
export const synthesizeTestStacks = (target: TestTarget, bundles: string, outdir: string) => {
  const app = new App({ outdir })
  Tags.of(app).add('created-by', `middy-cross-account-dynamo test:aws ${target.runId}`)
  for (const [name, settings] of Object.entries(createExamples(target))) {
    const functionStack = new FunctionStack(app, toResourceName(target, `${name}Function`), settings, {
      code: join(bundles, name),
    })
    trustFunctionAccount(functionStack, settings)
    addLogGroup(functionStack, settings)
    makeDeletable(new TableStack(app, toResourceName(target, `${name}Table`), settings))
  }
  addCallers(app, target)
  addTargets(app, target)
  return app.synth()
}

/** Lets principals of account A assume the execution role, so that `check` runs with the credentials that the function has. */
const trustFunctionAccount = (stack: Stack, { functionAccount }: ExampleSettings): void => {
  const role = stack.node.findChild('ExecutionRole') as Role
  role.assumeRolePolicy?.addStatements(
    new PolicyStatement({ principals: [new AccountPrincipal(functionAccount)], actions: ['sts:AssumeRole'] }),
  )
}

/** Creates the log group of the function, which Lambda would otherwise create outside the stack. */
const addLogGroup = (stack: Stack, { functionName }: ExampleSettings): void => {
  new LogGroup(stack, 'Logs', {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: RetentionDays.ONE_DAY,
    removalPolicy: RemovalPolicy.DESTROY,
  })
}

const makeDeletable = (stack: Stack): void => {
  const table = stack.node.findChild('Table') as Table
  table.applyRemovalPolicy(RemovalPolicy.DESTROY)
  const resource = table.node.defaultChild as CfnTable
  resource.deletionProtectionEnabled = false
}

const toInlinePolicies = (document: PolicyDocument) =>
  // IAM rejects a policy without statements.
  document.Statement.length === 0 ? [] : [{ policyName: 'Test', policyDocument: document }]

const addCallers = (app: App, target: TestTarget): void => {
  const { functionAccount: account, region } = target
  const stack = new Stack(app, toResourceName(target, 'Callers'), { env: { account, region } })
  const assumeRolePolicyDocument = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' },
    ],
  }
  for (const [name, { callerPolicy }] of createSetups(target))
    new CfnRole(stack, name, {
      roleName: toCallerName(target, name),
      assumeRolePolicyDocument,
      policies: toInlinePolicies(callerPolicy),
    })
}

const addTargets = (app: App, target: TestTarget): void => {
  const { tableAccount: account, region } = target
  const stack = new Stack(app, toResourceName(target, 'Targets'), { env: { account, region } })
  new Table(stack, 'Table', {
    tableName: toTableName(target),
    partitionKey: { name: 'id', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  for (const [name, { trustPolicy, permissionsPolicy }] of createSetups(target))
    new CfnRole(stack, name, {
      roleName: toTargetRoleName(target, name),
      assumeRolePolicyDocument: trustPolicy,
      policies: toInlinePolicies(permissionsPolicy),
    })
}
