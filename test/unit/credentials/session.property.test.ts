/** Properties of a session that hold for every sequence of invocations, waits, successful calls and failed calls. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { createSeededRandom } from '../../../bench/benches/fleet/random.ts'
import type { AssumeRole, AssumeRoleReason, Credentials } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/assume-role-calls.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { selectByRunLength } from '../../run-length.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './controlled-sts.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  jest.spyOn(Math, 'random').mockImplementation(createSeededRandom(PROPERTY_OPTIONS.seed))
})
afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

const ERROR_CODES = ['STS_UNAVAILABLE', 'STS_THROTTLED', 'STS_TIMEOUT', 'ASSUME_ROLE_DENIED'] as const
/** A fixed seed makes failures reproducible. `SEED=7 npm run test:long` runs other sequences. */
const PROPERTY_OPTIONS = { numRuns: selectByRunLength(400, 5000), seed: Number(process.env.SEED ?? 1) }
/** A session does not replace rejected credentials that are younger. */
const MIN_REJECTED_AGE_MS = 30 * SECOND_MS
const REFRESH_BEFORE_SECONDS = 900
/** The largest share of their lifetime that remains when a session refreshes valid credentials. */
const MAX_REFRESH_WINDOW_SHARE = 0.9
/** The longest remaining lifetime at which a session refreshes credentials that replaced valid ones. It includes the jitter. */
const MAX_REFRESH_WINDOW_MS = REFRESH_BEFORE_SECONDS * SECOND_MS * 1.2
/** The shortest pause after a failed call. */
const MIN_BACK_OFF_MS = SECOND_MS
/** How long a session without valid credentials does not call STS after a refusal. */
const REFUSAL_WINDOW_MS = 5 * SECOND_MS

type Step =
  | { readonly action: 'invoke'; readonly remainingTimeMs: number }
  | { readonly action: 'advance-timers'; readonly durationMs: number }
  | { readonly action: 'issue-credentials'; readonly lifetimeMs: number }
  | { readonly action: 'fail-call'; readonly code: (typeof ERROR_CODES)[number] }
  | { readonly action: 'reject-credentials' }
  | { readonly action: 'provide-credentials' }
  | { readonly action: 'prefetch' }
  | { readonly action: 'freeze'; readonly durationMs: number }

const arbitrarySteps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        action: fc.constant('invoke' as const),
        remainingTimeMs: fc.integer({ min: 0, max: 30_000 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        action: fc.constant('advance-timers' as const),
        // Each range contains one of the times at which a session changes its behavior.
        durationMs: fc.oneof(
          fc.integer({ min: 0, max: 2 * SECOND_MS }),
          fc.integer({ min: 4 * SECOND_MS, max: 6 * SECOND_MS }),
          fc.integer({ min: 0, max: 20 * SECOND_MS }),
          fc.integer({ min: 40 * MINUTE_MS, max: 45 * MINUTE_MS }),
          fc.integer({ min: 0, max: 20 * MINUTE_MS }),
          fc.constant(5 * HOUR_MS),
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        action: fc.constant('issue-credentials' as const),
        lifetimeMs: fc.oneof(
          fc.integer({ min: 1, max: 2 * MINUTE_MS }),
          fc.constant(15 * MINUTE_MS),
          fc.constant(HOUR_MS),
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        action: fc.constant('fail-call' as const),
        code: fc.constantFrom(...ERROR_CODES),
      }),
    },
    { weight: 1, arbitrary: fc.record({ action: fc.constant('reject-credentials' as const) }) },
    { weight: 2, arbitrary: fc.record({ action: fc.constant('provide-credentials' as const) }) },
    { weight: 1, arbitrary: fc.record({ action: fc.constant('prefetch' as const) }) },
    // Lambda freezes the execution environment: the clock advances, but no timer fires.
    {
      weight: 1,
      arbitrary: fc.record({
        action: fc.constant('freeze' as const),
        durationMs: fc.integer({ min: 0, max: 5 * HOUR_MS }),
      }),
    },
  ),
  { minLength: 1, maxLength: 60 },
)

