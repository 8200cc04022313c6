/** Synthesizes the stacks of `npm run test:aws`, and runs them on the sandbox. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readTemplate } from '../infrastructure/cloudformation.ts'
import type { AccountResources } from '../infrastructure/deployment.ts'
import { runCheck } from '../integration/run-check.ts'
import { setEnvironment } from '../lambda-runtime.ts'
import { startSandbox } from '../sandbox/index.ts'
import { createCheckArguments, TESTED_EXAMPLES } from './examples.ts'
import { createSetups, toCallerArn } from './misconfigurations.ts'
import { synthesizeTestStacks } from './stacks.ts'
import { createExamples, EXAMPLE_TARGET, listStacks, toRoleArn } from './target.ts'

const target = EXAMPLE_TARGET
const { functionAccount, tableAccount, region } = target

let folder: string
let stacks: ReturnType<typeof synthesizeTestStacks>['stacks']
/** The resources of each account. */
let resources: Record<string, AccountResources[]>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'test-aws-'))
  for (const example of TESTED_EXAMPLES) {
    mkdirSync(join(folder, example))
    writeFileSync(join(folder, example, 'index.js'), '')
  }
  stacks = synthesizeTestStacks(target, folder, join(folder, 'cdk.out')).stacks
  const readStacks = (account: string) =>
    stacks
      .filter(({ environment }) => environment.account === account)
      .map(({ template, environment }) => readTemplate(template, environment))
  resources = { [functionAccount]: readStacks(functionAccount), [tableAccount]: readStacks(tableAccount) }
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('the stacks are those that the plan deploys and deletes, each in its account', () => {
  const findStacks = (account: string) =>
    stacks
      .filter(({ environment }) => environment.account === account)
      .map(({ stackName }) => stackName)
      .sort()
  expect(findStacks(functionAccount)).toEqual(listStacks(target).functionAccount.toSorted())
  expect(findStacks(tableAccount)).toEqual(listStacks(target).tableAccount.toSorted())
})

test('each resource is deleted with its stack, and has a name of this run', () => {
  const all = stacks.flatMap(({ template }) => Object.values(template.Resources)) as {
    Type: string
    DeletionPolicy?: string
    Properties: Record<string, unknown>
  }[]
  expect(all.filter(({ DeletionPolicy }) => ![undefined, 'Delete'].includes(DeletionPolicy))).toEqual([])
  expect(all.filter(({ Properties }) => Properties.DeletionProtectionEnabled === true)).toEqual([])
  const names = all.flatMap(({ Properties: { RoleName, TableName, FunctionName, LogGroupName } }) =>
    [RoleName, TableName, FunctionName, LogGroupName].filter((name) => name !== undefined),
  )
  expect(names.length).toBeGreaterThan(30)
  for (const name of names) expect(name).toContain(`CrossAccountDynamoTest-${target.runId}-`)
})

test('the roles of the misconfigurations have the documents that the sandbox tests', () => {
  const findRoles = (account: string) => resources[account]?.flatMap(({ roles }) => roles) ?? []
  for (const [name, { callerPolicy, trustPolicy, permissionsPolicy }] of createSetups(target)) {
    const callerName = toCallerArn(target, name).split('/').at(-1)
    const caller = findRoles(functionAccount).find((role) => role.name === callerName)
    expect(caller?.policies).toEqual(callerPolicy.Statement.length === 0 ? [] : [callerPolicy])
    const targetRole = findRoles(tableAccount).find((role) => `${role.name}-caller` === callerName)
    expect(targetRole).toMatchObject({ trustPolicy, policies: [permissionsPolicy] })
  }
})

test('the maintainer can assume the execution roles and the callers, and only Lambda and account A can', () => {
  const roles = resources[functionAccount]?.flatMap((list) => list.roles) ?? []
  const examples = Object.values(createExamples(target)).map(({ executionRoleName }) => executionRoleName)
  expect(roles).toHaveLength(createSetups(target).size + examples.length)
  const maintainer = { AWS: `arn:aws:iam::${functionAccount}:root` }
  for (const { name, trustPolicy } of roles) {
    const principals = [trustPolicy?.Statement]
      .flat()
      .map((statement) => (statement as { Principal: object }).Principal)
    expect(principals).toEqual([
      ...(examples.includes(name) ? [{ Service: 'lambda.amazonaws.com' }] : []),
      maintainer,
    ])
  }
})

test.each(TESTED_EXAMPLES)(
  'check of %s succeeds on the sandbox with the roles of the stacks',
  async (example) => {
    const sandbox = await startSandbox({
      region,
      accounts: Object.entries(resources).map(([id, list]) => ({
        id,
        roles: list.flatMap(({ roles }) => roles),
        tables: list.flatMap(({ tables }) => tables),
      })),
    })
    try {
      const { executionRoleName } = createExamples(target)[example]
      setEnvironment({
        ...sandbox.env,
        ...sandbox.createLambdaEnvironment(toRoleArn(functionAccount, executionRoleName)),
        CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: target.externalId,
      })
      const line = createCheckArguments(target, example).filter((argument) => argument !== '--json')
      expect((await runCheck(line.join(' '))).failed).toEqual([])
    } finally {
      await sandbox.close()
    }
  },
)
