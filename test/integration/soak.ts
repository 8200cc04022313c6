/**
 * What isolation.test.ts shows, for long: one execution environment, nearly 300 tenants, 100,000 requests to DynamoDB and more.
 * Prints what happened; exit code 1 if a request was signed by anybody but its own tenant's session, or anything else
 * happened that may not. `SEED=7 npm run test:soak` for other histories.
 */
import fc from 'fast-check'
import { startSandbox } from '../sandbox/index.ts'
import { createTwoTargetAccounts } from '../sandbox/tenant-accounts.ts'
import { lookAlikes, tenants } from './hostile-tenants.ts'
import { AT_ONCE, openLedger, startEnvironment, wave } from './tenants-at-once.ts'

const REQUESTS = Number(process.env.REQUESTS ?? 100_000)
const TENANTS = 300
const MAX_SESSIONS = 40
const seed = Number(process.env.SEED ?? 1)

// What a developer's machine has in its configuration files is not the function's.
Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })

// The one clock of the function and of AWS, which live in this process.
const realNow = Date.now
let ahead = 0
Date.now = () => realNow() + ahead
const travel = (ms: number): void => {
  ahead += ms
}

const collect = globalThis.gc
if (collect === undefined) throw new Error('needs --expose-gc, as npm run test:soak gives it')
const heapUsed = async (): Promise<number> => {
  // Finalizers and sockets have their turn between.
  for (let round = 0; round < 5; round += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}

const population = [...lookAlikes, ...fc.sample(tenants, { seed, numRuns: TENANTS }).flat()].slice(0, TENANTS)

/** What holds it is left with nothing. */
const empty = (object: object): void => {
  for (const key of Object.keys(object)) Reflect.deleteProperty(object, key)
}

/** Lives until so many requests were sent, and weighs what the middleware has come to hold by then. */
const live = async (requests: number) => {
  const ledger = openLedger()
  const sandbox = await startSandbox({ accounts: createTwoTargetAccounts(), log: ledger.note })
  Object.assign(process.env, sandbox.env)
  const clients: WeakRef<object>[] = []
  const environment = startEnvironment({
    sandbox,
    ledger,
    travel,
    tenants: population,
    maxSessions: MAX_SESSIONS,
    // The document client holds no more of it than its parts.
    onClient: (client) => clients.push(new WeakRef(client.config)),
  })
  for (let part = 0; ledger.counts.requests < requests; part += 1) {
    for (const each of fc.sample(wave, { seed: seed + part, numRuns: 20 })) {
      await environment.live(each)
      sandbox.calls.length = 0
    }
    process.stdout.write(`${ledger.counts.requests} requests\r`)
  }
  await environment.end()
  const { middleware, strange, figures } = environment
  const outcome = { ...ledger.counts, ...figures(), leaks: ledger.leaks, strange }
  await sandbox.close()
  // The session function holds these two. Their memory is not that of the middleware.
  empty(sandbox)
  empty(ledger)
  const heap = await heapUsed()
  const alive = clients.filter((client) => client.deref() !== undefined).length
  // Until here it was held.
  empty(middleware)
  return { ...outcome, heap, alive }
}

// First a little, so that what is loaded and compiled by use is not taken for growth.
const { heap: heapBefore } = await live(REQUESTS / 20)
const { leaks, strange, ...after } = await live(REQUESTS)

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`
const lines: Record<string, unknown> = {
  seed,
  'DynamoDB requests': after.requests,
  invocations: after.invocations,
  '  at once, at most': after.mostAtOnce,
  '  on a context shared with others': after.onSharedContext,
  '  refused, for want of an identity': after.refused,
  '  failed, because AWS did': after.letDown,
  tenants: after.tenants,
  'sessions made': after.clients,
  '  again, after an eviction': after.evictions,
  'AssumeRole calls': after.assumeRoles,
  '  for refreshes': after.refreshes,
  'tokens that were rejected': after.rejectedTokens,
  'faults and revocations': after.mishaps,
  'heap before': megabytes(heapBefore),
  'heap after': megabytes(after.heap),
  'clients in memory': `${after.alive} of at most ${MAX_SESSIONS}, and those of the latest ${AT_ONCE} invocations`,
  leaks: leaks.length,
  'other surprises': strange.length,
}
for (const [name, value] of Object.entries(lines)) console.log(`${name.padEnd(34)} ${value}`)
for (const what of [...leaks, ...strange].slice(0, 20)) console.error(what)
const kept = after.alive > 0 && after.alive <= MAX_SESSIONS + AT_ONCE
process.exitCode = leaks.length + strange.length === 0 && kept ? 0 : 1
