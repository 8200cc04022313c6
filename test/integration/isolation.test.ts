/**
 * The session of a tenant signs all of the tenant's requests and no others, even if tenants have similar names and
 * faults occur. Shows EVENT-3 and CODE-1 of SECURITY.md.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { setEnvironment } from '../lambda-runtime.ts'
import { selectByRunLength } from '../run-length.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoTargetAccounts } from '../sandbox/tenant-accounts.ts'
import { createAudit, startExecutionEnvironment, wave } from './concurrent-tenants.ts'
import { advanceTime, createFunctionVariables } from './lambda.ts'
import { confusableTenants, lookAlikeTenants, malformedTenants } from './tenant-generators.ts'

/** A fixed seed makes failures reproducible. `SEED=7 npm run test:long` runs other sequences. */
const PROPERTY_OPTIONS = {
  numRuns: selectByRunLength(3, 20),
  seed: Number(process.env.SEED ?? 1),
  endOnFailure: true,
}

const audit = createAudit()
let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoTargetAccounts(), log: audit.recordCall })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  const {
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: _,
    CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: __,
    ...variables
  } = createFunctionVariables(sandbox)
  // The random numbers are real ones, so that refreshes start at any age and repeated calls have pauses.
  setEnvironment(variables)
})
afterEach(() => {
  jest.restoreAllMocks()
})

const workload = fc.record({
  tenants: confusableTenants,
  maxSessions: fc.constantFrom(1, 2, 3, 5, 100),
  waves: fc.array(wave, { minLength: 2, maxLength: 4, size: 'max' }),
})

type Workload = typeof workload extends fc.Arbitrary<infer Value> ? Value : never

/** Workloads of look-alike tenants in a store that evicts most sessions. `npm run test:long` adds a store that keeps more. */
const lookAlikeWorkloads = ([3, 100] as const)
  .slice(0, selectByRunLength(1, 2))
  .map((maxSessions): [Workload] => [{ tenants: lookAlikeTenants, maxSessions, waves: [] }])

test('signs each request with the session of its own tenant and sends no request without a session', async () => {
  const totals: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(workload, async ({ waves, ...rest }) => {
      const environment = startExecutionEnvironment({ ...rest, sandbox, audit, advanceClock: advanceTime })
      for (const each of waves) await environment.runWave(each)
      await environment.finish()
      expect(environment.unexpectedOutcomes).toEqual([])
      expect(audit.leaks).toEqual([])
      for (const [name, count] of Object.entries(environment.getCounts()))
        totals[name] = (totals[name] ?? 0) + count
    }),
    { ...PROPERTY_OPTIONS, examples: lookAlikeWorkloads },
  )
  // If one of these never happens, the workloads do not cover it.
  expect(audit.counts.requests).toBeGreaterThan(selectByRunLength(500, 5000))
  expect(audit.counts.rejectedTokens).toBeGreaterThan(0)
  for (const name of [
    'refused',
    'failedByDisruption',
    'evictions',
    'refreshes',
    'disruptions',
    'onSharedContext',
  ])
    expect(totals[name]).toBeGreaterThan(0)
}, 120_000)

test('refuses malformed tenants without a request to AWS', async () => {
  sandbox.clear()
  const environment = startExecutionEnvironment({
    sandbox,
    audit,
    advanceClock: advanceTime,
    tenants: [],
    maxSessions: 100,
  })
  const invocations = malformedTenants.flatMap((tenant) =>
    (['handler', 'clientFor'] as const).map((clientSource) => ({
      tenant,
      clientSource,
      turnsBefore: 0,
      turns: 0,
      requestCount: 2,
      isOnSharedContext: false,
    })),
  )
  await environment.runWave({ minutesBefore: 0, disruptions: [], invocations })
  await environment.finish()
  expect(environment.unexpectedOutcomes).toEqual([])
  expect(environment.getCounts().refused).toBe(2 * malformedTenants.length)
  expect(sandbox.calls).toEqual([])
})
