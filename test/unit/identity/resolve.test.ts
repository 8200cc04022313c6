// cspell:ignore sesion tenantid
/** The `session` function: the session parameters that it sets, and the returned values that are refused. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import type { Issue } from '../../../src/options/issue.ts'
import { defineGetters } from '../hostile-values.ts'
import { catchIssues } from '../issues.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'

/** Returns the function that resolves the session parameters of a request. */
const createResolver = (options: object) =>
  readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, {}).resolveParameters

const createRequest = (event: unknown, context: object = {}): SessionRequest =>
  ({ event, context, internal: {}, response: undefined, error: undefined }) as never

const resolveSession = async (options: object, event: unknown = {}): Promise<SessionParameters> =>
  createResolver(options)(createRequest(event))

/** Returns the error that an invocation with this event throws. */
const catchResolveError = async (options: object, event: unknown = {}): Promise<CrossAccountDynamoError> => {
  const error: unknown = await resolveSession(options, event).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof CrossAccountDynamoError) return error
  throw error ?? new Error('the session function returned valid session parameters')
}

/** Returns the issues of the `SESSION_IDENTITY_MISSING` error that an invocation with this event throws. */
const catchSessionIssues = async (options: object, event: unknown = {}): Promise<readonly Issue[]> => {
  const error = await catchResolveError(options, event)
  expect(error).toMatchObject({
    code: 'SESSION_IDENTITY_MISSING',
    statusCode: 403,
    retryable: false,
    expose: false,
    message: expect.stringContaining('context.dynamo'),
  })
  return error.issues
}

/** Returns the issues that are reported when the configuration is read. */
const catchConfigurationIssues = (
  options: object,
  environment: Record<string, string> = {},
): readonly Issue[] =>
  catchIssues(() => readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, environment))

/** A valid value of each parameter that a session function can return. */
const VALID_VALUES = {
  roleArn: 'arn:aws:iam::333333333333:role/R',
  externalId: 'example-external-id',
  sessionTags: { TenantId: 'acme' },
  sessionName: 'acme',
  sourceIdentity: 'alice',
  scope: { tables: ['Orders'], access: 'read' },
  policy: { Version: '2012-10-17', Statement: [] },
} as const
type ParameterName = keyof typeof VALID_VALUES
const PARAMETER_NAMES = Object.keys(VALID_VALUES) as ParameterName[]

/** Creates options whose `session` function returns these values. */
const createOptionsReturning = (values: unknown) => ({ session: () => values })
/** Creates options whose `session` function returns a promise of these values. */
const createOptionsReturningPromise = (values: unknown) => ({ session: async () => values })
/** Creates a return value with one parameter. `roleArn` also requires `externalId`. */
const createReturnValue = (name: ParameterName, value: unknown) => ({
  ...(name === 'roleArn' && { externalId: false }),
  [name]: value,
})

