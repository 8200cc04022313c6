/**
 * Simulates the STS calls of a fleet of execution environments in virtual time. The sessions are those of the package, so the
 * refresh window, its jitter, and the pauses after failed calls are its own. STS responds immediately and throttles at its quota.
 */
import type { AssumeRole } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import type { Session } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { createSeededRandom } from './random.ts'
import { findRefreshAges } from './refresh-ages.ts'
import {
  createSimulatedSession,
  DURATION_SECONDS,
  issueCredentials,
  runInVirtualTime,
  settlePromises,
} from './session.ts'

/**
 * The requests per second that STS accepts from an account in a Region, by default. All requests of the calling account count,
 * including those to roles of other accounts.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const STS_REQUESTS_PER_SECOND = 600
/**
 * The execution environments that a function can add per second: 1,000 in 10 seconds.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
 */
const ENVIRONMENT_STARTS_PER_SECOND = 100
const FUNCTION_TIMEOUT_MS = 3000

/** A time during which all calls fail, in seconds since the start of the simulation. */
export interface Outage {
  readonly startSecond: number
  readonly endSecond: number
}

export interface Fleet {
  readonly environments: number
  /** The tenants of each environment. Each tenant has its own session. */
  readonly tenants: number
  /** The mean time between two invocations of an environment, which are distributed among its tenants at random. */
  readonly invocationIntervalSeconds: number
  readonly hasJitter: boolean
  readonly simulatedSeconds: number
  readonly outage?: Outage
}

export interface FleetResult {
  readonly sessions: number
  /** The mean number of refreshes per second of the whole fleet. */
  readonly meanRefreshesPerSecond: number
  /** The maximum number of calls within a second, including the first calls of the sessions. */
  readonly maxCallsPerSecond: number
  /** The refreshes of each minute, without the calls during the outage. */
  readonly refreshesPerMinute: readonly number[]
  readonly throttledCalls: number
  readonly failedInvocations: number
}

interface SimulatedSession {
  readonly session: Session
  /** The number of its successful calls. */
  callCount: number
  /** The second of the latest successful call. */
  issuedAt: number
}

/** Counts the calls that STS receives, fails during the outage, and throttles calls above the quota. */
const createSts = ({ simulatedSeconds, outage }: Fleet) => {
  const callsPerSecond = new Uint32Array(simulatedSeconds)
  const refreshesPerMinute = new Array<number>(Math.ceil(simulatedSeconds / 60)).fill(0)
  let throttledCalls = 0
  const assumeRole: AssumeRole = async (reason) => {
    const second = Date.now() / 1000
    if (outage !== undefined && second >= outage.startSecond && second < outage.endSecond)
      throw new CrossAccountDynamoError('STS_UNAVAILABLE', 'outage')
    const callCount = (callsPerSecond[second] ?? 0) + 1
    callsPerSecond[second] = callCount
    if (reason !== 'first') {
      const minute = Math.floor(second / 60)
      refreshesPerMinute[minute] = (refreshesPerMinute[minute] ?? 0) + 1
    }
    if (callCount <= STS_REQUESTS_PER_SECOND) return issueCredentials()
    throttledCalls += 1
    throw new CrossAccountDynamoError('STS_THROTTLED', 'Rate exceeded')
  }
  return {
    assumeRole,
    refreshesPerMinute,
    getThrottledCalls: () => throttledCalls,
    getMaxCallsPerSecond: () => callsPerSecond.reduce((max, calls) => Math.max(max, calls), 0),
  }
}

/**
 * Measures the mean time between two refreshes of a session. Counts the intervals that begin in the first half of the
 * simulation, because the end of the simulation cuts off long intervals of the second half.
 */
const createIntervalMeter = (simulatedSeconds: number) => {
  let intervals = 0
  let totalSeconds = 0
  return {
    record: (startSecond: number, endSecond: number): void => {
      if (startSecond > simulatedSeconds / 2) return
      intervals += 1
      totalSeconds += endSecond - startSecond
    },
    getMeanSeconds: () => totalSeconds / intervals,
  }
}

