/** pino, whose methods take the details before the message. */
import assert from 'node:assert/strict'
import middy from '@middy/core'
import { crossAccountDynamo, type Logger } from 'middy-cross-account-dynamo'
import { pino } from 'pino'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { getRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { startFunction, waitUntil } from './function.ts'

const sandbox = await startSandboxProcess()

testCombination(
  ['pino'],
  'logs the code, the reason and the error with the wrapper of docs/observability.md',
  async () => {
    const env = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const lambda = await startFunction({ file: getRecipe('observability', 'pino'), env })
    await waitUntil(() => lambda.output.stdout.endsWith('\n'))
    const line = JSON.parse(lambda.output.stdout)
    assert.partialDeepStrictEqual(line, {
      level: 50,
      code: 'ASSUME_ROLE_DENIED',
      reason: 'prefetch',
      error: { type: 'CrossAccountDynamoError', code: 'ASSUME_ROLE_DENIED' },
    })
    assert.equal(typeof line.msg, 'string')
    assert.match(line.error.message, /^ASSUME_ROLE_DENIED: /)
    assert.ok(line.error.message.includes(UNTRUSTED_ROLE_ARN))
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const)
      assert.ok(!lambda.output.stdout.includes(env[name] ?? name))
  },
)

testCombination(['pino'], 'without a wrapper, logs the message only', async () => {
  setEnvironment(await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN))
  const lines: string[] = []
  const log = pino({ errorKey: 'error' }, { write: (line) => void lines.push(line) })
  const handler = middy()
    .use(crossAccountDynamo({ logger: log as Logger, disablePrefetch: true }))
    .handler(async () => {})
  await assert.rejects(handler({}, createLambdaContext()), { code: 'ASSUME_ROLE_DENIED' })
  assert.equal(lines.length, 1)
  assert.deepEqual(Object.keys(JSON.parse(lines[0] ?? '')).sort(), [
    'hostname',
    'level',
    'msg',
    'pid',
    'time',
  ])
})
