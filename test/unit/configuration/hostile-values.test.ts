/** Any options, and any value that a session function returns or throws, lead to a session or to an error of this package. Shows EVENT-2, EVENT-4 and CODE-3 of SECURITY.md. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from '../../../src/iam/index.ts'
import type { ResolveParameters } from '../../../src/identity/resolve.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import { type SessionParameters, toAssumeRoleInput } from '../../../src/identity/session-parameters.ts'
import { readThrown } from '../../../src/thrown.ts'
import { answersWith, countReads, hostileValues, type Make, withGetters } from '../hostile-values.ts'

const GOOD_IDENTITY = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  externalId: 'example-external-id',
  sessionTags: { TenantId: 'acme' },
  sessionName: 'acme',
  sourceIdentity: 'alice',
  scope: { tables: ['Orders'], access: ['GetItem'], indexes: false, leadingKeys: ['acme'] },
}
const GOOD = {
  ...GOOD_IDENTITY,
  transitiveTagKeys: ['TenantId'],
  durationSeconds: 3600,
  region: 'eu-west-1',
  stsRegions: ['eu-west-1', 'eu-central-1'],
  refreshBeforeSeconds: 900,
  maxSessions: 100,
  contextKey: 'dynamo',
  envPrefix: 'ORDERS',
  documentClient: true,
  translateConfig: {
    marshallOptions: { convertEmptyValues: true },
    unmarshallOptions: { wrapNumbers: true },
  },
  awsClientOptions: { maxAttempts: 3 },
  stsClientOptions: { maxAttempts: 3 },
  awsClientCapture: (client: never) => client,
  logger: console,
  disablePrefetch: true,
}
const POLICY = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem' }] }
const WITH_POLICY = {
  ...GOOD,
  scope: undefined,
  policy: POLICY,
  policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
}
const OPTIONS = [...new Set([...Object.keys(GOOD), ...Object.keys(WITH_POLICY), 'session'])]
const IDENTITY_OPTIONS = [...Object.keys(GOOD_IDENTITY), 'policy']

/** A hostile value in place of a good one, of one of its properties at any depth, or as one item more. */
const inside = (good: unknown): fc.Arbitrary<Make> => {
  if (typeof good !== 'object' || good === null) return hostileValues
  const places = Object.entries(good).map(([key, property]) =>
    fc.tuple(inside(property), fc.integer({ min: 0, max: 2 })).map(([make, how]) => () => {
      if (Array.isArray(good)) return how === 0 ? [...good, make()] : good.with(Number(key), make())
      const getter = how === 0 ? make : () => fail(make())
      return how === 2 ? { ...good, [key]: make() } : withGetters([[key, getter]], { ...good })
    }),
  )
  return fc.oneof(hostileValues, ...places)
}

const fail = (thrown: unknown): never => {
  throw thrown
}

const requestOf = (event: unknown): SessionRequest =>
  ({ event, context: { getRemainingTimeInMillis: () => 5 }, internal: {} }) as never

const expectError = (error: unknown, code: CrossAccountDynamoErrorCode): void => {
  if (!(error instanceof CrossAccountDynamoError)) throw error
  expect(error.code).toBe(code)
  expect(typeof error.message).toBe('string')
  if (error.cause !== undefined) {
    const { name, message, stack } = error.cause as Error
    expect([typeof name, typeof message, typeof stack]).toEqual(['string', 'string', 'string'])
  }
}

/** Every value that decides what a session may do is plain data, which JSON keeps. */
const expectPlain = (identity: SessionParameters): void => {
  const input = toAssumeRoleInput(identity)
  expect(JSON.parse(JSON.stringify(input))).toEqual(input)
}

const expectConfiguration = (options: unknown): void => {
  try {
    const { parameters: identity } = readConfiguration(options, {})
    if (identity !== undefined) expectPlain(identity)
  } catch (error) {
    expectError(error, 'CONFIG_INVALID')
  }
}

const unhandled = jest.fn()
beforeAll(() => {
  process.on('unhandledRejection', unhandled)
})
afterAll(() => {
  process.off('unhandledRejection', unhandled)
})

const RUNS = { numRuns: 60, seed: 1 }

describe('any options', () => {
  test('make a configuration or CONFIG_INVALID', () => {
    fc.assert(
      fc.property(hostileValues, (make) => expectConfiguration(make())),
      RUNS,
    )
  })

  test.each(OPTIONS)('with any value of %s make a configuration or CONFIG_INVALID', (name) => {
    const good = name.startsWith('policy') ? WITH_POLICY : GOOD
    fc.assert(
      fc.property(inside(good[name as keyof typeof good]), (make) => {
        expectConfiguration({ ...good, [name]: make() })
        expectConfiguration(withGetters([[name, make]], { ...good }))
        expectConfiguration(withGetters([[name, () => fail(make())]], { ...good }))
      }),
      RUNS,
    )
  })

  test('of any names make a configuration or CONFIG_INVALID', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...OPTIONS, '__proto__', 'x'.repeat(1e6)),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(names, hostileValues)), (properties) =>
        expectConfiguration(withGetters(properties, { ...GOOD })),
      ),
      RUNS,
    )
  })

  test('of crossAccountPolicies() make documents or CONFIG_INVALID', () => {
    const good = {
      roleArn: GOOD.roleArn,
      executionRoleArn: ['arn:aws:iam::111111111111:role/LambdaExecutionRole'],
      tables: ['Orders'],
      access: ['GetItem'],
      region: 'eu-west-1',
      externalId: 'example-external-id',
      sessionTagKeys: { TenantId: true, team: 'orders' },
      tenantTag: 'TenantId',
      transitiveTagKeys: ['team'],
      sourceIdentity: 'alice',
      indexes: false,
      organizationId: 'o-exampleorgid',
      trustWholeAccount: false,
    }
    fc.assert(
      fc.property(inside(good), (make) => {
        try {
          crossAccountPolicies(make() as CrossAccountPoliciesOptions)
        } catch (error) {
          expectError(error, 'CONFIG_INVALID')
        }
      }),
      { ...RUNS, numRuns: 500 },
    )
  })
})