describe('returned session parameters', () => {
  test.each(PARAMETER_NAMES)('the session function receives the request and sets %s', async (name) => {
    const session = jest.fn(({ event }: { event: { value: unknown } }) =>
      createReturnValue(name, event.value),
    )
    const request = createRequest({ value: VALID_VALUES[name] })
    const parameters = await createResolver({ session })(request)
    expect(session.mock.calls).toEqual([[request]])
    const convertedValues = {
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      policy: '{"Version":"2012-10-17","Statement":[]}',
      scope: expect.stringContaining('arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'),
    }
    const parameterName = name === 'scope' ? 'policy' : name
    expect(parameters[parameterName]).toEqual({ ...VALID_VALUES, ...convertedValues }[name])
  })

  test.each(PARAMETER_NAMES)(
    'the session parameters are resolved without a promise if the session function returns %s synchronously',
    (name) => {
      const parameters = createResolver(createOptionsReturning(createReturnValue(name, VALID_VALUES[name])))(
        createRequest({}),
      )
      expect(parameters).not.toBeInstanceOf(Promise)
    },
  )

  test.each(PARAMETER_NAMES)('the session function can return %s in a promise', async (name) => {
    const values = createReturnValue(name, VALID_VALUES[name])
    expect(await resolveSession(createOptionsReturningPromise(values))).toEqual(
      await resolveSession(createOptionsReturning(values)),
    )
  })

  test('the session function is called for each request', async () => {
    const resolve = createResolver({ session: ({ event }: { event: object }) => ({ sessionTags: event }) })
    for (const tenant of ['a', 'b', 'a'])
      expect(await resolve(createRequest({ TenantId: tenant }))).toHaveProperty('sessionTags', [
        { Key: 'TenantId', Value: tenant },
      ])
  })

  test('the session function can return the role if the options have no role', async () => {
    const { roleArn, externalId } = VALID_VALUES
    const { resolveParameters, accountId } = readConfiguration(
      { region: 'eu-west-1', ...createOptionsReturning({ roleArn, externalId }) },
      {},
    )
    expect(accountId).toBeUndefined()
    expect(resolveParameters(createRequest({}))).toMatchObject({ roleArn, externalId })
  })

  test('returned parameters replace the options of the same names and no other options', async () => {
    const options = {
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: { stage: 'prod' },
      sessionName: 'orders',
      transitiveTagKeys: ['TenantId'],
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      ...createOptionsReturning({ sessionTags: { TenantId: 'acme' }, sessionName: 'acme' }),
    }
    expect(await resolveSession(options)).toEqual({
      roleArn: ROLE,
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      transitiveTagKeys: ['TenantId'],
      sessionName: 'acme',
      durationSeconds: 3600,
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    })
  })

  test('a static scope is compiled for the account of a returned role', async () => {
    const { roleArn } = VALID_VALUES
    const options = { scope: VALID_VALUES.scope, ...createOptionsReturning({ roleArn, externalId: false }) }
    const { policy, externalId } = await resolveSession({ externalId: 'example-external-id', ...options })
    expect(policy).toContain('arn:aws:dynamodb:eu-west-1:333333333333:table/Orders')
    expect(externalId).toBeUndefined()
  })

  test('a returned scope replaces a static scope, and a returned policy replaces a static policy', async () => {
    const { policy } = await resolveSession({
      scope: { ...VALID_VALUES.scope, tables: ['Orders', 'Customers'] },
      ...createOptionsReturning({ scope: { tables: ['Orders'], access: ['GetItem'] } }),
    })
    expect(policy).toContain('"Action":["dynamodb:GetItem"]')
    expect(policy).not.toContain('Customers')
    const replacedPolicy = await resolveSession({
      policy: '{"Statement":[]}',
      ...createOptionsReturning({ policy: VALID_VALUES.policy }),
    })
    expect(replacedPolicy.policy).toBe('{"Version":"2012-10-17","Statement":[]}')
  })

  const POLICY = '{"Statement":[]}'
  const POLICY_ARNS = ['arn:aws:iam::aws:policy/P']
  test.each<[object, object, string, string[]]>([
    [{ scope: VALID_VALUES.scope }, { policy: POLICY }, 'scope', ['policy']],
    [{ policy: POLICY }, { scope: VALID_VALUES.scope }, 'scope', ['policy']],
    [{ policyArns: POLICY_ARNS }, { scope: VALID_VALUES.scope }, 'scope', ['policyArns']],
    [{ policyArns: POLICY_ARNS }, { policy: POLICY }, 'policy', ['policyArns']],
    [{}, { scope: VALID_VALUES.scope, policy: POLICY }, 'scope', ['policy']],
    [
      { policyArns: POLICY_ARNS },
      { scope: VALID_VALUES.scope, policy: POLICY },
      'scope',
      ['policy', 'policyArns'],
    ],
  ])(
    'session policies exclude each other: options %j and returned values %j',
    async (options, values, option, by) => {
      expect(await catchSessionIssues({ ...options, ...createOptionsReturning(values) })).toEqual([
        { option, code: 'excluded', by },
      ])
    },
  )

  test('a returned externalId of false removes the static external ID', async () => {
    const options = { externalId: 'example-external-id', ...createOptionsReturning({ externalId: false }) }
    expect(await resolveSession(options)).not.toHaveProperty('externalId')
  })

  test.each([
    ['without an external ID', { roleArn: VALID_VALUES.roleArn }, 'required-with-role'],
    [
      'with an undefined external ID',
      { roleArn: VALID_VALUES.roleArn, externalId: undefined },
      'returned-empty',
    ],
    ['with an empty external ID', { roleArn: VALID_VALUES.roleArn, externalId: '' }, 'returned-empty'],
  ])(
    'the session function cannot return a role %s, even if the options contain an external ID',
    async (_, values, code) => {
      for (const options of [createOptionsReturning(values), createOptionsReturningPromise(values)])
        expect(await catchSessionIssues({ externalId: 'example-external-id', ...options })).toMatchObject([
          { option: 'externalId', code },
        ])
    },
  )

  test.each([
    [false, 'returned-no-role'],
    ['none', 'invalid-role-arn'],
  ])('the session function cannot select direct mode by returning %p as the role', async (roleArn, code) => {
    expect(await catchSessionIssues(createOptionsReturning({ roleArn, externalId: false }))).toMatchObject([
      { option: 'roleArn', code },
    ])
  })

  test('session parameters without a role in the options and the returned values are refused', async () => {
    const { resolveParameters } = readConfiguration(
      { region: 'eu-west-1', ...createOptionsReturning({ sessionName: 'acme' }) },
      {},
    )
    expect(() => resolveParameters(createRequest({}))).toThrow(
      expect.objectContaining({ issues: [{ option: 'roleArn', code: 'required' }] }),
    )
  })

  test.each([
    ['sesionTags', 'sessionTags'],
    ['name', 'sessionName'],
    ['__proto__', undefined],
  ])('the session function cannot return the unknown key %s', async (property, suggestion) => {
    const values = JSON.parse(`{"sessionName":"acme","${property}":"x"}`)
    expect(await catchSessionIssues(createOptionsReturning(values))).toEqual([
      { option: 'session', code: 'returned-unknown', property, suggestion, known: PARAMETER_NAMES },
    ])
  })

  test.each(['region', 'policyArns', 'transitiveTagKeys', 'durationSeconds'])(
    'the session function cannot return the option %s',
    async (option) => {
      const values = { sessionName: 'acme', [option]: 'x' }
      expect(await catchSessionIssues(createOptionsReturning(values))).toEqual([
        { option, code: 'returned-option' },
      ])
    },
  )

  test('returned parameters replace environment variables', async () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders', AWS_REGION: 'eu-west-1' }
    const { resolveParameters } = readConfiguration(
      { roleArn: ROLE, ...createOptionsReturning({ sessionTags: { TenantId: 'a' } }) },
      environment,
    )
    expect(await resolveParameters(createRequest({}))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
  })
})

