/** Options as functions of the request: they fail closed, and the values that they return are data. */
import { describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import type { ResolverRequest } from '../../../src/identity/resolve.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import type { Issue } from '../../../src/options/issue.ts'
import { withGetters } from '../hostile-values.ts'
import { issuesOf } from '../issues.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'

const resolveWith = (options: object) =>
  readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, {}).resolveParameters

const requestOf = (event: unknown, context: object = {}): ResolverRequest =>
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

/** Each option that can be a function, with a valid value. */
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
const withFunction = (name: Name, resolve: unknown) => ({ externalId: false, [name]: resolve })

describe('a function of the request', () => {
  test.each(NAMES)('of %s is called with the request and decides the parameter', async (name) => {
    const resolve = jest.fn(({ event }: { event: { value: unknown } }) => event.value)
    const request = requestOf({ value: GOOD[name] })
    const parameters = await resolveWith(withFunction(name, resolve))(request)
    expect(resolve.mock.calls).toEqual([[request]])
    const expected = {
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      policy: '{"Version":"2012-10-17","Statement":[]}',
      scope: expect.stringContaining('arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'),
    }
    const part = name === 'scope' ? 'policy' : name
    expect(parameters[part]).toEqual(name in expected ? expected[name as keyof typeof expected] : GOOD[name])
  })

  test.each(NAMES)('of %s that returns synchronously needs no promise', (name) => {
    const parameters = resolveWith(withFunction(name, () => GOOD[name]))(requestOf({}))
    expect(parameters).not.toBeInstanceOf(Promise)
  })

  test.each(NAMES)('of %s can return a promise', async (name) => {
    const later = await parametersFrom(withFunction(name, async () => GOOD[name]))
    expect(later).toEqual(await parametersFrom(withFunction(name, () => GOOD[name])))
  })

  test('is called for each request', async () => {
    const resolve = resolveWith({ sessionTags: ({ event }: { event: object }) => event })
    expect(await resolve(requestOf({ TenantId: 'a' }))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
    expect(await resolve(requestOf({ TenantId: 'b' }))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'b' },
    ])
  })

  test('leaves the other options as they are', async () => {
    const parameters = await parametersFrom({
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: () => ({ TenantId: 'acme' }),
      transitiveTagKeys: ['TenantId'],
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    })
    expect(parameters).toEqual({
      roleArn: ROLE,
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      transitiveTagKeys: ['TenantId'],
      sessionName: 'middy-cross-account-dynamo',
      durationSeconds: 3600,
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    })
  })

  test('replaces its variable', async () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders', AWS_REGION: 'eu-west-1' }
    const { resolveParameters } = readConfiguration(
      { roleArn: ROLE, sessionTags: () => ({ TenantId: 'a' }) },
      environment,
    )
    expect(await resolveParameters(requestOf({}))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
  })
})

