/**
 * Lambda Managed Instances run several worker threads in one Node.js process, and concurrent invocations in each thread.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { createIsolatedTenantAccounts, ORDERS_TABLE } from '../../sandbox/tenant-accounts.ts'
import { createFunctionVariables } from '../lambda.ts'
import type { Invocation } from './worker-thread.ts'

const WORKER_COUNT = 3
const TENANTS = ['acme', 'evil', 'Acme', 'acme ']
const ROUND_COUNT = 2
const CONCURRENCY = 32

let sandbox: Sandbox
let workers: Worker[]
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createIsolatedTenantAccounts() })
  const env = createFunctionVariables(sandbox)
  const file = join(import.meta.dirname, 'worker-thread.ts')
  workers = Array.from({ length: WORKER_COUNT }, () => new Worker(file, { env }))
})
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()))
  await sandbox.close()
})

/** Creates concurrent invocations for all tenants. The sort keys contain the worker and the round. */
const createInvocations = (worker: number, round: number): Invocation[] =>
  Array.from({ length: CONCURRENCY }, (_, index) => ({
    tenant: TENANTS[index % TENANTS.length] as string,
    order: `worker ${worker}, round ${round}, ${index}`,
    table: ORDERS_TABLE,
  }))

/** Sends the invocations at each index to the worker at the same index, and returns the outcomes. */
const invokeAll = (invocationsByWorker: readonly Invocation[][]): Promise<string[][]> =>
  Promise.all(
    workers.map(async (worker, index) => {
      worker.postMessage(invocationsByWorker[index])
      const [outcomes] = await once(worker, 'message')
      return outcomes as string[]
    }),
  )

const listAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')

test('signs each request with the session of its own tenant, and creates one session for each tenant in each thread', async () => {
  const tenantsByOrder = new Map<string, string>()
  for (let round = 1; round <= ROUND_COUNT; round += 1) {
    const invocations = workers.map((_, worker) => createInvocations(worker, round))
    for (const { order, tenant } of invocations.flat()) tenantsByOrder.set(order, tenant)
    const outcomes = await invokeAll(invocations)
    expect(outcomes.flat()).toEqual(invocations.flat().map(() => 'ok'))
    // The first round creates the sessions, and later rounds use them.
    expect(listAssumeRoleCalls()).toHaveLength(WORKER_COUNT * TENANTS.length)
  }
  expect(
    listAssumeRoleCalls()
      .map(({ tags }) => tags?.TenantId)
      .sort(),
  ).toEqual(workers.flatMap(() => TENANTS).sort())

  const requests = sandbox.calls.filter(({ operation }) => /^(?:Put|Get)Item$/.test(operation))
  expect(requests).toHaveLength(ROUND_COUNT * WORKER_COUNT * CONCURRENCY * 2)
  const threadsByAccessKeyId = new Map<string, Set<string>>()
  for (const { input, tags, accessKeyId = '' } of requests) {
    const { Key, Item } = input as Record<string, { order: { S: string } }>
    const order = (Key ?? Item)?.order.S ?? ''
    expect(tags).toEqual({ TenantId: tenantsByOrder.get(order) })
    const threads = threadsByAccessKeyId.get(accessKeyId) ?? new Set()
    threadsByAccessKeyId.set(accessKeyId, threads.add(order.split(',')[0] ?? ''))
  }
  // Each session is used by one thread only.
  expect([...threadsByAccessKeyId.values()].map(({ size }) => size)).toEqual(
    listAssumeRoleCalls().map(() => 1),
  )
})

test('does not affect other threads if all invocations of one thread have no tenant', async () => {
  await invokeAll(workers.map((_, worker) => createInvocations(worker, 1)))
  const invocationsWithoutTenant = createInvocations(0, 2).map((invocation) => ({
    ...invocation,
    tenant: '',
  }))
  const [firstOutcomes, ...otherOutcomes] = await invokeAll(
    workers.map((_, worker) => (worker === 0 ? invocationsWithoutTenant : createInvocations(worker, 2))),
  )
  expect(firstOutcomes).toEqual(invocationsWithoutTenant.map(() => 'SESSION_IDENTITY_MISSING'))
  expect(otherOutcomes.flat()).toEqual(otherOutcomes.flat().map(() => 'ok'))
  expect(listAssumeRoleCalls()).toHaveLength(WORKER_COUNT * TENANTS.length)
})
