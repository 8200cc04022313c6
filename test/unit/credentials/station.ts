/** An STS for unit tests of the session, which answers when it is told to. */
import { jest } from '@jest/globals'
import type { AssumeRole, Credentials } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/refresh.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import type { Logger } from '../../../src/logger.ts'

export const HOUR = 3_600_000
export const MINUTE = 60_000
export const SECOND = 1000
export const REFRESH_BEFORE_SECONDS = 900

interface Waiting {
  readonly resolve: (credentials: Credentials) => void
  readonly reject: (error: Error) => void
}

export const startStation = () => {
  const waiting: Waiting[] = []
  let issued = 0
  const assumeRole = jest.fn<AssumeRole>(
    (_reason, signal) =>
      new Promise<Credentials>((resolve, reject) => {
        waiting.push({ resolve, reject })
        signal.addEventListener('abort', () => reject(new CrossAccountDynamoError('STS_TIMEOUT', 'given up')))
      }),
  )
  const next = (): Waiting => {
    const oldest = waiting.shift()
    if (oldest === undefined) throw new Error('nobody waits for STS')
    return oldest
  }
  return {
    assumeRole,
    /** Answers whoever has waited longest, with credentials that live for so long from now. */
    answer: (life = HOUR) => {
      issued += 1
      next().resolve({
        accessKeyId: `key ${issued}`,
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(Date.now() + life),
        accountId: '222222222222',
      })
    },
    fail: (code: CrossAccountDynamoErrorCode = 'STS_UNAVAILABLE') =>
      next().reject(new CrossAccountDynamoError(code, 'as told')),
    rejectWith: (error: Error) => next().reject(error),
    reasons: () => assumeRole.mock.calls.map(([reason]) => reason),
  }
}

export const startSession = (
  refreshBeforeSeconds = REFRESH_BEFORE_SECONDS,
  throttle = createSharedThrottle(),
) => {
  const sts = startStation()
  const log = jest.fn()
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const roleArn = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
  const session = createSession({
    roleArn,
    refreshBeforeSeconds,
    assumeRole: sts.assumeRole,
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND,
    throttle,
    logger,
  })
  return { ...sts, ...session, log }
}

/** A session that has its first credentials, with an hour to live. */
export const startReadySession = async (refreshBeforeSeconds = REFRESH_BEFORE_SECONDS) => {
  const session = startSession(refreshBeforeSeconds)
  const first = session.ready()
  session.answer()
  await first
  return { ...session, expiry: Date.now() + HOUR }
}
