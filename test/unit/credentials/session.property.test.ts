/** For any sequence of invocations, steps of time, successes and failures: what must hold of a session. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import type { AssumeRole, AssumeRoleReason, Credentials } from '../../../src/credentials/assume-role.ts'
import { createSharedThrottle } from '../../../src/credentials/refresh.ts'
import { createSession } from '../../../src/credentials/session.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import { inLongRun } from '../../run-length.ts'
import { HOUR, MINUTE, SECOND } from './station.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
})

const CODES = ['STS_UNAVAILABLE', 'STS_THROTTLED', 'STS_TIMEOUT', 'ASSUME_ROLE_DENIED'] as const
/** A fixed seed makes failures reproducible. `SEED=7 npm run test:long` runs other histories. */
const RUNS = { numRuns: inLongRun(400, 5000), seed: Number(process.env.SEED ?? 1) }
/** Credentials that are rejected sooner are not replaced. */
const BRAND_NEW = 30 * SECOND
const REFRESH_BEFORE_SECONDS = 900
/** The bounds on STS calls: no sooner before the expiry, nor after a failure, nor after a refusal. */
const EARLIEST_REFRESH = REFRESH_BEFORE_SECONDS * SECOND * 1.2
const LEAST_BACK_OFF = SECOND
const REFUSAL_REMEMBERED = 5 * SECOND

type Step =
  | { readonly do: 'invoke'; readonly remaining: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'answer'; readonly life: number }
  | { readonly do: 'fail'; readonly code: (typeof CODES)[number] }
  | { readonly do: 'reject' }
  | { readonly do: 'provide' }
  | { readonly do: 'prefetch' }
  | { readonly do: 'freeze'; readonly ms: number }

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('invoke' as const),
        remaining: fc.integer({ min: 0, max: 30_000 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        // Around each of the session's own times.
        ms: fc.oneof(
          fc.integer({ min: 0, max: 2 * SECOND }),
          fc.integer({ min: 4 * SECOND, max: 6 * SECOND }),
          fc.integer({ min: 0, max: 20 * SECOND }),
          fc.integer({ min: 40 * MINUTE, max: 45 * MINUTE }),
          fc.integer({ min: 0, max: 20 * MINUTE }),
          fc.constant(5 * HOUR),
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('answer' as const),
        life: fc.oneof(fc.integer({ min: 1, max: 2 * MINUTE }), fc.constant(15 * MINUTE), fc.constant(HOUR)),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('fail' as const), code: fc.constantFrom(...CODES) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('provide' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('prefetch' as const) }) },
    // Time goes on, and nothing else does.
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('freeze' as const), ms: fc.integer({ min: 0, max: 5 * HOUR }) }),
    },
  ),
  { minLength: 1, maxLength: 60 },
)

interface Flight {
  readonly resolve: (credentials: Credentials) => void
  readonly reject: (error: Error) => void
  readonly signal: AbortSignal
  readonly reason: AssumeRoleReason
}

