/** The `session` function: it fails closed, and the values that it returns are data. */
import { describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import type { Issue } from '../../../src/options/issue.ts'
import { withGetters } from '../hostile-values.ts'
import { issuesOf } from '../issues.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'

const resolveWith = (options: object) =>
  readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, {}).resolveParameters

const requestOf = (event: unknown, context: object = {}): SessionRequest =>
  ({ event, context, internal: {}, response: undefined, error: undefined }) as never

const parametersFrom = async (options: object, event: unknown = {}): Promise<SessionParameters> =>
  resolveWith(options)(requestOf(event))

/** The error of an invocation. */
const errorFrom = async (options: object, event: unknown = {}): Promise<CrossAccountDynamoError> => {
  const error: unknown = await parametersFrom(options, event).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof CrossAccountDynamoError) return error
  throw error ?? new Error('the invocation has session parameters')
}

const issuesFrom = async (options: object, event: unknown = {}): Promise<readonly Issue[]> => {
  const error = await errorFrom(options, event)
  expect(error).toMatchObject({
    code: 'SESSION_IDENTITY_MISSING',
    statusCode: 403,
    retryable: false,
    expose: false,
    message: expect.stringContaining('context.dynamo'),
  })
  return error.issues
}

const issuesAtConstruction = (options: object, environment: Record<string, string> = {}): readonly Issue[] =>
  issuesOf(() => readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, environment))

/** Each parameter that can be returned, with a valid value. */
const GOOD = {
  roleArn: 'arn:aws:iam::333333333333:role/R',
  externalId: 'example-external-id',
  sessionTags: { TenantId: 'acme' },
  sessionName: 'acme',
  sourceIdentity: 'alice',
  scope: { tables: ['Orders'], access: 'read' },
  policy: { Version: '2012-10-17', Statement: [] },
} as const
type Name = keyof typeof GOOD
const NAMES = Object.keys(GOOD) as Name[]

/** Options whose `session` function returns these values, synchronously or not. */
const returning = (values: unknown) => ({ session: () => values })
const returningLater = (values: unknown) => ({ session: async () => values })
/** A returned value of one parameter. A role needs its external ID beside it. */
const only = (name: Name, value: unknown) => ({
  ...(name === 'roleArn' && { externalId: false }),
  [name]: value,
})

