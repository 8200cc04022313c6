/** AWS's runtime client for Node.js, which runs the handlers of functions in Lambda. */
import assert from 'node:assert/strict'
import { beforeEach, type TestContext } from 'node:test'
import { createIsolatedTenantAccounts, ORDERS_TABLE } from '../../sandbox/tenant-accounts.ts'
import { OTHER_TABLE, TABLE, TARGET_ROLE_ARN, UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { startGate } from './gate.ts'
import { RUNTIME_CLIENT_PROBLEM, startFunction } from './lambda-function.ts'

const sandbox = await startSandboxProcess({ accounts: createIsolatedTenantAccounts() })
beforeEach(() => sandbox.clear())

const testRuntimeClient = (
  packages: readonly string[],
  behavior: string,
  run: (context: TestContext) => Promise<void>,
): void =>
  testCombination(['aws-lambda-ric', ...packages], behavior, (context) =>
    RUNTIME_CLIENT_PROBLEM === undefined ? run(context) : context.skip(RUNTIME_CLIENT_PROBLEM),
  )

const getOperations = async (): Promise<string[]> =>
  (await sandbox.getCalls()).map(({ operation }) => operation)

interface ReportedError {
  readonly errorType: string
  readonly errorMessage: string
}
const parseError = (json: string) => {
  const { errorType, errorMessage } = JSON.parse(json) as ReportedError
  return { errorType, code: /^[A-Z_]+(?=: )/.exec(errorMessage)?.[0] }
}
const DENIED = { errorType: 'CrossAccountDynamoError', code: 'ASSUME_ROLE_DENIED' }

testRuntimeClient(
  ['@middy/core'],
  'assumes the role in the INIT phase with `ready()`, and once for all invocations',
  async (context) => {
    const variables = await sandbox.createFunctionVariables()
    const lambdaFunction = await startFunction(context, 'standard.handler', variables)
    await lambdaFunction.ready
    assert.deepEqual((await getOperations()).toSorted(), ['AssumeRole', 'Health'])

    const requestIds = new Set<string>()
    for (const id of ['1', '2', '3']) {
      const { path, body } = await lambdaFunction.invoke({ TableName: TABLE, id })
      assert.equal(path, 'invocation/*/response')
      const { requestId, ...item } = JSON.parse(body) as { id: string; requestId: string }
      assert.deepEqual(item, { id })
      requestIds.add(requestId)
    }
    assert.equal(requestIds.size, 3)
    assert.deepEqual((await getOperations()).slice(2), Array(3).fill(['PutItem', 'GetItem']).flat())
  },
)

testRuntimeClient(
  ['@middy/core'],
  "reports DynamoDB's error of one invocation, and handles the next one",
  async (context) => {
    const variables = await sandbox.createFunctionVariables()
    const { invoke } = await startFunction(context, 'standard.handler', variables)
    const failed = await invoke({ TableName: OTHER_TABLE, id: '1' })
    assert.equal(failed.path, 'invocation/*/error')
    assert.equal(parseError(failed.body).errorType, 'AccessDeniedException')
    const succeeded = await invoke({ TableName: TABLE, id: '1' })
    assert.equal(succeeded.path, 'invocation/*/response')
  },
)

testRuntimeClient(
  ['@middy/core'],
  'reports an invalid configuration as an error of the INIT phase',
  async (context) => {
    const variables = await sandbox.createFunctionVariables()
    const { initError, exitCode } = await startFunction(context, 'invalid.handler', variables)
    const { path, headers, body } = await initError
    assert.equal(path, 'init/error')
    assert.equal(headers['lambda-runtime-function-error-type'], 'CrossAccountDynamoError')
    assert.deepEqual(parseError(body), { errorType: 'CrossAccountDynamoError', code: 'CONFIG_INVALID' })
    assert.match((JSON.parse(body) as ReportedError).errorMessage, /^ {2}- durationSeconds: /m)
    assert.notEqual(await exitCode, 0)
    assert.deepEqual(await getOperations(), [])
  },
)

testRuntimeClient(
  ['@middy/core'],
  'reports a denied role as an error of the INIT phase with `ready()`',
  async (context) => {
    const variables = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const { initError } = await startFunction(context, 'standard.handler', variables)
    assert.deepEqual(parseError((await initError).body), DENIED)
  },
)

for (const [packageName, handler] of [
  ['@middy/core', 'streaming.newest'],
  ['middy-6', 'streaming.oldest'],
] as const) {
  testRuntimeClient(
    [packageName],
    'streams items that a generator reads after the handler returned',
    async (context) => {
      const gate = await startGate(context)
      const variables = await sandbox.createFunctionVariables()
      const { invoke } = await startFunction(context, handler, variables)
      const lines = ['1', '2'].map((id) => `${JSON.stringify({ id })}\n`)
      let operationsBeforeSecondLine: Promise<string[]> | undefined

      const response = await invoke({ ids: ['1', '2'], gateUrl: gate.url }, (bodySoFar) => {
        if (operationsBeforeSecondLine !== undefined || !bodySoFar.endsWith(lines[0] ?? '')) return
        // The generator waits at the gate until the first line has arrived here.
        operationsBeforeSecondLine = gate
          .waitForRequests(1)
          .then(getOperations)
          .finally(() => gate.open())
      })

      assert.equal(response.path, 'invocation/*/response')
      assert.equal(response.headers['lambda-runtime-function-response-mode'], 'streaming')
      assert.equal(response.headers['transfer-encoding'], 'chunked')
      const [prelude = '', body] = response.body.split('\0'.repeat(8))
      assert.deepEqual(JSON.parse(prelude), {
        statusCode: 200,
        headers: { 'Content-Type': 'application/jsonl' },
      })
      assert.equal(body, lines.join(''))
      assert.deepEqual((await operationsBeforeSecondLine)?.slice(2), ['PutItem', 'GetItem'])
      assert.deepEqual((await getOperations()).slice(4), ['PutItem', 'GetItem'])
    },
  )

  testRuntimeClient([packageName], 'reports a denied role after a streamed response', async (context) => {
    const variables = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const { invoke } = await startFunction(context, handler, variables)
    const { body, trailers } = await invoke({ ids: ['1'] })
    assert.equal(body, '')
    assert.equal(trailers['lambda-runtime-function-error-type'], DENIED.errorType)
    const error = Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64')
    assert.deepEqual(parseError(error.toString()), DENIED)
  })
}

testRuntimeClient(
  ['@middy/core'],
  'gives 17 concurrent tenants in two worker threads their own sessions (`AWS_LAMBDA_MAX_CONCURRENCY`)',
  async (context) => {
    const tenants = Array.from({ length: 17 }, (_, index) => `tenant-${index + 1}`)
    const gate = await startGate(context)
    const variables = await sandbox.createFunctionVariables()
    const { invoke } = await startFunction(context, 'concurrent.handler', variables, 2)
    const threadIds = new Set<number>()

    for (const order of ['1', '2', '3']) {
      const posts = tenants.map((tenant, index) =>
        invoke({ tenant, neighbor: tenants[(index + 1) % tenants.length], order, gateUrl: gate.url }),
      )
      await Promise.race([gate.waitForRequests(tenants.length), Promise.all(posts)])
      gate.open()
      for (const [index, { path, requestId, body }] of (await Promise.all(posts)).entries()) {
        assert.equal(path, 'invocation/*/response', body)
        const { threadId, ...response } = JSON.parse(body)
        assert.deepEqual(response, {
          ownOrder: { tenant: tenants[index], order, requestId },
          neighborOrder: 'AccessDeniedException',
        })
        threadIds.add(threadId)
      }
    }
    assert.equal(threadIds.size, 2)

    const calls = await sandbox.getCalls()
    const succeeded = calls.filter(({ table, error }) => table === ORDERS_TABLE && error === undefined)
    assert.equal(succeeded.length, tenants.length * 3 * 2)
    for (const { input, tags } of succeeded) {
      const { Item, Key = Item } = input as Record<string, { tenant: { S: string } }>
      assert.deepEqual(tags, { TenantId: Key?.tenant.S })
    }
    const sessions = calls.filter(({ operation }) => operation === 'AssumeRole')
    assert.ok(sessions.every(({ roleArn, error }) => roleArn === TARGET_ROLE_ARN && error === undefined))
    assert.deepEqual(
      new Set(sessions.map(({ tags }) => tags?.TenantId)),
      new Set(tenants),
      'each tenant has a session',
    )
    // Each worker thread loads the handler, and has sessions of its own.
    assert.ok(sessions.length <= tenants.length * threadIds.size)
  },
)
