/** Tests the examples with one function and one table: `put-and-get` and `observability`. */
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { ACCOUNT_B, createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { createFunctionVariables, createLambdaContext, setEnvironment, waitUntil } from './lambda.ts'

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  setEnvironment(createFunctionVariables(sandbox))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})

test('the example put-and-get writes an item and reads it', async () => {
  const { handler } = await import('../../examples/put-and-get/handler.ts')
  await expect(handler({ id: '123' }, createLambdaContext())).resolves.toEqual({ id: '123' })
})

test('the example observability logs a failure and writes a metric for each AssumeRole call', async () => {
  const lines: string[] = []
  const recordLine = (...values: unknown[]) => void lines.push(values.join(' '))
  // With POWERTOOLS_DEV, Powertools writes to the global console, which the test replaces.
  process.env.POWERTOOLS_DEV = 'true'
  process.env.POWERTOOLS_METRICS_DISABLED = 'false'
  for (const level of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, level).mockImplementation(recordLine)
  await sandbox.getAccount(ACCOUNT_B).seed(TABLE, [{ id: { S: '7' } }])
  sandbox.faults.inject({
    service: 'sts',
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
    message: 'no',
    times: 1,
  })
  // A tracing channel is global to the process, so unsubscribe at the end what the example subscribes.
  const subscribe = jest.spyOn(Object.getPrototypeOf(tracingChannel('any')), 'subscribe')
  const { handler } = await import('../../examples/observability/handler.ts')
  const [subscriber] = subscribe.mock.calls[0] as [object]
  await waitUntil(() => lines.some((line) => line.includes('AssumeRoleFailed')))
  await expect(handler({ id: '7' }, createLambdaContext())).resolves.toEqual({ id: '7' })
  ;(subscribe.mock.contexts[0] as TracingChannel).unsubscribe(subscriber as never)
  jest.restoreAllMocks()
  const records = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  expect(records).toContainEqual(
    expect.objectContaining({
      level: 'ERROR',
      code: 'ASSUME_ROLE_DENIED',
      reason: 'prefetch',
      service: 'orders',
    }),
  )
  expect(records).toContainEqual(
    expect.objectContaining({
      _aws: expect.anything(),
      reason: 'prefetch',
      AssumeRoleFailed: expect.any(Number),
    }),
  )
  expect(records).toContainEqual(expect.objectContaining({ reason: 'first', AssumeRole: expect.any(Number) }))
})
