/** Creates sessions of the package, and runs them in virtual time. */
import type { AssumeRole, Credentials } from '../../../src/credentials/assume-role.ts'
import type { SharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import { createSession, type Session } from '../../../src/credentials/session.ts'

export const DURATION_SECONDS = 3600
export const REFRESH_BEFORE_SECONDS = 900
const NO_LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Resolves when the promises that can settle now have settled. */
export const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Runs `simulate` on a clock that begins at 0, and with these random numbers for the code of the package. */
export const runInVirtualTime = async <T>(
  random: () => number,
  simulate: (setSeconds: (seconds: number) => void) => Promise<T>,
): Promise<T> => {
  const original = { now: Date.now, random: Math.random }
  let nowMs = 0
  Date.now = () => nowMs
  Math.random = random
  try {
    return await simulate((seconds) => {
      nowMs = seconds * 1000
    })
  } finally {
    Date.now = original.now
    Math.random = original.random
  }
}

/** Creates a session of the package with its defaults: one hour, refreshed in the last 15 minutes. */
export const createSimulatedSession = (assumeRole: AssumeRole, throttle: SharedThrottle): Session =>
  createSession({
    roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
    contextKey: 'dynamo',
    refreshBeforeSeconds: REFRESH_BEFORE_SECONDS,
    maxAssumeRoleDurationMs: 10_000,
    assumeRole,
    throttle,
    logger: NO_LOGGER,
  })

export const issueCredentials = (): Credentials => ({
  accessKeyId: '',
  secretAccessKey: '',
  sessionToken: '',
  accountId: '',
  expiration: new Date(Date.now() + DURATION_SECONDS * 1000),
})
