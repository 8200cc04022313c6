/** Powertools Tracer, Logger and Metrics as middlewares of one handler, before this package. */
import assert from 'node:assert/strict'
import { startFunction, waitUntil } from '../observability/function.ts'
import { PARENT_ID, startXRayDaemon, TRACE_HEADER, TRACE_ID } from '../observability/x-ray-daemon.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess()
const { subsegments, env: tracingVariables } = await startXRayDaemon()

testCombination(
  ['@aws-lambda-powertools/tracer', '@aws-lambda-powertools/logger', '@aws-lambda-powertools/metrics'],
  'the request of the handler is a subsegment of `captureLambdaHandler()`, with `injectLambdaContext()` and `logMetrics()`',
  async () => {
    const lambda = await startFunction({
      file: 'powertools/fixtures/tracer.ts',
      env: { ...(await sandbox.createFunctionVariables()), ...tracingVariables },
    })
    const { failure } = await lambda.invoke({ event: { id: '1' }, traceId: TRACE_HEADER })
    assert.equal(failure, undefined)
    await waitUntil(() => subsegments.length >= 2)
    const [request, handler, ...others] = subsegments
    assert.deepEqual(others, [])
    assert.partialDeepStrictEqual(handler, {
      name: '## handler.handler',
      parent_id: PARENT_ID,
      trace_id: TRACE_ID,
      annotations: { Service: 'orders' },
    })
    assert.partialDeepStrictEqual(request, {
      name: 'DynamoDB',
      parent_id: handler?.id,
      trace_id: TRACE_ID,
      aws: { operation: 'PutItem', table_name: 'MyTable' },
    })
    await waitUntil(() => lambda.output.stdout.includes('OrderStored'))
    assert.equal(lambda.output.stderr, '')
  },
)