describe('the session function', () => {
  test.each(NAMES)('is called with the request and decides %s', async (name) => {
    const session = jest.fn(({ event }: { event: { value: unknown } }) => only(name, event.value))
    const request = requestOf({ value: GOOD[name] })
    const parameters = await resolveWith({ session })(request)
    expect(session.mock.calls).toEqual([[request]])
    const expected = {
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      policy: '{"Version":"2012-10-17","Statement":[]}',
      scope: expect.stringContaining('arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'),
    }
    const part = name === 'scope' ? 'policy' : name
    expect(parameters[part]).toEqual(name in expected ? expected[name as keyof typeof expected] : GOOD[name])
  })

  test.each(NAMES)('needs no promise if it returns %s synchronously', (name) => {
    const parameters = resolveWith(returning(only(name, GOOD[name])))(requestOf({}))
    expect(parameters).not.toBeInstanceOf(Promise)
  })

  test.each(NAMES)('can return %s in a promise', async (name) => {
    const values = only(name, GOOD[name])
    expect(await parametersFrom(returningLater(values))).toEqual(await parametersFrom(returning(values)))
  })

  test('is called for each request', async () => {
    const resolve = resolveWith({ session: ({ event }: { event: object }) => ({ sessionTags: event }) })
    for (const tenant of ['a', 'b', 'a'])
      expect(await resolve(requestOf({ TenantId: tenant }))).toHaveProperty('sessionTags', [
        { Key: 'TenantId', Value: tenant },
      ])
  })

  test('can return the only role', async () => {
    const { roleArn, externalId } = GOOD
    const { resolveParameters, accountId } = readConfiguration(
      { region: 'eu-west-1', ...returning({ roleArn, externalId }) },
      {},
    )
    expect(accountId).toBeUndefined()
    expect(resolveParameters(requestOf({}))).toMatchObject({ roleArn, externalId })
  })

  test('replaces the options of the same names and leaves the others as they are', async () => {
    const options = {
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: { stage: 'prod' },
      sessionName: 'orders',
      transitiveTagKeys: ['TenantId'],
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      ...returning({ sessionTags: { TenantId: 'acme' }, sessionName: 'acme' }),
    }
    expect(await parametersFrom(options)).toEqual({
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

  test('compiles a static scope for the account of a returned role', async () => {
    const { roleArn } = GOOD
    const options = { scope: GOOD.scope, ...returning({ roleArn, externalId: false }) }
    const { policy, externalId } = await parametersFrom({ externalId: 'example-external-id', ...options })
    expect(policy).toContain('arn:aws:dynamodb:eu-west-1:333333333333:table/Orders')
    expect(externalId).toBeUndefined()
  })

  test('replaces a static scope, and a static policy', async () => {
    const { policy } = await parametersFrom({
      scope: { ...GOOD.scope, tables: ['Orders', 'Customers'] },
      ...returning({ scope: { tables: ['Orders'], access: ['GetItem'] } }),
    })
    expect(policy).toContain('"Action":["dynamodb:GetItem"]')
    expect(policy).not.toContain('Customers')
    const replaced = await parametersFrom({
      policy: '{"Statement":[]}',
      ...returning({ policy: GOOD.policy }),
    })
    expect(replaced.policy).toBe('{"Version":"2012-10-17","Statement":[]}')
  })

  test.each<[object, object, string[]]>([
    [{ scope: GOOD.scope }, { policy: '{"Statement":[]}' }, ['policy']],
    [{ policy: '{"Statement":[]}' }, { scope: GOOD.scope }, ['policy']],
    [{ policyArns: ['arn:aws:iam::aws:policy/P'] }, { scope: GOOD.scope }, ['policyArns']],
    [{}, { scope: GOOD.scope, policy: '{"Statement":[]}' }, ['policy']],
    [
      { policyArns: ['arn:aws:iam::aws:policy/P'] },
      { scope: GOOD.scope, policy: '{"Statement":[]}' },
      ['policy', 'policyArns'],
    ],
  ])('excludes a scope beside another session policy: %j, then %j', async (options, values, by) => {
    expect(await issuesFrom({ ...options, ...returning(values) })).toEqual([
      { option: 'scope', code: 'excluded', by },
    ])
  })

  test('can return false for no external ID, also in place of a static one', async () => {
    const options = { externalId: 'example-external-id', ...returning({ externalId: false }) }
    expect(await parametersFrom(options)).not.toHaveProperty('externalId')
  })

  test.each([
    ['without an external ID', { roleArn: GOOD.roleArn }, 'required-with-role'],
    ['with an undefined one', { roleArn: GOOD.roleArn, externalId: undefined }, 'returned-nothing'],
    ['with an empty one', { roleArn: GOOD.roleArn, externalId: '' }, 'returned-nothing'],
  ])('cannot return a role %s, even if the options have one', async (_, values, code) => {
    for (const options of [returning(values), returningLater(values)])
      expect(await issuesFrom({ externalId: 'example-external-id', ...options })).toMatchObject([
        { option: 'externalId', code },
      ])
  })

  test.each([false, 'none'])(
    'cannot return %p as the role, which would select direct mode',
    async (roleArn) => {
      expect(await issuesFrom(returning({ roleArn, externalId: false }))).toMatchObject([
        { option: 'roleArn' },
      ])
    },
  )

  test('needs a role in the options or in what it returns', async () => {
    const { resolveParameters } = readConfiguration(
      { region: 'eu-west-1', ...returning({ sessionName: 'acme' }) },
      {},
    )
    expect(() => resolveParameters(requestOf({}))).toThrow(
      expect.objectContaining({ issues: [{ option: 'roleArn', code: 'required' }] }),
    )
  })

  test.each(['region', 'policyArns', 'transitiveTagKeys', 'durationSeconds', 'sesionTags', '__proto__'])(
    'cannot return %s',
    async (property) => {
      const values = JSON.parse(`{"sessionName":"acme","${property}":"x"}`)
      expect(await issuesFrom(returning(values))).toEqual([
        { option: 'session', code: 'unknown-property', property, known: NAMES },
      ])
    },
  )

  test('replaces a variable', async () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders', AWS_REGION: 'eu-west-1' }
    const { resolveParameters } = readConfiguration(
      { roleArn: ROLE, ...returning({ sessionTags: { TenantId: 'a' } }) },
      environment,
    )
    expect(await resolveParameters(requestOf({}))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
  })
})

describe('a missing value never makes a broader session', () => {
  const EMPTY: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    ['', 'an empty string'],
    [{}, 'an empty object'],
  ]
  test.each(EMPTY)('the function cannot return %p', async (value, returned) => {
    const issue = { option: 'session', code: 'returned-nothing', returned }
    expect(await issuesFrom(returning(value))).toEqual([issue])
    expect(await issuesFrom(returningLater(value))).toEqual([issue])
  })

  test.each([[7], [true], [false], [[]], [['acme']], [Symbol('x')], [() => 'acme'], ['acme'], [new Map()]])(
    'the function cannot return %p',
    async (value) => {
      expect(await issuesFrom(returning(value))).toMatchObject([
        { option: 'session', code: 'invalid-type', expected: 'a plain object' },
      ])
    },
  )

  test('the function can throw, and the error has a copy of what it threw as its cause', async () => {
    const thrown = Object.assign(new TypeError('no claims'), { response: 'MARKER' })
    const fail = () => {
      throw thrown
    }
    for (const session of [fail, async () => fail()]) {
      const { issues, cause } = await errorFrom({ session })
      expect(issues).toEqual([
        { option: 'session', code: 'function-threw', thrown: 'TypeError: "no claims"' },
      ])
      expect(cause).toMatchObject({ name: 'TypeError', message: 'no claims', stack: thrown.stack })
      // Properties of the SDK's errors can contain session tokens.
      expect(cause).not.toHaveProperty('response')
    }
  })

  describe.each(NAMES)('a returned %s', (option) => {
    test.each(EMPTY)('cannot be %p', async (value, returned) => {
      const issue = { option, code: 'returned-nothing', returned }
      expect(await issuesFrom(returning(only(option, value)))).toEqual([issue])
      expect(await issuesFrom(returningLater(only(option, value)))).toEqual([issue])
      // A valid value of the option does not replace a missing one.
      const options = option === 'scope' ? {} : { [option]: GOOD[option] }
      expect(await issuesFrom({ ...options, ...returning(only(option, value)) })).toEqual([issue])
    })

    test.each([[7], [true], [[]], [['acme']], [Symbol('x')], [() => 'acme']])(
      'cannot be %p',
      async (value) => {
        expect((await issuesFrom(returning(only(option, value))))[0]).toHaveProperty('option', option)
      },
    )
  })

  test.each(['leadingKeys', 'tables', 'access'])('a list of %s cannot have a hole', async (path) => {
    const scope = { ...GOOD.scope, [path]: new Array(1) }
    const issues = [expect.objectContaining({ option: 'scope', path, code: 'invalid-type' })]
    expect(await issuesFrom(returning({ scope }))).toEqual(issues)
    expect(issuesAtConstruction({ scope })).toEqual(issues)
  })

  test('a getter that throws is an issue of its property', async () => {
    const tags = withGetters([
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
    expect(await issuesFrom(returning({ sessionTags: tags }))).toEqual([issue])
    expect(await issuesFrom(returningLater({ sessionTags: tags }))).toEqual([issue])
  })

  test('a function can throw any value, which is not part of the issue', async () => {
    const session = () => {
      throw 'secret'
    }
    expect(await issuesFrom({ session })).toEqual([
      { option: 'session', code: 'function-threw', thrown: 'a string' },
    ])
  })

  test.each([
    [{ TenantId: '' }],
    [{ TenantId: undefined }],
    [{ TenantId: null }],
    [{ stage: 'prod', TenantId: '' }],
  ])('a tag without a value is refused: %p', async (tags) => {
    expect(await issuesFrom(returning({ sessionTags: tags }))).toEqual([
      { option: 'sessionTags', code: 'returned-nothing', returned: 'an object whose "TenantId" is empty' },
    ])
  })

  test('all issues of the returned values are reported', async () => {
    const values = {
      sessionName: 'a',
      externalId: null,
      scope: { tables: [], access: 'read' },
      roleArn: 'R',
    }
    expect(await issuesFrom(returning(values))).toMatchObject([
      { option: 'sessionName', code: 'invalid-length', min: 2, max: 64, length: 1 },
      { option: 'externalId', code: 'returned-nothing', returned: 'null' },
      { option: 'scope', path: 'tables', code: 'empty' },
      { option: 'roleArn', code: 'invalid-role-arn' },
    ])
  })

  test('the wait for a promise is bounded by the remaining time of the invocation', async () => {
    const context = { getRemainingTimeInMillis: () => 20 }
    const resolve = resolveWith({ session: () => new Promise(() => {}) })
    const start = performance.now()
    await expect(resolve(requestOf({}, context))).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      retryable: true,
    })
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test.each<[string, object, boolean]>([
    ['has no such property', {}, false],
    ['has $retryable of the SDK', { $retryable: {} }, true],
    ['has retryable: true', { retryable: true }, true],
    ['has retryable: false', { retryable: false }, false],
  ])('an error that %s decides whether the invocation can be retried', async (_what, more, retryable) => {
    const session = async () => {
      throw Object.assign(new Error('throttled'), more)
    }
    await expect(parametersFrom({ session })).rejects.toMatchObject({ statusCode: 403, retryable })
  })

  test('a function that fails after the invocation stopped waiting causes no unhandled rejection', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const session = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw new Error('later')
    }
    const context = { getRemainingTimeInMillis: () => 5 }
    await expect(resolveWith({ session })(requestOf({}, context))).rejects.toMatchObject({ retryable: true })
    await new Promise((resolve) => setTimeout(resolve, 40))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('each transitive tag key must be among the returned tags', async () => {
    const options = { transitiveTagKeys: ['TenantId'], ...returning({ sessionTags: { tenantid: 'acme' } }) }
    expect(await issuesFrom(options)).toEqual([
      { option: 'transitiveTagKeys', code: 'unknown-tag-key', key: 'TenantId', known: ['tenantid'] },
    ])
  })

  test('a role of another partition is refused', async () => {
    const roleArn = 'arn:aws-cn:iam::222222222222:role/R'
    expect(await issuesFrom(returning({ externalId: false, roleArn }))).toEqual([
      { option: 'roleArn', code: 'other-partition', value: 'eu-west-1', partition: 'aws-cn' },
    ])
  })
})

describe('a returned object is copied when it is returned', () => {
  test.each([
    ['synchronous', (values: object) => values],
    ['asynchronous', async (values: object) => values],
  ])('invocations that share one object each get the values that it had for them: %s', async (_, give) => {
    const sessionTags: Record<string, string> = {}
    const values = { sessionTags }
    const resolve = resolveWith({
      session: ({ event }: { event: { tenant: string } }) => {
        sessionTags.TenantId = event.tenant
        return give(values)
      },
    })
    for (const tenant of ['acme', 'globex', 'acme', 'initech', 'globex'])
      expect(await resolve(requestOf({ tenant }))).toHaveProperty('sessionTags', [
        { Key: 'TenantId', Value: tenant },
      ])
  })

  test('a change of a returned object does not change parameters that were already read', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] }
    const resolve = resolveWith(returning({ scope }))
    const { policy } = await resolve(requestOf({}))
    scope.leadingKeys = ['globex']
    expect((await resolve(requestOf({}))).policy).toContain('globex')
    scope.leadingKeys = ['acme']
    expect((await resolve(requestOf({}))).policy).toBe(policy)
    expect(policy).toContain('acme')
  })

  test('a static scope that changes later does not change the session policy', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] as string[] | undefined }
    const resolve = resolveWith({ scope, ...returning({ sessionName: 'orders' }) })
    const { policy } = await resolve(requestOf({}))
    scope.tables.push('*')
    scope.leadingKeys = undefined
    const other = resolveWith({ scope: GOOD.scope, ...returning({ sessionName: 'orders' }) })
    expect((await resolve(requestOf({}))).policy).toBe(policy)
    expect((await other(requestOf({}))).policy).not.toBe(policy)
  })

  test('returned values that were valid before are not mistaken for values that are not', async () => {
    const resolve = resolveWith({ session: ({ event }: { event: object }) => event })
    const valid = { sessionName: 'acme', sessionTags: { TenantId: 'acme' } }
    await resolve(requestOf(valid))
    // JSON has the same text for the first three as for the valid values.
    for (const invalid of [
      { ...valid, sourceIdentity: undefined },
      { ...valid, scope: Symbol('x') },
      { ...valid, policy: () => {} },
      { ...valid, sessionTags: { TenantId: ['acme'] } },
    ])
      expect(() => resolve(requestOf(invalid))).toThrow(CrossAccountDynamoError)
  })

  test('parameters are kept for at most maxSessions sets of returned values', async () => {
    const resolve = resolveWith({ maxSessions: 2, session: ({ event }: { event: object }) => event })
    const of = (sessionName: string) => resolve(requestOf({ sessionName }))
    const first = await of('acme')
    expect(await of('acme')).toBe(first)
    await of('globex')
    await of('initech')
    expect(await of('acme')).not.toBe(first)
    expect(await of('acme')).toEqual(first)
  })
})

