/** Finds out from the sessions of the package when they are refreshed, and predicts the STS calls of a fleet with a formula. */
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import {
  createSimulatedSession,
  DURATION_SECONDS,
  issueCredentials,
  REFRESH_BEFORE_SECONDS,
  runInVirtualTime,
  settlePromises,
} from './session.ts'
import type { Fleet } from './simulate.ts'

/**
 * Finds the age of credentials, in seconds, from which an invocation refreshes them, if each random number of the package is
 * `random`. `generation` is 1 for the first credentials of a session, 2 for the next ones.
 */
const findRefreshAgeSeconds = (random: number, generation: number): Promise<number> =>
  runInVirtualTime(
    () => random,
    async (setSeconds) => {
      const isRefreshedAt = async (age: number): Promise<boolean> => {
        let callCount = 0
        const assumeRole = async () => {
          callCount += 1
          return issueCredentials()
        }
        let seconds = 0
        setSeconds(seconds)
        const session = createSimulatedSession(assumeRole, createSharedThrottle())
        await session.prefetch()
        while (callCount < generation) {
          seconds += DURATION_SECONDS - REFRESH_BEFORE_SECONDS
          setSeconds(seconds)
          session.ensureCredentials()
          await settlePromises()
        }
        setSeconds(seconds + age)
        session.ensureCredentials()
        return callCount > generation
      }
      let tooYoung = 0
      let age = DURATION_SECONDS
      while (age - tooYoung > 1) {
        const middle = Math.floor((tooYoung + age) / 2)
        if (await isRefreshedAt(middle)) age = middle
        else tooYoung = middle
      }
      return age
    },
  )

/** The youngest and the oldest age of credentials, in seconds, at which an invocation begins to refresh them. */
export interface RefreshAges {
  readonly earliest: number
  readonly latest: number
}
const HIGHEST_RANDOM = 1 - Number.EPSILON

/** Finds the ages of the first credentials of a session, and of those after the first refresh. */
export const findRefreshAges = async (
  hasJitter: boolean,
): Promise<{ readonly first: RefreshAges; readonly later: RefreshAges }> => {
  const find = async (generation: number): Promise<RefreshAges> => {
    const [a, b] = [
      await findRefreshAgeSeconds(0, generation),
      await findRefreshAgeSeconds(hasJitter ? HIGHEST_RANDOM : 0, generation),
    ]
    return { earliest: Math.min(a, b), latest: Math.max(a, b) }
  }
  return { first: await find(1), later: await find(2) }
}

/**
 * Returns the mean number of refreshes per second. After its credentials have reached the age at which they are refreshed, a
 * session calls STS with its next invocation.
 */
export const predictRefreshesPerSecond = (fleet: Fleet, { earliest, latest }: RefreshAges): number =>
  (fleet.environments * fleet.tenants) /
  ((earliest + latest) / 2 + fleet.invocationIntervalSeconds * fleet.tenants)