/** Lives through the steps and checks after each. */
const live = async (script: readonly Step[]): Promise<void> => {
  const open = new Set<Flight>()
  /** By access key ID. */
  const issuedAt = new Map<string, number>()
  const rejected = new Set<string>()
  const outcomes: Promise<void>[] = []
  let asked = 0
  let calls = 0
  let failedAt = Number.NEGATIVE_INFINITY
  let refusedAt = Number.NEGATIVE_INFINITY
  const tooMany: string[] = []
  const assumeRole: AssumeRole = (reason, signal) => {
    calls += 1
    const now = Date.now()
    const credentials = session.current()
    if (reason !== 'prefetch' && isGood(credentials)) {
      const left = Number(credentials?.expiration) - now
      if (left > EARLIEST_REFRESH) tooMany.push(`${reason} with ${left} ms left`)
      if (now - failedAt < LEAST_BACK_OFF) tooMany.push(`${reason} ${now - failedAt} ms after a failure`)
    }
    if (reason !== 'prefetch' && !isGood(credentials) && now - refusedAt < REFUSAL_REMEMBERED)
      tooMany.push(`${reason} ${now - refusedAt} ms after a refusal`)
    return new Promise((resolve, reject) => {
      const flight = { resolve, reject, signal, reason }
      open.add(flight)
      signal.addEventListener('abort', () => {
        open.delete(flight)
        reject(new CrossAccountDynamoError('STS_TIMEOUT', 'given up'))
      })
    })
  }
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const session = createSession({
    contextKey: 'dynamo',
    maxAssumeRoleDurationMs: 10 * SECOND,
    roleArn: 'arn:aws:iam::222222222222:role/R',
    refreshBeforeSeconds: REFRESH_BEFORE_SECONDS,
    assumeRole,
    throttle: createSharedThrottle(),
    logger: quiet,
  })
  const isGood = (credentials: Credentials | undefined): boolean =>
    credentials !== undefined &&
    !rejected.has(credentials.accessKeyId) &&
    credentials.expiration.getTime() > Date.now()
  const settle = () => jest.advanceTimersByTimeAsync(0)

  for (const step of script) {
    switch (step.do) {
      case 'invoke': {
        asked += 1
        const hadGood = isGood(session.current())
        const waiting = session.ready({ getRemainingTimeInMillis: () => step.remaining })
        if (waiting === undefined) {
          // Nobody is sent on with credentials that have ended.
          expect(isGood(session.current())).toBe(true)
        } else {
          outcomes.push(
            waiting.then(
              () => expect(isGood(session.current())).toBe(true),
              // Nobody is refused while there are good ones.
              () => expect(isGood(session.current())).toBe(false),
            ),
          )
          // And nobody waits whose credentials last for more than a minute.
          const left = (session.current()?.expiration.getTime() ?? 0) - Date.now()
          expect(hadGood && left > MINUTE).toBe(false)
        }
        break
      }
      case 'provide': {
        asked += 1
        outcomes.push(
          session.credentials().then(
            (credentials) => expect(isGood(credentials)).toBe(true),
            () => expect(isGood(session.current())).toBe(false),
          ),
        )
        break
      }
      case 'prefetch':
        asked += 1
        session.prefetch().catch(() => {})
        break
      case 'freeze':
        jest.setSystemTime(Date.now() + step.ms)
        break
      case 'wait':
        await jest.advanceTimersByTimeAsync(step.ms)
        break
      case 'answer': {
        const [flight] = open
        if (flight === undefined) break
        open.delete(flight)
        const expiration = new Date(Date.now() + step.life)
        const credentials = {
          accessKeyId: `key ${issuedAt.size}`,
          secretAccessKey: '',
          sessionToken: '',
          accountId: '',
          expiration,
        }
        issuedAt.set(credentials.accessKeyId, Date.now())
        failedAt = Number.NEGATIVE_INFINITY
        refusedAt = Number.NEGATIVE_INFINITY
        flight.resolve(credentials)
        break
      }
      case 'fail': {
        const [flight] = open
        if (flight === undefined) break
        open.delete(flight)
        failedAt = Date.now()
        // A prefetch's refusal has been told to nobody, so the next invocation asks again.
        if (step.code === 'ASSUME_ROLE_DENIED' && flight.reason !== 'prefetch') refusedAt = Date.now()
        flight.reject(new CrossAccountDynamoError(step.code, 'as told'))
        break
      }
      case 'reject': {
        const used = session.current()
        if (used === undefined) break
        asked += 1
        if (Date.now() - (issuedAt.get(used.accessKeyId) ?? 0) >= BRAND_NEW) rejected.add(used.accessKeyId)
        session.replaceRejected(used, performance.now()).catch(() => {})
        break
      }
    }
    await settle()
    expect([...open].filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1)
    // A call has somebody who asked; nothing asks by itself.
    expect(calls).toBeLessThanOrEqual(asked)
    expect(tooMany).toEqual([])
  }
  // Whoever still waits gives up by then.
  await jest.advanceTimersByTimeAsync(MINUTE)
  await Promise.all(outcomes)
}

describe('a session, whatever happens,', () => {
  test('hands out nothing that has ended, refuses nobody whose credentials are good, and has one flight at a time', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (script) => live(script)),
      RUNS,
    )
  })

  test('serves all who ask at once from one flight, in whatever order promises settle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 16 }), async (scheduler, count) => {
        let calls = 0
        const credentials = {
          accessKeyId: '',
          secretAccessKey: '',
          sessionToken: '',
          accountId: '',
          expiration: new Date(Date.now() + HOUR),
        }
        const session = createSession({
          contextKey: 'dynamo',
          maxAssumeRoleDurationMs: 10 * SECOND,
          roleArn: 'arn:aws:iam::222222222222:role/R',
          refreshBeforeSeconds: 900,
          assumeRole: () => {
            calls += 1
            return scheduler.schedule(Promise.resolve(credentials), 'STS answers')
          },
          throttle: createSharedThrottle(),
          logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
        })
        const invocations = Array.from({ length: count }, (_, index) =>
          scheduler.schedule(Promise.resolve(), `invocation ${index}`).then(() => session.credentials()),
        )
        const all = Promise.all(invocations)
        await scheduler.waitFor(all)
        for (const provided of await all) expect(provided).toEqual(credentials)
        expect(calls).toBe(1)
      }),
      RUNS,
    )
  })
})
