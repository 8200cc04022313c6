/** X-Ray in the INIT phase of a function, in which there is no trace, and in its first invocation. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { testCombination } from '../support/combination.ts'
import { startHttpServer } from '../support/http-server.ts'
import { getRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { type FunctionProcess, startFunction, waitUntil } from './function.ts'
import { startXRayDaemon, TRACE_HEADER, TRACE_ID } from './x-ray-daemon.ts'

const EXAMPLE = '../../examples/observability/handler.ts'
const RECIPE = getRecipe('observability', 'powertools-tracer')
const DEFAULT_TRACER = 'observability/fixtures/default-tracer.ts'
const sandbox = await startSandboxProcess()
const { subsegments, env: tracingVariables } = await startXRayDaemon()

beforeEach(async () => {
  await sandbox.clear()
  subsegments.length = 0
})

const listOperations = async (): Promise<string[]> =>
  (await sandbox.getCalls()).map(({ operation }) => operation)

const startTracedFunction = async (
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<FunctionProcess> =>
  startFunction({
    file,
    env: { ...(await sandbox.createFunctionVariables()), ...tracingVariables, ...env },
  })

/** Waits until the prefetch has assumed the role and opened the connection. */
const waitForPrefetch = (): Promise<void> =>
  waitUntil(async () => {
    const calls = await sandbox.getCalls()
    return calls.length === 2 && calls.every(({ status }) => status === 200)
  })

/** Invokes the function with the trace header. @throws if the handler throws. */
const invoke = async (lambda: FunctionProcess, event: object): Promise<unknown> => {
  const { result, failure } = await lambda.invoke({ event, traceId: TRACE_HEADER })
  assert.equal(failure, undefined)
  return result
}

const describeSubsegments = (): string[] =>
  subsegments.map(({ name, aws }) => (aws === undefined ? name : `${name} ${aws.operation}`))

for (const strategy of ['LOG_ERROR', 'RUNTIME_ERROR']) {
  testCombination(
    ['@aws-lambda-powertools/tracer', 'aws-xray-sdk-core', '@aws-lambda-powertools/metrics'],
    `without HTTP capture, assumes the role in the INIT phase if \`AWS_XRAY_CONTEXT_MISSING\` is \`${strategy}\``,
    async () => {
      const lambda = await startTracedFunction(EXAMPLE, { AWS_XRAY_CONTEXT_MISSING: strategy })
      await waitForPrefetch()
      assert.deepEqual((await listOperations()).toSorted(), ['AssumeRole', 'Health'])
      await waitUntil(() => lambda.output.stdout.endsWith('\n'))
      assert.equal(lambda.output.stderr, '')
      const [metric, ...otherLines] = lambda.output.stdout.trimEnd().split('\n')
      assert.partialDeepStrictEqual(JSON.parse(metric ?? ''), { service: 'orders', reason: 'prefetch' })
      assert.deepEqual(otherLines, [])

      await sandbox.clear()
      await invoke(lambda, { id: '1' })
      assert.deepEqual(await listOperations(), ['GetItem'])
      await waitUntil(() => subsegments.length > 0)
      assert.deepEqual(describeSubsegments(), ['DynamoDB GetItem'])
    },
  )
}

testCombination(
  ['@aws-lambda-powertools/tracer', 'aws-xray-sdk-core'],
  'without HTTP capture, traces the own requests to DynamoDB, and writes nothing in the INIT phase',
  async () => {
    const lambda = await startTracedFunction(RECIPE)
    await waitForPrefetch()
    await invoke(lambda, { id: '1' })
    await waitUntil(() => subsegments.length > 0)
    assert.deepEqual(describeSubsegments(), ['DynamoDB GetItem'])
    assert.deepEqual(lambda.output, { stdout: '', stderr: '' })
  },
)

testCombination(
  ['aws-xray-sdk-core'],
  'traces the own requests to DynamoDB, and writes nothing in the INIT phase',
  async () => {
    const lambda = await startTracedFunction('observability/fixtures/x-ray.ts')
    await waitForPrefetch()
    assert.deepEqual(await invoke(lambda, { id: '2' }), { id: '2' })
    await waitUntil(() => subsegments.length >= 2)
    assert.deepEqual(describeSubsegments(), ['DynamoDB PutItem', 'DynamoDB GetItem'])
    for (const subsegment of subsegments)
      assert.partialDeepStrictEqual(subsegment, {
        trace_id: TRACE_ID,
        namespace: 'aws',
        aws: { table_name: 'MyTable' },
      })
    assert.deepEqual(lambda.output, { stdout: '', stderr: '' })
  },
)

testCombination(
  ['@aws-lambda-powertools/tracer', 'aws-xray-sdk-core'],
  'with HTTP capture, `AWS_XRAY_CONTEXT_MISSING=IGNORE_ERROR` keeps the prefetch and the own HTTP requests, and writes nothing',
  async () => {
    const endpoint = await startHttpServer((_request, response) => response.end())
    const url = endpoint.replace('127.0.0.1', 'localhost')
    const lambda = await startTracedFunction(DEFAULT_TRACER, { AWS_XRAY_CONTEXT_MISSING: 'IGNORE_ERROR' })
    await waitForPrefetch()
    await sandbox.clear()
    await invoke(lambda, { id: '3', url })
    assert.deepEqual(await listOperations(), ['GetItem'])
    await waitUntil(() => subsegments.length >= 2)
    assert.deepEqual(describeSubsegments(), ['localhost', 'DynamoDB GetItem'])
    assert.deepEqual(lambda.output, { stdout: '', stderr: '' })
  },
)

testCombination(
  ['@aws-lambda-powertools/tracer', 'aws-xray-sdk-core'],
  'with HTTP capture and no `AWS_XRAY_CONTEXT_MISSING`, X-Ray writes two errors in the INIT phase of an ES module',
  async () => {
    const lambda = await startTracedFunction(DEFAULT_TRACER)
    await waitForPrefetch()
    await sandbox.clear()
    await invoke(lambda, { id: '4' })
    assert.deepEqual(await listOperations(), ['GetItem'])
    assert.equal(lambda.output.stderr.match(/^Error: /gm)?.length, 2)
    // A packet that arrives later would count in the next test.
    await waitUntil(() => subsegments.length > 0)
  },
)

testCombination(
  ['@aws-lambda-powertools/tracer', 'aws-xray-sdk-core'],
  'with HTTP capture and `AWS_XRAY_CONTEXT_MISSING=RUNTIME_ERROR`, the prefetch fails and the first invocation assumes the role',
  async () => {
    const lambda = await startTracedFunction(DEFAULT_TRACER, { AWS_XRAY_CONTEXT_MISSING: 'RUNTIME_ERROR' })
    await waitUntil(() => lambda.output.stderr.includes('STS_UNAVAILABLE'))
    assert.deepEqual(await listOperations(), [])
    await invoke(lambda, { id: '5' })
    assert.deepEqual(await listOperations(), ['AssumeRole', 'GetItem'])
    await waitUntil(() => subsegments.length > 0)
    assert.deepEqual(describeSubsegments(), ['DynamoDB GetItem'])
  },
)
