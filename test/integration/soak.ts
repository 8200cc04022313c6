/**
 * Runs the workload of isolation.test.ts for several minutes: one execution environment, nearly 300 tenants and more than
 * 100,000 DynamoDB requests. Prints the counts. The exit code is 1 if the session of another tenant signed a request, if an
 * outcome is unexpected, or if the middleware keeps evicted clients in memory. `SEED=7 npm run test:soak` runs another
 * sequence.
 */
import fc from 'fast-check'
// The function and the sandbox run in this process and read the same clock.
import { advanceClock } from '../moved-clock.ts'
import { startSandbox } from '../sandbox/index.ts'
import { createTwoTargetAccounts } from '../sandbox/tenant-accounts.ts'
import { createAudit, MAX_CONCURRENCY, startExecutionEnvironment, wave } from './concurrent-tenants.ts'
import { confusableTenants, lookAlikeTenants } from './tenant-generators.ts'

const REQUEST_COUNT = Number(process.env.REQUESTS ?? 100_000)
const TENANT_COUNT = 300
const MAX_SESSIONS = 40
const seed = Number(process.env.SEED ?? 1)

// The function must not read the developer's AWS configuration files.
Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })

const collectGarbage = globalThis.gc
if (collectGarbage === undefined)
  throw new Error('The soak test needs the flag --expose-gc. Run it with npm run test:soak.')
const measureHeapBytes = async (): Promise<number> => {
  for (let round = 0; round < 5; round += 1) {
    collectGarbage()
    // Finalizers and socket events run between the rounds.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
}

const tenants = [
  ...lookAlikeTenants,
  ...fc.sample(confusableTenants, { seed, numRuns: TENANT_COUNT }).flat(),
].slice(0, TENANT_COUNT)

/** Deletes all properties, so that code with a reference to the object keeps none of their values in memory. */
const deleteProperties = (object: object): void => {
  for (const key of Object.keys(object)) Reflect.deleteProperty(object, key)
}

/** Runs waves until the sandbox has received `minRequestCount` requests. Then measures the memory that the middleware uses. */
const runUntil = async (minRequestCount: number) => {
  const audit = createAudit()
  const sandbox = await startSandbox({ accounts: createTwoTargetAccounts(), log: audit.recordCall })
  Object.assign(process.env, sandbox.env)
  const clientConfigs: WeakRef<object>[] = []
  const environment = startExecutionEnvironment({
    sandbox,
    audit,
    advanceClock,
    tenants,
    maxSessions: MAX_SESSIONS,
    // The document client refers to the client's configuration, and not to the client itself.
    onClient: (client) => clientConfigs.push(new WeakRef(client.config)),
  })
  for (let part = 0; audit.counts.requests < minRequestCount; part += 1) {
    for (const each of fc.sample(wave, { seed: seed + part, numRuns: 20 })) {
      await environment.runWave(each)
      sandbox.calls.length = 0
    }
    process.stdout.write(`${audit.counts.requests} requests\r`)
  }
  await environment.finish()
  const { middleware, unexpectedOutcomes, getCounts } = environment
  const outcome = { ...audit.counts, ...getCounts(), leaks: audit.leaks, unexpectedOutcomes }
  await sandbox.close()
  // The session function refers to the sandbox and the audit. Their memory must not count as the middleware's.
  deleteProperties(sandbox)
  deleteProperties(audit)
  const heapBytes = await measureHeapBytes()
  const clientsInMemory = clientConfigs.filter((config) => config.deref() !== undefined).length
  // This use keeps the middleware in memory during the measurement.
  deleteProperties(middleware)
  return { ...outcome, heapBytes, clientsInMemory }
}

// A short first run loads and compiles the code, so that the comparison of the heap sizes does not contain it.
const { heapBytes: heapBytesBefore } = await runUntil(REQUEST_COUNT / 20)
const { leaks, unexpectedOutcomes, ...results } = await runUntil(REQUEST_COUNT)

const toMegabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`
const lines: Record<string, unknown> = {
  seed,
  'DynamoDB requests': results.requests,
  invocations: results.invocations,
  '  maximum concurrent': results.maxConcurrent,
  '  on a shared context': results.onSharedContext,
  '  refused, malformed tenant': results.refused,
  '  failed because of a disruption': results.failedByDisruption,
  tenants: results.tenants,
  'clients created': results.clients,
  '  again after an eviction': results.evictions,
  'AssumeRole calls': results.assumeRoles,
  '  for refreshes': results.refreshes,
  'rejected tokens': results.rejectedTokens,
  'faults and revocations': results.disruptions,
  'heap before': toMegabytes(heapBytesBefore),
  'heap after': toMegabytes(results.heapBytes),
  'clients in memory': `${results.clientsInMemory} of at most ${MAX_SESSIONS}, plus those of the last ${MAX_CONCURRENCY} invocations`,
  leaks: leaks.length,
  'unexpected outcomes': unexpectedOutcomes.length,
}
for (const [name, value] of Object.entries(lines)) console.log(`${name.padEnd(34)} ${value}`)
for (const message of [...leaks, ...unexpectedOutcomes].slice(0, 20)) console.error(message)
const hasExpectedClients =
  results.clientsInMemory > 0 && results.clientsInMemory <= MAX_SESSIONS + MAX_CONCURRENCY
process.exitCode = leaks.length + unexpectedOutcomes.length === 0 && hasExpectedClients ? 0 : 1
