/**
 * Arbitrary options, and arbitrary values that a session function returns or throws, produce session parameters or a
 * `CrossAccountDynamoError`. Shows EVENT-2, EVENT-4 and CODE-3 of SECURITY.md.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from '../../../src/iam/index.ts'
import type { ResolveParameters } from '../../../src/identity/resolve.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import { type SessionParameters, toAssumeRoleInput } from '../../../src/identity/session-parameters.ts'
import { readThrown } from '../../../src/thrown.ts'
import { selectByRunLength } from '../../run-length.ts'
import {
  type CreateValue,
  countReads,
  createOutcomes,
  defineGetters,
  hostileValues,
} from '../hostile-values.ts'

const VALID_SESSION = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  externalId: 'example-external-id',
  sessionTags: { TenantId: 'acme' },
  sessionName: 'acme',
  sourceIdentity: 'alice',
  scope: { tables: ['Orders'], access: ['GetItem'], indexes: false, leadingKeys: ['acme'] },
}
const VALID_OPTIONS = {
  ...VALID_SESSION,
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
const VALID_OPTIONS_WITH_POLICY = {
  ...VALID_OPTIONS,
  scope: undefined,
  policy: POLICY,
}
const POLICIES_AUDIENCE = [
  ...new Set([
    ...Object.keys(VALID_OPTIONS),
    ...Object.keys(VALID_OPTIONS_WITH_POLICY),
    'session',
    'policyArns',
  ]),
]
const SESSION_PROPERTY_NAMES = [...Object.keys(VALID_SESSION), 'policy']

const arbitraryChangeKind = fc.constantFrom('getter', 'throwing getter', 'value')

/**
 * Generates functions that create a hostile value, or the valid value with a hostile value in one of its properties at any
 * depth, or with a hostile additional item.
 */
const arbitraryHostileChange = (validValue: unknown): fc.Arbitrary<CreateValue> => {
  if (typeof validValue !== 'object' || validValue === null) return hostileValues
  const changedProperties = Object.entries(validValue).map(([key, property]) =>
    fc.tuple(arbitraryHostileChange(property), arbitraryChangeKind).map(([createValue, kind]) => () => {
      // A list gets an additional item instead of a getter.
      if (Array.isArray(validValue))
        return kind === 'getter'
          ? [...validValue, createValue()]
          : validValue.with(Number(key), createValue())
      const getter = kind === 'getter' ? createValue : () => throwValue(createValue())
      return kind === 'value'
        ? { ...validValue, [key]: createValue() }
        : defineGetters([[key, getter]], { ...validValue })
    }),
  )
  return fc.oneof(hostileValues, ...changedProperties)
}

const throwValue = (thrown: unknown): never => {
  throw thrown
}

const createRequest = (event: unknown): SessionRequest =>
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

/** Expects that the AssumeRole input of the parameters contains only values that JSON can represent. */
const expectSerializable = (parameters: SessionParameters): void => {
  const input = toAssumeRoleInput(parameters)
  expect(JSON.parse(JSON.stringify(input))).toEqual(input)
}

/** Expects that the options produce a configuration or a `CONFIG_INVALID` error. */
const expectConfigurationOrError = (options: unknown): void => {
  try {
    const { parameters } = readConfiguration(options, {})
    if (parameters !== undefined) expectSerializable(parameters)
  } catch (error) {
    expectError(error, 'CONFIG_INVALID')
  }
}

const onUnhandledRejection = jest.fn()
beforeAll(() => {
  process.on('unhandledRejection', onUnhandledRejection)
})
afterAll(() => {
  process.off('unhandledRejection', onUnhandledRejection)
})

const PROPERTY_OPTIONS = { numRuns: selectByRunLength(20, 60), seed: 1 }

describe('arbitrary options', () => {
  test('an arbitrary value in place of the options produces a configuration or CONFIG_INVALID', () => {
    fc.assert(
      fc.property(hostileValues, (createValue) => expectConfigurationOrError(createValue())),
      PROPERTY_OPTIONS,
    )
  })

  test.each(POLICIES_AUDIENCE)(
    'an arbitrary value of the option %s produces a configuration or CONFIG_INVALID',
    (name) => {
      const validOptions = name.startsWith('policy') ? VALID_OPTIONS_WITH_POLICY : VALID_OPTIONS
      fc.assert(
        fc.property(
          arbitraryHostileChange(validOptions[name as keyof typeof validOptions]),
          (createValue) => {
            expectConfigurationOrError({ ...validOptions, [name]: createValue() })
            expectConfigurationOrError(defineGetters([[name, createValue]], { ...validOptions }))
            expectConfigurationOrError(
              defineGetters([[name, () => throwValue(createValue())]], { ...validOptions }),
            )
          },
        ),
        PROPERTY_OPTIONS,
      )
    },
  )

  test('options with arbitrary names produce a configuration or CONFIG_INVALID', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...POLICIES_AUDIENCE, '__proto__', 'x'.repeat(1e6)),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(names, hostileValues)), (properties) =>
        expectConfigurationOrError(defineGetters(properties, { ...VALID_OPTIONS })),
      ),
      PROPERTY_OPTIONS,
    )
  })

  test('arbitrary options of crossAccountPolicies() produce documents or CONFIG_INVALID', () => {
    const validOptions = {
      roleArn: VALID_OPTIONS.roleArn,
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
      fc.property(arbitraryHostileChange(validOptions), (createValue) => {
        try {
          crossAccountPolicies(createValue() as CrossAccountPoliciesOptions)
        } catch (error) {
          expectError(error, 'CONFIG_INVALID')
        }
      }),
      { ...PROPERTY_OPTIONS, numRuns: selectByRunLength(150, 500) },
    )
  })
})