interface PendingCall {
  readonly resolve: (credentials: Credentials) => void
  readonly reject: (error: Error) => void
  readonly signal: AbortSignal
  readonly reason: AssumeRoleReason
}

/** Runs the steps and checks the session after each step. */
const runSteps = async (steps: readonly Step[]): Promise<void> => {
  const pendingCalls = new Set<PendingCall>()
  const issuedAtByAccessKeyId = new Map<string, number>()
  /** The longest remaining lifetime at which the session refreshes these credentials while they are valid, by access key ID. */
  const maxRefreshWindowMs = new Map<string, number>()
  const rejectedAccessKeyIds = new Set<string>()
  const outcomes: Promise<void>[] = []
  /** The number of steps that can start an AssumeRole call. */
  let requestCount = 0
  let callCount = 0
  let failedAt = Number.NEGATIVE_INFINITY
  let refusedAt = Number.NEGATIVE_INFINITY
  const unexpectedCalls: string[] = []
  const assumeRole: AssumeRole = (reason, signal) => {
    callCount += 1
    const now = Date.now()
    const credentials = session.getLatestCredentials()
    if (reason !== 'prefetch' && isUsable(credentials)) {
      const remainingLifetimeMs = Number(credentials?.expiration) - now
      if (remainingLifetimeMs > (maxRefreshWindowMs.get(credentials?.accessKeyId ?? '') ?? 0))
        unexpectedCalls.push(`${reason} ${remainingLifetimeMs} ms before the expiration`)
      if (now - failedAt < MIN_BACK_OFF_MS)
        unexpectedCalls.push(`${reason} ${now - failedAt} ms after a failure`)
    }
    if (reason !== 'prefetch' && !isUsable(credentials) && now - refusedAt < REFUSAL_WINDOW_MS)
      unexpectedCalls.push(`${reason} ${now - refusedAt} ms after a refusal`)
    return new Promise((resolve, reject) => {
      const call = { resolve, reject, signal, reason }
      pendingCalls.add(call)
      signal.addEventListener('abort', () => {
        pendingCalls.delete(call)
        reject(new CrossAccountDynamoError('STS_TIMEOUT', 'aborted'))
      })
    })
  }
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const session = createSession({
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND_MS,
    roleArn: 'arn:aws:iam::222222222222:role/R',
    refreshBeforeSeconds: REFRESH_BEFORE_SECONDS,
    assumeRole,
    throttle: createSharedThrottle(),
    logger,
  })
  const isUsable = (credentials: Credentials | undefined): boolean =>
    credentials !== undefined &&
    !rejectedAccessKeyIds.has(credentials.accessKeyId) &&
    credentials.expiration.getTime() > Date.now()
  const flushPromises = () => jest.advanceTimersByTimeAsync(0)

  for (const step of steps) {
    switch (step.action) {
      case 'invoke': {
        requestCount += 1
        const hadValidCredentials = isUsable(session.getLatestCredentials())
        const wait = session.ensureCredentials({ getRemainingTimeInMillis: () => step.remainingTimeMs })
        if (wait === undefined) {
          // An invocation that does not wait has valid credentials.
          expect(isUsable(session.getLatestCredentials())).toBe(true)
        } else {
          outcomes.push(
            wait.then(
              () => expect(isUsable(session.getLatestCredentials())).toBe(true),
              // An invocation fails only if there are no valid credentials.
              () => expect(isUsable(session.getLatestCredentials())).toBe(false),
            ),
          )
          // An invocation does not wait if its credentials are valid for more than a minute.
          const remainingLifetimeMs = (session.getLatestCredentials()?.expiration.getTime() ?? 0) - Date.now()
          expect(hadValidCredentials && remainingLifetimeMs > MINUTE_MS).toBe(false)
        }
        break
      }
      case 'provide-credentials': {
        requestCount += 1
        outcomes.push(
          session.credentials().then(
            (credentials) => expect(isUsable(credentials)).toBe(true),
            () => expect(isUsable(session.getLatestCredentials())).toBe(false),
          ),
        )
        break
      }
      case 'prefetch':
        requestCount += 1
        session.prefetch().catch(() => {})
        break
      case 'freeze':
        jest.setSystemTime(Date.now() + step.durationMs)
        break
      case 'advance-timers':
        await jest.advanceTimersByTimeAsync(step.durationMs)
        break
      case 'issue-credentials': {
        const [call] = pendingCalls
        if (call === undefined) break
        pendingCalls.delete(call)
        const expiration = new Date(Date.now() + step.lifetimeMs)
        const credentials = {
          accessKeyId: `key ${issuedAtByAccessKeyId.size}`,
          secretAccessKey: '',
          sessionToken: '',
          accountId: '',
          expiration,
        }
        issuedAtByAccessKeyId.set(credentials.accessKeyId, Date.now())
        const longestMs = step.lifetimeMs * MAX_REFRESH_WINDOW_SHARE
        const isOnSchedule = call.reason === 'refresh' && failedAt === Number.NEGATIVE_INFINITY
        maxRefreshWindowMs.set(
          credentials.accessKeyId,
          isOnSchedule ? Math.min(longestMs, MAX_REFRESH_WINDOW_MS) : longestMs,
        )
        failedAt = Number.NEGATIVE_INFINITY
        refusedAt = Number.NEGATIVE_INFINITY
        call.resolve(credentials)
        break
      }
      case 'fail-call': {
        const [call] = pendingCalls
        if (call === undefined) break
        pendingCalls.delete(call)
        failedAt = Date.now()
        // No invocation received the error of a prefetch, so the next invocation calls STS again.
        if (step.code === 'ASSUME_ROLE_DENIED' && call.reason !== 'prefetch') refusedAt = Date.now()
        call.reject(new CrossAccountDynamoError(step.code, 'rejected by the test'))
        break
      }
      case 'reject-credentials': {
        const used = session.getLatestCredentials()
        if (used === undefined) break
        requestCount += 1
        const ageMs = Date.now() - (issuedAtByAccessKeyId.get(used.accessKeyId) ?? 0)
        if (ageMs >= MIN_REJECTED_AGE_MS) rejectedAccessKeyIds.add(used.accessKeyId)
        session.replaceRejectedCredentials(used, performance.now()).catch(() => {})
        break
      }
    }
    await flushPromises()
    expect([...pendingCalls].filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1)
    // The session has no timers, so each AssumeRole call belongs to a step.
    expect(callCount).toBeLessThanOrEqual(requestCount)
    expect(unexpectedCalls).toEqual([])
  }
  // Every wait budget is shorter than a minute.
  await jest.advanceTimersByTimeAsync(MINUTE_MS)
  await Promise.all(outcomes)
}

