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
  /** The invocations whose handler did not start immediately after the last AssumeRole call of this package. */
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

/** The AssumeRole calls of the package: how many are in flight, and whether the promises that wait for them have settled. */
const calls = { inFlight: 0, hasSettled: false }
tracingChannel('middy-cross-account-dynamo:assume-role').subscribe({
  start: () => {
    calls.inFlight += 1
  },
  end: () => {},
  asyncStart: () => {},
  asyncEnd: () => {
    calls.inFlight -= 1
    // All promises that depend only on the call settle before the next immediate.
    if (calls.inFlight === 0)
      setImmediate(() => {
        calls.hasSettled = true
      })
  },
  error: () => {},
})

const sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: STS_RESPONSE_TIME_MS })
setEnvironment(createFunctionVariables(sandbox))
const { handler } = (await import(`../../peers/${peer}.ts`)) as { readonly handler: Handler }

const runBurst = async (phase: Phase): Promise<BurstCounts> => {
  advanceClock(CLOCK_ADVANCE_MS[phase])
  calls.hasSettled = false
  // In the cold phase, the prefetch has already started, and the sandbox has not received it yet.
  const stsCallsBefore = sandbox.calls.filter(({ service }) => service === 'sts').length
  const counts = { waited: 0, waitedBeyondCall: 0 }
  let isImmediate = true
  setImmediate(() => {
    isImmediate = false
  })
  const onHandlerStart = (): void => {
    if (!isImmediate) counts.waited += 1
    if (calls.hasSettled) counts.waitedBeyondCall += 1
  }
  const invoke = (index: number): Promise<unknown> => {
    const event = {
      tenant: `tenant-${index % Number(tenantCount)}`,
      // The handler reads the key when it starts.
      get id() {
        onHandlerStart()
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
