/** Options as functions of the request: they fail closed, and what they bring stays data. */
import { describe, expect, jest, test } from '@jest/globals'
import { CrossAccountDynamoError } from '../../src/errors.ts'
import { readConfiguration } from '../../src/options.ts'
import type { ResolverRequest } from '../../src/resolvers.ts'
import type { SessionIdentity } from '../../src/session-identity.ts'
import { withGetters } from './hostile-values.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'

const resolverOf = (options: object) =>
  readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, {}).resolveIdentity

const requestOf = (event: unknown, context: object = {}): ResolverRequest =>
  ({ event, context, internal: {}, response: undefined, error: undefined }) as never

const identify = async (options: object, event: unknown = {}): Promise<SessionIdentity> =>
  resolverOf(options)(requestOf(event))

/** What is missing, one problem a line. */
const problemsOf = async (options: object, event: unknown = {}): Promise<string[]> => {
  const error = await identify(options, event).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CrossAccountDynamoError)
  expect(error).toMatchObject({
    code: 'SESSION_IDENTITY_MISSING',
    statusCode: 403,
    retryable: false,
    expose: false,
  })
  const [headline, ...problems] = (error as Error).message.split('\n  - ')
  expect(headline).toBe(
    'SESSION_IDENTITY_MISSING: there is no session for context.dynamo of this invocation:',
  )
  return problems
}

/** Each option as a resolver, with a value that AWS takes. */
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
const withResolver = (name: Name, resolve: unknown) => ({ externalId: false, [name]: resolve })