describe('missing and invalid returned values', () => {
  const EMPTY_VALUES: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    ['', 'an empty string'],
    [{}, 'an empty object'],
  ]
  test.each(EMPTY_VALUES)(
    'the session function cannot return the empty value %p',
    async (value, returned) => {
      const issue = { option: 'session', code: 'returned-no-parameters', returned }
      expect(await catchSessionIssues(createOptionsReturning(value))).toEqual([issue])
      expect(await catchSessionIssues(createOptionsReturningPromise(value))).toEqual([issue])
    },
  )

  test.each([[7], [true], [false], [[]], [['acme']], [Symbol('x')], [() => 'acme'], ['acme'], [new Map()]])(
    'the session function cannot return the value %p',
    async (value) => {
      expect(await catchSessionIssues(createOptionsReturning(value))).toMatchObject([
        { option: 'session', code: 'returned-no-parameters', returned: expect.any(String) },
      ])
    },
  )

  test('an error of the session function has a copy of the thrown error as its cause', async () => {
    const thrown = Object.assign(new TypeError('no claims'), { response: 'MARKER' })
    const throwError = () => {
      throw thrown
    }
    for (const session of [throwError, async () => throwError()]) {
      const { issues, cause } = await catchResolveError({ session })
      expect(issues).toEqual([
        { option: 'session', code: 'function-threw', thrown: 'TypeError: "no claims"' },
      ])
      expect(cause).toMatchObject({ name: 'TypeError', message: 'no claims', stack: thrown.stack })
      // Properties of the SDK's errors can contain session tokens.
      expect(cause).not.toHaveProperty('response')
    }
  })

  describe.each(PARAMETER_NAMES)('a returned %s', (option) => {
    test.each(EMPTY_VALUES)(
      `a returned ${option} cannot have the empty value %p`,
      async (value, returned) => {
        const issue = { option, code: 'returned-empty', returned }
        expect(await catchSessionIssues(createOptionsReturning(createReturnValue(option, value)))).toEqual([
          issue,
        ])
        expect(
          await catchSessionIssues(createOptionsReturningPromise(createReturnValue(option, value))),
        ).toEqual([issue])
        // A valid static option does not replace a missing returned value.
        const options = option === 'scope' ? {} : { [option]: VALID_VALUES[option] }
        expect(
          await catchSessionIssues({
            ...options,
            ...createOptionsReturning(createReturnValue(option, value)),
          }),
        ).toEqual([issue])
      },
    )

    test.each([[7], [true], [[]], [['acme']], [Symbol('x')], [() => 'acme']])(
      `a returned ${option} cannot have the value %p`,
      async (value) => {
        expect(
          (await catchSessionIssues(createOptionsReturning(createReturnValue(option, value))))[0],
        ).toHaveProperty('option', option)
      },
    )
  })

  test.each(['leadingKeys', 'tables', 'access'])('a sparse array of %s is refused', async (path) => {
    const scope = { ...VALID_VALUES.scope, [path]: new Array(1) }
    const issues = [expect.objectContaining({ option: 'scope', path, code: 'invalid-type' })]
    expect(await catchSessionIssues(createOptionsReturning({ scope }))).toEqual(issues)
    expect(catchConfigurationIssues({ scope })).toEqual(issues)
  })

  test('the issue of a getter that throws names its property', async () => {
    const tags = defineGetters([
      [
        'TenantId',
        () => {
          throw new Error('no claims')
        },
      ],
    ])
    const issue = {
      option: 'sessionTags',
      code: 'invalid-type',
      tag: { part: 'value', key: 'TenantId' },
      expected: 'a string',
      actual: 'a value that cannot be read (Error: "no claims")',
    }
    expect(await catchSessionIssues(createOptionsReturning({ sessionTags: tags }))).toEqual([issue])
    expect(await catchSessionIssues(createOptionsReturningPromise({ sessionTags: tags }))).toEqual([issue])
  })

  test('the issue does not contain a value that the session function throws', async () => {
    const session = () => {
      throw 'secret'
    }
    expect(await catchSessionIssues({ session })).toEqual([
      { option: 'session', code: 'function-threw', thrown: 'a string' },
    ])
  })

  test.each([
    [{ TenantId: '' }],
    [{ TenantId: undefined }],
    [{ TenantId: null }],
    [{ stage: 'prod', TenantId: '' }],
  ])('tags without a value are refused: %p', async (tags) => {
    expect(await catchSessionIssues(createOptionsReturning({ sessionTags: tags }))).toEqual([
      { option: 'sessionTags', code: 'returned-empty-field', field: 'TenantId' },
    ])
  })

  test.each(
    ['leadingKeys', 'leadingKeyPrefixes', 'indexes', 'tables', 'access', 'kmsKeyArn'].flatMap((field) =>
      [undefined, null, ''].map((value) => [field, value] as const),
    ),
  )('a returned scope whose %s is %p is refused instead of being wider', async (field, value) => {
    const scope = { ...VALID_VALUES.scope, leadingKeyPrefixes: ['acme#'], [field]: value }
    for (const options of [createOptionsReturning({ scope }), createOptionsReturningPromise({ scope })])
      expect(await catchSessionIssues(options)).toEqual([
        { option: 'scope', code: 'returned-empty-field', field },
      ])
  })

  test('a returned object that inherits properties is refused', async () => {
    const defaults = Object.assign(Object.create(null), { leadingKeys: ['acme'] })
    const scope = Object.assign(Object.create(defaults), VALID_VALUES.scope)
    expect(await catchSessionIssues(createOptionsReturning({ scope }))).toMatchObject([
      { option: 'scope', code: 'invalid-type' },
    ])
  })

  test('at most 20 unknown keys are reported', async () => {
    const values = Object.fromEntries(Array.from({ length: 9000 }, (_, index) => [`key${index}`, 'x']))
    const error = await catchResolveError(createOptionsReturning(values))
    expect(error.issues).toHaveLength(20)
    // The search for a similar name runs for these 20 keys only.
    expect(error.message).not.toMatch(/ more$/)
    const one = await catchResolveError(createOptionsReturning({ key: 'x' }))
    expect(one.message).not.toMatch(/ more$/)
  })

  test('an error reports all issues of the returned values', async () => {
    const values = {
      sessionName: 'a',
      externalId: null,
      scope: { tables: [], access: 'read' },
      roleArn: 'R',
    }
    expect(await catchSessionIssues(createOptionsReturning(values))).toMatchObject([
      { option: 'sessionName', code: 'invalid-length', min: 2, max: 64, length: 1 },
      { option: 'externalId', code: 'returned-empty', returned: 'null' },
      { option: 'scope', path: 'tables', code: 'empty' },
      { option: 'roleArn', code: 'invalid-role-arn' },
    ])
  })

  test('the remaining time of the invocation limits the wait for the promise of the session function', async () => {
    const context = { getRemainingTimeInMillis: () => 20 }
    const resolve = createResolver({ session: () => new Promise(() => {}) })
    const startedAt = performance.now()
    await expect(resolve(createRequest({}, context))).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      retryable: true,
    })
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  test.each<[string, object, boolean]>([
    ['has neither retryable nor $retryable', {}, false],
    ['has $retryable like errors of the SDK', { $retryable: {} }, true],
    ['has retryable: true', { retryable: true }, true],
    ['has retryable: false', { retryable: false }, false],
  ])(
    'the error of an invocation is as retryable as a thrown error that %s',
    async (_what, properties, retryable) => {
      const session = async () => {
        throw Object.assign(new Error('throttled'), properties)
      }
      await expect(resolveSession({ session })).rejects.toMatchObject({ statusCode: 403, retryable })
    },
  )

  test('a session function that fails after the invocation timed out causes no unhandled rejection', async () => {
    const onUnhandledRejection = jest.fn()
    process.on('unhandledRejection', onUnhandledRejection)
    const session = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw new Error('later')
    }
    const context = { getRemainingTimeInMillis: () => 5 }
    await expect(createResolver({ session })(createRequest({}, context))).rejects.toMatchObject({
      retryable: true,
    })
    await new Promise((resolve) => setTimeout(resolve, 40))
    process.off('unhandledRejection', onUnhandledRejection)
    expect(onUnhandledRejection).not.toHaveBeenCalled()
  })

  test('a transitive tag key without a returned tag is refused', async () => {
    const options = {
      transitiveTagKeys: ['TenantId'],
      ...createOptionsReturning({ sessionTags: { tenantid: 'acme' } }),
    }
    expect(await catchSessionIssues(options)).toEqual([
      { option: 'transitiveTagKeys', code: 'unknown-tag-key', key: 'TenantId', known: ['tenantid'] },
    ])
  })

  test('a returned role of another partition is refused', async () => {
    const roleArn = 'arn:aws-cn:iam::222222222222:role/R'
    expect(await catchSessionIssues(createOptionsReturning({ externalId: false, roleArn }))).toEqual([
      { option: 'roleArn', code: 'returned-other-partition', region: 'eu-west-1', partition: 'aws-cn' },
    ])
  })
})

