/** For any tenants, however they are called, and whatever happens: each request is signed by its own tenant's session. Shows EVENT-3 and CODE-1 of SECURITY.md. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { inLongRun } from '../run-length.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoTargetAccounts } from '../sandbox/tenant-accounts.ts'
import { lookAlikes, outlaws, tenants } from './hostile-tenants.ts'
import { functionVariables, setEnvironment, travel } from './lambda.ts'
import { openLedger, startEnvironment, wave } from './tenants-at-once.ts'

/** A fixed seed makes failures reproducible. `SEED=7 npm run test:long` runs other histories. */
const RUNS = { numRuns: inLongRun(3, 20), seed: Number(process.env.SEED ?? 1), endOnFailure: true }

const ledger = openLedger()
let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoTargetAccounts(), log: ledger.note })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  const {
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: _,
    CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: __,
    ...variables
  } = functionVariables(sandbox)
  setEnvironment(variables)
})
afterEach(() => {
  jest.restoreAllMocks()
})

const history = fc.record({
  tenants,
  maxSessions: fc.constantFrom(1, 2, 3, 5, 100),
  waves: fc.array(wave, { minLength: 2, maxLength: 4, size: 'max' }),
})

type History = typeof history extends fc.Arbitrary<infer Value> ? Value : never

/** Look-alike tenants in a store with room for few of them and, in the long run, for all of them. */
const crowds = ([3, 100] as const)
  .slice(0, inLongRun(1, 2))
  .map((maxSessions): [History] => [{ tenants: lookAlikes, maxSessions, waves: [] }])

test('each request is signed by its own tenant’s session, and a request without one is never sent', async () => {
  const sum: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(history, async ({ waves, ...rest }) => {
      const environment = startEnvironment({ ...rest, sandbox, ledger, travel })
      for (const each of waves) await environment.live(each)
      await environment.end()
      expect(environment.strange).toEqual([])
      expect(ledger.leaks).toEqual([])
      for (const [name, count] of Object.entries(environment.figures())) sum[name] = (sum[name] ?? 0) + count
    }),
    { ...RUNS, examples: crowds },
  )
  // Otherwise the test would prove nothing.
  expect(ledger.counts.requests).toBeGreaterThan(inLongRun(500, 5000))
  expect(ledger.counts.rejectedTokens).toBeGreaterThan(0)
  for (const name of ['refused', 'letDown', 'evictions', 'refreshes', 'mishaps', 'onSharedContext'])
    expect(sum[name]).toBeGreaterThan(0)
}, 120_000)

test('what AWS would refuse is refused at once, and AWS hears nothing of it', async () => {
  sandbox.clear()
  const environment = startEnvironment({ sandbox, ledger, travel, tenants: [], maxSessions: 100 })
  const invocations = outlaws.flatMap((tenant) =>
    (['handler', 'clientFor'] as const).map((by) => ({
      tenant,
      by,
      before: 0,
      turns: 0,
      requests: 2,
      isOnSharedContext: false,
    })),
  )
  await environment.live({ minutes: 0, mishaps: [], invocations })
  await environment.end()
  expect(environment.strange).toEqual([])
  expect(environment.figures().refused).toBe(2 * outlaws.length)
  expect(sandbox.calls).toEqual([])
})
