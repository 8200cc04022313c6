/**
 * Checks the README, and the pages of docs/ that show data of the package: the policies are sufficient and necessary, and figures,
 * options, flags and output are up to date.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { generateFromCommands } from '../../scripts/pages/command-output.ts'
import { ROOT, readPage } from '../../scripts/pages/parts.ts'
import { readConfiguration } from '../../src/configuration/configuration.ts'
import { ROWS } from '../../src/configuration/rows.ts'
import { DEFAULT_PREFIX, type Rows, toVariableName } from '../../src/options/rows.ts'
import { findCodeBlocks } from '../documentation/pages.ts'
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

const readme = readPage('README.md')
const iamSetup = readPage('docs/iam-setup.md')

/** Returns the code of the `sh` blocks of a page. */
const findCommands = (path: string): string[] =>
  findCodeBlocks(readPage(path), path)
    .filter(({ language }) => language === 'sh')
    .map(({ code }) => code)

const readPolicy = (name: string): PolicyDocument => {
  const pattern = new RegExp(`<!-- generated: ${name} policy -->\\n\`\`\`json\\n(.*?)\`\`\``, 's')
  const found = pattern.exec(iamSetup)?.[1]
  if (found === undefined) throw new Error(`docs/iam-setup.md has no policy named ${name}`)
  return JSON.parse(found)
}

beforeEach(() => setEnvironment({}))

describe('the policies', () => {
  const variables = findCommands('README.md')
    .join('\n')
    .matchAll(/^(CROSS_ACCOUNT_DYNAMO_\w+)=(.+)$/gm)
  const configured = Object.fromEntries([...variables].map(([, name = '', value = '']) => [name, value]))
  let importCount = 0

  /** Runs the example `put-and-get` with the policies of docs/iam-setup.md, except for the policy `without`. */
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

  test('the policies in docs/iam-setup.md and the variables in the README are sufficient for the example put-and-get', async () => {
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
  ] as const)(
    'the example put-and-get fails without the %s policy of docs/iam-setup.md',
    async (without, error) => {
      await expect(runExample(without)).rejects.toThrow(
        error === 'AccessDeniedException' ? 'is not authorized to perform: dynamodb:PutItem' : error,
      )
    },
  )

  test('the pages use the account IDs of the sandbox', () => {
    for (const page of [readme, iamSetup, readPage('docs/getting-started.md')]) {
      expect(page).toContain(ACCOUNT_A)
      expect(page).toContain(ACCOUNT_B)
    }
  })

  test('docs/getting-started.md and docs/iam-setup.md show the command of the README that writes the policies', () => {
    const [command = ''] = findCommands('README.md').filter((code) => code.includes(' policies --'))
    expect(command).not.toBe('')
    for (const path of ['docs/getting-started.md', 'docs/iam-setup.md'])
      expect(findCommands(path)).toContain(command)
  })
})

test('the README has at most 12 KB', () => {
  expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(12 * 1024)
})

test('the generated parts of the pages are up to date (npm run pages updates them)', async () => {
  const parts = await generateFromCommands()
  for (const [path, text] of Object.entries(parts)) expect(text).toBe(readPage(path))
  const pages = Object.keys(parts).filter((path) => path.endsWith('.md'))
  const text = pages.map(readPage).join('\n')
  const pictures = Object.keys(parts).filter((path) => path.endsWith('.svg'))
  for (const picture of pictures) expect(text).toMatch(new RegExp(`\\((?:docs/)?${picture.slice(5)}\\)`))
  // Random values would change the pages each time.
  expect(Object.values(parts).join('\n')).not.toMatch(/127\.0\.0\.1|request ID [\da-f]{8}-/)
})

test('the tenant condition in docs/many-tenants.md is that of the example pooled-tenants', () => {
  const pattern = /<!-- condition: own tenant -->\n```json\n(.*?)```/s
  const [, condition = ''] = pattern.exec(readPage('docs/many-tenants.md')) ?? []
  const roles = JSON.parse(readPage('examples/pooled-tenants/policies.json'))
  const { permissions } = roles['arn:aws:iam::222222222222:role/TenantOrders']
  expect(permissions.Statement[0].Condition).toEqual(JSON.parse(condition))
})