describe('copies of returned values', () => {
  test.each([
    ['synchronous', (values: object) => values],
    ['asynchronous', async (values: object) => values],
  ])(
    'if the session function returns the same object again, each invocation uses the values at the time of its %s return',
    async (_, returnValues) => {
      const sessionTags: Record<string, string> = {}
      const values = { sessionTags }
      const resolve = createResolver({
        session: ({ event }: { event: { tenant: string } }) => {
          sessionTags.TenantId = event.tenant
          return returnValues(values)
        },
      })
      for (const tenant of ['acme', 'globex', 'acme', 'initech', 'globex'])
        expect(await resolve(createRequest({ tenant }))).toHaveProperty('sessionTags', [
          { Key: 'TenantId', Value: tenant },
        ])
    },
  )

  test('a later change of a returned object does not change the resolved session parameters', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] }
    const resolve = createResolver(createOptionsReturning({ scope }))
    const { policy } = await resolve(createRequest({}))
    scope.leadingKeys = ['globex']
    expect((await resolve(createRequest({}))).policy).toContain('globex')
    scope.leadingKeys = ['acme']
    expect((await resolve(createRequest({}))).policy).toBe(policy)
    expect(policy).toContain('acme')
  })

  test('a later change of a static scope does not change the session policy', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] as string[] | undefined }
    const resolve = createResolver({ scope, ...createOptionsReturning({ sessionName: 'orders' }) })
    const { policy } = await resolve(createRequest({}))
    scope.tables.push('*')
    scope.leadingKeys = undefined
    const otherResolver = createResolver({
      scope: VALID_VALUES.scope,
      ...createOptionsReturning({ sessionName: 'orders' }),
    })
    expect((await resolve(createRequest({}))).policy).toBe(policy)
    expect((await otherResolver(createRequest({}))).policy).not.toBe(policy)
  })

  test('invalid values are refused, even if their JSON equals that of earlier valid values', async () => {
    const resolve = createResolver({ session: ({ event }: { event: object }) => event })
    const valid = { sessionName: 'acme', sessionTags: { TenantId: 'acme' } }
    await resolve(createRequest(valid))
    // JSON.stringify returns the same text for the first three values as for the valid values.
    for (const invalid of [
      { ...valid, sourceIdentity: undefined },
      { ...valid, scope: Symbol('x') },
      { ...valid, policy: () => {} },
      { ...valid, sessionTags: { TenantId: ['acme'] } },
    ])
      expect(() => resolve(createRequest(invalid))).toThrow(CrossAccountDynamoError)
  })

  test('resolved session parameters are cached for at most maxSessions sets of returned values', async () => {
    const resolve = createResolver({ maxSessions: 2, session: ({ event }: { event: object }) => event })
    const resolveSessionName = (sessionName: string) => resolve(createRequest({ sessionName }))
    const firstParameters = await resolveSessionName('acme')
    expect(await resolveSessionName('acme')).toBe(firstParameters)
    const secondParameters = await resolveSessionName('globex')
    expect(await resolveSessionName('acme')).toBe(firstParameters)
    expect(await resolveSessionName('globex')).toBe(secondParameters)
    await resolveSessionName('initech')
    expect(await resolveSessionName('acme')).not.toBe(firstParameters)
    expect(await resolveSessionName('acme')).toEqual(firstParameters)
  })
})