describe('table names', () => {
  const VICTIM = 'arn:aws:dynamodb:eu-west-1:222222222222:table/victim'
  const scopeOf = (table: string) => ({ tables: [table], access: 'read' })
  const ofTenant = ({ event }: { event: { tenant: string } }) => scopeOf(`${event.tenant}-orders`)

  test('are required from the function, so that a tenant ID that is an ARN selects no other table', async () => {
    const refused = [
      { option: 'scope', path: 'tables', code: 'table-arn-from-request', value: `${VICTIM}-orders` },
    ]
    const event = { tenant: VICTIM }
    const session = (request: { event: { tenant: string } }) => ({ scope: ofTenant(request) })
    expect(await issuesFrom({ session }, event)).toEqual(refused)
    expect(await issuesFrom({ session: async () => session({ event }) }, event)).toEqual(refused)
    expect((await parametersFrom({ session }, { tenant: 'acme' })).policy).toContain(':table/acme-orders"')
  })

  test.each(['*', 'Or', 'Orders/index/x', 'ARN:aws:dynamodb:eu-west-1:222222222222:table/x', ` ${VICTIM}`])(
    'do not include %p',
    async (value) => {
      expect(await issuesFrom(returning({ scope: scopeOf(value) }))).toEqual([
        { option: 'scope', path: 'tables', code: 'invalid-table-name', value },
      ])
    },
  )

  test('can be mixed with ARNs in a static scope', async () => {
    const tables = [VICTIM, 'Orders']
    const { policy } = await parametersFrom({
      scope: { tables, access: 'read' },
      ...returning({ sessionName: 'acme' }),
    })
    expect(policy).toContain(VICTIM)
  })
})