describe('a missing value never makes a broader session', () => {
  describe.each(NAMES)('a function of %s', (option) => {
    test.each<[unknown, string]>([
      [undefined, 'undefined'],
      [null, 'null'],
      ['', 'an empty string'],
      [{}, 'an empty object'],
    ])('cannot return %p', async (value, returned) => {
      const issue = { option, code: 'returned-nothing', returned }
      expect(await issuesFrom(withFunction(option, () => value))).toEqual([issue])
      expect(await issuesFrom(withFunction(option, async () => value))).toEqual([issue])
    })

    test('can throw, and the error has a copy of what it threw as its cause', async () => {
      const thrown = Object.assign(new TypeError('no claims'), { response: 'MARKER' })
      const fail = () => {
        throw thrown
      }
      for (const resolve of [fail, async () => fail()]) {
        const { issues, cause } = await errorFrom(withFunction(option, resolve))
        expect(issues).toEqual([{ option, code: 'function-threw', thrown: 'TypeError: "no claims"' }])
        expect(cause).toMatchObject({ name: 'TypeError', message: 'no claims', stack: thrown.stack })
        // Properties of the SDK's errors can contain session tokens.
        expect(cause).not.toHaveProperty('response')
      }
    })

    test.each([[7], [true], [false], [[]], [['acme']], [Symbol('x')], [() => 'acme']])(
      'cannot return %p',
      async (value) => {
        expect((await issuesFrom(withFunction(option, () => value)))[0]).toHaveProperty('option', option)
      },
    )
  })

  test.each(['leadingKeys', 'tables', 'access'])('a list of %s cannot have a hole', async (path) => {
    const scope = { ...GOOD.scope, [path]: new Array(1) }
    const issues = [expect.objectContaining({ option: 'scope', path, code: 'invalid-type' })]
    expect(await issuesFrom({ scope: () => scope })).toEqual(issues)
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
    expect(await issuesFrom({ sessionTags: () => tags })).toEqual([issue])
    expect(await issuesFrom({ sessionTags: async () => tags })).toEqual([issue])
  })

  test('a function can throw any value, which is not part of the issue', async () => {
    const sessionName = () => {
      throw 'secret'
    }
    expect(await issuesFrom({ sessionName })).toEqual([
      { option: 'sessionName', code: 'function-threw', thrown: 'a string' },
    ])
  })

  test.each([
    [{ TenantId: '' }],
    [{ TenantId: undefined }],
    [{ TenantId: null }],
    [{ stage: 'prod', TenantId: '' }],
  ])('a tag without a value is refused: %p', async (tags) => {
    expect(await issuesFrom({ sessionTags: () => tags })).toEqual([
      { option: 'sessionTags', code: 'returned-nothing', returned: 'an object whose "TenantId" is empty' },
    ])
  })

  test('all issues are reported in the order of the options, whichever function returns first', async () => {
    const late = () => new Promise((resolve) => setTimeout(resolve, 5))
    const error = await errorFrom({
      sessionTags: async () => {
        await late()
        throw Object.assign(new Error('first'), { retryable: true })
      },
      sessionName: () => 'a',
      sourceIdentity: () => {
        throw new Error('second')
      },
      scope: async () => ({ tables: [], access: 'read' }),
    })
    expect(error.issues).toEqual([
      { option: 'sessionTags', code: 'function-threw', thrown: 'Error: "first"' },
      { option: 'sessionName', code: 'invalid-length', min: 2, max: 64, length: 1 },
      { option: 'sourceIdentity', code: 'function-threw', thrown: 'Error: "second"' },
      { option: 'scope', path: 'tables', code: 'empty' },
    ])
    expect(error).toMatchObject({ cause: { message: 'first' }, retryable: true })
  })

  test('the wait for a promise is bounded by the remaining time of the invocation', async () => {
    const context = { getRemainingTimeInMillis: () => 20 }
    const resolve = resolveWith({ sessionName: () => new Promise(() => {}) })
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
    const sessionName = async () => {
      throw Object.assign(new Error('throttled'), more)
    }
    await expect(parametersFrom({ sessionName })).rejects.toMatchObject({ statusCode: 403, retryable })
  })

  test('a function that fails after another one causes no unhandled rejection', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const later = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      throw new Error('later')
    }
    await issuesFrom({
      sessionName: () => {
        throw new Error('at once')
      },
      sourceIdentity: later,
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('each transitive tag key must be among the returned tags', async () => {
    const options = { transitiveTagKeys: ['TenantId'], sessionTags: () => ({ tenantid: 'acme' }) }
    expect(await issuesFrom(options)).toEqual([
      { option: 'transitiveTagKeys', code: 'unknown-tag-key', key: 'TenantId', known: ['tenantid'] },
    ])
  })

  test('a role of another partition is refused', async () => {
    const roleArn = () => 'arn:aws-cn:iam::222222222222:role/R'
    expect(await issuesFrom({ externalId: false, roleArn })).toEqual([
      { option: 'roleArn', code: 'other-partition', value: 'eu-west-1', partition: 'aws-cn' },
    ])
  })
})

describe('a returned object is copied when it is returned', () => {
  test('two invocations that share an object each get the tags that it had for them', async () => {
    const tags: Record<string, string> = {}
    const resolve = resolveWith({
      sessionTags: ({ event }: { event: { tenant: string } }) =>
        Object.assign(tags, { TenantId: event.tenant }),
      sessionName: async () => 'orders',
    })
    const [acme, globex] = await Promise.all([
      resolve(requestOf({ tenant: 'acme' })),
      resolve(requestOf({ tenant: 'globex' })),
    ])
    expect(acme.sessionTags).toEqual([{ Key: 'TenantId', Value: 'acme' }])
    expect(globex.sessionTags).toEqual([{ Key: 'TenantId', Value: 'globex' }])
  })

  test('a scope that changes later does not change the session policy', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] as string[] | undefined }
    const before = (await parametersFrom({ scope: structuredClone(scope), sessionName: () => 'orders' }))
      .policy
    for (const given of [scope, () => scope, async () => scope]) {
      const resolve = resolveWith({ scope: given, sessionName: async () => 'orders' })
      const first = resolve(requestOf({}))
      if (given === scope) {
        scope.tables.push('*')
        scope.access.push('*')
        scope.leadingKeys = undefined
      }
      expect((await first).policy).toBe(before)
      if (given === scope) expect((await resolve(requestOf({}))).policy).toBe(before)
      Object.assign(scope, { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] })
    }
  })
})

