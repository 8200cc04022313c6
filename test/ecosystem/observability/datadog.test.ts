/** Datadog's tracer, loaded before the function as its Lambda layer does. In Lambda, without an agent, it writes traces to stdout. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { type FunctionProcess, startFunction, waitUntil } from './function.ts'

interface Span {
  readonly name: string
  readonly resource: string
  readonly trace_id: string
}

const sandbox = await startSandboxProcess()
beforeEach(() => sandbox.clear())

/** Reads the traces that the function has written, one JSON object a line. */
const readSpans = ({ output }: FunctionProcess): Span[] =>
  output.stdout
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{"traces":'))
    .flatMap((line) => (JSON.parse(line) as { traces: Span[][] }).traces.flat())

for (const nodeOptions of [
  ['--import', 'dd-trace/initialize.mjs'],
  ['--require', 'dd-trace/init'],
]) {
  testCombination(
    ['dd-trace'],
    `with \`${nodeOptions.join(' ')}\`, traces the requests of the handler, and no request that the function does not send`,
    async () => {
      const env = await sandbox.createFunctionVariables()
      const lambda = await startFunction({
        file: 'observability/fixtures/put-and-get.ts',
        env: {
          ...env,
          DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
          DD_REMOTE_CONFIGURATION_ENABLED: 'false',
          DD_TRACE_STARTUP_LOGS: 'false',
        },
        nodeOptions,
      })
      const { result } = await lambda.invoke({ event: { id: '1' } })
      assert.deepEqual(result, { id: '1' })
      await waitUntil(() => readSpans(lambda).some(({ resource }) => resource === 'get MyTable'))
      const spans = readSpans(lambda)
      const listResources = (name: string) =>
        spans.filter((span) => span.name === name).map(({ resource }) => resource)
      assert.deepEqual(listResources('aws.request'), ['put MyTable', 'get MyTable'])
      // The early connection, AssumeRole and the two requests of the handler.
      assert.deepEqual(listResources('http.request').toSorted(), ['GET', 'POST', 'POST', 'POST'])
      const text = lambda.output.stdout
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const)
        assert.ok(!text.includes(env[name] ?? name))
      assert.deepEqual((await sandbox.getCalls()).map(({ operation }) => operation).toSorted(), [
        'AssumeRole',
        'GetItem',
        'Health',
        'PutItem',
      ])
    },
  )
}
