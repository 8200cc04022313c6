/** OpenTelemetry's instrumentations of the AWS SDK and of `node:http`, loaded before the function as its Lambda layer is. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { startFunction, waitUntil } from './function.ts'

const PACKAGES = [
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-aws-sdk',
  '@opentelemetry/sdk-trace-node',
] as const

interface Span {
  readonly id: string
  readonly parentId?: string
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
}

const sandbox = await startSandboxProcess()
beforeEach(() => sandbox.clear())

const startTracedFunction = async (env: Readonly<Record<string, string>> = {}) =>
  startFunction({
    file: 'observability/fixtures/put-and-get.ts',
    env: { ...(await sandbox.createFunctionVariables()), ...env },
    nodeOptions: ['--import', './observability/fixtures/opentelemetry.mjs'],
  })

const waitForPrefetch = (): Promise<void> =>
  waitUntil(async () => {
    const calls = await sandbox.getCalls()
    return calls.length === 2 && calls.every(({ status }) => status === 200)
  })

/** Describes the spans, each with the names of the spans that contain it. */
const describeSpans = (spans: readonly Span[]): string[] => {
  const describeSpan = ({ name, parentId }: Span): string => {
    const parent = spans.find(({ id }) => id === parentId)
    return parent === undefined ? name : `${describeSpan(parent)} > ${name}`
  }
  return spans.map(describeSpan).sort()
}

const SDK_SPANS = [
  'DynamoDB.GetItem',
  'DynamoDB.GetItem > POST',
  'DynamoDB.PutItem',
  'DynamoDB.PutItem > POST',
  'STS.AssumeRole',
  'STS.AssumeRole > POST',
]

testCombination(
  PACKAGES,
  'records the requests of the handler, AssumeRole, and one `GET /` of the early connection',
  async () => {
    const lambda = await startTracedFunction()
    await waitForPrefetch()
    const { result, recorded } = await lambda.invoke({ event: { id: '1' } })
    assert.deepEqual(result, { id: '1' })
    const spans = recorded as Span[]
    assert.deepEqual(describeSpans(spans), [...SDK_SPANS.slice(0, 4), 'GET', ...SDK_SPANS.slice(4)])
    const { AWS_ENDPOINT_URL_DYNAMODB } = await sandbox.createFunctionVariables()
    const attributes = spans.find(({ name }) => name === 'GET')?.attributes
    assert.equal(attributes?.['url.full'], `${AWS_ENDPOINT_URL_DYNAMODB}/`)

    const { recorded: recordedLater } = await lambda.invoke({ event: { id: '2' } })
    assert.deepEqual(describeSpans(recordedLater as Span[]), SDK_SPANS.slice(0, 4))
  },
)

testCombination(
  PACKAGES,
  'with `requireParentforOutgoingSpans`, records no `GET /` of the early connection in the INIT phase',
  async () => {
    const lambda = await startTracedFunction({ REQUIRE_PARENT: 'true' })
    await waitForPrefetch()
    const { recorded } = await lambda.invoke({ event: { id: '3' } })
    assert.deepEqual(describeSpans(recorded as Span[]), SDK_SPANS)
  },
)

testCombination(
  PACKAGES,
  'with `disablePrefetch: true`, records the `GET /` of the early connection in the first invocation',
  async () => {
    const lambda = await startTracedFunction({ DISABLE_PREFETCH: 'true' })
    assert.deepEqual(await sandbox.getCalls(), [])
    const { recorded } = await lambda.invoke({ event: { id: '4' } })
    assert.deepEqual(describeSpans(recorded as Span[]), [
      ...SDK_SPANS.slice(0, 4),
      'GET',
      ...SDK_SPANS.slice(4),
    ])
  },
)