describe('session, for all sequences of steps', () => {
  test('a session never returns expired credentials, rejects no invocation while they are valid, and has at most one pending call', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySteps, (steps) => runSteps(steps)),
      PROPERTY_OPTIONS,
    )
  })

  test('concurrent invocations share one AssumeRole call in every order in which promises settle', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 2, max: 16 }),
        async (scheduler, invocationCount) => {
          let callCount = 0
          const credentials = {
            accessKeyId: '',
            secretAccessKey: '',
            sessionToken: '',
            accountId: '',
            expiration: new Date(Date.now() + HOUR_MS),
          }
          const session = createSession({
            contextKey: 'dynamo',
            maxAssumeRoleDurationMs: 10 * SECOND_MS,
            roleArn: 'arn:aws:iam::222222222222:role/R',
            refreshBeforeSeconds: 900,
            assumeRole: () => {
              callCount += 1
              return scheduler.schedule(Promise.resolve(credentials), 'AssumeRole succeeds')
            },
            throttle: createSharedThrottle(),
            logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
          })
          const invocations = Array.from({ length: invocationCount }, (_, index) =>
            scheduler.schedule(Promise.resolve(), `invocation ${index}`).then(() => session.credentials()),
          )
          const allProvided = Promise.all(invocations)
          await scheduler.waitFor(allProvided)
          for (const provided of await allProvided) expect(provided).toEqual(credentials)
          expect(callCount).toBe(1)
        },
      ),
      PROPERTY_OPTIONS,
    )
  })
})
