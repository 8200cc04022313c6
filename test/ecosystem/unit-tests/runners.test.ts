/**
 * The unit tests of users. Each folder of `fixtures/` is a project with two handlers, tests of them and the configuration of one test
 * runner. The tests here copy a project to a temporary folder and run its `npm test`. docs/testing.md shows the same code.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import { testCombination } from '../support/combination.ts'
import { findShownFiles, readPage } from '../support/shown-files.ts'

const FOLDER = import.meta.dirname
const ROOT = join(FOLDER, '../../..')
const PACKAGES = join(FOLDER, '../node_modules')

/** The file to which the flags of each runner write its report. */
const REPORT = 'report.txt'

const readFixture = (file: string): string => readFileSync(join(FOLDER, 'fixtures', file), 'utf8')

const temporaryFolder = mkdtempSync(join(tmpdir(), 'unit-tests-'))
after(() => rmSync(temporaryFolder, { recursive: true, force: true }))

/** The variables of this process without those that configure AWS, this package, Node.js or a test runner. */
const createEnvironment = (connectionsFile: string): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|NODE_|JEST_|VITEST|npm_|FORCE_COLOR$)/.test(name),
  )
  const preload = pathToFileURL(join(FOLDER, 'record-connections.ts'))
  return {
    ...Object.fromEntries(inherited),
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    NO_COLOR: '1',
    NODE_OPTIONS: `--import=${preload} --disable-warning=ExperimentalWarning`,
    CONNECTIONS_FILE: connectionsFile,
    // A developer may have set the variable in the shell. The configuration of the runner must replace it.
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  }
}

/** Runs `npm test` in a copy of a project. Returns the exit code, the output, the report and the addresses of all TCP connections. */
const runProject = (project: string, reporterFlags: readonly string[]) => {
  const copy = join(temporaryFolder, project)
  cpSync(join(FOLDER, 'fixtures', project), copy, { recursive: true })
  symlinkSync(PACKAGES, join(copy, 'node_modules'), 'junction')
  const connectionsFile = join(temporaryFolder, `${project}.txt`)
  const { status, stdout, stderr } = spawnSync('npm', ['test', '--silent', '--', ...reporterFlags], {
    cwd: copy,
    env: createEnvironment(connectionsFile),
    encoding: 'utf8',
    timeout: 120_000,
  })
  const connections = existsSync(connectionsFile) ? readFileSync(connectionsFile, 'utf8').trim() : ''
  const reportFile = join(copy, REPORT)
  const report = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : ''
  return { status, output: `${stdout}\n${stderr}`, report, connections: new Set(connections.split('\n')) }
}

interface Counts {
  readonly passed: number
  readonly failed: number
}

/** Reads the report of Jest's and Vitest's JSON reporters, which have the same format. */
const readJsonReport = (report: string): Counts => {
  const { numPassedTests, numFailedTests } = JSON.parse(report)
  return { passed: numPassedTests, failed: numFailedTests }
}

const readTap = (report: string): Counts => {
  const readCount = (name: string): number =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(report)?.[1] ?? Number.NaN)
  return { passed: readCount('pass'), failed: readCount('fail') }
}

const TEST_FILES = ['handler.test.ts', 'tenant-handler.test.ts', 'role.test.ts', 'denied.test.ts']

interface Project {
  readonly name: string
  readonly packages: readonly [string, ...string[]]
  readonly title: string
  /** The files of this project that the page shows. */
  readonly shownFiles: readonly string[]
  readonly reporterFlags: readonly string[]
  readonly readCounts: (report: string) => Counts
}

const JEST = {
  packages: ['jest', '@swc/jest', 'aws-sdk-client-mock'],
  shownFiles: ['package.json', 'jest.config.js', 'jest.setup.js', 'handler.test.ts'],
  reporterFlags: ['--json', `--outputFile=${REPORT}`],
  readCounts: readJsonReport,
} as const

const PROJECTS: readonly Project[] = [
  {
    name: 'vitest',
    packages: ['vitest', 'aws-sdk-client-mock'],
    title: 'Vitest',
    shownFiles: ['package.json', 'handler.ts', 'tenant-handler.ts', 'vitest.config.ts', ...TEST_FILES],
    reporterFlags: ['--reporter=json', `--outputFile=${REPORT}`],
    readCounts: readJsonReport,
  },
  { name: 'jest-esm', title: 'Jest with ES modules', ...JEST },
  { name: 'jest-commonjs', title: 'Jest with CommonJS', ...JEST },
  {
    name: 'node-test',
    packages: ['aws-sdk-client-mock'],
    title: '`node:test`',
    shownFiles: ['package.json', 'test.setup.js', 'handler.test.ts'],
    reporterFlags: ['--test-reporter=tap', `--test-reporter-destination=${REPORT}`],
    readCounts: readTap,
  },
]

for (const { name, packages, title, shownFiles, reporterFlags, readCounts } of PROJECTS) {
  testCombination(
    packages,
    `tests a handler in direct mode, with a mock of STS and with a \`session\` function, in ${title}, and sends nothing to AWS, also if the shell sets a role`,
    async (context) => {
      const { status, output, report, connections } = runProject(name, reporterFlags)
      assert.equal(status, 0, output)
      assert.deepEqual(readCounts(report), { passed: 5, failed: 0 })
      // While the middleware waits for STS, it opens a connection to DynamoDB. The tests set an endpoint that refuses the connection.
      assert.deepEqual(connections, new Set(['127.0.0.1:1']))

      if (name === 'node-test')
        await context.test('docs/testing.md quotes the process warning', () => {
          const [, quote = ''] = /```text\n(.*?)```/s.exec(readPage('testing.md')) ?? []
          assert.ok(report.includes(quote.replaceAll(/\s+/g, ' ').trim()), report)
        })

      await context.test('docs/testing.md shows the configuration and the tests', () => {
        const shown = findShownFiles('testing.md')
        const prefix = `${name}/`
        const files = [...shown.keys()].filter((file) => file.startsWith(prefix))
        assert.deepEqual(files.toSorted(), shownFiles.map((file) => prefix + file).toSorted())
        for (const file of files) assert.equal(shown.get(file), readFixture(file))
      })
    },
  )
}

testCombination(
  ['aws-sdk-client-mock'],
  'type checks the unit tests of a handler, which pass a typed context',
  async (context) => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', join(FOLDER, 'fixtures')], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout)

    await context.test('docs/testing.md shows the contexts', () => {
      const shown = findShownFiles('testing.md')
      assert.equal(shown.get('contexts.ts'), readFixture('contexts.ts'))
    })

    await context.test('the tests for Jest and Vitest differ only in their imports', () => {
      const isOwnImport = (line: string): boolean => /from '(?:vitest|@jest\/globals)'$/.test(line)
      const readWithoutImports = (file: string): string =>
        readFixture(file)
          .split('\n')
          .filter((line) => !isOwnImport(line))
          .join('\n')
          .replaceAll("handler.ts'", "handler'")
      for (const file of ['handler.ts', 'tenant-handler.ts', ...TEST_FILES]) {
        for (const project of ['jest-esm', 'jest-commonjs'])
          assert.equal(readWithoutImports(`${project}/${file}`), readWithoutImports(`vitest/${file}`))
      }
    })
  },
)
