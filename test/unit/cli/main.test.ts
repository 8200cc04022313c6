/** The command-line program: how it starts, its exit codes, and when it writes colors. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { run } from '../../../src/cli/run.ts'
import { setEnvironment } from '../../integration/lambda.ts'

const { argv, exitCode } = process
const { isTTY } = process.stdout
const { isTTY: isStderrTTY } = process.stderr
const { TERM } = process.env
const folder = mkdtempSync(join(tmpdir(), 'command-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  jest.restoreAllMocks()
  process.argv = argv
  process.exitCode = exitCode
  process.stdout.isTTY = isTTY
  process.stderr.isTTY = isStderrTTY
  delete process.env.NO_COLOR
  if (TERM === undefined) delete process.env.TERM
  else process.env.TERM = TERM
})

let importCount = 0
/** Imports the program with these arguments, and returns its exit code and output. */
const runProgram = async (
  args: readonly string[],
  isStdoutTerminal: boolean,
  noColor?: string,
  isStderrTerminal = isStdoutTerminal,
) => {
  let out = ''
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  const err = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  err.mockClear()
  process.stdout.isTTY = isStdoutTerminal
  process.stderr.isTTY = isStderrTerminal
  if (noColor !== undefined) process.env.NO_COLOR = noColor
  process.argv = ['node', 'main.js', ...args]
  // The query prevents Node.js from returning the module of an earlier import.
  importCount += 1
  await import(`../../../src/cli/main.ts?import=${importCount}`)
  const code = process.exitCode
  // Otherwise Jest's process would end with this exit code.
  process.exitCode = exitCode
  return { code, out, err: err.mock.calls.join('') }
}

const POLICIES_COMMAND =
  'policies --role-arn arn:aws:iam::222222222222:role/CrossAccountDynamoRole --region us-east-1 --access read ' +
  '--execution-role-arn arn:aws:iam::111111111111:role/LambdaExecutionRole --table Orders'

test.each([
  ['writes colors to a terminal', true, undefined, true],
  ['writes colors to a terminal if NO_COLOR is empty', true, '', true],
  ['writes no colors if NO_COLOR is set', true, '1', false],
  ['writes no colors to a pipe', false, undefined, false],
] as const)('%s', async (_title, isStdoutTerminal, noColor, hasColors) => {
  setEnvironment({})
  const { code, out } = await runProgram(POLICIES_COMMAND.split(' '), isStdoutTerminal, noColor)
  expect(code).toBe(0)
  expect(out.startsWith('\u001b[36m# Account 111111111111')).toBe(hasColors)
  expect(out.startsWith('# Account 111111111111')).toBe(!hasColors)
})

test('writes no colors if TERM is dumb', async () => {
  setEnvironment({})
  process.env.TERM = 'dumb'
  expect((await runProgram(POLICIES_COMMAND.split(' '), true)).out).toMatch(/^# Account/)
})

test('writes colors to each stream that is a terminal', async () => {
  setEnvironment({})
  const argumentsWithWarning = `${POLICIES_COMMAND} --tenant-tag TenantId`.split(' ')
  const withStdoutFile = await runProgram(argumentsWithWarning, false, undefined, true)
  expect(withStdoutFile.out).toMatch(/^# Account/)
  expect(withStdoutFile.err).toContain('\u001b[33mWarning:')
  const withStderrFile = await runProgram(argumentsWithWarning, true, undefined, false)
  expect(withStderrFile.out).toContain('\u001b[36m# Account')
  expect(withStderrFile.err).toMatch(/^Warning:/)
})

describe('the program in a child process', () => {
  const file = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
  const bin = join(folder, 'bin')
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    NODE_OPTIONS: '',
  }
  /** How to start the program: with a symbolic link to an executable file, as npm creates it, or with Node.js. */
  const PROGRAMS: Readonly<Record<string, readonly string[]>> = { bin: [bin], node: [process.execPath, file] }
  beforeAll(() => {
    const [shebang] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(join(folder, 'main.mjs'), `${shebang}\nimport ${JSON.stringify(file)}\n`, { mode: 0o755 })
    symlinkSync('main.mjs', bin)
    writeFileSync(join(folder, 'required.cjs'), "console.log('required')")
    writeFileSync(
      join(folder, 'variables'),
      `NODE_OPTIONS="--require ${join(folder, 'required.cjs')}"\nCROSS_ACCOUNT_DYNAMO_EXTERNAL_ID=example-id\n`,
    )
  })
  const startProgram = (name: string, line: string) => {
    const [program = '', ...args] = [...(PROGRAMS[name] ?? []), ...line.split(' ')]
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env })
    return { status, stdout, stderr }
  }

  test.each(Object.keys(PROGRAMS))(
    'the program started with %s reports a missing dotenv file as a usage error',
    (name) => {
      const { status, stdout, stderr } = startProgram(name, `${POLICIES_COMMAND} --dotenv missing`)
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toContain('--dotenv missing')
      expect(stderr).toContain('ENOENT')
    },
  )

  test.each(Object.keys(PROGRAMS))(
    'the program started with %s ignores NODE_OPTIONS in a dotenv file',
    (name) => {
      const { status, stdout, stderr } = startProgram(name, `${POLICIES_COMMAND} --dotenv variables`)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).not.toContain('required')
      expect(stdout).toContain('"sts:ExternalId": "example-id"')
    },
  )

  test('the program ends without an error if the reader of its output stops early', () => {
    // The delay lets the reader end before the command writes.
    const script = `{ sleep 0.2; '${bin}' ${POLICIES_COMMAND}; echo "code $?" >&2; } | true`
    const { stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env })
    expect(stderr).toBe('code 0\n')
  })
})

test.each([
  ['with several lines', new Error('a bug\nof two lines'), 'a bug of two lines'],
  [
    'of a missing SDK',
    Object.assign(new Error("Cannot find package '@aws-sdk/client-sts'"), { code: 'ERR_MODULE_NOT_FOUND' }),
    'npm install @aws-sdk/client-sts @aws-sdk/client-dynamodb',
  ],
  ['that is a string', 'thrown', 'thrown'],
])(
  'reports an unexpected error %s in one line on stderr, with exit code 3',
  async (_title, thrown, expectedText) => {
    setEnvironment({})
    let stderrText = ''
    const err = (text: string) => {
      stderrText += text
    }
    const out = () => {
      throw thrown
    }
    const code = await run(POLICIES_COMMAND.split(' '), { out, err, colors: { out: false, err: false } })
    expect(code).toBe(3)
    expect(stderrText.trimEnd().split('\n')).toHaveLength(1)
    expect(stderrText).toMatch(/^policies: /)
    expect(stderrText).toContain(expectedText)
  },
)

test('reports a usage error on stderr, with exit code 2', async () => {
  const { code, out, err } = await runProgram(['policies', '--wrong'], false)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('--wrong')
})