describe('memory of returned values', () => {
  test('returned values longer than 8192 characters are not cached', async () => {
    const resolve = createResolver({ session: ({ event }: { event: object }) => event })
    // Duplicate keys result in a short session policy.
    const scope = { ...VALID_VALUES.scope, leadingKeys: Array(1000).fill('acme-orders') }
    const longest = {
      sessionTags: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`tag${i}`, 'x'.repeat(256)])),
    }
    longest.sessionTags.tag30 = 'x'.repeat(
      8192 - JSON.stringify({ ...longest }).length - ',"tag30":""'.length,
    )
    expect(JSON.stringify(longest)).toHaveLength(8192)
    expect(await resolve(createRequest(longest))).toBe(await resolve(createRequest(longest)))
    const firstParameters = await resolve(createRequest({ scope }))
    expect(await resolve(createRequest({ scope }))).toEqual(firstParameters)
    expect(await resolve(createRequest({ scope }))).not.toBe(firstParameters)
  })

  const collectGarbage = (): void => {
    setFlagsFromString('--expose-gc')
    runInNewContext('gc')()
  }

  test.each([
    ['a short session', 1],
    ['a session that is too long for the cache', 45],
  ])('values that are parts of a request body do not keep the body in memory: %s', async (_, tagCount) => {
    const resolve = createResolver({
      maxSessions: 1000,
      session: ({ event: { body } }: { event: { body: string } }) => ({
        sessionTags: Object.fromEntries(
          Array.from({ length: tagCount }, (_, tag) => [`tag${tag}`, body.slice(tag, tag + 200)]),
        ),
      }),
    })
    const resolved = []
    collectGarbage()
    const usedBefore = process.memoryUsage().heapUsed
    for (let index = 0; index < 50; index += 1) {
      const body = `tenant-${index}-${Buffer.alloc(1_000_000, 'y').toString('latin1')}`
      resolved.push(await resolve(createRequest({ body })))
    }
    collectGarbage()
    expect(process.memoryUsage().heapUsed - usedBefore).toBeLessThan(10_000_000)
    expect(resolved).toHaveLength(50)
  })
})

