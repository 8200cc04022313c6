/**
 * Measures one peer with one number of tenants, in a process of its own: the memory, the connections and the STS calls of
 * the tenants, the time of the first item of a new tenant, and the time to switch among warm tenants.
 *
 * Usage: node --expose-gc process.ts PEER TENANTS, where PEER is the name of a module in `peers/`
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchEvent } from '../../peers/read-item.ts'
import { getMedian } from '../../statistics.ts'
import { startServices } from '../services/index.ts'

export interface TenantsSample {
  readonly bytesPerTenant: number
  readonly stsCalls: number
  readonly stsConnections: number
  readonly dynamodbConnections: number
  /** The median time of an invocation that reads the first item of a tenant. */
  readonly firstItemMs: number
  /** The median time that selecting another warm tenant's client adds to an invocation of bare middy. */
  readonly switchMicroseconds: number
}

// biome-ignore lint/suspicious/noExplicitAny: the handlers have different context types
type Handler = (event: BenchEvent, context: any) => Promise<unknown>

const WARM_UP_TENANTS = 50
const SWITCHES = 2000
const SWITCH_ROUNDS = 31

/** Collects all garbage, also code that has not run recently, and returns the size of the remaining memory. */
const measureBytes = async (): Promise<number> => {
  for (let collection = 0; collection < 3; collection += 1) {
    await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' })
    await sleep(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const createContext = (): object => ({
  functionName: 'orders-function',
  awsRequestId: '1',
  getRemainingTimeInMillis: () => 3000,
})

const loadHandler = async (name: string): Promise<Handler> => (await import(`../../peers/${name}.ts`)).handler

const readFirstItem = async (handler: Handler, tenant: string): Promise<number> => {
  const start = performance.now()
  await handler({ tenant, id: '1' }, createContext())
  return performance.now() - start
}

/** Measures the mean time of an invocation, in microseconds, if each invocation is of another tenant. */
const measureInvocation = async (handler: Handler, tenants: readonly string[]): Promise<number> => {
  const invocations = Array.from({ length: SWITCHES }, (_, index) => ({
    event: { tenant: tenants[index % tenants.length] ?? '' },
    context: createContext(),
  }))
  const start = performance.now()
  for (const { event, context } of invocations) await handler(event, context)
  return ((performance.now() - start) * 1000) / SWITCHES
}

const measureSwitch = async (handler: Handler, tenants: readonly string[]): Promise<number> => {
  // Bare middy, with a client that has the credentials of the function.
  const bareHandler = await loadHandler('own-credentials')
  const differences: number[] = []
  for (let round = 0; round < SWITCH_ROUNDS; round += 1) {
    const bare = await measureInvocation(bareHandler, tenants)
    differences.push((await measureInvocation(handler, tenants)) - bare)
  }
  return getMedian(differences)
}

const [peer, tenantCount] = [process.argv[2], Number(process.argv[3])]
const services = await startServices()
process.env.CROSS_ACCOUNT_DYNAMO_MAX_SESSIONS = String(tenantCount + WARM_UP_TENANTS)
const handler = await loadHandler(peer ?? '')

// The first tenants also load and compile the code that all tenants share.
for (let index = 0; index < WARM_UP_TENANTS; index += 1) await readFirstItem(handler, `warm-up-${index}`)
const tenants = Array.from({ length: tenantCount }, (_, index) => `tenant-${index}`)
const before = await services.getReport()
const bytesBefore = await measureBytes()
const firstItemMs: number[] = []
for (const tenant of tenants) firstItemMs.push(await readFirstItem(handler, tenant))
const after = await services.getReport()
const sample: TenantsSample = {
  bytesPerTenant: ((await measureBytes()) - bytesBefore) / tenantCount,
  stsCalls: after.stsCalls - before.stsCalls,
  stsConnections: after.stsConnections - before.stsConnections,
  dynamodbConnections: after.dynamodbConnections - before.dynamodbConnections,
  firstItemMs: getMedian(firstItemMs),
  switchMicroseconds: await measureSwitch(handler, tenants),
}
process.send?.(sample)
services.close()
process.exit()
