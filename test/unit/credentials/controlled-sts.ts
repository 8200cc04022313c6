/** An STS for unit tests of sessions. The test decides when and how each AssumeRole call settles. */
import { jest } from '@jest/globals'
import type { AssumeRole, Credentials } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import type { Logger } from '../../../src/logger.ts'

export const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
export const SECOND_MS = 1000
export const REFRESH_BEFORE_SECONDS = 900

interface PendingCall {
  readonly resolve: (credentials: Credentials) => void
  readonly reject: (error: Error) => void
}

export const createControlledSts = () => {
  const pendingCalls: PendingCall[] = []
  let issuedCount = 0
  const assumeRole = jest.fn<AssumeRole>(
    (_reason, signal) =>
      new Promise<Credentials>((resolve, reject) => {
        pendingCalls.push({ resolve, reject })
        signal.addEventListener('abort', () => reject(new CrossAccountDynamoError('STS_TIMEOUT', 'aborted')))
      }),
  )
  const takeOldestCall = (): PendingCall => {
    const oldestCall = pendingCalls.shift()
    if (oldestCall === undefined) throw new Error('no AssumeRole call is pending')
    return oldestCall
  }
  return {
    assumeRole,
    /** Resolves the oldest pending call with credentials that expire `lifetimeMs` milliseconds from now. */
    issueCredentials: (lifetimeMs = HOUR_MS) => {
      issuedCount += 1
      takeOldestCall().resolve({
        accessKeyId: `key ${issuedCount}`,
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(Date.now() + lifetimeMs),
        accountId: '222222222222',
      })
    },
    /** Rejects the oldest pending call with an error that has this code. */
    failCall: (code: CrossAccountDynamoErrorCode = 'STS_UNAVAILABLE') =>
      takeOldestCall().reject(new CrossAccountDynamoError(code, 'rejected by the test')),
    /** Rejects the oldest pending call with this error. */
    rejectCall: (error: Error) => takeOldestCall().reject(error),
    /** Returns the reason of each call, in the order of the calls. */
    getReasons: () => assumeRole.mock.calls.map(([reason]) => reason),
  }
}

/** Creates a session that calls a controlled STS. The session has no credentials yet. */
export const createTestSession = (
  refreshBeforeSeconds = REFRESH_BEFORE_SECONDS,
  throttle = createSharedThrottle(),
) => {
  const sts = createControlledSts()
  const log = jest.fn()
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const roleArn = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
  const session = createSession({
    roleArn,
    refreshBeforeSeconds,
    assumeRole: sts.assumeRole,
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND_MS,
    throttle,
    logger,
  })
  return { ...sts, ...session, log }
}

/** Creates a session that has credentials. They expire in one hour, at `expiresAt`, in milliseconds since the epoch. */
export const createReadySession = async (refreshBeforeSeconds = REFRESH_BEFORE_SECONDS) => {
  const session = createTestSession(refreshBeforeSeconds)
  const firstCredentials = session.ensureCredentials()
  session.issueCredentials()
  await firstCredentials
  return { ...session, expiresAt: Date.now() + HOUR_MS }
}
