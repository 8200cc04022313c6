/** `console` as `logger`: what it writes if AssumeRole fails. */
import assert from 'node:assert/strict'
import { UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { startFunction, waitUntil } from './function.ts'

const sandbox = await startSandboxProcess()

testCombination(
  ['console'],
  'as `logger` logs the code, the reason and the error, without credentials',
  async () => {
    const env = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const lambda = await startFunction({ file: 'observability/fixtures/console.ts', env })
    await waitUntil(() => lambda.output.stderr.endsWith('}\n'))
    assert.match(
      lambda.output.stderr,
      /\{\n {2}code: 'ASSUME_ROLE_DENIED',\n {2}reason: 'prefetch',\n {2}error: CrossAccountDynamoError: /,
    )
    assert.ok(lambda.output.stderr.includes(UNTRUSTED_ROLE_ARN))
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID } =
      env
    for (const secret of [
      AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY,
      AWS_SESSION_TOKEN,
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID,
    ])
      assert.ok(secret !== undefined && !lambda.output.stderr.includes(secret))
  },
)
