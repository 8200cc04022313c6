/** Durable functions, run by the local runner of the durable execution SDK. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { DurableContext, DurableLambdaHandler } from '@aws/durable-execution-sdk-js'
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { executionModeDurableContext } from '@middy/core/DurableContext'
import type { Context } from 'aws-lambda'
import {
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
  type SessionRequest,
} from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createTwoAccounts, UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess({ accounts: createTwoAccounts({ canTagSession: true }) })

before(() => LocalDurableTestRunner.setupTestEnvironment())
after(() => LocalDurableTestRunner.teardownTestEnvironment())

const PACKAGES = [
  '@aws/durable-execution-sdk-js',
  '@aws/durable-execution-sdk-js-testing',
  '@middy/core',
] as const
const TableName = 'MyTable'
/** Without `timeoutEarly`, whose timers of suspended invocations would keep the process of the test alive. */
const PLUGIN = { executionMode: executionModeDurableContext, timeoutEarlyInMillis: 0 }

interface Event {
  readonly id: string
}
type Session = (request: SessionRequest<Event>) => { sessionTags: Record<string, string> }
const tagWithId: Session = ({ event }) => ({ sessionTags: { TenantId: event.id } })

interface Case {
  readonly createMiddleware: () => CrossAccountDynamoMiddleware
  /** A durable function that writes an item in a step, waits, and reads the item in another step. */
  readonly createHandler: (waitSeconds?: number) => unknown
  /** The session tags of its requests. */
  readonly expectedTags: Record<string, string>
}

const createCase = (options: { session?: Session }, expectedTags: Record<string, string>): Case => {
  const createMiddleware = () =>
    // The type without a session function, because the tests of both are the same.
    crossAccountDynamo({ ...options, disablePrefetch: true } as { disablePrefetch: true })
  const createHandler = (waitSeconds = 0) =>
    middy<Event, unknown, Error, DurableContext>(PLUGIN)
      .use(createMiddleware())
      .handler(async (event: Event, context) => {
        await context.step('write', async () => {
          await context.dynamo.send(new PutCommand({ TableName, Item: { id: event.id } }))
        })
        // The invocation ends here, and another invocation continues.
        if (waitSeconds > 0) await context.wait({ seconds: waitSeconds })
        return context.step('read', async () => {
          const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key: { id: event.id } }))
          return Item
        })
      })
  return { createMiddleware, createHandler, expectedTags }
}

/** Defines a test that runs with and without a `session` function. */
const testBoth = (behavior: string, run: (testCase: Case) => Promise<void>): void =>
  testCombination(PACKAGES, behavior, async (context) => {
    for (const [name, testCase] of [
      ['with one session', createCase({}, {})],
      ['with a `session` function', createCase({ session: tagWithId }, { TenantId: '1' })],
    ] as const)
      await context.test(name, async () => {
        await sandbox.clear()
        setEnvironment(await sandbox.createFunctionVariables())
        await run(testCase)
      })
  })

/**
 * Runs a durable execution, in which each invocation has `remainingMs`. If an invocation fails, the promise rejects with its error.
 * In Lambda, the invocation would be repeated.
 */
const runExecution = (handler: unknown, remainingMs = 10_000) => {
  const invoke = handler as DurableLambdaHandler
  const { getRemainingTimeInMillis } = createLambdaContext(remainingMs)
  const runner = new LocalDurableTestRunner({
    handlerFunction: (event, context) => invoke(event, { ...context, getRemainingTimeInMillis } as Context),
  })
  return runner.run({ payload: { id: '1' } satisfies Event })
}

const getCalls = async (operation: string) =>
  (await sandbox.getCalls()).filter((call) => call.operation === operation)

testBoth('continues a durable execution in a second invocation', async ({ createHandler, expectedTags }) => {
  const execution = await runExecution(createHandler(1))
  assert.equal(execution.getStatus(), 'SUCCEEDED')
  assert.deepEqual(execution.getResult(), { id: '1' })
  assert.equal(execution.getInvocations().length, 2)
  for (const operation of ['PutItem', 'GetItem'])
    assert.deepEqual(
      (await getCalls(operation)).map(({ tags }) => tags),
      [expectedTags],
    )
  assert.equal((await getCalls('AssumeRole')).length, 1)
})

