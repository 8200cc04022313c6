/** The session store: which sessions it keeps, and which sessions it evicts. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../src/configuration/configuration.ts'
import type { Session } from '../../src/credentials/session.ts'
import type { Clients } from '../../src/dynamodb/client.ts'
import type { SessionParameters } from '../../src/identity/session-parameters.ts'
import { createSessionStore } from '../../src/session-store.ts'
import { createControlledSts, HOUR_MS, MINUTE_MS, SECOND_MS } from './credentials/controlled-sts.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
})

const flushPromises = () => jest.advanceTimersByTimeAsync(0)

/** Creates a store with a separate controlled STS for each tenant. */
const createTestStore = (maxSessions: number) => {
  const configuration = readConfiguration(
    { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', maxSessions },
    { AWS_REGION: 'us-east-1' },
  )
  const createParameters = (tenant: string): SessionParameters => ({
    ...(configuration.parameters as SessionParameters),
    sessionTags: [{ Key: 'TenantId', Value: tenant }],
  })
  const stsByTenant = new Map<string, ReturnType<typeof createControlledSts>>()
  const getSts = (tenant: string) => {
    const sts = stsByTenant.get(tenant) ?? createControlledSts()
    stsByTenant.set(tenant, sts)
    return sts
  }
  // The client contains its session, so tests can check which session it belongs to.
  const openClient = jest.fn((session: Session) => ({ session }))
  const store = createSessionStore(
    configuration,
    ({ sessionTags }) => getSts(sessionTags[0]?.Value ?? '').assumeRole,
    { open: openClient } as unknown as Clients,
  )
  /** Returns the session and the client of the tenant. */
  const useSession = (tenant: string) => store(createParameters(tenant))
  /** Returns the session and the client of the tenant after STS issued credentials with this lifetime. */
  const openReadySession = async (tenant: string, lifetimeMs = HOUR_MS) => {
    const opened = useSession(tenant)
    const wait = opened.session.ensureCredentials()
    getSts(tenant).issueCredentials(lifetimeMs)
    await wait
    return opened
  }
  const countOpenedSessions = () => openClient.mock.calls.length
  return { useSession, openReadySession, getSts, countOpenedSessions }
}

describe('sessions in the store', () => {
  test('the store returns the same session for equal session parameters and another session for other parameters', async () => {
    const { useSession, openReadySession, countOpenedSessions } = createTestStore(2)
    const acme = await openReadySession('acme')
    const evil = await openReadySession('evil')
    expect(useSession('acme')).toBe(acme)
    expect(useSession('evil')).toBe(evil)
    expect(evil.client).not.toBe(acme.client)
    expect(evil.session).not.toBe(acme.session)
    expect(acme.client).toEqual({ session: acme.session })
    expect(countOpenedSessions()).toBe(2)
  })

  test('a session stays the same object after its refreshes', async () => {
    const { useSession, openReadySession, getSts } = createTestStore(2)
    const acme = await openReadySession('acme')
    for (let hour = 1; hour <= 3; hour += 1) {
      jest.setSystemTime(Date.now() + 50 * MINUTE_MS)
      expect(await openReadySession('acme')).toBe(acme)
      await flushPromises()
    }
    expect(useSession('acme')).toBe(acme)
    expect(acme.session.getLatestCredentials()).toHaveProperty('accessKeyId', 'key 4')
    expect(getSts('acme').getReasons()).toEqual(['first', 'refresh', 'refresh', 'refresh'])
  })
})

describe('eviction at maxSessions', () => {
  test('the store evicts only the least recently used session', async () => {
    const { useSession, openReadySession, countOpenedSessions } = createTestStore(3)
    const [a, b, c] = [await openReadySession('a'), await openReadySession('b'), await openReadySession('c')]
    // This use makes a the most recently used session, so b is the least recently used one.
    expect(useSession('a')).toBe(a)
    const d = await openReadySession('d')
    expect(useSession('d')).toBe(d)
    expect(countOpenedSessions()).toBe(4)
    expect(useSession('c')).toBe(c)
    expect(useSession('a')).toBe(a)
    expect(countOpenedSessions()).toBe(4)
    const newB = await openReadySession('b')
    expect(newB).not.toBe(b)
    expect(countOpenedSessions()).toBe(5)
    // The new session of b evicts d.
    expect(useSession('b')).toBe(newB)
    expect(useSession('c')).toBe(c)
    expect(useSession('a')).toBe(a)
    expect(countOpenedSessions()).toBe(5)
    expect(useSession('d')).not.toBe(d)
  })

  test.each([1, 2, 7])('the store keeps the %i most recently used sessions', async (maxSessions) => {
    const { useSession, openReadySession, countOpenedSessions } = createTestStore(maxSessions)
    const names = Array.from({ length: 20 }, (_, index) => `tenant ${index}`)
    for (const name of names) await openReadySession(name)
    const keptNames = names.slice(-maxSessions)
    for (const name of keptNames) useSession(name)
    expect(countOpenedSessions()).toBe(20)
    for (const name of names.slice(0, -maxSessions).reverse()) useSession(name)
    expect(countOpenedSessions()).toBe(20 + 20 - maxSessions)
  })

  test('an evicted session still refreshes for its invocations and shares nothing with the session that replaces it', async () => {
    const { useSession, openReadySession, getSts } = createTestStore(1)
    const { session: evictedSession } = await openReadySession('acme')
    await openReadySession('evil')
    useSession('evil')
    const { session: newSession } = useSession('acme')
    expect(newSession).not.toBe(evictedSession)
    expect(newSession.getLatestCredentials()).toBeUndefined()

    await expect(evictedSession.credentials()).resolves.toHaveProperty('accessKeyId', 'key 1')
    jest.setSystemTime(Date.now() + 2 * HOUR_MS)
    const newCredentials = evictedSession.credentials()
    await flushPromises()
    getSts('acme').issueCredentials()
    await expect(newCredentials).resolves.toHaveProperty('accessKeyId', 'key 2')
    expect(newSession.getLatestCredentials()).toBeUndefined()
    expect(getSts('evil').getReasons()).toEqual(['first'])
  })

  test('a session that waits for STS stays usable for the invocation that holds it when another session is opened', async () => {
    const { useSession, getSts } = createTestStore(1)
    const { session } = useSession('acme')
    const ready = session.ensureCredentials()
    useSession('evil')
    getSts('acme').issueCredentials()
    await expect(ready).resolves.toBeUndefined()
    expect(session.getLatestCredentials()).toHaveProperty('accessKeyId', 'key 1')
  })
})

describe('eviction of unused sessions', () => {
  test('the store evicts an unused session after its credentials expire, even below maxSessions', async () => {
    const { useSession, openReadySession } = createTestStore(100)
    const [unusedSession, usedSession] = [
      await openReadySession('unused', 15 * MINUTE_MS),
      await openReadySession('used', 15 * MINUTE_MS),
    ]
    jest.setSystemTime(Date.now() + 14 * MINUTE_MS)
    await openReadySession('used')
    jest.setSystemTime(Date.now() + MINUTE_MS)
    // The next use of the store evicts the session.
    expect(useSession('used')).toBe(usedSession)
    expect(useSession('unused')).not.toBe(unusedSession)
  })

  test('a tenant that returns after its credentials expired gets the same session', async () => {
    const { useSession, openReadySession } = createTestStore(100)
    const session = await openReadySession('unused')
    jest.setSystemTime(Date.now() + 5 * HOUR_MS)
    expect(useSession('unused')).toBe(session)
    // The session is still in the store at the next use, although it has no new credentials yet.
    expect(useSession('unused')).toBe(session)
  })

  test('the store keeps an unused session while its credentials are valid', async () => {
    const { useSession, openReadySession } = createTestStore(100)
    const session = await openReadySession('unused')
    jest.setSystemTime(Date.now() + HOUR_MS - SECOND_MS)
    useSession('used')
    expect(useSession('unused')).toBe(session)
  })

  test('the store keeps sessions with a pending AssumeRole call, with and without earlier credentials', async () => {
    const { useSession, openReadySession } = createTestStore(100)
    const refreshed = await openReadySession('refreshed', 15 * MINUTE_MS)
    const first = useSession('first')
    first.session.ensureCredentials()
    jest.setSystemTime(Date.now() + HOUR_MS)
    refreshed.session.ensureCredentials()
    useSession('used')
    expect(useSession('refreshed')).toBe(refreshed)
    expect(useSession('first')).toBe(first)
  })
})

test('64 concurrent invocations use one session and one AssumeRole call for each tenant', async () => {
  const { useSession, getSts, countOpenedSessions } = createTestStore(100)
  const tenants = Array.from({ length: 8 }, (_, index) => `tenant ${index}`)
  const invocations = Array.from({ length: 64 }, async (_, index) => {
    const tenant = tenants[index % tenants.length] as string
    await flushPromises()
    const { session } = useSession(tenant)
    await session.ensureCredentials()
    return { tenant, session, credentials: await session.credentials() }
  })
  await flushPromises()
  for (const tenant of tenants) getSts(tenant).issueCredentials()
  const results = await Promise.all(invocations)
  for (const { tenant, session, credentials } of results) {
    expect(session).toBe(useSession(tenant).session)
    expect(credentials).toBe(session.getLatestCredentials())
  }
  expect(new Set(results.map(({ credentials }) => credentials)).size).toBe(8)
  expect(tenants.map((tenant) => getSts(tenant).getReasons())).toEqual(tenants.map(() => ['first']))
  expect(countOpenedSessions()).toBe(8)
})

test('the store keeps a refused session while the refusal is remembered and evicts it afterwards', async () => {
  const { useSession, openReadySession, getSts } = createTestStore(100)
  const refused = useSession('refused')
  const refusedWait = refused.session.ensureCredentials()
  getSts('refused').failCall('ASSUME_ROLE_DENIED')
  await expect(refusedWait).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  const unused = await openReadySession('unused', 15 * MINUTE_MS)
  jest.setSystemTime(Date.now() + 5 * SECOND_MS - 1)
  useSession('used')
  expect(useSession('refused')).toBe(refused)
  jest.setSystemTime(Date.now() + HOUR_MS)
  useSession('used')
  expect(useSession('unused')).not.toBe(unused)
  expect(useSession('refused')).not.toBe(refused)
})

test('the store keeps a session that waits for STS, even if it is the least recently used one', async () => {
  const { useSession, openReadySession, getSts } = createTestStore(1)
  const waiting = useSession('waiting')
  const ready = waiting.session.ensureCredentials()
  const other = await openReadySession('other')
  useSession('other')
  expect(useSession('waiting')).toBe(waiting)
  getSts('waiting').issueCredentials()
  await ready
  // Both sessions have credentials now, and maxSessions is 1.
  expect(useSession('waiting')).toBe(waiting)
  expect(useSession('other')).not.toBe(other)
})

test('refused sessions never evict valid sessions', async () => {
  const { useSession, openReadySession, getSts, countOpenedSessions } = createTestStore(3)
  const validTenants = ['a', 'b', 'c']
  const sessions = await Promise.all(validTenants.map((tenant) => openReadySession(tenant)))
  for (let index = 0; index < 100; index += 1) {
    const refused = useSession(`refused ${index}`).session.ensureCredentials()
    getSts(`refused ${index}`).failCall('ASSUME_ROLE_DENIED')
    await expect(refused).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  }
  expect(validTenants.map(useSession)).toEqual(sessions)
  expect(countOpenedSessions()).toBe(103)
  // The store remembers only the latest maxSessions refused sessions.
  useSession('refused 99')
  expect(countOpenedSessions()).toBe(103)
  useSession('refused 96')
  expect(countOpenedSessions()).toBe(104)
})
