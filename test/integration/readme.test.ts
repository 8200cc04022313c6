/** Checks the README: its policies are sufficient and necessary, and its output is up to date. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { generateReadmeParts } from '../../scripts/generate-readme-parts.ts'
import { type PolicyDocument, startSandbox } from '../sandbox/index.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { catchIssues } from '../unit/issues.ts'
import { createFunctionVariables, createLambdaContext, setEnvironment } from './lambda.ts'

const ROOT = join(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

const findCodeBlocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code = '']) => code)

const readPolicy = (name: string): PolicyDocument => {
  const found = new RegExp(`<!-- policy: ${name} -->\\n\`\`\`json\\n(.*?)\`\`\``, 's').exec(readme)?.[1]
  if (found === undefined) throw new Error(`the README has no policy named ${name}`)
  return JSON.parse(found)
}

beforeEach(() => setEnvironment({}))

describe('the policies', () => {
  const variables = findCodeBlocks(readme, 'sh')
    .join('\n')
    .matchAll(/^(CROSS_ACCOUNT_DYNAMO_\w+)=(.+)$/gm)
  const configured = Object.fromEntries([...variables].map(([, name = '', value = '']) => [name, value]))
  let importCount = 0

  /** Runs the example `put-and-get` with the policies of the README, except for the policy `without`. */
  const runExample = async (without?: 'caller' | 'trust' | 'permissions') => {
    const accounts = createTwoAccounts()
    const roles = accounts.flatMap((account) => account.roles ?? [])
    const execution = roles.find(({ name }) => EXECUTION_ROLE_ARN.endsWith(`/${name}`))
    const target = roles.find(({ name }) => TARGET_ROLE_ARN.endsWith(`/${name}`))
    if (execution === undefined || target === undefined)
      throw new Error('the sandbox accounts do not have the execution role and the target role')
    execution.policies = without === 'caller' ? [] : [readPolicy('caller')]
    target.policies = without === 'permissions' ? [] : [readPolicy('permissions')]
    if (without === 'trust') delete target.trustPolicy
    else target.trustPolicy = readPolicy('trust')
    const sandbox = await startSandbox({ accounts })
    try {
      setEnvironment({ ...createFunctionVariables(sandbox), ...configured })
      importCount += 1
      const { handler } = await import(`../../examples/put-and-get/handler.ts?import=${importCount}`)
      return await handler({ id: '123' }, createLambdaContext())
    } finally {
      await sandbox.close()
    }
  }

  test('the policies and variables in the README are sufficient for the example put-and-get', async () => {
    expect(Object.keys(configured)).toEqual([
      'CROSS_ACCOUNT_DYNAMO_ROLE_ARN',
      'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID',
    ])
    await expect(runExample()).resolves.toEqual({ id: '123' })
  })

  test.each([
    ['caller', 'ASSUME_ROLE_DENIED'],
    ['trust', 'ASSUME_ROLE_DENIED'],
    ['permissions', 'AccessDeniedException'],
  ] as const)('the example put-and-get fails without the %s policy of the README', async (without, error) => {
    await expect(runExample(without)).rejects.toThrow(
      error === 'AccessDeniedException' ? 'is not authorized to perform: dynamodb:PutItem' : error,
    )
  })

  test('the README uses the account IDs of the sandbox', () => {
    expect(readme).toContain(ACCOUNT_A)
    expect(readme).toContain(ACCOUNT_B)
  })
})

test('the command line output in the README is up to date (npm run readme updates it)', async () => {
  const parts = await generateReadmeParts()
  expect(Object.keys(parts)).toEqual(['README.md', 'docs/policies.svg', 'docs/check.svg'])
  for (const [path, text] of Object.entries(parts)) {
    expect(text).toBe(readFileSync(join(ROOT, path), 'utf8'))
    expect(path === 'README.md' || readme.includes(`](${path})`)).toBe(true)
  }
  // Random values would change the pictures each time.
  expect(`${parts['docs/policies.svg']}${parts['docs/check.svg']}`).not.toMatch(
    /127\.0\.0\.1|request [\da-f]{8}-/,
  )
})

test('the tenant condition in the README is that of the example pooled-tenants', () => {
  const [, condition = ''] = /<!-- condition: own tenant -->\n```json\n(.*?)```/s.exec(readme) ?? []
  const roles = JSON.parse(readFileSync(join(ROOT, 'examples/pooled-tenants/policies.json'), 'utf8'))
  const { permissions } = roles['arn:aws:iam::222222222222:role/TenantOrders']
  expect(permissions.Statement[0].Condition).toEqual(JSON.parse(condition))
})

test('the README lists all folders of examples/, and its links to them are valid', () => {
  const listed = [...readme.matchAll(/\[`([\w-]+)`\]\(examples\//g)].map(([, name]) => name)
  const folders = readdirSync(join(ROOT, 'examples')).filter((name) => name !== 'local')
  expect(listed.sort()).toEqual(folders.sort())
  for (const [, path = ''] of readme.matchAll(/\]\((examples\/[^)]+)\)/g))
    expect(existsSync(join(ROOT, path))).toBe(true)
})

test('the table of options in the README lists each option, and no other', () => {
  const [issue] = catchIssues(() => crossAccountDynamo(Object.fromEntries([['x'.repeat(24), 1]])))
  const options = issue?.code === 'unknown-option' ? issue.known : []
  const table = readme.slice(readme.indexOf('## Options'), readme.indexOf('## What it does'))
  const named = [...table.matchAll(/^\| `(\w+)`(?:, `(\w+)`)? \|/gm)].flatMap(([, ...names]) =>
    names.filter(Boolean),
  )
  expect(options.length).toBeGreaterThan(10)
  expect(named.toSorted()).toEqual(options.toSorted())
})
