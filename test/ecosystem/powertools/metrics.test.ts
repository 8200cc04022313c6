/** A metric for each AssumeRole call, from the tracing channel, as examples/observability writes it. */
import assert from 'node:assert/strict'
import { startFunction, waitUntil } from '../observability/function.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

interface MetricLine {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string
      readonly Dimensions: readonly (readonly string[])[]
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[]
    }[]
  }
  readonly reason: string
  readonly AssumeRole?: number
  readonly AssumeRoleFailed?: number
}

const sandbox = await startSandboxProcess()

testCombination(
  ['@aws-lambda-powertools/metrics'],
  'writes a metric for each AssumeRole call from the tracing channel, with the reason as a dimension',
  async () => {
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 403, code: 'AccessDenied', times: 1 })
    const lambda = await startFunction({
      file: '../../examples/observability/handler.ts',
      env: await sandbox.createFunctionVariables(),
    })
    await waitUntil(() => lambda.output.stderr.endsWith('\n'))
    assert.equal((await lambda.invoke({ event: { id: '1' } })).failure, undefined)
    await waitUntil(() => lambda.output.stdout.split('\n').length >= 3)
    const lines = lambda.output.stdout.split('\n').slice(0, -1)
    const metrics = lines.map((line) => JSON.parse(line) as MetricLine)
    assert.deepEqual(
      metrics.map(({ reason, _aws: { CloudWatchMetrics } }) => ({ reason, CloudWatchMetrics })),
      [
        { reason: 'prefetch', Name: 'AssumeRoleFailed' },
        { reason: 'first', Name: 'AssumeRole' },
      ].map(({ reason, Name }) => ({
        reason,
        CloudWatchMetrics: [
          {
            Namespace: 'CrossAccountDynamo',
            Dimensions: [['service', 'reason']],
            Metrics: [{ Name, Unit: 'Milliseconds' }],
          },
        ],
      })),
    )
    assert.equal(typeof metrics[0]?.AssumeRoleFailed, 'number')
    assert.equal(typeof metrics[1]?.AssumeRole, 'number')
  },
)
