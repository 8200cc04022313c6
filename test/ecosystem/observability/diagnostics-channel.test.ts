/** The tracing channel without a library. */
import assert from 'node:assert/strict'
import { testCombination } from '../support/combination.ts'
import { getRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { startFunction, waitUntil } from './function.ts'

const sandbox = await startSandboxProcess()

testCombination(
  ['node:diagnostics_channel'],
  'publishes the reason, the attempts and the outcome of each AssumeRole call, as in docs/observability.md',
  async () => {
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 403, code: 'AccessDenied', times: 1 })
    const lambda = await startFunction({
      file: getRecipe('observability', 'tracing-channel'),
      env: await sandbox.createFunctionVariables(),
    })
    await waitUntil(() => lambda.output.stdout.endsWith('\n'))
    assert.equal((await lambda.invoke({ event: {} })).result, 'us-east-1')
    await waitUntil(() => lambda.output.stdout.split('\n').length >= 3)
    const lines = lambda.output.stdout.split('\n').slice(0, -1)
    const traces = lines.map((line) => JSON.parse(line))
    assert.deepEqual(
      traces.map(({ durationMs, ...trace }) => ({ ...trace, hasDuration: typeof durationMs === 'number' })),
      [
        { reason: 'prefetch', attempts: 1, failed: true, hasDuration: true },
        { reason: 'first', attempts: 1, failed: false, hasDuration: true },
      ],
    )
  },
)
