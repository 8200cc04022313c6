import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../src/configuration/configuration.ts'
import type { Session } from '../../src/credentials/session.ts'
import type { Clients } from '../../src/dynamodb/client.ts'
import type { SessionParameters } from '../../src/identity/session-parameters.ts'
import { createSessionStore } from '../../src/session-store.ts'
import { HOUR, MINUTE, SECOND, startStation } from './credentials/station.ts'

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
})
afterEach(() => {
  jest.useRealTimers()
})

const settle = () => jest.advanceTimersByTimeAsync(0)

/** A store whose STS answers when it is told to, apart for each tenant. */
const openStore = (maxSessions: number) => {
  const configuration = readConfiguration(
    { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', maxSessions },
    { AWS_REGION: 'us-east-1' },
  )
  const identityOf = (tenant: string): SessionParameters => ({
    ...(configuration.parameters as SessionParameters),
    sessionTags: [{ Key: 'TenantId', Value: tenant }],
  })
  const stations = new Map<string, ReturnType<typeof startStation>>()
  const stationOf = (tenant: string) => {
    const station = stations.get(tenant) ?? startStation()
    stations.set(tenant, station)
    return station
  }
  // A client that tells whose it is.
  const open = jest.fn((session: Session) => ({ session }))
  const store = createSessionStore(
    configuration,
    ({ sessionTags }) => stationOf(sessionTags[0]?.Value ?? '').assumeRole,
    { open } as unknown as Clients,
  )
  const use = (tenant: string) => store(identityOf(tenant))
  /** Uses it until it has credentials, which live for so long. */
  const fill = async (tenant: string, life = HOUR) => {
    const opened = use(tenant)
    const ready = opened.session.ready()
    stationOf(tenant).answer(life)
    await ready
    return opened
  }
  return { use, fill, stationOf, opened: () => open.mock.calls.length }
}

describe('a session in the store', () => {
  test('is the same object for the same identity, and another for another', async () => {
    const { use, fill, opened } = openStore(2)
    const acme = await fill('acme')
    const evil = await fill('evil')
    expect(use('acme')).toBe(acme)
    expect(use('evil')).toBe(evil)
    expect(evil.client).not.toBe(acme.client)
    expect(evil.session).not.toBe(acme.session)
    expect(acme.client).toEqual({ session: acme.session })
    expect(opened()).toBe(2)
  })

  test('stays itself over its refreshes', async () => {
    const { use, fill, stationOf } = openStore(2)
    const acme = await fill('acme')
    for (let hour = 1; hour <= 3; hour += 1) {
      jest.setSystemTime(Date.now() + 50 * MINUTE)
      expect(await fill('acme')).toBe(acme)
      await settle()
    }
    expect(use('acme')).toBe(acme)
    expect(acme.session.current()).toHaveProperty('accessKeyId', 'key 4')
    expect(stationOf('acme').reasons()).toEqual(['first', 'refresh', 'refresh', 'refresh'])
  })
})

describe('beyond maxSessions', () => {
  test('evicts the least recently used session, and no other', async () => {
    const { use, fill, opened } = openStore(3)
    const [a, b, c] = [await fill('a'), await fill('b'), await fill('c')]
    // A use makes it the most recently used one, so b is next.
    expect(use('a')).toBe(a)
    const d = await fill('d')
    expect(use('d')).toBe(d)
    expect(opened()).toBe(4)
    expect(use('c')).toBe(c)
    expect(use('a')).toBe(a)
    expect(opened()).toBe(4)
    const again = await fill('b')
    expect(again).not.toBe(b)
    expect(opened()).toBe(5)
    // The new session of b evicts d.
    expect(use('b')).toBe(again)
    expect(use('c')).toBe(c)
    expect(use('a')).toBe(a)
    expect(opened()).toBe(5)
    expect(use('d')).not.toBe(d)
  })

  test.each([1, 2, 7])('of many tenants, %i are kept', async (maxSessions) => {
    const { use, fill, opened } = openStore(maxSessions)
    const names = Array.from({ length: 20 }, (_, index) => `tenant ${index}`)
    for (const name of names) await fill(name)
    const kept = names.slice(-maxSessions)
    for (const name of kept) use(name)
    expect(opened()).toBe(20)
    for (const name of names.slice(0, -maxSessions).reverse()) use(name)
    expect(opened()).toBe(20 + 20 - maxSessions)
  })

  test('one that was let go serves its holder on, refreshes included, and has nothing to do with its successor', async () => {
    const { use, fill, stationOf } = openStore(1)
    const { session: old } = await fill('acme')
    await fill('evil')
    use('evil')
    const { session: young } = use('acme')
    expect(young).not.toBe(old)
    expect(young.current()).toBeUndefined()

    await expect(old.credentials()).resolves.toHaveProperty('accessKeyId', 'key 1')
    jest.setSystemTime(Date.now() + 2 * HOUR)
    const renewed = old.credentials()
    await settle()
    stationOf('acme').answer()
    await expect(renewed).resolves.toHaveProperty('accessKeyId', 'key 2')
    expect(young.current()).toBeUndefined()
    expect(stationOf('evil').reasons()).toEqual(['first'])
  })

  test('one whose AssumeRole is under way is let go as well, and its holder gets what it waits for', async () => {
    const { use, stationOf } = openStore(1)
    const { session } = use('acme')
    const ready = session.ready()
    use('evil')
    stationOf('acme').answer()
    await expect(ready).resolves.toBeUndefined()
    expect(session.current()).toHaveProperty('accessKeyId', 'key 1')
  })
})

describe('a tenant that has gone quiet', () => {
  test('is let go with its credentials, though there is room', async () => {
    const { use, fill } = openStore(100)
    const [quiet, loud] = [await fill('quiet', 15 * MINUTE), await fill('loud', 15 * MINUTE)]
    jest.setSystemTime(Date.now() + 14 * MINUTE)
    await fill('loud')
    jest.setSystemTime(Date.now() + MINUTE)
    // Whoever comes next clears up.
    expect(use('loud')).toBe(loud)
    expect(use('quiet')).not.toBe(quiet)
  })

  test('is not let go by its own return', async () => {
    const { use, fill } = openStore(100)
    const quiet = await fill('quiet')
    jest.setSystemTime(Date.now() + 5 * HOUR)
    expect(use('quiet')).toBe(quiet)
    // Nor was it on the way out, with its credentials still to come.
    expect(use('quiet')).toBe(quiet)
  })

  test('is kept while its credentials are good', async () => {
    const { use, fill } = openStore(100)
    const quiet = await fill('quiet')
    jest.setSystemTime(Date.now() + HOUR - SECOND)
    use('loud')
    expect(use('quiet')).toBe(quiet)
  })

  test('is kept while new ones are under way, and before its first', async () => {
    const { use, fill } = openStore(100)
    const refreshed = await fill('refreshed', 15 * MINUTE)
    const first = use('first')
    first.session.ready()
    jest.setSystemTime(Date.now() + HOUR)
    refreshed.session.ready()
    use('loud')
    expect(use('refreshed')).toBe(refreshed)
    expect(use('first')).toBe(first)
  })
})

test('64 who come at once have one session and one AssumeRole for each tenant', async () => {
  const { use, stationOf, opened } = openStore(100)
  const tenants = Array.from({ length: 8 }, (_, index) => `tenant ${index}`)
  const invocations = Array.from({ length: 64 }, async (_, index) => {
    const tenant = tenants[index % tenants.length] as string
    await settle()
    const { session } = use(tenant)
    await session.ready()
    return { tenant, session, credentials: await session.credentials() }
  })
  await settle()
  for (const tenant of tenants) stationOf(tenant).answer()
  const served = await Promise.all(invocations)
  for (const { tenant, session, credentials } of served) {
    expect(session).toBe(use(tenant).session)
    expect(credentials).toBe(session.current())
  }
  expect(new Set(served.map(({ credentials }) => credentials)).size).toBe(8)
  expect(tenants.map((tenant) => stationOf(tenant).reasons())).toEqual(tenants.map(() => ['first']))
  expect(opened()).toBe(8)
})

test('a tenant that was refused keeps its place for as long as the refusal is remembered, and stands in nobody’s way then', async () => {
  const { use, fill, stationOf } = openStore(100)
  const refused = use('refused')
  const denied = refused.session.ready()
  stationOf('refused').fail('ASSUME_ROLE_DENIED')
  await expect(denied).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  const quiet = await fill('quiet', 15 * MINUTE)
  jest.setSystemTime(Date.now() + 5 * SECOND - 1)
  use('loud')
  expect(use('refused')).toBe(refused)
  jest.setSystemTime(Date.now() + HOUR)
  use('loud')
  expect(use('quiet')).not.toBe(quiet)
  expect(use('refused')).not.toBe(refused)
})

test('keeps a session that is waiting for STS, even when it is the oldest', async () => {
  const { use, fill, stationOf } = openStore(1)
  const waiting = use('waiting')
  const ready = waiting.session.ready()
  const other = await fill('other')
  use('other')
  expect(use('waiting')).toBe(waiting)
  stationOf('waiting').answer()
  await ready
  // Two sessions have credentials now, and there is room for one.
  expect(use('waiting')).toBe(waiting)
  expect(use('other')).not.toBe(other)
})

test('does not let refused identities evict valid sessions, in any number', async () => {
  const { use, fill, stationOf, opened } = openStore(3)
  const valid = ['a', 'b', 'c']
  const sessions = await Promise.all(valid.map((tenant) => fill(tenant)))
  for (let index = 0; index < 100; index += 1) {
    const refused = use(`refused ${index}`).session.ready()
    stationOf(`refused ${index}`).fail('ASSUME_ROLE_DENIED')
    await expect(refused).rejects.toMatchObject({ code: 'ASSUME_ROLE_DENIED' })
  }
  expect(valid.map(use)).toEqual(sessions)
  expect(opened()).toBe(103)
  // And it remembers no more refusals than sessions: the latest three.
  use('refused 99')
  expect(opened()).toBe(103)
  use('refused 96')
  expect(opened()).toBe(104)
})