describe('returned table names', () => {
  const OTHER_TENANT_TABLE = 'arn:aws:dynamodb:eu-west-1:222222222222:table/victim'
  const createScope = (table: string) => ({ tables: [table], access: 'read' })
  const createTenantScope = ({ event }: { event: { tenant: string } }) =>
    createScope(`${event.tenant}-orders`)

  test('a tenant ID that is a table ARN is refused instead of selecting another table', async () => {
    const expectedIssues = [
      {
        option: 'scope',
        path: 'tables',
        code: 'returned-table-arn',
        value: `${OTHER_TENANT_TABLE}-orders`,
      },
    ]
    const event = { tenant: OTHER_TENANT_TABLE }
    const session = (request: { event: { tenant: string } }) => ({ scope: createTenantScope(request) })
    expect(await catchSessionIssues({ session }, event)).toEqual(expectedIssues)
    expect(await catchSessionIssues({ session: async () => session({ event }) }, event)).toEqual(
      expectedIssues,
    )
    expect((await resolveSession({ session }, { tenant: 'acme' })).policy).toContain(':table/acme-orders"')
  })

  test.each([
    '*',
    'Or',
    'Orders/index/x',
    'ARN:aws:dynamodb:eu-west-1:222222222222:table/x',
    ` ${OTHER_TENANT_TABLE}`,
  ])('the table name %p in a returned scope is refused', async (value) => {
    expect(await catchSessionIssues(createOptionsReturning({ scope: createScope(value) }))).toEqual([
      { option: 'scope', path: 'tables', code: 'invalid-table-name', value },
    ])
  })

  test('a static scope can contain table names and table ARNs', async () => {
    const tables = [OTHER_TENANT_TABLE, 'Orders']
    const { policy } = await resolveSession({
      scope: { tables, access: 'read' },
      ...createOptionsReturning({ sessionName: 'acme' }),
    })
    expect(policy).toContain(OTHER_TENANT_TABLE)
  })
})

describe('values that change between reads', () => {
  /** Creates a function that returns the values in turn, and then the last value again. */
  const createSequence = (...values: unknown[]) => {
    let readCount = 0
    return () => values[Math.min(readCount++, values.length - 1)]
  }
  /** Creates a scope whose leading keys become `undefined` after some reads. */
  const createChangingScope = (readCount: number) =>
    defineGetters([['leadingKeys', createSequence(...Array(readCount).fill(['acme']), undefined)]], {
      tables: ['Orders'],
      access: 'read',
    })

  test.each([1, 2, 3, 4])(
    'a scope keeps its leading keys if they change after %i reads',
    async (readCount) => {
      const policies = [
        (await resolveSession(createOptionsReturning({ scope: createChangingScope(readCount) }))).policy,
        (await resolveSession(createOptionsReturningPromise({ scope: createChangingScope(readCount) })))
          .policy,
        (
          await resolveSession({
            scope: createChangingScope(readCount),
            ...createOptionsReturning({ sessionName: 'acme' }),
          })
        ).policy,
      ]
      for (const policy of policies) expect(policy).toContain('"dynamodb:LeadingKeys":["acme"]')
    },
  )

  test('session parameters contain the values that were checked', async () => {
    const tags = defineGetters([['TenantId', createSequence('acme', 'globex', '*')]])
    expect((await resolveSession(createOptionsReturning({ sessionTags: tags }))).sessionTags).toEqual([
      { Key: 'TenantId', Value: 'acme' },
    ])
    const transitiveTagKeys = defineGetters([['0', createSequence('TenantId', 'other')]], ['x'])
    const parameters = await resolveSession({
      ...createOptionsReturning({ sessionTags: { TenantId: 'acme' } }),
      transitiveTagKeys,
    })
    expect(parameters.transitiveTagKeys).toEqual(['TenantId'])
  })
})

