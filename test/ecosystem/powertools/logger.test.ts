/** Powertools Logger as `logger`: what it writes if AssumeRole fails. The function writes to stdout and stderr, as in Lambda. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { type FunctionProcess, startFunction, waitUntil } from '../observability/function.ts'
import { testCombination } from '../support/combination.ts'
import { getRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess()
beforeEach(() => sandbox.clear())

interface LogLine {
  readonly level: string
  readonly code: string
  readonly reason: string
  readonly error: {
    readonly name: string
    readonly message: string
    readonly stack: string
    readonly code: string
  }
}

/** The credentials expire after an hour, and a refresh starts 15 minutes or more before. */
const FIFTY_MINUTES_MS = 50 * 60_000

const readLines = (text: string): LogLine[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine)

/** @throws if a line contains credentials of the function, of the session or the external ID. */
const assertNoCredentials = async (
  { output }: FunctionProcess,
  env: Readonly<Record<string, string>>,
): Promise<void> => {
  const issued = (await sandbox.getCalls()).map(({ issuedAccessKeyId }) => issuedAccessKeyId)
  for (const credential of [
    env.AWS_ACCESS_KEY_ID,
    env.AWS_SECRET_ACCESS_KEY,
    env.AWS_SESSION_TOKEN,
    env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID,
    ...issued,
  ])
    assert.ok(credential === undefined || !(output.stdout + output.stderr).includes(credential))
}

testCombination(
  ['@aws-lambda-powertools/logger'],
  'logs the code, the reason and the error of an AssumeRole call that STS denied',
  async () => {
    const env = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const lambda = await startFunction({ file: getRecipe('observability', 'powertools-logger'), env })
    await waitUntil(() => lambda.output.stderr.endsWith('\n'))
    const { failure } = await lambda.invoke({ event: { id: '1' } })
    assert.equal(failure?.code, 'ASSUME_ROLE_DENIED')
    await waitUntil(() => readLines(lambda.output.stderr).length >= 2)
    const lines = readLines(lambda.output.stderr)
    assert.deepEqual(
      lines.map(({ level, code, reason, error }) => ({
        level,
        code,
        reason,
        name: error.name,
        errorCode: error.code,
      })),
      ['prefetch', 'first'].map((reason) => ({
        level: 'ERROR',
        code: 'ASSUME_ROLE_DENIED',
        reason,
        name: 'CrossAccountDynamoError',
        errorCode: 'ASSUME_ROLE_DENIED',
      })),
    )
    for (const { error } of lines) {
      assert.match(error.message, /^ASSUME_ROLE_DENIED: /)
      assert.ok(error.message.includes(UNTRUSTED_ROLE_ARN))
      assert.ok(error.stack.length > 0)
    }
    assert.equal(lambda.output.stdout, '')
    await assertNoCredentials(lambda, env)
  },
)

testCombination(
  ['@aws-lambda-powertools/logger'],
  'logs a failed refresh as a warning, because the invocation succeeds with its current credentials',
  async () => {
    const env = await sandbox.createFunctionVariables()
    const lambda = await startFunction({ file: 'powertools/fixtures/logger.ts', env })
    assert.equal((await lambda.invoke({ event: { id: '2' } })).failure, undefined)
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 500 })
    await sandbox.advanceClock(FIFTY_MINUTES_MS)
    const event = { id: '3', laterMs: FIFTY_MINUTES_MS }
    assert.equal((await lambda.invoke({ event })).failure, undefined)
    await waitUntil(() => lambda.output.stderr.endsWith('\n'))
    const [line, ...otherLines] = readLines(lambda.output.stderr)
    assert.deepEqual(otherLines, [])
    assert.partialDeepStrictEqual(line, { level: 'WARN', code: 'STS_UNAVAILABLE', reason: 'refresh' })
    assert.match(line?.error.message ?? '', /^STS_UNAVAILABLE: /)
    await assertNoCredentials(lambda, env)
  },
)