/** The simulated sessions, ordered by the second of their next invocation. */
const createSchedule = (simulatedSeconds: number, meanIntervalSeconds: number) => {
  const random = createSeededRandom(2)
  const sessionsBySecond: SimulatedSession[][] = Array.from({ length: simulatedSeconds }, () => [])
  return {
    sessionsBySecond,
    /** Adds the first invocation after `second`. The times between invocations are exponentially distributed. */
    addInvocation: (session: SimulatedSession, second: number): void => {
      const invokedAt = Math.round(second - Math.log(1 - random()) * meanIntervalSeconds)
      sessionsBySecond[invokedAt]?.push(session)
    },
  }
}

/** Creates the sessions of an execution environment. STS throttling pauses all of them. */
const createEnvironment = (tenants: number, assumeRole: AssumeRole): SimulatedSession[] => {
  const throttle = createSharedThrottle()
  return Array.from({ length: tenants }, () => ({
    session: createSimulatedSession(assumeRole, throttle),
    callCount: 0,
    issuedAt: 0,
  }))
}

/** Simulates a fleet whose environments start as fast as Lambda starts them. */
export const simulateFleet = async (fleet: Fleet): Promise<FleetResult> => {
  const ages = await findRefreshAges(fleet.hasJitter)
  const random = fleet.hasJitter ? createSeededRandom(1) : () => 0
  return runInVirtualTime(random, (setSeconds) => simulate(fleet, ages, setSeconds))
}

const simulate = async (
  fleet: Fleet,
  ages: Awaited<ReturnType<typeof findRefreshAges>>,
  setSeconds: (seconds: number) => void,
): Promise<FleetResult> => {
  const { environments, tenants, invocationIntervalSeconds, simulatedSeconds, outage } = fleet
  const sts = createSts(fleet)
  const intervals = createIntervalMeter(simulatedSeconds)
  const { sessionsBySecond, addInvocation } = createSchedule(
    simulatedSeconds,
    invocationIntervalSeconds * tenants,
  )
  for (let environment = 0; environment < environments; environment += 1) {
    for (const session of createEnvironment(tenants, sts.assumeRole))
      addInvocation(session, environment / ENVIRONMENT_STARTS_PER_SECOND)
  }
  /** Returns the second from which an invocation can call STS. Earlier invocations change nothing and are not simulated. */
  const getNextChange = ({ callCount, issuedAt }: SimulatedSession): number => {
    if (callCount === 0) return 0
    // The credentials after an outage are refreshed at a random age, as the first ones are.
    const isFirstOrRecovering = callCount === 1 || (outage !== undefined && issuedAt >= outage.endSecond)
    return issuedAt + (isFirstOrRecovering ? ages.first : ages.later).earliest
  }

  let failedInvocations = 0
  const deadline = { getRemainingTimeInMillis: () => FUNCTION_TIMEOUT_MS }
  for (const [second, invoked] of sessionsBySecond.entries()) {
    if (invoked.length === 0) continue
    setSeconds(second)
    for (const { session } of invoked) {
      session.ensureCredentials(deadline)?.catch(() => {
        failedInvocations += 1
      })
    }
    await settlePromises()
    for (const simulated of invoked) {
      recordCall(simulated, intervals.record)
      addInvocation(simulated, Math.max(second + 1, getNextChange(simulated)))
    }
    invoked.length = 0
  }
  const sessions = environments * tenants
  return {
    sessions,
    meanRefreshesPerSecond: sessions / intervals.getMeanSeconds(),
    maxCallsPerSecond: sts.getMaxCallsPerSecond(),
    refreshesPerMinute: sts.refreshesPerMinute,
    throttledCalls: sts.getThrottledCalls(),
    failedInvocations,
  }
}

/** Updates the record of a session if the session received credentials in this second. */
const recordCall = (
  simulated: SimulatedSession,
  recordInterval: (startSecond: number, endSecond: number) => void,
): void => {
  const expiration = simulated.session.getLatestCredentials()?.expiration
  if (expiration === undefined) return
  const issuedAt = expiration.getTime() / 1000 - DURATION_SECONDS
  if (simulated.callCount > 0 && issuedAt === simulated.issuedAt) return
  if (simulated.callCount > 1) recordInterval(simulated.issuedAt, issuedAt)
  simulated.callCount += 1
  simulated.issuedAt = issuedAt
}