describe('policies that are objects', () => {
  const createPolicy = (properties: object) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*', ...properties }],
  })

  test.each<[string, object, string, string]>([
    ['undefined', { Condition: undefined }, 'Statement[0].Condition', 'undefined'],
    ['a function', { Condition: () => {} }, 'Statement[0].Condition', 'a function'],
    ['a Map', { Condition: new Map() }, 'Statement[0].Condition', 'an object'],
    ['NaN', { Condition: { a: Number.NaN } }, 'Statement[0].Condition.a', 'NaN'],
    ['an empty array item', { Action: new Array(1) }, 'Statement[0].Action[0]', 'undefined'],
    ['a toJSON method', { toJSON: () => ({}) }, 'Statement[0].toJSON', 'a function'],
  ])(
    'a policy that is an object cannot contain %s, which JSON.stringify omits or changes',
    async (_, properties, at, actual) => {
      const policy = createPolicy(properties)
      const issues = [{ option: 'policy', code: 'not-json-value', at, actual }]
      expect(await catchSessionIssues(createOptionsReturning({ policy }))).toEqual(issues)
      expect(catchConfigurationIssues({ policy })).toEqual(issues)
    },
  )
})

describe('values from an event', () => {
  test('a tag key can be the name of a property of JavaScript objects', async () => {
    const tags: unknown = JSON.parse('{"__proto__":"x","constructor":"y","then":"z"}')
    expect((await resolveSession(createOptionsReturning({ sessionTags: tags }))).sessionTags).toEqual([
      { Key: '__proto__', Value: 'x' },
      { Key: 'constructor', Value: 'y' },
      { Key: 'then', Value: 'z' },
    ])
  })

  test('an object with inherited tags is refused', async () => {
    const inheritedTags = Object.create({ TenantId: 'acme' })
    expect(await catchSessionIssues(createOptionsReturning({ sessionTags: inheritedTags }))).toEqual([
      {
        option: 'sessionTags',
        code: 'invalid-type',
        expected: 'a plain object',
        actual: 'an object',
      },
    ])
  })

  test.each([
    ['a quote', 'a"b'],
    ['a comma', 'a,b'],
    ['a wildcard', 'a*'],
    ['a single-character wildcard', 'a?'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an IAM policy variable
    ['a policy variable', '${aws:username}'],
    ['a line break', 'a\nb'],
    ['a lone surrogate', 'a\ud800'],
    ['257 characters', 'a'.repeat(257)],
  ])('a tag value with %s is refused, and the issue does not contain it', async (_, value) => {
    const tag = { part: 'value', key: 'TenantId' }
    const error = await catchResolveError(createOptionsReturning({ sessionTags: { TenantId: value } }))
    expect(error.issues).toEqual([
      expect.objectContaining({
        option: 'sessionTags',
        code: expect.stringMatching(/^invalid-(?:character|length)$/),
        tag,
      }),
    ])
    expect(error.message).not.toContain(value)
    expect(JSON.stringify(error.issues)).not.toContain(JSON.stringify(value).slice(1, -1))
  })

  const createNestedList = (depth: number): unknown => {
    let value: unknown = []
    for (let level = 0; level < depth; level += 1) value = [value]
    return value
  }

  const createTagValueIssue = (actual: string) => ({
    option: 'sessionTags',
    code: 'invalid-type',
    tag: { part: 'value', key: 'TenantId' },
    expected: 'a string',
    actual,
  })
  test.each<[string, unknown, string]>([
    ['an object with toString', { toString: 1 }, 'an object'],
    ['a deeply nested list', createNestedList(5000), 'a list'],
    ['a list', ['acme'], 'a list'],
    ['a list with a reserved prefix', ['aws:x'], 'a list'],
  ])('a tag value that is %s is refused', async (_, value, actual) => {
    expect(await catchSessionIssues(createOptionsReturning({ sessionTags: { TenantId: value } }))).toEqual([
      createTagValueIssue(actual),
    ])
  })

  test('a policy that is nested too deeply is refused', async () => {
    const cyclicPolicy: Record<string, unknown> = { Version: '2012-10-17' }
    cyclicPolicy.Statement = [cyclicPolicy]
    for (const policy of [cyclicPolicy, { Statement: createNestedList(20_000) }]) {
      expect(await catchSessionIssues(createOptionsReturning({ policy }))).toEqual([
        {
          option: 'policy',
          code: 'not-json-value',
          at: expect.stringMatching(/^Statement/),
          actual: 'a value nested more than 32 levels deep',
        },
      ])
    }
  })

  test('the message of a thrown error is escaped and truncated', async () => {
    const createThrowing = (message: string) => () => {
      throw new Error(message)
    }
    expect(
      await catchSessionIssues({ session: createThrowing('x\n  - all is well\u001b[31m\u202e\u0085') }),
    ).toEqual([
      {
        option: 'session',
        code: 'function-threw',
        thrown: 'Error: "x\\n  - all is well\\u001b[31m\\u202e\\u0085"',
      },
    ])
    const { message, issues } = await catchResolveError({ session: createThrowing('x'.repeat(5_000_000)) })
    expect(message.length).toBeLessThan(1200)
    expect(JSON.stringify(issues).length).toBeLessThan(1200)
  })

  test('a long action name has no suggestion and is truncated', async () => {
    const access = ['x'.repeat(90_000)]
    const error = await catchResolveError(createOptionsReturning({ scope: { tables: ['Orders'], access } }))
    expect(error.issues).toMatchObject([
      { option: 'scope', path: 'access', code: 'unknown-action', suggestion: undefined },
    ])
    expect(error.message.length).toBeLessThan(1700)
  })

  test('tag keys that differ only in case are refused', async () => {
    expect(
      await catchSessionIssues(createOptionsReturning({ sessionTags: { TenantId: 'a', tenantid: 'b' } })),
    ).toEqual([{ option: 'sessionTags', code: 'duplicate-tag-key', keys: ['TenantId', 'tenantid'] }])
  })

  test('an error reports at most 20 issues and truncates their text', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `aws:${index}`)
    const tags = Object.fromEntries([...keys, 'x'.repeat(50_000)].map((key) => [key, 'v']))
    const errorWithManyIssues = await catchResolveError(createOptionsReturning({ sessionTags: tags }))
    expect(errorWithManyIssues.issues).toHaveLength(20)
    expect(errorWithManyIssues.message.split('\n')).toHaveLength(22)
    expect(errorWithManyIssues.message).toMatch(/\b82 more$/)

    const errorWithLongValues = await catchResolveError(
      createOptionsReturning({
        externalId: false,
        roleArn: 'x'.repeat(20_000),
        sessionTags: { ['y'.repeat(20_000)]: 'v' },
        scope: { tables: ['z'.repeat(20_000)], access: ['GetItem', 'x'.repeat(20_000)] },
      }),
    )
    expect(errorWithLongValues.issues.map(({ code }) => code)).toEqual([
      'invalid-role-arn',
      'invalid-length',
      'invalid-table-name',
      'unknown-action',
    ])
    expect(errorWithLongValues.message.length).toBeLessThan(6000)
    expect(JSON.stringify(errorWithLongValues.issues).length).toBeLessThan(6000)
  })
})