describe('table names', () => {
  const VICTIM = 'arn:aws:dynamodb:eu-west-1:222222222222:table/victim'
  const scopeOf = (table: string) => ({ tables: [table], access: 'read' })
  const ofTenant = ({ event }: { event: { tenant: string } }) => scopeOf(`${event.tenant}-orders`)

  test('are required from a function, so that a tenant ID that is an ARN selects no other table', async () => {
    const refused = [
      { option: 'scope', path: 'tables', code: 'table-arn-from-request', value: `${VICTIM}-orders` },
    ]
    const event = { tenant: VICTIM }
    expect(await issuesFrom({ scope: ofTenant }, event)).toEqual(refused)
    expect(await issuesFrom({ scope: async () => ofTenant({ event }) }, event)).toEqual(refused)
    expect((await parametersFrom({ scope: ofTenant }, { tenant: 'acme' })).policy).toContain(
      ':table/acme-orders"',
    )
  })

  test.each(['*', 'Or', 'Orders/index/x', 'ARN:aws:dynamodb:eu-west-1:222222222222:table/x', ` ${VICTIM}`])(
    'do not include %p',
    async (value) => {
      expect(await issuesFrom({ scope: () => scopeOf(value) })).toEqual([
        { option: 'scope', path: 'tables', code: 'invalid-table-name', value },
      ])
    },
  )

  test('can be mixed with ARNs in a static scope', async () => {
    const tables = [VICTIM, 'Orders']
    const { policy } = await parametersFrom({ scope: { tables, access: 'read' }, sessionName: () => 'acme' })
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
      (await parametersFrom({ scope: () => changing(times) })).policy,
      (await parametersFrom({ scope: async () => changing(times) })).policy,
      (await parametersFrom({ scope: changing(times), sessionName: () => 'acme' })).policy,
    ]
    for (const policy of policies) expect(policy).toContain('"dynamodb:LeadingKeys":["acme"]')
  })

  test('are used as they were checked', async () => {
    const tags = withGetters([['TenantId', inTurn('acme', 'globex', '*')]])
    expect((await parametersFrom({ sessionTags: () => tags })).sessionTags).toEqual([
      { Key: 'TenantId', Value: 'acme' },
    ])
    const transitiveTagKeys = withGetters([['0', inTurn('TenantId', 'other')]], ['x'])
    const parameters = await parametersFrom({ sessionTags: () => ({ TenantId: 'acme' }), transitiveTagKeys })
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
    expect(await issuesFrom({ policy: () => policy })).toEqual(issues)
    expect(issuesAtConstruction({ policy })).toEqual(issues)
  })
})