describe('values that change with each read', () => {
  /** Answers with each of the values in turn, and then with the last one. */
  const inTurn = (...values: unknown[]) => {
    let reads = 0
    return () => values[Math.min(reads++, values.length - 1)]
  }
  const changing = (times: number) =>
    withGetters([['leadingKeys', inTurn(...Array(times).fill(['acme']), undefined)]], {
      tables: ['Orders'],
      access: 'read',
    })

  test.each([1, 2, 3, 4])('cannot remove the leading keys of a scope after %i reads', async (times) => {
    const policies = [
      (await parametersFrom(returning({ scope: changing(times) }))).policy,
      (await parametersFrom(returningLater({ scope: changing(times) }))).policy,
      (await parametersFrom({ scope: changing(times), ...returning({ sessionName: 'acme' }) })).policy,
    ]
    for (const policy of policies) expect(policy).toContain('"dynamodb:LeadingKeys":["acme"]')
  })

  test('are used as they were checked', async () => {
    const tags = withGetters([['TenantId', inTurn('acme', 'globex', '*')]])
    expect((await parametersFrom(returning({ sessionTags: tags }))).sessionTags).toEqual([
      { Key: 'TenantId', Value: 'acme' },
    ])
    const transitiveTagKeys = withGetters([['0', inTurn('TenantId', 'other')]], ['x'])
    const parameters = await parametersFrom({
      ...returning({ sessionTags: { TenantId: 'acme' } }),
      transitiveTagKeys,
    })
    expect(parameters.transitiveTagKeys).toEqual(['TenantId'])
  })
})

