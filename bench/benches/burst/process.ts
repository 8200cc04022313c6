/**
 * Runs bursts of concurrent invocations in one execution environment: before the first credentials, with valid credentials, when a
 * refresh is due, and after the credentials have expired. The sandbox is in the same process, so that both read the same clock.
 *
 * Usage: node process.ts PEER INVOCATIONS TENANTS
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { createFunctionVariables, createLambdaContext, setEnvironment } from '../../../test/lambda-runtime.ts'
import { advanceClock } from '../../../test/moved-clock.ts'
import { startSandbox } from '../../../test/sandbox/index.ts'
import { createTwoAccounts } from '../../../test/sandbox/two-accounts.ts'
import type { BenchEvent } from '../../peers/read-item.ts'

const PHASES = ['cold', 'warm', 'refresh due', 'expired'] as const
export type Phase = (typeof PHASES)[number]

export interface BurstCounts {
  readonly phase: Phase
  readonly failed: number
  readonly stsCalls: number
  /** The invocations whose handler did not start immediately. */
  readonly waited: number
  /** The invocations whose handler did not start immediately after the AssumeRole call of this package for their tenant. */
  readonly waitedBeyondCall: number
}

type Handler = (event: BenchEvent, context: object) => Promise<unknown>

const MINUTE_MS = 60_000
const STS_RESPONSE_TIME_MS = 80
const TIMEOUT_MS = 30_000
/** How far the clock moves before each phase. At minute 56, this package and `fromTemporaryCredentials` refresh the credentials. */
const CLOCK_ADVANCE_MS: Readonly<Record<Phase, number>> = {
  cold: 0,
  warm: 0,
  'refresh due': 56 * MINUTE_MS,
  expired: 120 * MINUTE_MS,
}

const [peer, invocationCount, tenantCount] = process.argv.slice(2)

const toTenant = (index: number): string => `tenant-${index % Number(tenantCount)}`

/** The AssumeRole calls of the package in a phase. */
const calls = {
  inFlight: 0,
  /** The tenant whose invocation starts. An invocation starts its call synchronously. The prefetch is for the first tenant. */
  startingTenant: toTenant(0),
  tenantByCall: new WeakMap<object, string>(),
  /** The tenants whose call has settled, with the promises that wait for it. */
  settledTenants: new Set<string>(),
}
tracingChannel('middy-cross-account-dynamo:assume-role').subscribe({
  start: (call) => {
    calls.inFlight += 1
    calls.tenantByCall.set(call, calls.startingTenant)
  },
  end: () => {},
  asyncStart: () => {},
  asyncEnd: (call) => {
    calls.inFlight -= 1
    const tenant = calls.tenantByCall.get(call)
    // All promises that depend only on the call settle before the next immediate.
    if (tenant !== undefined) setImmediate(() => calls.settledTenants.add(tenant))
  },
  error: () => {},
})

const sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: STS_RESPONSE_TIME_MS })
setEnvironment(createFunctionVariables(sandbox))
const { handler } = (await import(`../../peers/${peer}.ts`)) as { readonly handler: Handler }

const runBurst = async (phase: Phase): Promise<BurstCounts> => {
  advanceClock(CLOCK_ADVANCE_MS[phase])
  calls.settledTenants.clear()
  // In the cold phase, the prefetch has already started, and the sandbox has not received it yet.
  const stsCallsBefore = sandbox.calls.filter(({ service }) => service === 'sts').length
  const counts = { waited: 0, waitedBeyondCall: 0 }
  let isImmediate = true
  setImmediate(() => {
    isImmediate = false
  })
  const onHandlerStart = (tenant: string): void => {
    if (!isImmediate) counts.waited += 1
    if (calls.settledTenants.has(tenant)) counts.waitedBeyondCall += 1
  }
  const invoke = (index: number): Promise<unknown> => {
    const tenant = toTenant(index)
    calls.startingTenant = tenant
    const event = {
      tenant,
      // The handler reads the key when it starts.
      get id() {
        onHandlerStart(tenant)
        return '1'
      },
    }
    return handler(event, createLambdaContext(TIMEOUT_MS))
  }
  const outcomes = await Promise.allSettled(
    Array.from({ length: Number(invocationCount) }, (_, i) => invoke(i)),
  )
  while (calls.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  return {
    phase,
    ...counts,
    failed: outcomes.filter(({ status }) => status === 'rejected').length,
    stsCalls: sandbox.calls.filter(({ service }) => service === 'sts').length - stsCallsBefore,
  }
}

const results: BurstCounts[] = []
for (const phase of PHASES) results.push(await runBurst(phase))
process.send?.(results)
process.exit()