describe('checks of static options', () => {
  test('the option externalId: false ignores the variable', () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id' }
    const { parameters } = readConfiguration(
      { roleArn: ROLE, region: 'eu-west-1', externalId: false },
      environment,
    )
    expect(parameters).not.toHaveProperty('externalId')
  })

  test('static options are checked, even if there is a session function', () => {
    const options = { ...createOptionsReturning({}), sessionName: 'x', sourceIdentity: 'aws:x' }
    expect(catchConfigurationIssues(options)).toMatchObject([
      { option: 'sessionName', code: 'invalid-length' },
      { option: 'sourceIdentity', code: 'reserved-prefix' },
    ])
  })

  test.each([{}, 'x', true, null])('the option session cannot be %p', (session) => {
    expect(catchConfigurationIssues({ session })).toMatchObject([
      { option: 'session', code: 'invalid-type', expected: 'a function' },
    ])
  })

  test('a static policy excludes policyArns', () => {
    expect(
      catchConfigurationIssues({ policy: '{"Statement":[]}', policyArns: ['arn:aws:iam::aws:policy/P'] }),
    ).toEqual([{ option: 'policy', code: 'excluded', by: ['policyArns'] }])
  })

  test.each([...PARAMETER_NAMES, 'region', 'durationSeconds'])(
    'the option %s cannot be a function',
    (name) => {
      expect(catchConfigurationIssues({ [name]: () => 'x' })).toMatchObject([{ option: name }])
    },
  )

  test.each<[object, string[]]>([
    [{ policy: '{"Statement":[]}' }, ['policy']],
    [{ policyArns: ['arn:aws:iam::aws:policy/P'] }, ['policyArns']],
  ])('a static scope excludes %p', (others, by) => {
    const issue = { option: 'scope', code: 'excluded', by }
    expect(catchConfigurationIssues({ scope: VALID_VALUES.scope, ...others })).toEqual([issue])
    const environment = { CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders', CROSS_ACCOUNT_DYNAMO_ACCESS: 'read' }
    const variable = Object.keys(environment).join(', ')
    expect(catchConfigurationIssues(others, environment)).toEqual([{ ...issue, variable }])
  })
})

test.each(['*', '?', '$'])(
  'a returned role ARN that contains the policy wildcard or variable character %s is refused',
  async (wildcard) => {
    const value = `arn:aws:iam::222222222222:role/${wildcard}/R`
    expect(await catchSessionIssues(createOptionsReturning({ externalId: false, roleArn: value }))).toEqual([
      { option: 'roleArn', code: 'role-pattern', value },
    ])
  },
)
