/** The command itself: its arguments, its exit code, when it writes in colours, and how it is started. */
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
const main = async (args: readonly string[], terminal: boolean, noColor?: string, errTerminal = terminal) => {
  let out = ''
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  const err = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  err.mockClear()
  process.stdout.isTTY = terminal
  process.stderr.isTTY = errTerminal
  if (noColor !== undefined) process.env.NO_COLOR = noColor
  process.argv = ['node', 'main.js', ...args]
  loads += 1
  await import(`../../../src/cli/main.ts?load=${loads}`)
  const code = process.exitCode
  // Jest's own must not end with it.
  process.exitCode = exitCode
  return { code, out, err: err.mock.calls.join('') }
}

const POLICIES =
  'policies --role-arn arn:aws:iam::222222222222:role/CrossAccountDynamoRole --region us-east-1 --access read ' +
  '--execution-role-arn arn:aws:iam::111111111111:role/LambdaExecutionRole --table Orders'

test.each([
  ['on a terminal', true, undefined, true],
  ['on a terminal where NO_COLOR is empty', true, '', true],
  ['not where NO_COLOR is set', true, '1', false],
  ['not into a pipe', false, undefined, false],
] as const)('colours: %s', async (_title, terminal, noColor, coloured) => {
  setEnvironment({})
  const { code, out } = await main(POLICIES.split(' '), terminal, noColor)
  expect(code).toBe(0)
  expect(out.startsWith('\u001b[36m# Account 222222222222')).toBe(coloured)
  expect(out.startsWith('# Account 222222222222')).toBe(!coloured)
})

test('colours: not where the terminal has none', async () => {
  setEnvironment({})
  process.env.TERM = 'dumb'
  expect((await main(POLICIES.split(' '), true)).out).toMatch(/^# Account/)
})

test('colours: of each stream by itself, since one may be a file', async () => {
  setEnvironment({})
  const withWarning = `${POLICIES} --tenant-tag TenantId`.split(' ')
  const intoFile = await main(withWarning, false, undefined, true)
  expect(intoFile.out).toMatch(/^# Account/)
  expect(intoFile.err).toContain('\u001b[33mWarning:')
  const errIntoFile = await main(withWarning, true, undefined, false)
  expect(errIntoFile.out).toContain('\u001b[36m# Account')
  expect(errIntoFile.err).toMatch(/^Warning:/)
})

describe('started in a process of its own', () => {
  const file = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
  const bin = join(folder, 'bin')
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    NODE_OPTIONS: '',
  }
  // By a link, as npm makes it, and by its file.
  const ways: Readonly<Record<string, readonly string[]>> = { bin: [bin], node: [process.execPath, file] }
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
  const start = (way: string, line: string) => {
    const [program = '', ...args] = [...(ways[way] ?? []), ...line.split(' ')]
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env })
    return { status, stdout, stderr }
  }

  test.each(Object.keys(ways))('%s: a file of variables that is missing is wrong use', (way) => {
    const { status, stderr } = start(way, `${POLICIES} --variables missing`)
    expect(stderr).toMatch(/^policies: --variables missing cannot be read: ENOENT/)
    expect(status).toBe(2)
  })

  test.each(Object.keys(ways))('%s: a file by the name that Node.js hears, too, is read', (way) => {
    writeFileSync(join(folder, '.env'), 'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID=example-id\n')
    const { status, stdout } = start(way, `${POLICIES} --env-file .env`)
    expect(status).toBe(0)
    expect(stdout).toContain('"sts:ExternalId": "example-id"')
  })

  test.each(Object.keys(ways))('%s: nothing that such a file says is run', (way) => {
    const { status, stdout, stderr } = start(way, `${POLICIES} --variables variables`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).not.toContain('required')
    expect(stdout).toContain('"sts:ExternalId": "example-id"')
  })

  test('whoever stops reading is told nothing more', () => {
    // The writer begins when the reader has gone.
    const script = `{ sleep 0.2; '${bin}' ${POLICIES}; echo "code $?" >&2; } | true`
    const { stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env })
    expect(stderr).toBe('code 0\n')
  })
})

test.each([
  [new Error('a bug\nof two lines'), 'a bug of two lines'],
  [
    Object.assign(new Error("Cannot find package '@aws-sdk/client-sts'"), { code: 'ERR_MODULE_NOT_FOUND' }),
    'the AWS SDK is not installed here: npm install @aws-sdk/client-sts @aws-sdk/client-dynamodb',
  ],
  ['thrown', 'thrown'],
])('what broke is one line on stderr, and no finding: %s', async (thrown, words) => {
  setEnvironment({})
  let written = ''
  const err = (text: string) => {
    written += text
  }
  const out = () => {
    throw thrown
  }
  const code = await run(POLICIES.split(' '), { out, err, colours: { out: false, err: false } })
  expect({ code, written }).toEqual({ code: 3, written: `policies broke: ${words}\n` })
})

test('wrong use is told on stderr, with exit code 2', async () => {
  const { code, out, err } = await main(['policies', '--wrong'], false)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain("Unknown option '--wrong'")
})