describe('a resolver', () => {
  test.each(NAMES)('of %s is asked with the request, and decides', async (name) => {
    const resolve = jest.fn(({ event }: { event: { value: unknown } }) => event.value)
    const request = requestOf({ value: GOOD[name] })
    const identity = await resolverOf(withResolver(name, resolve))(request)
    expect(resolve.mock.calls).toEqual([[request]])
    const expected = {
      sessionTags: [{ Key: 'TenantId', Value: 'acme' }],
      policy: '{"Version":"2012-10-17","Statement":[]}',
      scope: expect.stringContaining('arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'),
    }
    const part = name === 'scope' ? 'policy' : name
    expect(identity[part]).toEqual(name in expected ? expected[name as keyof typeof expected] : GOOD[name])
  })

  test.each(NAMES)('of %s that answers at once is not waited for', (name) => {
    const identity = resolverOf(withResolver(name, () => GOOD[name]))(requestOf({}))
    expect(identity).not.toBeInstanceOf(Promise)
  })

  test.each(NAMES)('of %s may answer later', async (name) => {
    const later = await identify(withResolver(name, async () => GOOD[name]))
    expect(later).toEqual(await identify(withResolver(name, () => GOOD[name])))
  })

  test('is asked with each request anew', async () => {
    const resolve = resolverOf({ sessionTags: ({ event }: { event: object }) => event })
    expect(await resolve(requestOf({ TenantId: 'a' }))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
    expect(await resolve(requestOf({ TenantId: 'b' }))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'b' },
    ])
  })

  test('stands beside values, which stay', async () => {
    const identity = await identify({
      externalId: 'example-external-id',
      sourceIdentity: 'alice',
      sessionTags: () => ({ TenantId: 'acme' }),
      transitiveTagKeys: ['TenantId'],
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    })
    expect(identity).toEqual({
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

  test('wins over its variable, of which nothing is left', async () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders', AWS_REGION: 'eu-west-1' }
    const { resolveIdentity } = readConfiguration(
      { roleArn: ROLE, sessionTags: () => ({ TenantId: 'a' }) },
      environment,
    )
    expect(await resolveIdentity(requestOf({}))).toHaveProperty('sessionTags', [
      { Key: 'TenantId', Value: 'a' },
    ])
  })
})

describe('nothing is never a broader session:', () => {
  describe.each(NAMES)('a resolver of %s', (name) => {
    test.each<[unknown, string]>([
      [undefined, 'undefined'],
      [null, 'null'],
      ['', 'an empty string'],
      [{}, 'an empty object'],
    ])('that yields %p', async (value, words) => {
      const problem = `${name}: the resolver returned ${words}`
      expect(await problemsOf(withResolver(name, () => value))).toEqual([problem])
      expect(await problemsOf(withResolver(name, async () => value))).toEqual([problem])
    })

    test('that throws, whose error is the cause', async () => {
      const thrown = Object.assign(new TypeError('no claims'), { response: 'MARKER' })
      const fail = () => {
        throw thrown
      }
      for (const resolve of [fail, async () => fail()]) {
        expect(await problemsOf(withResolver(name, resolve))).toEqual([
          `${name}: the resolver threw TypeError: "no claims"`,
        ])
        const { cause } = (await identify(withResolver(name, resolve)).catch(
          (error: unknown) => error,
        )) as Error
        expect(cause).toMatchObject({ name: 'TypeError', message: 'no claims', stack: thrown.stack })
        // What hangs on it may be the SDK's, and hold a session token.
        expect(Object.getOwnPropertyNames(cause)).not.toContain('response')
      }
    })

    test.each([[7], [true], [false], [[]], [['acme']], [Symbol('x')], [() => 'acme']])(
      'that yields %p',
      async (value) => {
        expect((await problemsOf(withResolver(name, () => value)))[0]).toMatch(new RegExp(`^${name}: `))
      },
    )
  })

  test.each<[string, object, string]>([
    ['leadingKeys', { leadingKeys: new Array(1) }, 'leadingKeys must hold strings, but holds undefined'],
    ['tables', { tables: new Array(1) }, 'tables: a table must be a string, but is undefined'],
    [
      'access',
      { access: new Array(1) },
      "access must be 'read', 'write', 'read-write' or a list of actions, but holds undefined",
    ],
  ])('a list of %s with a hole', async (_what, part, complaint) => {
    const scope = { ...GOOD.scope, ...part }
    expect(await problemsOf({ scope: () => scope })).toEqual([`scope: ${complaint}`])
    expect(() => resolverOf({ scope })).toThrow(`- scope: ${complaint}`)
  })

  test('a getter that throws, at once or later', async () => {
    const tags = withGetters([
      [
        'TenantId',
        () => {
          throw new Error('no claims')
        },
      ],
    ])
    const problem =
      'sessionTags: the value of "TenantId" must be a string, but is a value that cannot be read (Error: "no claims")'
    expect(await problemsOf({ sessionTags: () => tags })).toEqual([problem])
    expect(await problemsOf({ sessionTags: async () => tags })).toEqual([problem])
  })

  test('what was thrown may be anything', async () => {
    const problems = await problemsOf({
      sessionName: () => {
        throw 'secret'
      },
    })
    expect(problems).toEqual(['sessionName: the resolver threw a string'])
  })

  test.each([
    [{ TenantId: '' }],
    [{ TenantId: undefined }],
    [{ TenantId: null }],
    [{ stage: 'prod', TenantId: '' }],
  ])('a tag without a value: %p', async (tags) => {
    expect(await problemsOf({ sessionTags: () => tags })).toEqual([
      'sessionTags: the resolver returned an object with nothing in "TenantId"',
    ])
  })

  test('all that is missing is said at once, in the order of the options, whoever is late', async () => {
    const problems = await problemsOf({
      sessionTags: async () => undefined,
      sessionName: () => 'a',
      sourceIdentity: () => {
        throw new Error('nobody')
      },
      scope: async () => ({ tables: [], access: 'read' }),
    })
    expect(problems).toEqual([
      'sessionTags: the resolver returned undefined',
      'sessionName: must have 2 to 64 characters, but has 1',
      'sourceIdentity: the resolver threw Error: "nobody"',
      'scope: tables must be a list of names of tables',
    ])
  })

  test('a resolver that does not answer is waited for as long as the invocation can', async () => {
    const context = { getRemainingTimeInMillis: () => 20 }
    const resolve = resolverOf({ sessionName: () => new Promise(() => {}) })
    await expect(resolve(requestOf({}, context))).rejects.toMatchObject({
      code: 'SESSION_IDENTITY_MISSING',
      statusCode: 403,
      retryable: true,
      message: expect.stringContaining(
        'a resolver did not answer within the 18 ms that this invocation could wait',
      ),
    })
  })

  test.each<[string, object, boolean]>([
    ['says nothing of it', {}, false],
    ['is retryable to the SDK', { $retryable: {} }, true],
    ['is retryable to this package', { retryable: true }, true],
    ['is not retryable', { retryable: false }, false],
  ])('an error that %s is as retryable as that', async (_what, more, retryable) => {
    const sessionName = async () => {
      throw Object.assign(new Error('throttled'), more)
    }
    await expect(identify({ sessionName })).rejects.toMatchObject({ statusCode: 403, retryable })
  })

  test('a resolver that fails after another has failed is no unhandled rejection', async () => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const later = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      throw new Error('later')
    }
    await problemsOf({
      sessionName: () => {
        throw new Error('at once')
      },
      sourceIdentity: later,
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('tags that must be there to be transitive', async () => {
    const options = { transitiveTagKeys: ['TenantId'], sessionTags: () => ({ tenantid: 'acme' }) }
    expect(await problemsOf(options)).toEqual([
      'transitiveTagKeys: "TenantId" is not a key of sessionTags (those are "tenantid")',
    ])
  })

  test('a role of another partition', async () => {
    const roleArn = () => 'arn:aws-cn:iam::222222222222:role/R'
    expect(await problemsOf({ externalId: false, roleArn })).toEqual([
      'roleArn: "eu-west-1" is not a Region of the partition of roleArn, aws-cn',
    ])
  })
})

describe('what a resolver yielded is read in that moment:', () => {
  test('an object that two invocations share says of each what it said to it', async () => {
    const tags: Record<string, string> = {}
    const resolve = resolverOf({
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

  test('a scope that changes later does not change the session', async () => {
    const scope = { tables: ['Orders'], access: ['GetItem'], leadingKeys: ['acme'] as string[] | undefined }
    const before = (await identify({ scope: structuredClone(scope), sessionName: () => 'orders' })).policy
    for (const given of [scope, () => scope, async () => scope]) {
      const resolve = resolverOf({ scope: given, sessionName: async () => 'orders' })
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

describe('names of tables', () => {
  const VICTIM = 'arn:aws:dynamodb:eu-west-1:222222222222:table/victim'
  const scopeOf = (table: string) => ({ tables: [table], access: 'read' })
  const ofTenant = ({ event }: { event: { tenant: string } }) => scopeOf(`${event.tenant}-orders`)

  test('are all that a resolver may return: a tenant that is an ARN reaches no other table', async () => {
    const refused = [
      `scope: tables: "${VICTIM}-orders" is an ARN; a function of the request may return only names of tables, because a ` +
        'value that is itself an ARN could select any table. Use ARNs in a static scope',
    ]
    const event = { tenant: VICTIM }
    expect(await problemsOf({ scope: ofTenant }, event)).toEqual(refused)
    expect(await problemsOf({ scope: async () => ofTenant({ event }) }, event)).toEqual(refused)
    expect((await identify({ scope: ofTenant }, { tenant: 'acme' })).policy).toContain(':table/acme-orders"')
  })

  test.each(['*', 'Or', 'Orders/index/x', 'ARN:aws:dynamodb:eu-west-1:222222222222:table/x', ` ${VICTIM}`])(
    'do not include %p',
    async (table) => {
      expect(await problemsOf({ scope: () => scopeOf(table) })).toEqual([
        `scope: tables: ${JSON.stringify(table)} is not a table's name (3 to 255 letters, digits and _.-)`,
      ])
    },
  )

  test('stand beside ARNs in a static scope', async () => {
    const tables = [VICTIM, 'Orders']
    const { policy } = await identify({ scope: { tables, access: 'read' }, sessionName: () => 'acme' })
    expect(policy).toContain(VICTIM)
  })
})

describe('values that differ from read to read', () => {
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

  test.each([1, 2, 3, 4])('cannot take the leading keys out of a scope after %i reads', async (times) => {
    const policies = [
      (await identify({ scope: () => changing(times) })).policy,
      (await identify({ scope: async () => changing(times) })).policy,
      (await identify({ scope: changing(times), sessionName: () => 'acme' })).policy,
    ]
    for (const policy of policies) expect(policy).toContain('"dynamodb:LeadingKeys":["acme"]')
  })

  test('have the value that was checked', async () => {
    const tags = withGetters([['TenantId', inTurn('acme', 'globex', '*')]])
    expect((await identify({ sessionTags: () => tags })).sessionTags).toEqual([
      { Key: 'TenantId', Value: 'acme' },
    ])
    const transitiveTagKeys = withGetters([['0', inTurn('TenantId', 'other')]], ['x'])
    const identity = await identify({ sessionTags: () => ({ TenantId: 'acme' }), transitiveTagKeys })
    expect(identity.transitiveTagKeys).toEqual(['TenantId'])
  })
})

describe('a policy as an object', () => {
  const statement = (properties: object) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*', ...properties }],
  })

  test.each<[string, object, string]>([
    [
      'undefined',
      { Condition: undefined },
      '"Statement[0].Condition" must be a value of JSON, but is undefined',
    ],
    [
      'a function',
      { Condition: () => {} },
      '"Statement[0].Condition" must be a value of JSON, but is a function',
    ],
    ['a Map', { Condition: new Map() }, '"Statement[0].Condition" must be a value of JSON, but is an object'],
    [
      'NaN',
      { Condition: { a: Number.NaN } },
      '"Statement[0].Condition.a" must be a value of JSON, but is NaN',
    ],
    [
      'a hole',
      { Action: new Array(1) },
      '"Statement[0].Action[0]" must be a value of JSON, but is undefined',
    ],
    ['toJSON', { toJSON: () => ({}) }, '"Statement[0].toJSON" must be a value of JSON, but is a function'],
  ])('with %s is refused, which JSON would leave out or change', async (_what, properties, complaint) => {
    const policy = statement(properties)
    expect(await problemsOf({ policy: () => policy })).toEqual([`policy: ${complaint}`])
    expect(() => resolverOf({ policy })).toThrow(`- policy: ${complaint}`)
  })
})

describe('what an event brings is data:', () => {
  const parsed = (json: string): unknown => JSON.parse(json)

  test('a tag that is named as JavaScript’s own is a tag', async () => {
    const tags = parsed('{"__proto__":"x","constructor":"y","then":"z"}')
    expect((await identify({ sessionTags: () => tags })).sessionTags).toEqual([
      { Key: '__proto__', Value: 'x' },
      { Key: 'constructor', Value: 'y' },
      { Key: 'then', Value: 'z' },
    ])
  })

  test('what an object inherits is not its own', async () => {
    const inherited = Object.create({ TenantId: 'acme' })
    expect(await problemsOf({ sessionTags: () => inherited })).toHaveLength(1)
  })

  test.each([
    ['a quote', 'a"b'],
    ['a comma', 'a,b'],
    ['a wildcard', 'a*'],
    ['another wildcard', 'a?'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM
    ['a policy variable', '${aws:username}'],
    ['a line break', 'a\nb'],
    ['half a character', 'a\ud800'],
    ['one character too many', 'a'.repeat(257)],
  ])('a tag’s value with %s is refused, and not shown', async (_what, value) => {
    const [problem, ...others] = await problemsOf({ sessionTags: () => ({ TenantId: value }) })
    expect(problem).toMatch(/^sessionTags: the value of "TenantId" /)
    expect(problem).not.toContain(value)
    expect(others).toEqual([])
  })

  const nested = (depth: number): unknown => {
    let value: unknown = []
    for (let level = 0; level < depth; level += 1) value = [value]
    return value
  }

  test.each<[string, unknown]>([
    ['an object that is no text', { toString: 1 }],
    ['lists within lists', nested(5000)],
    ['a list that reads like a reserved text', ['aws:x']],
  ])('a tag’s value that is %s is refused like any other', async (_what, value) => {
    expect(await problemsOf({ sessionTags: () => ({ TenantId: value }) })).toEqual([
      expect.stringMatching(/^sessionTags: the value of "TenantId" must be a string, but is /),
    ])
  })

  test('a policy without end is refused like any other', async () => {
    const cyclic: Record<string, unknown> = { Version: '2012-10-17' }
    cyclic.Statement = [cyclic]
    for (const policy of [cyclic, { Statement: nested(20_000) }]) {
      expect(await problemsOf({ policy: () => policy })).toEqual([
        expect.stringMatching(
          /^policy: .* must be a value of JSON, but is a value nested more than 32 levels deep$/,
        ),
      ])
    }
  })

  test('what an error says can forge no line of the log, and fill none', async () => {
    const fail = (message: string) => () => {
      throw new Error(message)
    }
    const [forged] = await problemsOf({ sessionName: fail('x\n  - all is well\u001b[31m\u202e\u0085') })
    expect(forged).toBe(
      'sessionName: the resolver threw Error: "x\\n  - all is well\\u001b[31m\\u202e\\u0085"',
    )
    const [long] = await problemsOf({ sessionName: fail('x'.repeat(5_000_000)) })
    expect(long?.length).toBeLessThan(1100)
  })

  test('a long name of an action is not looked for among the known ones', async () => {
    const access = ['x'.repeat(1_000_000)]
    const [problem] = await problemsOf({ scope: () => ({ tables: ['Orders'], access }) })
    expect(problem?.length).toBeLessThan(1500)
  })

  test('keys that are one to AWS are refused', async () => {
    expect(await problemsOf({ sessionTags: () => ({ TenantId: 'a', tenantid: 'b' }) })).toEqual([
      'sessionTags: the keys "TenantId" and "tenantid" are the same to AWS, which ignores their case',
    ])
  })

  test('a list in a tag’s place is refused, though it looks like text', async () => {
    expect(await problemsOf({ sessionTags: () => ({ TenantId: ['acme'] }) })).toEqual([
      'sessionTags: the value of "TenantId" must be a string, but is a list',
    ])
  })

  test('false is not "no external ID" when it is resolved', async () => {
    expect(await problemsOf({ externalId: () => false })).toEqual([
      'externalId: must be a string, but is a boolean',
    ])
  })

  test('made-up problems do not fill the log', async () => {
    const tags = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`aws:${index}`, '']))
    tags['x'.repeat(50_000)] = 'y'
    const options = {
      sessionTags: () => ({ ...tags, ...Object.fromEntries(Object.keys(tags).map((key) => [key, 'v'])) }),
    }
    const problems = await problemsOf(options)
    expect(problems).toHaveLength(21)
    expect(problems.at(-1)).toMatch(/^and \d+ more$/)
    const long = await problemsOf({ externalId: false, roleArn: () => 'x'.repeat(100_000) })
    expect(long.join().length).toBeLessThan(2000)
  })
})

describe('at construction', () => {
  const problems = (options: object, environment: Record<string, string> = {}): string => {
    try {
      readConfiguration({ roleArn: ROLE, region: 'eu-west-1', ...options }, environment)
    } catch (error) {
      expect(error).toHaveProperty('code', 'CONFIG_INVALID')
      return (error as Error).message
    }
    return 'none'
  }

  test('a resolver of roleArn wants an external ID, or the word that there is none', () => {
    const roleArn = () => GOOD.roleArn
    expect(problems({ roleArn })).toMatch(
      /- externalId: is required where roleArn is a resolver: .*confused deputy/,
    )
    expect(problems({ roleArn, externalId: '' })).toContain('externalId: must have 2 to 1224 characters')
    expect(problems({ roleArn, externalId: false })).toBe('none')
    expect(problems({ roleArn, externalId: 'example-external-id' })).toBe('none')
    // The variable may have been left over, and is the same for all.
    expect(problems({ roleArn }, { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id' })).toContain(
      'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID alone will not',
    )
    expect(problems({ roleArn, externalId: () => 'example-external-id' })).toBe('none')
    expect(problems({ externalId: () => 'example-external-id' })).toBe('none')
  })

  test('externalId: false takes the variable’s back', () => {
    const environment = { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id' }
    const { identity } = readConfiguration(
      { roleArn: ROLE, region: 'eu-west-1', externalId: false },
      environment,
    )
    expect(identity).not.toHaveProperty('externalId')
  })

  test('values are checked beside resolvers', () => {
    expect(problems({ sessionTags: () => ({}), sessionName: 'x', sourceIdentity: 'aws:x' })).toMatch(
      /2 problems:\n {2}- sessionName: .*\n {2}- sourceIdentity: /,
    )
  })

  test('what is no resolver of its option is no function', () => {
    expect(problems({ region: () => 'eu-west-1' })).toContain('region: must be a Region')
    expect(problems({ durationSeconds: () => 900 })).toContain('durationSeconds: must be')
  })

  test.each([
    [{ policy: '{}' }, 'policy'],
    [{ policy: () => '{}' }, 'policy'],
    [{ policyArns: ['arn:aws:iam::aws:policy/P'] }, 'policyArns'],
    [{ policy: '{}', policyArns: ['arn:aws:iam::aws:policy/P'] }, 'policy and policyArns'],
  ])('a scope goes with no other session policy: %p', (others, words) => {
    const complaint = `scope: may not be set together with ${words}: give one or the other`
    for (const scope of [GOOD.scope, () => GOOD.scope])
      expect(problems({ scope, ...others })).toContain(complaint)
    const environment = { CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders', CROSS_ACCOUNT_DYNAMO_ACCESS: 'read' }
    expect(problems(others, environment)).toContain(
      `scope (from CROSS_ACCOUNT_DYNAMO_TABLES, CROSS_ACCOUNT_DYNAMO_ACCESS): may not be set together with ${words}`,
    )
  })
})