describe('a policy as an object', () => {
  const statement = (properties: object) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*', ...properties }],
  })

  test.each<[string, object, string, string]>([
    ['undefined', { Condition: undefined }, 'Statement[0].Condition', 'undefined'],
    ['a function', { Condition: () => {} }, 'Statement[0].Condition', 'a function'],
    ['a Map', { Condition: new Map() }, 'Statement[0].Condition', 'an object'],
    ['NaN', { Condition: { a: Number.NaN } }, 'Statement[0].Condition.a', 'NaN'],
    ['a hole', { Action: new Array(1) }, 'Statement[0].Action[0]', 'undefined'],
    ['toJSON', { toJSON: () => ({}) }, 'Statement[0].toJSON', 'a function'],
  ])('cannot contain %s, which JSON would omit or change', async (_, properties, at, actual) => {
    const policy = statement(properties)
    const issues = [{ option: 'policy', code: 'not-json-value', at, actual }]
    expect(await issuesFrom(returning({ policy }))).toEqual(issues)
    expect(issuesAtConstruction({ policy })).toEqual(issues)
  })
})

describe('values from an event are data', () => {
  const parsed = (json: string): unknown => JSON.parse(json)

  test('a tag can have the name of a property of JavaScript objects', async () => {
    const tags = parsed('{"__proto__":"x","constructor":"y","then":"z"}')
    expect((await parametersFrom(returning({ sessionTags: tags }))).sessionTags).toEqual([
      { Key: '__proto__', Value: 'x' },
      { Key: 'constructor', Value: 'y' },
      { Key: 'then', Value: 'z' },
    ])
  })

  test('inherited properties are no tags', async () => {
    const inherited = Object.create({ TenantId: 'acme' })
    expect(await issuesFrom(returning({ sessionTags: inherited }))).toEqual([
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
    ['another wildcard', 'a?'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an IAM policy variable
    ['a policy variable', '${aws:username}'],
    ['a line break', 'a\nb'],
    ['a lone surrogate', 'a\ud800'],
    ['one character too many', 'a'.repeat(257)],
  ])('a tag value with %s is refused and not part of the issue', async (_, value) => {
    const tag = { part: 'value', key: 'TenantId' }
    const error = await errorFrom(returning({ sessionTags: { TenantId: value } }))
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

  const nested = (depth: number): unknown => {
    let value: unknown = []
    for (let level = 0; level < depth; level += 1) value = [value]
    return value
  }

  const tagValueIssue = (actual: string) => ({
    option: 'sessionTags',
    code: 'invalid-type',
    tag: { part: 'value', key: 'TenantId' },
    expected: 'a string',
    actual,
  })
  test.each<[string, unknown, string]>([
    ['an object with toString', { toString: 1 }, 'an object'],
    ['a deeply nested list', nested(5000), 'a list'],
    ['a list', ['acme'], 'a list'],
    ['a list that reads like a reserved prefix', ['aws:x'], 'a list'],
  ])('a tag value that is %s is refused', async (_, value, actual) => {
    expect(await issuesFrom(returning({ sessionTags: { TenantId: value } }))).toEqual([tagValueIssue(actual)])
  })

  test('a policy that is nested too deeply is refused', async () => {
    const cyclic: Record<string, unknown> = { Version: '2012-10-17' }
    cyclic.Statement = [cyclic]
    for (const policy of [cyclic, { Statement: nested(20_000) }]) {
      expect(await issuesFrom(returning({ policy }))).toEqual([
        {
          option: 'policy',
          code: 'not-json-value',
          at: expect.stringMatching(/^Statement/),
          actual: 'a value nested more than 32 levels deep',
        },
      ])
    }
  })

  test('the message of a thrown error cannot add lines to the log or fill it', async () => {
    const fail = (message: string) => () => {
      throw new Error(message)
    }
    expect(await issuesFrom({ session: fail('x\n  - all is well\u001b[31m\u202e\u0085') })).toEqual([
      {
        option: 'session',
        code: 'function-threw',
        thrown: 'Error: "x\\n  - all is well\\u001b[31m\\u202e\\u0085"',
      },
    ])
    const { message, issues } = await errorFrom({ session: fail('x'.repeat(5_000_000)) })
    expect(message.length).toBeLessThan(1200)
    expect(JSON.stringify(issues).length).toBeLessThan(1200)
  })

  test('a long name is not compared with the names of actions', async () => {
    const access = ['x'.repeat(90_000)]
    const error = await errorFrom(returning({ scope: { tables: ['Orders'], access } }))
    expect(error.issues).toMatchObject([
      { option: 'scope', path: 'access', code: 'unknown-action', suggestion: undefined },
    ])
    expect(error.message.length).toBeLessThan(1700)
  })

  test('tag keys that differ only in case are refused', async () => {
    expect(await issuesFrom(returning({ sessionTags: { TenantId: 'a', tenantid: 'b' } }))).toEqual([
      { option: 'sessionTags', code: 'duplicate-tag-key', keys: ['TenantId', 'tenantid'] },
    ])
  })

  test('at most 20 issues are reported, and their texts are truncated', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `aws:${index}`)
    const tags = Object.fromEntries([...keys, 'x'.repeat(50_000)].map((key) => [key, 'v']))
    const many = await errorFrom(returning({ sessionTags: tags }))
    expect(many.issues).toHaveLength(20)
    expect(many.message.split('\n')).toHaveLength(22)
    expect(many.message).toMatch(/\b82 more$/)

    const long = await errorFrom(
      returning({
        externalId: false,
        roleArn: 'x'.repeat(20_000),
        sessionTags: { ['y'.repeat(20_000)]: 'v' },
        scope: { tables: ['z'.repeat(20_000)], access: ['GetItem', 'x'.repeat(20_000)] },
      }),
    )
    expect(long.issues.map(({ code }) => code)).toEqual([
      'invalid-role-arn',
      'invalid-length',
      'invalid-table-name',
      'unknown-action',
    ])
    expect(long.message.length).toBeLessThan(6000)
    expect(JSON.stringify(long.issues).length).toBeLessThan(6000)
  })
})

describe('when the configuration is read', () => {
  test('externalId: false ignores the variable', () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id' }
    const { parameters } = readConfiguration(
      { roleArn: ROLE, region: 'eu-west-1', externalId: false },
      environment,
    )
    expect(parameters).not.toHaveProperty('externalId')
  })

  test('values beside a session function are checked', () => {
    const options = { ...returning({}), sessionName: 'x', sourceIdentity: 'aws:x' }
    expect(issuesAtConstruction(options)).toMatchObject([
      { option: 'sessionName', code: 'invalid-length' },
      { option: 'sourceIdentity', code: 'reserved-prefix' },
    ])
  })

  test.each([{}, 'x', true, null])('session cannot be %p', (session) => {
    expect(issuesAtConstruction({ session })).toMatchObject([
      { option: 'session', code: 'invalid-type', expected: 'a function' },
    ])
  })

  test.each([...NAMES, 'region', 'durationSeconds'])('%s cannot be a function', (name) => {
    expect(issuesAtConstruction({ [name]: () => 'x' })).toMatchObject([{ option: name }])
  })

  test.each<[object, string[]]>([
    [{ policy: '{"Statement":[]}' }, ['policy']],
    [{ policyArns: ['arn:aws:iam::aws:policy/P'] }, ['policyArns']],
    [{ policy: '{"Statement":[]}', policyArns: ['arn:aws:iam::aws:policy/P'] }, ['policy', 'policyArns']],
  ])('a scope excludes %p', (others, by) => {
    const issue = { option: 'scope', code: 'excluded', by }
    expect(issuesAtConstruction({ scope: GOOD.scope, ...others })).toEqual([issue])
    const environment = { CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders', CROSS_ACCOUNT_DYNAMO_ACCESS: 'read' }
    const variable = Object.keys(environment).join(', ')
    expect(issuesAtConstruction(others, environment)).toEqual([{ ...issue, variable }])
  })
})

test.each(['*', '?', '$'])(
  'a returned role ARN that contains %s would match other roles in a policy, and is refused',
  async (wildcard) => {
    const value = `arn:aws:iam::222222222222:role/${wildcard}/R`
    expect(await issuesFrom(returning({ externalId: false, roleArn: value }))).toEqual([
      { option: 'roleArn', code: 'role-pattern', value },
    ])
  },
)