describe('docs/recipes.md', () => {
  const page = readPage('docs/recipes.md')

  test('lists all folders of examples/, and its links to them are valid', () => {
    const [, table = ''] = /^\| to \| recipe \|\n(.*?)\n\n/ms.exec(page) ?? []
    const listed = [...table.matchAll(/\[`([\w-]+)`\]\(\.\.\/examples\//g)].map(([, name]) => name)
    const folders = readdirSync(join(ROOT, 'examples')).filter((name) => name !== 'local')
    expect(listed.sort()).toEqual(folders.sort())
    for (const [, path = ''] of page.matchAll(/\]\(\.\.\/(examples\/[^)]+)\)/g))
      expect(existsSync(join(ROOT, path))).toBe(true)
  })

  test('shows code of the examples', () => {
    const trimLines = (text: string) => text.replace(/^ +/gm, '')
    const parts = [...page.matchAll(/<!-- part of: (\S+) -->\n```ts\n(.*?)```/gs)]
    expect(parts.length).toBeGreaterThan(4)
    for (const [, path = '', code = ''] of parts) expect(trimLines(readPage(path))).toContain(trimLines(code))
  })
})

describe('docs/options.md', () => {
  interface PageRow {
    readonly variables: readonly string[]
    readonly defaultText: string
  }

  /** The rows of all tables of the page, by the name of the option. */
  const pageRows: ReadonlyMap<string, PageRow> = new Map(
    [...readPage('docs/options.md').matchAll(/^\| `(\w+)` \| (.*?) ?\| (.*?) \|/gm)].map(
      ([, name = '', variables = '', defaultText = '']) => [
        name,
        { variables: [...variables.matchAll(/`(\w+)`/g)].map(([, variable = '']) => variable), defaultText },
      ],
    ),
  )
  const rows: Rows = ROWS

  test('lists each option once, and no other', () => {
    const [issue] = catchIssues(() => crossAccountDynamo(Object.fromEntries([['x'.repeat(24), 1]])))
    const options = issue?.code === 'unknown-option' ? issue.known : []
    expect(options.length).toBeGreaterThan(10)
    expect([...pageRows.keys()].toSorted()).toEqual(options.toSorted())
    expect(readPage('docs/options.md').match(/^\| `\w+` \| /gm)).toHaveLength(options.length)
  })

  test('lists the variables of each option', () => {
    for (const [name, { variables }] of pageRows) {
      const expected = (rows[name]?.variables ?? []).map((variable) =>
        toVariableName(DEFAULT_PREFIX, variable),
      )
      expect({ name, variables }).toEqual({ name, variables: expected })
    }
  })

  test('lists the defaults of the doc comments', () => {
    const source = readPage('src/configuration/options.ts')
    const comments = source.matchAll(/\/\*\*((?:(?!\*\/).)*?)\*\/\n {2}(\w+)\?:/gs)
    const defaults = new Map(
      [...comments].map(([, comment = '', name = '']) => {
        const [, text] = /@default (.+?)(?=\n *\*(?: @|\s*\n| *$)|\s*$)/s.exec(comment) ?? []
        return [name, text?.replace(/\n *\* */g, ' ')]
      }),
    )
    const withoutDefault = { roleArn: 'required, unless `session` returns it', session: 'none' }
    for (const [name, { defaultText }] of pageRows) {
      const expected = defaults.get(name) ?? Object.entries(withoutDefault).find(([key]) => key === name)?.[1]
      expect({ name, text: defaultText.replaceAll('`', '') }).toEqual({
        name,
        text: expected?.replaceAll('`', ''),
      })
    }
  })

  test('lists the defaults that apply', () => {
    const configuration = readConfiguration(
      { roleArn: TARGET_ROLE_ARN },
      { AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'orders' },
    )
    const { parameters, ...settings } = configuration
    const actual: Readonly<Record<string, unknown>> = {
      ...settings,
      ...parameters,
      envPrefix: DEFAULT_PREFIX,
    }
    const literals = [...pageRows].flatMap(([name, { defaultText }]) => {
      const [, literal] = /^`?('\w+'|(?:\d+|true|false)\b)/.exec(defaultText) ?? []
      return literal === undefined ? [] : [[name, JSON.parse(literal.replaceAll("'", '"'))] as const]
    })
    expect(literals.map(([name]) => name).toSorted()).toEqual([
      'contextKey',
      'disablePrefetch',
      'documentClient',
      'durationSeconds',
      'envPrefix',
      'maxSessions',
      'refreshBeforeSeconds',
    ])
    for (const [name, value] of literals) expect({ name, value: actual[name] }).toEqual({ name, value })
    expect(actual).toMatchObject({ sessionName: 'orders', region: 'us-east-1', stsRegions: ['us-east-1'] })
    expect(configuration.translateConfig).toEqual({ marshallOptions: { removeUndefinedValues: true } })
  })
})

test('docs/cli.md lists the exit codes of the commands', () => {
  const [, codes = ''] = /^export type ExitCode = (.+)$/m.exec(readPage('src/cli/terminal.ts')) ?? []
  const [, table = ''] =
    /<!-- generated: exit codes -->\n(.*?)<!-- end -->/s.exec(readPage('docs/cli.md')) ?? []
  expect([...table.matchAll(/^\| (\d) \|/gm)].map(([, code]) => code)).toEqual(codes.split(' | '))
})
