/** The command: how it is started, its exit codes, and when it writes colors. */
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
const { isTTY: isErrTTY } = process.stderr
const { TERM } = process.env
const folder = mkdtempSync(join(tmpdir(), 'command-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  jest.restoreAllMocks()
  process.argv = argv
  process.exitCode = exitCode
  process.stdout.isTTY = isTTY
  process.stderr.isTTY = isErrTTY
  delete process.env.NO_COLOR
  if (TERM === undefined) delete process.env.TERM
  else process.env.TERM = TERM
})

let loads = 0
const main = async (
  args: readonly string[],
  isTerminal: boolean,
  noColor?: string,
  isErrTerminal = isTerminal,
) => {
  let out = ''
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  const err = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  err.mockClear()
  process.stdout.isTTY = isTerminal
  process.stderr.isTTY = isErrTerminal
  if (noColor !== undefined) process.env.NO_COLOR = noColor
  process.argv = ['node', 'main.js', ...args]
  loads += 1
  await import(`../../../src/cli/main.ts?load=${loads}`)
  const code = process.exitCode
  // Otherwise Jest's process would end with this exit code.
  process.exitCode = exitCode
  return { code, out, err: err.mock.calls.join('') }
}

const POLICIES =
  'policies --role-arn arn:aws:iam::222222222222:role/CrossAccountDynamoRole --region us-east-1 --access read ' +
  '--execution-role-arn arn:aws:iam::111111111111:role/LambdaExecutionRole --table Orders'

test.each([
  ['writes colors to a terminal', true, undefined, true],
  ['writes colors to a terminal if NO_COLOR is empty', true, '', true],
  ['writes no colors if NO_COLOR is set', true, '1', false],
  ['writes no colors to a pipe', false, undefined, false],
] as const)('%s', async (_title, isTerminal, noColor, hasColors) => {
  setEnvironment({})
  const { code, out } = await main(POLICIES.split(' '), isTerminal, noColor)
  expect(code).toBe(0)
  expect(out.startsWith('\u001b[36m# Account 222222222222')).toBe(hasColors)
  expect(out.startsWith('# Account 222222222222')).toBe(!hasColors)
})

test('writes no colors to a terminal that has none', async () => {
  setEnvironment({})
  process.env.TERM = 'dumb'
  expect((await main(POLICIES.split(' '), true)).out).toMatch(/^# Account/)
})

test('decides about colors for each stream, because only one may be a file', async () => {
  setEnvironment({})
  const withWarning = `${POLICIES} --tenant-tag TenantId`.split(' ')
  const outToFile = await main(withWarning, false, undefined, true)
  expect(outToFile.out).toMatch(/^# Account/)
  expect(outToFile.err).toContain('\u001b[33mWarning:')
  const errToFile = await main(withWarning, true, undefined, false)
  expect(errToFile.out).toContain('\u001b[36m# Account')
  expect(errToFile.err).toMatch(/^Warning:/)
})

describe('in a process of its own', () => {
  const file = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
  const bin = join(folder, 'bin')
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    NODE_OPTIONS: '',
  }
  /** Started by a link to an executable file, as npm makes it, and by Node.js. */
  const programs: Readonly<Record<string, readonly string[]>> = { bin: [bin], node: [process.execPath, file] }
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
  const start = (name: string, line: string) => {
    const [program = '', ...args] = [...(programs[name] ?? []), ...line.split(' ')]
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env })
    return { status, stdout, stderr }
  }

  test.each(Object.keys(programs))('%s: a missing dotenv file is a usage error', (name) => {
    const { status, stdout, stderr } = start(name, `${POLICIES} --dotenv missing`)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('--dotenv missing')
    expect(stderr).toContain('ENOENT')
  })

  test.each(Object.keys(programs))('%s: reads a dotenv file without running NODE_OPTIONS from it', (name) => {
    const { status, stdout, stderr } = start(name, `${POLICIES} --dotenv variables`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).not.toContain('required')
    expect(stdout).toContain('"sts:ExternalId": "example-id"')
  })

  test('ends without an error when its reader stops early', () => {
    // The delay lets the reader end before the command writes.
    const script = `{ sleep 0.2; '${bin}' ${POLICIES}; echo "code $?" >&2; } | true`
    const { stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env })
    expect(stderr).toBe('code 0\n')
  })
})

test.each([
  ['of several lines', new Error('a bug\nof two lines'), 'a bug of two lines'],
  [
    'about a missing SDK',
    Object.assign(new Error("Cannot find package '@aws-sdk/client-sts'"), { code: 'ERR_MODULE_NOT_FOUND' }),
    'npm install @aws-sdk/client-sts @aws-sdk/client-dynamodb',
  ],
  ['that is no Error', 'thrown', 'thrown'],
])('reports an unexpected error %s in one line on stderr, with exit code 3', async (_title, thrown, text) => {
  setEnvironment({})
  let written = ''
  const err = (more: string) => {
    written += more
  }
  const out = () => {
    throw thrown
  }
  const code = await run(POLICIES.split(' '), { out, err, colors: { out: false, err: false } })
  expect(code).toBe(3)
  expect(written.trimEnd().split('\n')).toHaveLength(1)
  expect(written).toMatch(/^policies: /)
  expect(written).toContain(text)
})

test('reports a usage error on stderr, with exit code 2', async () => {
  const { code, out, err } = await main(['policies', '--wrong'], false)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('--wrong')
})
