/** The recipes in examples/ run. */
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { ACCOUNT_B, createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { eventually, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  setEnvironment(functionVariables(sandbox))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})

test('put-and-get', async () => {
  const { handler } = await import('../../examples/put-and-get/handler.ts')
  await expect(handler({ id: '123' }, lambdaContext())).resolves.toEqual({ id: '123' })
})

test('watching: logs a failure, and writes a metric of each AssumeRole', async () => {
  const written: string[] = []
  const write = (...words: unknown[]) => void written.push(words.join(' '))
  // Else Powertools writes to a console of its own.
  process.env.POWERTOOLS_DEV = 'true'
  process.env.POWERTOOLS_METRICS_DISABLED = 'false'
  for (const level of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, level).mockImplementation(write)
  await sandbox.getAccount(ACCOUNT_B).seed(TABLE, [{ id: { S: '7' } }])
  sandbox.faults.inject({
    service: 'sts',
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
    message: 'no',
    times: 1,
  })
  // Channels are the process's: what the recipe subscribes would outlive this file.
  const subscribe = jest.spyOn(Object.getPrototypeOf(tracingChannel('any')), 'subscribe')
  const { handler } = await import('../../examples/watching/handler.ts')
  const [subscriber] = subscribe.mock.calls[0] as [object]
  await eventually(() => written.some((line) => line.includes('AssumeRoleFailed')))
  await expect(handler({ id: '7' }, lambdaContext())).resolves.toEqual({ id: '7' })
  ;(subscribe.mock.contexts[0] as TracingChannel).unsubscribe(subscriber as never)
  jest.restoreAllMocks()
  const records = written.filter((text) => text.startsWith('{')).map((text) => JSON.parse(text))
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