describe('any answer of a session function', () => {
  const session = ({ event }: { event: () => unknown }) => event()

  const expectSession = async (resolve: ResolveParameters, make: Make): Promise<void> => {
    await Promise.all(
      answersWith(make()).map(async (answer) => {
        try {
          expectPlain(await resolve(requestOf(answer)))
        } catch (error) {
          expectError(error, 'SESSION_IDENTITY_MISSING')
        }
      }),
    )
  }

  test.each(IDENTITY_OPTIONS)('with any %s makes a session or SESSION_IDENTITY_MISSING', async (name) => {
    const { scope, ...others } = GOOD_IDENTITY
    const good: Record<string, unknown> = name === 'policy' ? { ...others, policy: POLICY } : GOOD_IDENTITY
    const { resolveParameters } = readConfiguration({ region: 'eu-west-1', session }, {})
    await fc.assert(
      fc.asyncProperty(inside(good[name]), (make) =>
        expectSession(resolveParameters, () => withGetters([[name, make]], { ...good })),
      ),
      { ...RUNS, numRuns: 40 },
    )
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('makes a session or SESSION_IDENTITY_MISSING', async () => {
    const { resolveParameters } = readConfiguration({ ...GOOD, scope: undefined, session }, {})
    await fc.assert(
      fc.asyncProperty(inside(GOOD_IDENTITY), (make) => expectSession(resolveParameters, make)),
      { ...RUNS, numRuns: 300 },
    )
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('without a valid value for each returned parameter makes no session', async () => {
    const { resolveParameters } = readConfiguration({ ...GOOD, session }, {})
    const invalid = fc.constantFrom<unknown>(
      undefined,
      null,
      '',
      {},
      [],
      7,
      Number.NaN,
      true,
      Symbol('x'),
      () => 'x',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(GOOD_IDENTITY)),
        invalid,
        fc.boolean(),
        async (name, value, later) => {
          const values = { ...GOOD_IDENTITY, [name]: value }
          const resolve = async () =>
            resolveParameters(requestOf(() => (later ? Promise.resolve(values) : values)))
          await expect(resolve()).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
        },
      ),
      { ...RUNS, numRuns: 300 },
    )
  })

  test('is the first one of a promise that calls back twice', async () => {
    const twice = Object.defineProperty(Promise.resolve(), 'then', {
      value: (fulfill: (value: unknown) => void) => {
        fulfill({ sessionName: 'acme' })
        fulfill({ sessionName: 'globex' })
      },
    })
    const { resolveParameters } = readConfiguration({ ...GOOD, session: () => twice }, {})
    await expect(resolveParameters(requestOf({}))).resolves.toHaveProperty('sessionName', 'acme')
  })
})

test('any thrown value is described', () => {
  fc.assert(
    fc.property(hostileValues, (make) => {
      const { description, isRetryable, error } = readThrown(make())
      expect([typeof description, typeof isRetryable]).toEqual(['string', 'boolean'])
      expect(description.length).toBeLessThan(10_000)
      if (error !== undefined) expect(error).toBeInstanceOf(Error)
    }),
    { ...RUNS, numRuns: 500 },
  )
})

describe('each property is read once', () => {
  /** Reads that came twice. A promise reads `then`, too. */
  const repeated = (reads: ReadonlyMap<string, number>) =>
    [...reads].filter(([name, count]) => count > 1 && !name.endsWith('.then'))

  test.each([
    ['with a scope', GOOD],
    ['with a policy', WITH_POLICY],
  ])('of options %s', (_what, options) => {
    const reads = new Map<string, number>()
    const { parameters: identity } = readConfiguration(countReads(options, reads), {})
    expect(identity).toBeDefined()
    expect(reads.size).toBeGreaterThan(20)
    expect(repeated(reads).filter(([name]) => !name.startsWith('.logger'))).toEqual([])
  })

  test.each([
    ['a scope', GOOD_IDENTITY],
    ['a policy', { ...GOOD_IDENTITY, scope: undefined, policy: POLICY }],
  ])('of what a session function with %s returns', async (_what, { scope, ...others }) => {
    const returned = scope === undefined ? others : { ...others, scope }
    for (const later of [false, true]) {
      const reads = new Map<string, number>()
      const session = () => {
        const counted = countReads(returned, reads)
        return later ? Promise.resolve(counted) : counted
      }
      const { resolveParameters } = readConfiguration({ region: 'eu-west-1', session }, {})
      const identity = await resolveParameters(requestOf({}))
      expect(identity).toEqual(readConfiguration({ region: 'eu-west-1', ...returned }, {}).parameters)
      expect(repeated(reads)).toEqual([])
    }
  })
})
