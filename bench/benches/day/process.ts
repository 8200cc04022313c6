/**
 * Runs hours of one execution environment in minutes: an invocation every 30 seconds on a moved clock, with the sandbox in the same
 * process, so that both read the same clock. STS takes 80 ms of real time to respond.
 *
 * Usage: node process.ts PEER HOURS [OUTAGE_START_MINUTE OUTAGE_END_MINUTE]
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { createFunctionVariables, createLambdaContext, setEnvironment } from '../../../test/lambda-runtime.ts'
import { advanceClock } from '../../../test/moved-clock.ts'
import { type Call, type Sandbox, startSandbox } from '../../../test/sandbox/index.ts'
import { createTwoAccounts } from '../../../test/sandbox/two-accounts.ts'
import type { BenchEvent } from '../../peers/read-item.ts'

/** The counts of the whole time. */
export interface DayCounts {
  readonly failed: number
  /** The invocations during which STS responded to a request. Their handlers waited for the response. */
  readonly waited: number
  readonly stsCalls: number
  readonly stsConnections: number
  readonly dynamodbConnections: number
}

type Handler = (event: BenchEvent, context: object) => Promise<unknown>

const MINUTE_MS = 60_000
const INVOCATION_INTERVAL_MS = 30_000
/** Long in comparison with a request to the sandbox's DynamoDB, so that a refresh in the background ends after the invocation. */
const STS_RESPONSE_TIME_MS = 80
const FUNCTION_TIMEOUT_MS = 3000

const [peer, hours, outageStartMinute, outageEndMinute] = process.argv.slice(2)
const outage = { startMs: Number(outageStartMinute) * MINUTE_MS, endMs: Number(outageEndMinute) * MINUTE_MS }

/** Counts the AssumeRole calls of the package that are in flight. A refresh continues in the background. */
const watchBackgroundCalls = (): (() => number) => {
  let count = 0
  tracingChannel('middy-cross-account-dynamo:assume-role').subscribe({
    start: () => {
      count += 1
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => {
      count -= 1
    },
    error: () => {},
  })
  return () => count
}

const isStsCall = ({ service }: Call): boolean => service === 'sts'
const hasResponse = ({ status }: Call): boolean => status !== 0

/** Runs an invocation. Returns whether it failed, and whether it waited for a response of STS. */
const invoke = async (handler: Handler, sandbox: Sandbox) => {
  const respondedBefore = sandbox.calls.filter(isStsCall).filter(hasResponse).length
  const failed = await handler({ id: '1' }, createLambdaContext(FUNCTION_TIMEOUT_MS)).then(
    () => false,
    () => true,
  )
  return { failed, waited: sandbox.calls.filter(isStsCall).filter(hasResponse).length > respondedBefore }
}

// Each run has the same counts. With this number, this package refreshes its credentials at minute 25, and then after at least 43.5 minutes.
Math.random = () => 0.5

const run = async (sandbox: Sandbox): Promise<DayCounts> => {
  const countBackgroundCalls = watchBackgroundCalls()
  sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: STS_RESPONSE_TIME_MS })
  setEnvironment(createFunctionVariables(sandbox))
  const { handler } = (await import(`../../peers/${peer}.ts`)) as { readonly handler: Handler }
  let endOutage: (() => void) | undefined
  const counts = { failed: 0, waited: 0 }
  for (let elapsedMs = 0; elapsedMs < Number(hours) * 60 * MINUTE_MS; elapsedMs += INVOCATION_INTERVAL_MS) {
    if (elapsedMs === outage.startMs)
      endOutage = sandbox.faults.inject({ service: 'sts', kind: 'status', status: 503 })
    if (elapsedMs === outage.endMs) endOutage?.()
    const { failed, waited } = await invoke(handler, sandbox)
    counts.failed += Number(failed)
    counts.waited += Number(waited)
    // The next invocation is 30 seconds later, so a refresh in the background has ended by then.
    while (countBackgroundCalls() > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    advanceClock(INVOCATION_INTERVAL_MS)
  }
  const { sts: stsConnections, dynamodb: dynamodbConnections } = sandbox.connections
  return { ...counts, stsCalls: sandbox.calls.filter(isStsCall).length, stsConnections, dynamodbConnections }
}

const counts = await run(await startSandbox({ accounts: createTwoAccounts() }))
process.send?.(counts)
process.exit()