testBoth(
  'fails a durable function in its remaining time if STS does not answer',
  async ({ createHandler }) => {
    await sandbox.injectFault({ service: 'sts', kind: 'no-response' })
    const startMs = performance.now()
    await assert.rejects(runExecution(createHandler(), 3000), { code: 'STS_TIMEOUT', retryable: true })
    // Without the remaining time, the middleware waits for 5 seconds.
    assert.ok(performance.now() - startMs < 4000)
  },
)

testBoth(
  'fails the invocation of a durable function if STS is unavailable, so that Lambda repeats it',
  async ({ createHandler }) => {
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 500 })
    const handler = createHandler()
    await assert.rejects(runExecution(handler), {
      code: 'STS_UNAVAILABLE',
      isUnrecoverableInvocation: true,
    })
    // Removes the fault.
    await sandbox.clear()
    const execution = await runExecution(handler)
    assert.equal(execution.getStatus(), 'SUCCEEDED')
    assert.deepEqual(execution.getResult(), { id: '1' })
  },
)

testBoth('ends a durable execution if STS denies the role', async ({ createHandler }) => {
  setEnvironment(await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN))
  const execution = await runExecution(createHandler())
  assert.equal(execution.getStatus(), 'FAILED')
  assert.match(execution.getError().errorMessage ?? '', /^ASSUME_ROLE_DENIED: /)
  assert.equal(execution.getInvocations().length, 1)
  assert.equal((await getCalls('AssumeRole')).length, 1)
})

testBoth(
  'leaves the retries of a failed AssumeRole call to the step that waits for it',
  async ({ createMiddleware }) => {
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 500 })
    const dynamo = createMiddleware()
    const attempts: number[] = []
    const handler = middy<Event, unknown, Error, DurableContext>(PLUGIN).handler(
      async (event: Event, context: DurableContext) =>
        context.step(
          'write',
          async ({ attempt }) => {
            attempts.push(attempt)
            // Removes the fault.
            if (attempt > 1) await sandbox.clear()
            const client = await dynamo.clientFor({ event, context: context.lambdaContext })
            await client.send(new PutCommand({ TableName, Item: { id: event.id } }))
            return attempt
          },
          { retryStrategy: (_error, attempt) => ({ shouldRetry: attempt < 3, delay: { seconds: 1 } }) },
        ),
    )
    const execution = await runExecution(handler)
    assert.equal(execution.getStatus(), 'SUCCEEDED')
    assert.equal(execution.getResult(), 2)
    assert.deepEqual(attempts, [1, 2])
    assert.equal((await getCalls('PutItem')).length, 1)
  },
)

testBoth(
  'ends a durable execution if STS is unavailable in `runInChildContext`, `parallel` or `map`',
  async ({ createMiddleware }) => {
    await sandbox.injectFault({ service: 'sts', kind: 'status', status: 500 })
    const dynamo = createMiddleware()
    const getOrder = async (event: Event, context: DurableContext) => {
      const client = await dynamo.clientFor({ event, context: context.lambdaContext })
      return (await client.send(new GetCommand({ TableName, Key: { id: event.id } }))).Item
    }
    for (const run of [
      (event: Event, context: DurableContext) => context.runInChildContext((child) => getOrder(event, child)),
      async (event: Event, context: DurableContext) =>
        (await context.parallel([(branch) => getOrder(event, branch)])).throwIfError(),
      async (event: Event, context: DurableContext) =>
        (await context.map([event], (child, item) => getOrder(item, child))).throwIfError(),
    ]) {
      const execution = await runExecution(middy<Event, unknown, Error, DurableContext>(PLUGIN).handler(run))
      assert.equal(execution.getStatus(), 'FAILED')
      assert.match(execution.getError().errorMessage ?? '', /STS_UNAVAILABLE: /)
      assert.equal(execution.getInvocations().length, 1)
    }
  },
)