describe('arbitrary outcomes of a session function', () => {
  const session = ({ event }: { event: () => unknown }) => event()

  /** Expects that each outcome with this value produces session parameters or a `SESSION_IDENTITY_MISSING` error. */
  const expectSessionOrError = async (
    resolve: ResolveParameters,
    createValue: CreateValue,
  ): Promise<void> => {
    await Promise.all(
      createOutcomes(createValue()).map(async (outcome) => {
        try {
          expectSerializable(await resolve(createRequest(outcome)))
        } catch (error) {
          expectError(error, 'SESSION_IDENTITY_MISSING')
        }
      }),
    )
  }

  test.each(SESSION_PROPERTY_NAMES)(
    'a session function that returns an arbitrary %s produces a session or SESSION_IDENTITY_MISSING',
    async (name) => {
      const { scope, ...others } = VALID_SESSION
      const validSession: Record<string, unknown> =
        name === 'policy' ? { ...others, policy: POLICY } : VALID_SESSION
      const { resolveParameters } = readConfiguration({ region: 'eu-west-1', session }, {})
      await fc.assert(
        fc.asyncProperty(arbitraryHostileChange(validSession[name]), (createValue) =>
          expectSessionOrError(resolveParameters, () =>
            defineGetters([[name, createValue]], { ...validSession }),
          ),
        ),
        { ...PROPERTY_OPTIONS, numRuns: selectByRunLength(15, 40) },
      )
      expect(onUnhandledRejection).not.toHaveBeenCalled()
    },
  )

  test('a session function that returns or throws an arbitrary value produces a session or SESSION_IDENTITY_MISSING', async () => {
    const { resolveParameters } = readConfiguration({ ...VALID_OPTIONS, scope: undefined, session }, {})
    await fc.assert(
      fc.asyncProperty(arbitraryHostileChange(VALID_SESSION), (createValue) =>
        expectSessionOrError(resolveParameters, createValue),
      ),
      { ...PROPERTY_OPTIONS, numRuns: selectByRunLength(100, 300) },
    )
    expect(onUnhandledRejection).not.toHaveBeenCalled()
  })

  test('a returned parameter with an invalid value produces SESSION_IDENTITY_MISSING', async () => {
    const { resolveParameters } = readConfiguration({ ...VALID_OPTIONS, session }, {})
    const arbitraryInvalidValue = fc.constantFrom<unknown>(
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
        fc.constantFrom(...Object.keys(VALID_SESSION)),
        arbitraryInvalidValue,
        fc.boolean(),
        async (name, value, isAsynchronous) => {
          const values = { ...VALID_SESSION, [name]: value }
          const resolve = async () =>
            resolveParameters(createRequest(() => (isAsynchronous ? Promise.resolve(values) : values)))
          await expect(resolve()).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
        },
      ),
      { ...PROPERTY_OPTIONS, numRuns: selectByRunLength(100, 300) },
    )
  })

  test('if a promise of a session function resolves twice, the session uses the first value', async () => {
    const promiseThatResolvesTwice = Object.defineProperty(Promise.resolve(), 'then', {
      value: (fulfill: (value: unknown) => void) => {
        fulfill({ sessionName: 'acme' })
        fulfill({ sessionName: 'globex' })
      },
    })
    const { resolveParameters } = readConfiguration(
      { ...VALID_OPTIONS, session: () => promiseThatResolvesTwice },
      {},
    )
    await expect(resolveParameters(createRequest({}))).resolves.toHaveProperty('sessionName', 'acme')
  })
})

test('readThrown describes every thrown value', () => {
  fc.assert(
    fc.property(hostileValues, (createValue) => {
      const { description, isRetryable, error } = readThrown(createValue())
      expect([typeof description, typeof isRetryable]).toEqual(['string', 'boolean'])
      expect(description.length).toBeLessThan(10_000)
      if (error !== undefined) expect(error).toBeInstanceOf(Error)
    }),
    { ...PROPERTY_OPTIONS, numRuns: selectByRunLength(150, 500) },
  )
})

describe('reads of properties', () => {
  /** Returns the properties that were read more than once, except `then`, which a promise reads, too. */
  const listRepeatedReads = (reads: ReadonlyMap<string, number>) =>
    [...reads].filter(([name, count]) => count > 1 && !name.endsWith('.then'))

  test.each([
    ['with a scope', VALID_OPTIONS],
    ['with a policy', VALID_OPTIONS_WITH_POLICY],
  ])('each property of options %s is read once', (_what, options) => {
    const reads = new Map<string, number>()
    const { parameters } = readConfiguration(countReads(options, reads), {})
    expect(parameters).toBeDefined()
    expect(reads.size).toBeGreaterThan(20)
    expect(listRepeatedReads(reads).filter(([name]) => !name.startsWith('.logger'))).toEqual([])
  })

  test.each([
    ['a scope', VALID_SESSION],
    ['a policy', { ...VALID_SESSION, scope: undefined, policy: POLICY }],
  ])('each property of a returned session with %s is read once', async (_what, { scope, ...others }) => {
    const returned = scope === undefined ? others : { ...others, scope }
    for (const isAsynchronous of [false, true]) {
      const reads = new Map<string, number>()
      const session = () => {
        const counted = countReads(returned, reads)
        return isAsynchronous ? Promise.resolve(counted) : counted
      }
      const { resolveParameters } = readConfiguration({ region: 'eu-west-1', session }, {})
      const parameters = await resolveParameters(createRequest({}))
      expect(parameters).toEqual(readConfiguration({ region: 'eu-west-1', ...returned }, {}).parameters)
      expect(listRepeatedReads(reads)).toEqual([])
    }
  })
})