describe('values from an event are data', () => {
  const parsed = (json: string): unknown => JSON.parse(json)

  test('a tag can have the name of a property of JavaScript objects', async () => {
    const tags = parsed('{"__proto__":"x","constructor":"y","then":"z"}')
    expect((await parametersFrom({ sessionTags: () => tags })).sessionTags).toEqual([
      { Key: '__proto__', Value: 'x' },
      { Key: 'constructor', Value: 'y' },
      { Key: 'then', Value: 'z' },
    ])
  })

  test('inherited properties are no tags', async () => {
    const inherited = Object.create({ TenantId: 'acme' })
    expect(await issuesFrom({ sessionTags: () => inherited })).toEqual([
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
    const error = await errorFrom({ sessionTags: () => ({ TenantId: value }) })
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
    expect(await issuesFrom({ sessionTags: () => ({ TenantId: value }) })).toEqual([tagValueIssue(actual)])
  })

  test('a policy that is nested too deeply is refused', async () => {
    const cyclic: Record<string, unknown> = { Version: '2012-10-17' }
    cyclic.Statement = [cyclic]
    for (const policy of [cyclic, { Statement: nested(20_000) }]) {
      expect(await issuesFrom({ policy: () => policy })).toEqual([
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
    expect(await issuesFrom({ sessionName: fail('x\n  - all is well\u001b[31m\u202e\u0085') })).toEqual([
      {
        option: 'sessionName',
        code: 'function-threw',
        thrown: 'Error: "x\\n  - all is well\\u001b[31m\\u202e\\u0085"',
      },
    ])
    const { message, issues } = await errorFrom({ sessionName: fail('x'.repeat(5_000_000)) })
    expect(message.length).toBeLessThan(1200)
    expect(JSON.stringify(issues).length).toBeLessThan(1200)
  })

  test('a long name is not compared with the names of actions', async () => {
    const access = ['x'.repeat(90_000)]
    const error = await errorFrom({ scope: () => ({ tables: ['Orders'], access }) })
    expect(error.issues).toMatchObject([
      { option: 'scope', path: 'access', code: 'unknown-action', suggestion: undefined },
    ])
    expect(error.message.length).toBeLessThan(1700)
  })

  test('tag keys that differ only in case are refused', async () => {
    expect(await issuesFrom({ sessionTags: () => ({ TenantId: 'a', tenantid: 'b' }) })).toEqual([
      { option: 'sessionTags', code: 'duplicate-tag-key', keys: ['TenantId', 'tenantid'] },
    ])
  })

  test('a function cannot return false for "no external ID"', async () => {
    expect(await issuesFrom({ externalId: () => false })).toEqual([
      { option: 'externalId', code: 'invalid-type', expected: 'a string', actual: 'a boolean' },
    ])
  })

  test('at most 20 issues are reported, and their texts are truncated', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `aws:${index}`)
    const tags = Object.fromEntries([...keys, 'x'.repeat(50_000)].map((key) => [key, 'v']))
    const many = await errorFrom({ sessionTags: () => tags })
    expect(many.issues).toHaveLength(20)
    expect(many.message.split('\n')).toHaveLength(22)
    expect(many.message).toMatch(/\b82 more$/)

    const long = await errorFrom({
      externalId: false,
      roleArn: () => 'x'.repeat(90_000),
      sessionTags: () => ({ ['y'.repeat(50_000)]: 'v' }),
      scope: () => ({ tables: ['z'.repeat(40_000)], access: ['GetItem', 'x'.repeat(40_000)] }),
    })
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
  test('a function of roleArn requires externalId as an option', () => {
    const roleArn = () => GOOD.roleArn
    const required = { option: 'externalId', code: 'required-with-role-function' }
    expect(issuesAtConstruction({ roleArn })).toEqual([required])
    // The variable is the same for all customers.
    const variable = 'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID'
    expect(issuesAtConstruction({ roleArn }, { [variable]: 'example-external-id' })).toEqual([
      { ...required, variable },
    ])
    expect(issuesAtConstruction({ roleArn, externalId: '' })).toMatchObject([
      { option: 'externalId', code: 'invalid-length' },
    ])
    for (const externalId of [false, 'example-external-id', () => 'example-external-id'])
      expect(issuesAtConstruction({ roleArn, externalId })).toEqual([])
    expect(issuesAtConstruction({ externalId: () => 'example-external-id' })).toEqual([])
  })

  test('externalId: false ignores the variable', () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id' }
    const { parameters } = readConfiguration(
      { roleArn: ROLE, region: 'eu-west-1', externalId: false },
      environment,
    )
    expect(parameters).not.toHaveProperty('externalId')
  })

  test('values beside functions are checked', () => {
    const options = { sessionTags: () => ({}), sessionName: 'x', sourceIdentity: 'aws:x' }
    expect(issuesAtConstruction(options)).toMatchObject([
      { option: 'sessionName', code: 'invalid-length' },
      { option: 'sourceIdentity', code: 'reserved-prefix' },
    ])
  })

  test('other options cannot be functions', () => {
    expect(issuesAtConstruction({ region: () => 'eu-west-1' })).toMatchObject([
      { option: 'region', code: 'invalid-region' },
    ])
    expect(issuesAtConstruction({ durationSeconds: () => 900 })).toMatchObject([
      { option: 'durationSeconds', code: 'invalid-duration' },
    ])
  })

  test.each<[object, string[]]>([
    [{ policy: '{"Statement":[]}' }, ['policy']],
    [{ policy: () => '{}' }, ['policy']],
    [{ policyArns: ['arn:aws:iam::aws:policy/P'] }, ['policyArns']],
    [{ policy: '{"Statement":[]}', policyArns: ['arn:aws:iam::aws:policy/P'] }, ['policy', 'policyArns']],
  ])('a scope excludes %p', (others, by) => {
    const issue = { option: 'scope', code: 'excluded', by }
    for (const scope of [GOOD.scope, () => GOOD.scope])
      expect(issuesAtConstruction({ scope, ...others })).toEqual([issue])
    const environment = { CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders', CROSS_ACCOUNT_DYNAMO_ACCESS: 'read' }
    const variable = Object.keys(environment).join(', ')
    expect(issuesAtConstruction(others, environment)).toEqual([{ ...issue, variable }])
  })
})

test.each(['*', '?', '$'])(
  'a returned role ARN that contains %s would match other roles in a policy, and is refused',
  async (wildcard) => {
    const value = `arn:aws:iam::222222222222:role/${wildcard}/R`
    expect(await issuesFrom({ externalId: false, roleArn: () => value })).toEqual([
      { option: 'roleArn', code: 'role-pattern', value },
    ])
  },
)
