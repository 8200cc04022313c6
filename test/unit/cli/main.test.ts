/** The command itself: its arguments, its exit code, and when it writes in colours. */
import { afterEach, expect, jest, test } from '@jest/globals'
import { setEnvironment } from '../../integration/lambda.ts'

const { argv, exitCode } = process
const { isTTY } = process.stdout
afterEach(() => {
  jest.restoreAllMocks()
  process.argv = argv
  process.exitCode = exitCode
  process.stdout.isTTY = isTTY
  delete process.env.NO_COLOR
})

let loads = 0
const main = async (args: readonly string[], terminal: boolean, noColor?: string) => {
  let out = ''
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  const err = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  process.stdout.isTTY = terminal
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

test('wrong use is told on stderr, with exit code 2', async () => {
  const { code, out, err } = await main(['policies', '--wrong'], false)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain("Unknown option '--wrong'")
})
