/**
 * Lambda Managed Instances run Node.js in several worker threads of one process, each with many invocations at once.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from '../../sandbox/policies.ts'
import { createTenantAccounts, ORDERS_TABLE, ORDERS_TABLE_ARN } from '../../sandbox/tenant-accounts.ts'
import { TARGET_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { functionVariables } from '../lambda.ts'
import type { Invocation } from './environment.ts'

const WORKERS = 3
const TENANTS = ['acme', 'evil', 'Acme', 'acme ']
const ROUNDS = 2
const AT_ONCE = 32

let sandbox: Sandbox
let workers: Worker[]
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTenantAccounts() })
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(
      allowStatement('dynamodb:*', { Resource: ORDERS_TABLE_ARN, Condition: OWN_TENANT_CONDITION }),
    ),
  ]
  const env = functionVariables(sandbox)
  const file = join(import.meta.dirname, 'environment.ts')
  workers = Array.from({ length: WORKERS }, () => new Worker(file, { env }))
})
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()))
  await sandbox.close()
})

/** Invocations of all tenants in turns; which item is whose, the sort key tells. */
const batchFor = (worker: number, round: number): Invocation[] =>
  Array.from({ length: AT_ONCE }, (_, index) => ({
    tenant: TENANTS[index % TENANTS.length] as string,
    order: `worker ${worker}, round ${round}, ${index}`,
    table: ORDERS_TABLE,
  }))

const invokeAll = (batches: readonly Invocation[][]): Promise<string[][]> =>
  Promise.all(
    workers.map(async (worker, index) => {
      worker.postMessage(batches[index])
      const [outcomes] = await once(worker, 'message')
      return outcomes as string[]
    }),
  )

const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')

test('each request of each thread is signed by its own tenant’s session, of which each thread makes one', async () => {
  const asked = new Map<string, string>()
  for (let round = 1; round <= ROUNDS; round += 1) {
    const batches = workers.map((_, worker) => batchFor(worker, round))
    for (const { order, tenant } of batches.flat()) asked.set(order, tenant)
    const outcomes = await invokeAll(batches)
    expect(outcomes.flat()).toEqual(batches.flat().map(() => 'ok'))
    // The first round makes the sessions, and the others find them.
    expect(assumeRoles()).toHaveLength(WORKERS * TENANTS.length)
  }
  expect(
    assumeRoles()
      .map(({ tags }) => tags?.TenantId)
      .sort(),
  ).toEqual(workers.flatMap(() => TENANTS).sort())

  const requests = sandbox.calls.filter(({ operation }) => /^(?:Put|Get)Item$/.test(operation))
  expect(requests).toHaveLength(ROUNDS * WORKERS * AT_ONCE * 2)
  const usedBy = new Map<string, Set<string>>()
  for (const { input, tags, accessKeyId = '' } of requests) {
    const { Key, Item } = input as Record<string, { order: { S: string } }>
    const order = (Key ?? Item)?.order.S ?? ''
    expect(tags).toEqual({ TenantId: asked.get(order) })
    const threads = usedBy.get(accessKeyId) ?? new Set()
    usedBy.set(accessKeyId, threads.add(order.split(',')[0] ?? ''))
  }
  // One session for each tenant in each thread, and no thread uses another's.
  expect([...usedBy.values()].map(({ size }) => size)).toEqual(assumeRoles().map(() => 1))
})

test('a thread whose invocations have no identity disturbs no other', async () => {
  await invokeAll(workers.map((_, worker) => batchFor(worker, 1)))
  const nobodys = batchFor(0, 2).map((one) => ({ ...one, tenant: '' }))
  const [first, ...others] = await invokeAll(
    workers.map((_, worker) => (worker === 0 ? nobodys : batchFor(worker, 2))),
  )
  expect(first).toEqual(nobodys.map(() => 'SESSION_IDENTITY_MISSING'))
  expect(others.flat()).toEqual(others.flat().map(() => 'ok'))
  expect(assumeRoles()).toHaveLength(WORKERS * TENANTS.length)
})
