/**
 * Measures the latency of invocations under load, across refreshes of the credentials and away from them. Windows of the same length
 * alternate. The clock of this process moves at the beginning of each second window, so that a refresh is due.
 *
 * Usage: node process.ts PEER CONCURRENCY REFRESHES
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { advanceClock, getClockOffsetMs } from '../../../test/moved-clock.ts'
import type { BenchEvent } from '../../peers/read-item.ts'
import { startServices } from '../services/index.ts'

export interface RefreshSample {
  /** The latencies of the invocations that began in each kind of window, in milliseconds. */
  readonly acrossRefreshMs: readonly number[]
  readonly awayFromRefreshMs: readonly number[]
  readonly stsCalls: number
  readonly failed: number
  /** The invocations whose handler did not start immediately. */
  readonly waited: number
}

type Handler = (event: BenchEvent, context: object) => Promise<unknown>

const STS_RESPONSE_TIME_MS = 80
/** Longer than a refresh. */
const WINDOW_MS = 120
const PAUSE_MS = 20
const WARM_UP_MS = 500
/** At minute 56, this package and `fromTemporaryCredentials` refresh the credentials. */
const REFRESH_AGE_MS = 56 * 60_000

const [peer, concurrency, refreshCount] = process.argv.slice(2)

let callsInFlight = 0
tracingChannel('middy-cross-account-dynamo:assume-role').subscribe({
  start: () => {
    callsInFlight += 1
  },
  end: () => {},
  asyncStart: () => {},
  asyncEnd: () => {
    callsInFlight -= 1
  },
  error: () => {},
})

const services = await startServices()
const { handler } = (await import(`../../peers/${peer}.ts`)) as { readonly handler: Handler }
const counts = { failed: 0, waited: 0 }

/** Runs an invocation and returns its latency in milliseconds. */
const invoke = async (): Promise<number> => {
  let isImmediate = true
  setImmediate(() => {
    isImmediate = false
  })
  const event = {
    // The handler reads the key when it starts.
    get id() {
      if (!isImmediate) counts.waited += 1
      return '1'
    },
  }
  const context = {
    functionName: 'orders-function',
    awsRequestId: '1',
    getRemainingTimeInMillis: () => 3000,
  }
  const start = performance.now()
  await handler(event, context).catch(() => {
    counts.failed += 1
  })
  return performance.now() - start
}

/** Invokes the handler without pauses for this time. Returns the latencies of the invocations that began in this time. */
const runLoad = async (durationMs: number): Promise<number[]> => {
  const end = performance.now() + durationMs
  const latencies: number[] = []
  const runWorker = async (): Promise<void> => {
    while (performance.now() < end) latencies.push(await invoke())
  }
  await Promise.all(Array.from({ length: Number(concurrency) }, runWorker))
  return latencies
}

await runLoad(WARM_UP_MS)
// The first invocation waits for the first credentials.
Object.assign(counts, { failed: 0, waited: 0 })
const stsCallsBefore = (await services.getReport()).stsCalls
const acrossRefreshMs: number[] = []
const awayFromRefreshMs: number[] = []
for (let refresh = 0; refresh < Number(refreshCount); refresh += 1) {
  awayFromRefreshMs.push(...(await runLoad(WINDOW_MS)))
  const clockOffsetMs = getClockOffsetMs() + REFRESH_AGE_MS
  await services.configure({ stsResponseTimeMs: STS_RESPONSE_TIME_MS, clockOffsetMs })
  await runLoad(PAUSE_MS)
  advanceClock(REFRESH_AGE_MS)
  acrossRefreshMs.push(...(await runLoad(WINDOW_MS)))
  while (callsInFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await runLoad(PAUSE_MS)
}
const stsCalls = (await services.getReport()).stsCalls - stsCallsBefore
process.send?.({ acrossRefreshMs, awayFromRefreshMs, stsCalls, ...counts } satisfies RefreshSample)
services.close()
process.exit()
