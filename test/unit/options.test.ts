import { describe, expect, jest, test } from '@jest/globals'
import { CrossAccountDynamoError } from '../../src/errors.ts'
import { checkSessionName } from '../../src/limits.ts'
import {
  type Configuration,
  type CrossAccountDynamoOptions,
  type Environment,
  readConfiguration,
} from '../../src/options.ts'
import type { SessionIdentity } from '../../src/session-identity.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const least = { roleArn: ROLE }
const ireland = { AWS_REGION: 'eu-west-1' }
const PREFIX = 'CROSS_ACCOUNT_DYNAMO'

/** Reads `options`, which types may forbid, as users of JavaScript do. */
const read = (
  options: object = least,
  environment: Environment = ireland,
): Configuration & { identity: SessionIdentity } => {
  const configuration = readConfiguration(options, environment)
  if (configuration.identity === undefined) throw new Error('there are resolvers')
  return configuration as Configuration & { identity: SessionIdentity }
}

/** What is wrong, one problem a line. */
const problemsOf = (options: unknown, environment: Environment = ireland): string[] => {
  try {
    readConfiguration(options, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(CrossAccountDynamoError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', statusCode: 500, retryable: false })
    const [headline, ...problems] = (error as Error).message.split('\n  - ')
    expect(headline).toBe(
      'CONFIG_INVALID: the configuration of crossAccountDynamo() for context.dynamo has ' +
        `${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:`,
    )
    return problems
  }
  return []
}

const identityFrom = (environment: Environment) => read(least, { ...ireland, ...environment }).identity

describe('the least that is needed', () => {
  test('is a role and a Region; the rest has defaults', () => {
    const configuration = read()
    const client = { any: 'client' } as never
    expect(configuration).toStrictEqual({
      identity: {
        roleArn: ROLE,
        sessionTags: [],
        transitiveTagKeys: [],
        sessionName: 'middy-cross-account-dynamo',
        durationSeconds: 3600,
        policyArns: [],
      },
      resolveIdentity: expect.any(Function),
      accountId: '222222222222',
      region: 'eu-west-1',
      stsRegions: ['eu-west-1'],
      logger: {
        debug: expect.any(Function),
        info: expect.any(Function),
        warn: expect.any(Function),
        error: expect.any(Function),
      },
      refreshBefore: 900,
      maxSessions: 100,
      contextKey: 'dynamo',
      documentClient: true,
      translateConfig: { marshallOptions: { removeUndefinedValues: true } },
      awsClientOptions: {},
      stsClientOptions: {},
      awsClientCapture: expect.any(Function),
      disablePrefetch: false,
    })
    expect(configuration.awsClientCapture(client)).toBe(client)
  })

  test('may come from the environment alone', () => {
    const { identity } = read({}, { ...ireland, CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE })
    expect(identity.roleArn).toBe(ROLE)
  })

  test('where it is missing, says what to set', () => {
    expect(problemsOf({}, {})).toEqual([
      "roleArn: is required: give the option, or set CROSS_ACCOUNT_DYNAMO_ROLE_ARN to the target role's ARN",
      'region: is required where AWS_REGION is not set: give the option, or set CROSS_ACCOUNT_DYNAMO_REGION',
    ])
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['arn', 'a string'],
    [[], 'a list'],
    [() => ({}), 'a function'],
  ])('options that are %p are no options', (options, words) => {
    expect(problemsOf(options, { ...ireland, CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE })).toEqual([
      `the options must be a plain object, but are ${words}`,
    ])
  })
})

describe('everything given as an option', () => {
  const given = {
    roleArn: 'arn:aws-us-gov:iam::333333333333:role/teams/R',
    externalId: 'example-external-id',
    sessionTags: { team: 'orders', stage: '' },
    transitiveTagKeys: ['team', 'team'],
    sessionName: 'orders',
    sourceIdentity: 'alice',
    durationSeconds: 900,
    region: 'us-gov-west-1',
    refreshBefore: 60,
    policy: { Version: '2012-10-17', Statement: [] },
    policyArns: [
      'arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess',
      'arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess',
    ],
    maxSessions: 7,
    contextKey: 'orders',
    envPrefix: 'ORDERS_DYNAMO',
    documentClient: true,
    translateConfig: { unmarshallOptions: { wrapNumbers: true } },
    awsClientOptions: { maxAttempts: 5 },
    stsClientOptions: { maxAttempts: 4 },
    awsClientCapture: (client) => client,
    disablePrefetch: true,
  } satisfies CrossAccountDynamoOptions<string, boolean>

  test('arrives', () => {
    const govCloud = { AWS_REGION: 'us-gov-east-1', AWS_LAMBDA_FUNCTION_NAME: 'fn' }
    expect(read(given, govCloud)).toStrictEqual({
      identity: {
        roleArn: given.roleArn,
        externalId: 'example-external-id',
        sessionTags: [
          { Key: 'team', Value: 'orders' },
          { Key: 'stage', Value: '' },
        ],
        transitiveTagKeys: ['team'],
        sourceIdentity: 'alice',
        sessionName: 'orders',
        durationSeconds: 900,
        policy: '{"Version":"2012-10-17","Statement":[]}',
        policyArns: ['arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess'],
      },
      resolveIdentity: expect.any(Function),
      accountId: '333333333333',
      region: 'us-gov-west-1',
      stsRegions: ['us-gov-east-1'],
      logger: {
        debug: expect.any(Function),
        info: expect.any(Function),
        warn: expect.any(Function),
        error: expect.any(Function),
      },
      refreshBefore: 60,
      maxSessions: 7,
      contextKey: 'orders',
      documentClient: true,
      translateConfig: {
        marshallOptions: { removeUndefinedValues: true },
        unmarshallOptions: { wrapNumbers: true },
      },
      awsClientOptions: { maxAttempts: 5 },
      stsClientOptions: { maxAttempts: 4 },
      awsClientCapture: given.awsClientCapture,
      disablePrefetch: true,
    })
  })

  test('an option that is undefined is not set', () => {
    const names = Object.keys(given).filter((name) => name !== 'roleArn')
    const unset = { ...least, ...Object.fromEntries(names.map((name) => [name, undefined])) }
    expect({ ...read(unset), awsClientCapture: null, resolveIdentity: null }).toEqual({
      ...read(),
      awsClientCapture: null,
      resolveIdentity: null,
    })
  })
})

describe('the environment', () => {
  test.each([
    ['ROLE_ARN', 'arn:aws:iam::444444444444:role/R', { roleArn: 'arn:aws:iam::444444444444:role/R' }],
    ['EXTERNAL_ID', 'example-external-id', { externalId: 'example-external-id' }],
    ['SESSION_TAGS', 'team=orders', { sessionTags: [{ Key: 'team', Value: 'orders' }] }],
    ['SESSION_NAME', 'orders', { sessionName: 'orders' }],
    ['SOURCE_IDENTITY', 'alice', { sourceIdentity: 'alice' }],
    ['DURATION_SECONDS', '1800', { durationSeconds: 1800 }],
  ])('%s is part of the identity', (variable, text, expected) => {
    expect(
      read({}, { ...ireland, [`${PREFIX}_ROLE_ARN`]: ROLE, [`${PREFIX}_${variable}`]: text }),
    ).toMatchObject({
      identity: expected,
    })
  })

  test.each([
    ['REGION', 'eu-central-1', { region: 'eu-central-1', stsRegions: ['eu-west-1'] }],
    ['REFRESH_BEFORE', '120', { refreshBefore: 120 }],
    ['REFRESH_BEFORE', ' 120 ', { refreshBefore: 120 }],
  ])('%s=%s is read', (variable, text, expected) => {
    expect(read(least, { ...ireland, [`${PREFIX}_${variable}`]: text })).toMatchObject(expected)
  })

  test.each([
    ['team,stage', ['team', 'stage']],
    [' team , stage ', ['team', 'stage']],
    ['stage', ['stage']],
  ])('TRANSITIVE_TAG_KEYS=%s is a list', (text, keys) => {
    const environment = {
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders,stage=prod',
      CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS: text,
    }
    expect(identityFrom(environment).transitiveTagKeys).toEqual(keys)
  })

  test.each<[keyof CrossAccountDynamoOptions, unknown, string, string]>([
    ['roleArn', ROLE, 'ROLE_ARN', 'arn:aws:iam::444444444444:role/Other'],
    ['externalId', 'explicit', 'EXTERNAL_ID', 'environment'],
    ['sessionTags', {}, 'SESSION_TAGS', 'team=orders'],
    ['transitiveTagKeys', [], 'TRANSITIVE_TAG_KEYS', 'team'],
    ['sessionName', 'explicit', 'SESSION_NAME', 'environment'],
    ['sourceIdentity', 'explicit', 'SOURCE_IDENTITY', 'environment'],
    ['durationSeconds', 1800, 'DURATION_SECONDS', '1900'],
    ['region', 'eu-north-1', 'REGION', 'eu-central-1'],
    ['refreshBefore', 61, 'REFRESH_BEFORE', '62'],
  ])('%s: the option wins, whatever its variable says', (name, value, variable, text) => {
    const comparable = (configuration: Configuration) => ({
      ...configuration,
      awsClientCapture: null,
      resolveIdentity: null,
    })
    const alone = comparable(read({ ...least, [name]: value }))
    for (const said of [text, ' not valid\t']) {
      const environment = { ...ireland, [`${PREFIX}_${variable}`]: said }
      expect(comparable(read({ ...least, [name]: value }, environment))).toEqual(alone)
    }
  })

  test('empty variables count as unset', () => {
    const names =
      'EXTERNAL_ID SESSION_TAGS TRANSITIVE_TAG_KEYS SESSION_NAME SOURCE_IDENTITY DURATION_SECONDS REGION'
    const empty = Object.fromEntries(
      `${names} REFRESH_BEFORE`.split(' ').map((name) => [`${PREFIX}_${name}`, '']),
    )
    expect({
      ...read(least, { ...ireland, ...empty }),
      awsClientCapture: null,
      resolveIdentity: null,
    }).toEqual({
      ...read(),
      awsClientCapture: null,
      resolveIdentity: null,
    })
    expect(problemsOf({}, { AWS_REGION: '', CROSS_ACCOUNT_DYNAMO_ROLE_ARN: '' })).toEqual(problemsOf({}, {}))
  })

  test.each([
    ['roleArn', 'ROLE_ARN', ROLE, 'roleArn: "" is not an ARN;'],
    ['externalId', 'EXTERNAL_ID', 'fine', 'externalId: must have 2 to 1224 characters, but has 0'],
    ['sessionName', 'SESSION_NAME', 'fine', 'sessionName: must have 2 to 64 characters, but has 0'],
    ['sourceIdentity', 'SOURCE_IDENTITY', 'fine', 'sourceIdentity: must have 2 to 64 characters, but has 0'],
    ['region', 'REGION', 'eu-west-1', 'region: must be a Region\'s code such as eu-west-1, not ""'],
  ])('an empty %s is an error, and its variable is no way out', (name, variable, text, problem) => {
    const environment = { ...ireland, [`${PREFIX}_${variable}`]: text }
    expect(problemsOf({ ...least, [name]: '' }, environment)).toEqual([expect.stringContaining(problem)])
  })

  test.each([
    'roleArn',
    'externalId',
    'sessionTags',
    'transitiveTagKeys',
    'sessionName',
    'sourceIdentity',
    'durationSeconds',
    'region',
    'refreshBefore',
    'contextKey',
    'documentClient',
    'translateConfig',
    'awsClientOptions',
    'stsClientOptions',
    'awsClientCapture',
    'disablePrefetch',
  ])('%s: null is not unset but an error', (name) => {
    expect(problemsOf({ ...least, [name]: null })).toEqual([expect.stringMatching(`^${name}: must be `)])
  })

  test.each(['aws', '9S', '0x384', '1e3', '+900', '-900', '900.5', '1800s', '1_800', '1,800', 'NaN'])(
    'DURATION_SECONDS=%s is read as no number, and shown as it is',
    (text) => {
      const [problem, ...others] = problemsOf(least, {
        ...ireland,
        CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: text,
      })
      expect(problem).toMatch(
        /^durationSeconds \(from CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS\): .*role chaining/,
      )
      expect(problem).toContain(`must be a whole number of seconds from 900 to 3600, not "${text}";`)
      expect(others).toEqual([])
    },
  )

  test('a complaint names the variable only if the value came from it', () => {
    const environment = {
      ...ireland,
      CROSS_ACCOUNT_DYNAMO_SESSION_NAME: 'x',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'x',
    }
    expect(problemsOf({ ...least, externalId: 'y' }, environment)).toEqual([
      'externalId: must have 2 to 1224 characters, but has 1',
      'sessionName (from CROSS_ACCOUNT_DYNAMO_SESSION_NAME): must have 2 to 64 characters, but has 1',
    ])
  })
})

describe('envPrefix', () => {
  test('is what the variables begin with, and the only thing', () => {
    const environment = {
      ...ireland,
      ORDERS_DYNAMO_ROLE_ARN: ROLE,
      ORDERS_DYNAMO_SESSION_NAME: 'orders',
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::444444444444:role/Other',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'of-the-other',
    }
    const { identity } = read({ envPrefix: 'ORDERS_DYNAMO' }, environment)
    expect(identity).toMatchObject({ roleArn: ROLE, sessionName: 'orders' })
    expect(identity).not.toHaveProperty('externalId')
  })

  test('is in what is said about the variables', () => {
    const environment = { ORDERS_SESSION_NAME: 'x', ordersExternalId: 'abc' }
    expect(problemsOf({ envPrefix: 'ORDERS' }, environment)).toEqual([
      'the variable ordersExternalId is not read; did you mean ORDERS_EXTERNAL_ID?',
      expect.stringMatching(/^sessionName \(from ORDERS_SESSION_NAME\): /),
      expect.stringContaining('or set ORDERS_ROLE_ARN'),
      expect.stringMatching(/or set ORDERS_REGION$/),
    ])
  })

  test.each(['A', 'a', '_A', 'ORDERS_DYNAMO', 'Orders2', 'A__B'])('%s is one', (envPrefix) => {
    expect(read({ envPrefix }, { ...ireland, [`${envPrefix}_ROLE_ARN`]: ROLE }).identity.roleArn).toBe(ROLE)
  })

  test.each(['', '_', 'ORDERS_', '2ORDERS', 'ORDERS-DYNAMO', 'ORDERS DYNAMO', 'ÖRDERS', 'ORDERS\n', 5, {}])(
    '%j is none',
    (envPrefix) => {
      expect(problemsOf({ ...least, envPrefix })).toEqual([
        'envPrefix: must be letters, digits and _, not ending in _, such as ORDERS_DYNAMO',
      ])
    },
  )
})

describe('misspelled', () => {
  test.each([
    ['CROSS_ACCOUNT_DYNAMO_ROLEARN', 'CROSS_ACCOUNT_DYNAMO_ROLE_ARN'],
    ['CROSS_ACCOUNT_DYNAMODB_ROLE_ARN', undefined],
    ['CROSSACCOUNT_DYNAMO_EXTERNAL_ID', 'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID'],
    ['cross_account_dynamo_session_tags', 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS'],
    ['CROSS_ACCOUNT_DYNAMO_REFRESHBEFORE', 'CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE'],
    ['CROSS_ACCOUNT_DYNAMO_REGION_', 'CROSS_ACCOUNT_DYNAMO_REGION'],
    ['PATH', undefined],
  ])('variable %s: did you mean %s?', (variable, meant) => {
    expect(problemsOf(least, { ...ireland, [variable]: 'MARKER' })).toEqual(
      meant === undefined ? [] : [`the variable ${variable} is not read; did you mean ${meant}?`],
    )
    expect(problemsOf(least, { ...ireland, [variable]: '' })).toEqual([])
  })

  test.each([
    ['roleARN', 'roleArn'],
    ['externalID', 'externalId'],
    ['sessionTag', 'sessionTags'],
    ['duration_seconds', 'durationSeconds'],
    ['awsClientOption', 'awsClientOptions'],
    ['disablePrefech', 'disablePrefetch'],
  ])('option %s: did you mean %s?', (name, meant) => {
    expect(problemsOf({ ...least, [name]: 'MARKER' })).toEqual([
      `${name}: is not an option; did you mean ${meant}?`,
    ])
  })

  test.each(['zzz', 'quux', 'toString', 'constructor', '__proto__'])(
    'option %s resembles none, so all are listed',
    (name) => {
      const options = { ...least }
      Object.defineProperty(options, name, { value: 'MARKER', enumerable: true })
      const [problem, ...others] = problemsOf(options)
      expect(problem).toMatch(new RegExp(`^${name}: is not an option; the options are `))
      for (const known of ['roleArn', 'externalId', 'contextKey', 'awsClientCapture', 'disablePrefetch']) {
        expect(problem?.split(/[ ,]+/)).toContain(known)
      }
      expect(problem).not.toContain('MARKER')
      expect(others).toEqual([])
    },
  )

  test('an unknown option is quoted where its name could change the message', () => {
    expect(problemsOf({ ...least, 'role\n  - Arn': undefined })).toEqual([
      expect.stringMatching(/^"role\\n {2}- Arn": is not an option; the options are /),
    ])
  })

  test('an unknown option is an error even where it is undefined', () => {
    expect(problemsOf({ ...least, roleARN: undefined })).toEqual([
      'roleARN: is not an option; did you mean roleArn?',
    ])
  })
})

describe('all problems at once', () => {
  test('one call lists each with its option, its variable and what is right', () => {
    const tags = { 'aws:team': 'orders', stage: 'prod!' }
    const environment = {
      AWS_REGION: '',
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::22222222222:role/R',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'x',
      CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '43200',
      CROSS_ACCOUNT_DYNAMO_REGION: 'Ireland',
      CROSS_ACCOUNT_DYNAMO_SESSIONNAME: 'orders',
    }
    const options = {
      sessionTags: tags,
      transitiveTagKeys: ['owner'],
      sourceIdentity: 'aws:alice',
      contextKey: 'awsRequestId',
      exernalId: 'x',
    }
    expect(problemsOf(options, environment)).toEqual([
      'exernalId: is not an option; did you mean externalId?',
      'the variable CROSS_ACCOUNT_DYNAMO_SESSIONNAME is not read; did you mean CROSS_ACCOUNT_DYNAMO_SESSION_NAME?',
      expect.stringMatching(/^roleArn \(from CROSS_ACCOUNT_DYNAMO_ROLE_ARN\): .* account ID of 12 digits/),
      'externalId (from CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID): must have 2 to 1224 characters, but has 1',
      'sessionTags: the key "aws:team" may not begin with aws:',
      'sessionTags: the value of "stage" may hold only letters, digits, spaces and _.:/=+-@, but holds "!"',
      'sourceIdentity: may not begin with aws:, which AWS keeps for itself',
      expect.stringMatching(
        /^durationSeconds \(from CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS\): .* from 900 to 3600, not 43200; .*role chaining/,
      ),
      'region (from CROSS_ACCOUNT_DYNAMO_REGION): must be a Region\'s code such as eu-west-1, not "Ireland"',
      'contextKey: must be a string that is not a name of Lambda\'s own context, not "awsRequestId"',
      'transitiveTagKeys: "owner" is not a key of sessionTags (those are "aws:team", "stage")',
    ])
  })
})

describe('session tags in the environment', () => {
  const tagsFrom = (text: string) =>
    identityFrom({ CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: text }).sessionTags.map(({ Key, Value }) => [
      Key,
      Value,
    ])
  const complaintsAbout = (text: string) =>
    problemsOf(least, { ...ireland, CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: text })

  test.each([
    ['one pair', 'team=orders', [['team', 'orders']]],
    [
      'pairs',
      'team=orders,stage=prod',
      [
        ['team', 'orders'],
        ['stage', 'prod'],
      ],
    ],
    [
      'pairs with space around',
      ' team = orders , cost center = 12 ',
      [
        ['team', 'orders'],
        ['cost center', '12'],
      ],
    ],
    ['an empty value', 'team=', [['team', '']]],
    ['= in the value', 'query=a=b==', [['query', 'a=b==']]],
    ['__proto__ in a pair', '__proto__=x', [['__proto__', 'x']]],
    [
      'JSON',
      '{"team":"orders","stage":""}',
      [
        ['team', 'orders'],
        ['stage', ''],
      ],
    ],
    ['JSON with space around', '\n {"team": "orders"} ', [['team', 'orders']]],
    ['JSON without tags', '{}', []],
    ['__proto__ in JSON', '{"__proto__":"x"}', [['__proto__', 'x']]],
    ['letters written as escapes', String.raw`{"\u00e9quipe":"\u6ce8"}`, [['équipe', '注']]],
  ])('%s', (_, text, tags) => {
    expect(tagsFrom(text)).toEqual(tags)
  })

  test.each([
    ['JSON cut short', '{"team":"MARKER"', 'begins as JSON but is not valid JSON'],
    ['JSON with a bare word', '{"team":MARKER}', 'begins as JSON but is not valid JSON'],
    [
      'no pair',
      'MARKER',
      'is neither JSON nor key=value pairs: pair 1 has no "=" (a value that holds a comma needs JSON)',
    ],
    [
      'a comma in a value',
      'team=orders,MARKER,stage=prod',
      'is neither JSON nor key=value pairs: pair 2 has no "=" (a value that holds a comma needs JSON)',
    ],
    [
      'a comma at the end',
      'team=MARKER,',
      'is neither JSON nor key=value pairs: pair 2 has no "=" (a value that holds a comma needs JSON)',
    ],
    ['a key twice', 'team=MARKER,stage=prod,team=MARKER2', 'has the key "team" twice'],
    ['a key twice, spaced apart', 'team=MARKER, team =MARKER2', 'has the key "team" twice'],
    [
      'keys that differ only in case',
      'Team=MARKER,team=MARKER',
      'the keys "Team" and "team" are the same to AWS, which ignores their case',
    ],
    ['no key', '=MARKER', 'the key "" must have 1 to 128 characters, but has 0'],
    ['a number in JSON', '{"team":12345}', 'the value of "team" must be a string, but is a number'],
    ['null in JSON', '{"team":null}', 'the value of "team" must be a string, but is null'],
    ['a list in JSON', '{"team":["MARKER"]}', 'the value of "team" must be a string, but is a list'],
    [
      'an object in JSON',
      '{"team":{"a":"MARKER"}}',
      'the value of "team" must be a string, but is an object',
    ],
  ])('refuses %s, without showing a value', (_, text, complaint) => {
    const problems = complaintsAbout(text)
    expect(problems).toEqual([`sessionTags (from CROSS_ACCOUNT_DYNAMO_SESSION_TAGS): ${complaint}`])
    expect(problems.join()).not.toMatch(/MARKER|12345/)
  })

  test('tags that cannot be read are not followed by a complaint about each transitive key', () => {
    const environment = {
      ...ireland,
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: '{',
      CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS: 'team',
    }
    expect(problemsOf(least, environment)).toHaveLength(1)
    expect(problemsOf({ ...least, sessionTags: [], transitiveTagKeys: ['team'] })).toHaveLength(1)
  })

  test('transitive keys without any tags are named, with their variable', () => {
    expect(problemsOf(least, { ...ireland, CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS: 'team,' })).toEqual([
      'transitiveTagKeys (from CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS): "team" is not a key of sessionTags (there are none)',
      'transitiveTagKeys (from CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS): "" is not a key of sessionTags (there are none)',
    ])
  })
})

describe('session tags as an option', () => {
  test.each([
    ['a string', 'team=orders', 'sessionTags: must be a plain object, but is a string'],
    ['a list', [{ Key: 'team', Value: 'orders' }], 'sessionTags: must be a plain object, but is a list'],
    [
      'a value that is undefined',
      { team: undefined },
      'sessionTags: the value of "team" must be a string, but is undefined',
    ],
  ])('refuses %s', (_, sessionTags, problem) => {
    expect(problemsOf({ ...least, sessionTags })).toEqual([problem])
  })

  // Each would make a session without tags of what was meant to have some.
  test.each([
    ['a Map', new Map([['team', 'orders']])],
    ['a Set', new Set(['team'])],
    ['a Date', new Date()],
  ])('refuses %s, whose tags are not where tags are looked for', (_, sessionTags) => {
    expect(problemsOf({ ...least, sessionTags })).toEqual([expect.stringMatching(/^sessionTags: must be /)])
  })

  test.each([['team'], [['team', 1]], [{ team: true }], [['team', ...new Array(1)]], [new Array(1)]])(
    'transitiveTagKeys refuses %j',
    (transitiveTagKeys) => {
      expect(problemsOf({ ...least, sessionTags: { team: 'orders' }, transitiveTagKeys })).toEqual([
        'transitiveTagKeys: must be a list of strings',
      ])
    },
  )
})

describe('secrets', () => {
  test.each([
    [
      'options',
      { externalId: 'MARKER EXTERNAL', sessionTags: { a: 'MARKER?', b: `MARKER${'x'.repeat(300)}` } },
      {},
    ],
    ['options of the wrong kind', { externalId: ['MARKER'], sessionTags: ['MARKER'] }, {}],
    [
      'the environment',
      {},
      {
        CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'MARKER EXTERNAL',
        CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: '{"a":"MARKER?"}',
      },
    ],
    ['misspelled variables', {}, { CROSS_ACCOUNT_DYNAMO_EXTERNALID: 'MARKER' }],
    ['malformed JSON', {}, { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: '{MARKER}' }],
    [
      'a good external ID next to a bad role',
      { roleArn: 'x' },
      { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'MARKER', CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'a=MARKER' },
    ],
  ])('from %s are in no message', (_, options, environment) => {
    const problems = problemsOf({ ...least, ...options }, { ...ireland, ...environment })
    expect(problems).not.toEqual([])
    expect(problems.join()).not.toContain('MARKER')
  })
})

describe('the default session name', () => {
  test.each([
    ['orders-function', 'orders-function'],
    ['', 'middy-cross-account-dynamo'],
    [undefined, 'middy-cross-account-dynamo'],
    ['f', 'f-'],
    ['f'.repeat(200), 'f'.repeat(64)],
    ['größe', 'gr--e'],
    ['🦄', '--'],
    ['teams/orders:prod $LATEST', 'teams-orders-prod--LATEST'],
  ])('of a function named %j is %j, which AWS takes', (name, expected) => {
    const { sessionName } = read(least, { ...ireland, AWS_LAMBDA_FUNCTION_NAME: name }).identity
    expect(sessionName).toBe(expected)
    expect(checkSessionName(sessionName)).toBeUndefined()
  })

  test('gives way to the option and to the variable, which are taken as they are or refused', () => {
    const environment = {
      ...ireland,
      AWS_LAMBDA_FUNCTION_NAME: 'fn',
      CROSS_ACCOUNT_DYNAMO_SESSION_NAME: 'variable',
    }
    expect(read(least, environment).identity.sessionName).toBe('variable')
    expect(read({ ...least, sessionName: 'option' }, environment).identity.sessionName).toBe('option')
    expect(problemsOf({ ...least, sessionName: 'my function' }, environment)).toEqual([
      'sessionName: may hold only letters, digits and _+=,.@-, but holds " "',
    ])
  })
})

describe('refreshBefore', () => {
  test.each([
    [3600, 900],
    [1801, 900],
    [1800, 900],
    [1000, 500],
    [900, 450],
  ])('of credentials that live for %i seconds is %i by default', (durationSeconds, refreshBefore) => {
    expect(read({ ...least, durationSeconds }).refreshBefore).toBe(refreshBefore)
  })

  test.each([60, 61, 3599])('may be %i', (refreshBefore) => {
    expect(read({ ...least, refreshBefore }).refreshBefore).toBe(refreshBefore)
  })

  test.each([59, 0, -60, 3600, 3601, 60.5, '60', 'soon', null])('may not be %j', (refreshBefore) => {
    expect(problemsOf({ ...least, refreshBefore })).toEqual([
      'refreshBefore: must be a whole number of seconds from 60 to less than durationSeconds, 3600, ' +
        `not ${JSON.stringify(refreshBefore)}`,
    ])
  })

  test('is bounded by the duration that is configured', () => {
    expect(read({ ...least, durationSeconds: 900, refreshBefore: 899 }).refreshBefore).toBe(899)
    expect(problemsOf({ ...least, durationSeconds: 900, refreshBefore: 900 })).toEqual([
      expect.stringContaining('less than durationSeconds, 900, not 900'),
    ])
    expect(problemsOf(least, { ...ireland, CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE: '3600' })).toEqual([
      expect.stringMatching(/^refreshBefore \(from CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE\): .*not 3600$/),
    ])
  })
})

describe('region', () => {
  const chinese = { roleArn: 'arn:aws-cn:iam::222222222222:role/R' }

  test('where there is no AWS_REGION, the Region of the table is that of STS', () => {
    expect(read({ ...least, region: 'eu-north-1' }, {})).toMatchObject({
      region: 'eu-north-1',
      stsRegions: ['eu-north-1'],
    })
  })

  test.each([
    ['eu-west-1', chinese, 'aws-cn'],
    ['cn-north-1', least, 'aws'],
    ['us-gov-west-1', least, 'aws'],
  ])('%s does not go with the role %j', (region, role, partition) => {
    const problem = `"${region}" is not a Region of the partition of roleArn, ${partition}`
    expect(problemsOf({ ...role, region }, {})).toEqual([`region: ${problem}`])
    expect(problemsOf(role, { CROSS_ACCOUNT_DYNAMO_REGION: region })).toEqual([
      `region (from CROSS_ACCOUNT_DYNAMO_REGION): ${problem}`,
    ])
  })

  test('a Region that AWS_REGION set is complained of by that name', () => {
    expect(problemsOf(chinese, ireland)).toEqual([
      expect.stringMatching(/AWS_REGION.*"eu-west-1" is not a Region of the partition of roleArn, aws-cn/),
    ])
  })

  test('AWS_REGION is checked like any other Region', () => {
    expect(problemsOf(least, { AWS_REGION: 'Ireland' })).toEqual([
      expect.stringMatching(/AWS_REGION.*must be a Region's code such as eu-west-1, not "Ireland"/),
    ])
  })

  test('a Region that is none is not followed by a complaint about a partition that it does not have', () => {
    expect(problemsOf(chinese, { ...ireland, CROSS_ACCOUNT_DYNAMO_REGION: 'Beijing' })).toEqual([
      expect.stringContaining('not "Beijing"'),
      // Which is true of STS, wherever the table is.
      expect.stringMatching(/^AWS_REGION: "eu-west-1" is not a Region of the partition/),
    ])
  })

  test('the Region of STS must be in the partition of the role, too', () => {
    expect(problemsOf({ ...chinese, region: 'cn-north-1' }, ireland)).toEqual([
      expect.stringMatching(/AWS_REGION.*eu-west-1.*aws-cn/),
    ])
  })
})

describe('contextKey', () => {
  test.each(['dynamo', 'orders', 'my table', '$', 'hasOwnProperty'])('may be %s', (contextKey) => {
    expect(read({ ...least, contextKey }).contextKey).toBe(contextKey)
  })

  test.each([
    'functionName',
    'functionVersion',
    'invokedFunctionArn',
    'memoryLimitInMB',
    'awsRequestId',
    'logGroupName',
    'logStreamName',
    'identity',
    'clientContext',
    'callbackWaitsForEmptyEventLoop',
    'tenantId',
    'getRemainingTimeInMillis',
    'done',
    'fail',
    'succeed',
    '__proto__',
    'constructor',
    'prototype',
    'toJSON',
    '',
    5,
    null,
  ])('may not be %j', (contextKey) => {
    expect(problemsOf({ ...least, contextKey })).toEqual([
      `contextKey: must be a string that is not a name of Lambda's own context, not ${JSON.stringify(contextKey)}`,
    ])
  })

  test.each([
    ['durationSeconds', 900n],
    ['refreshBefore', 900n],
    ['contextKey', 1n],
  ])('%s: a BigInt is a problem of the configuration, not a TypeError', (name, value) => {
    expect(problemsOf({ ...least, [name]: value })).toEqual([expect.stringMatching(`^${name}: must be `)])
  })
})

describe('clients', () => {
  test.each([
    ['documentClient', 'yes', 'must be a boolean, but is a string'],
    ['disablePrefetch', 1, 'must be a boolean, but is a number'],
    ['translateConfig', true, 'must be an object, but is a boolean'],
    ['awsClientOptions', [], 'must be an object, but is a list'],
    ['stsClientOptions', 'eu-west-1', 'must be an object, but is a string'],
    ['awsClientCapture', {}, 'must be a function, but is an object'],
    [
      'awsClientOptions',
      { credentials: { accessKeyId: 'MARKER', secretAccessKey: 'MARKER' } },
      'may not hold credentials: they are those of the assumed role',
    ],
    [
      'awsClientOptions',
      { region: 'eu-west-1' },
      'may not hold region: give the option region, or set CROSS_ACCOUNT_DYNAMO_REGION',
    ],
    [
      'stsClientOptions',
      { logger: console },
      'may not hold logger: the SDK would log the session tokens that STS returns',
    ],
  ])('%s refuses %j', (name, value, complaint) => {
    expect(problemsOf({ ...least, [name]: value })).toEqual([`${name}: ${complaint}`])
  })

  const unreadable = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get: () => {
      throw new Error('no')
    },
  })
  test.each([
    ['awsClientOptions', unreadable],
    ['stsClientOptions', unreadable],
    ['translateConfig', unreadable],
    ['translateConfig', { marshallOptions: unreadable }],
    ['translateConfig', { unmarshallOptions: unreadable }],
  ])('%s refuses a property that cannot be read', (name, value) => {
    expect(problemsOf({ ...least, [name]: value })).toEqual([
      `${name}: may not hold "bad", which is a value that cannot be read (Error: "no")`,
    ])
  })

  test.each(['marshallOptions', 'unmarshallOptions'])('translateConfig.%s must be an object', (name) => {
    expect(problemsOf({ ...least, translateConfig: { [name]: 'text' } })).toEqual([
      `translateConfig: may not hold "${name}", which is a string`,
    ])
    expect(problemsOf({ ...least, translateConfig: { [name]: undefined } })).toEqual([])
  })

  test('keep the objects that their options hold', () => {
    const requestHandler = { handle: () => {} }
    const convert = () => 'value'
    const { awsClientOptions, stsClientOptions, translateConfig } = read({
      ...least,
      awsClientOptions: { requestHandler },
      stsClientOptions: { requestHandler },
      translateConfig: { unmarshallOptions: { wrapNumbers: convert } },
    })
    expect(awsClientOptions.requestHandler).toBe(requestHandler)
    expect(stsClientOptions.requestHandler).toBe(requestHandler)
    expect(translateConfig.unmarshallOptions?.wrapNumbers).toBe(convert)
  })

  test('marshalling leaves out undefined values unless told otherwise', () => {
    const marshallOptions = (options: object) =>
      read({ ...least, translateConfig: { marshallOptions: options } }).translateConfig.marshallOptions
    expect(marshallOptions({ convertEmptyValues: true })).toEqual({
      removeUndefinedValues: true,
      convertEmptyValues: true,
    })
    expect(marshallOptions({ removeUndefinedValues: false })).toEqual({ removeUndefinedValues: false })
  })

  test('without a document client there is nothing to marshal', () => {
    expect(read({ ...least, documentClient: false }).documentClient).toBe(false)
    expect(problemsOf({ ...least, documentClient: false, translateConfig: {} })).toEqual([
      'translateConfig: has no effect with documentClient: false; leave out one of the two',
    ])
  })

  test('nothing is called while options are read', () => {
    const awsClientCapture = jest.fn((client: never) => client)
    const credentials = jest.fn()
    const configuration = read({ ...least, awsClientCapture, stsClientOptions: { credentials } })
    expect(configuration.awsClientCapture).toBe(awsClientCapture)
    expect(awsClientCapture).not.toHaveBeenCalled()
    expect(credentials).not.toHaveBeenCalled()
  })
})

describe('the configuration', () => {
  const full = () => ({
    ...least,
    sessionTags: { team: 'orders' },
    transitiveTagKeys: ['team'],
    translateConfig: { marshallOptions: { convertEmptyValues: true } },
  })

  test('is frozen, as is who the session is', () => {
    const configuration = read(full())
    const { identity } = configuration
    for (const frozen of [
      configuration,
      identity,
      identity.sessionTags,
      identity.sessionTags[0],
      identity.transitiveTagKeys,
    ]) {
      expect(frozen).toBeDefined()
      expect(Object.isFrozen(frozen)).toBe(true)
    }
    expect(() => Object.assign(configuration, { region: 'us-east-1' })).toThrow(TypeError)
    expect(() => Object.assign(identity.sessionTags[0] as object, { Value: 'other' })).toThrow(TypeError)
  })

  test('does not change with the options that it was made of, which stay as they are', () => {
    const options = full()
    const configuration = read(options)
    const before = structuredClone({
      ...configuration,
      awsClientCapture: null,
      resolveIdentity: null,
      logger: null,
    })
    expect(options).toEqual(full())
    options.sessionTags.team = 'billing'
    options.transitiveTagKeys.push('stage')
    options.translateConfig.marshallOptions.convertEmptyValues = false
    options.roleArn = 'other'
    expect({ ...configuration, awsClientCapture: null, resolveIdentity: null, logger: null }).toEqual(before)
  })

  test('does not change with the environment', () => {
    const environment: Record<string, string> = { ...ireland, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'before' }
    const configuration = read(least, environment)
    environment.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = 'after'
    environment.AWS_REGION = 'us-east-1'
    expect(configuration).toMatchObject({ identity: { externalId: 'before' }, region: 'eu-west-1' })
  })
})

describe('stsRegions', () => {
  test('come in the order that they are given in, from the option or the environment', () => {
    const variable = { ...ireland, CROSS_ACCOUNT_DYNAMO_STS_REGIONS: 'eu-north-1, eu-west-1' }
    expect(read(least, variable).stsRegions).toEqual(['eu-north-1', 'eu-west-1'])
    expect(read({ ...least, stsRegions: ['us-east-1'] }, variable).stsRegions).toEqual(['us-east-1'])
  })

  test.each([
    ['nowhere', 'must be a list of Regions'],
    [[], 'must be a list of Regions'],
    [['eu-west-1', 'Ireland'], 'must be a Region\'s code such as eu-west-1, not "Ireland"'],
  ])('may not be %j', (stsRegions, complaint) => {
    expect(problemsOf({ ...least, stsRegions })).toEqual([`stsRegions: ${complaint}`])
  })

  test('are where the Region of STS is given, and not in stsClientOptions', () => {
    expect(problemsOf({ ...least, stsClientOptions: { region: 'eu-north-1' } })).toEqual([
      'stsClientOptions: may not hold region: give the option stsRegions, or set CROSS_ACCOUNT_DYNAMO_STS_REGIONS',
    ])
  })
})

describe('logger', () => {
  test('may be of any class', () => {
    expect(read({ ...least, logger: console }).logger).toBe(console)
  })

  test('is silent by default', () => {
    const { logger } = read(least)
    expect([logger.debug('', {}), logger.info('', {}), logger.warn('', {}), logger.error('', {})]).toEqual(
      Array(4).fill(undefined),
    )
  })

  test.each([
    [{ info: () => {}, error: () => {} }, 'debug, warn'],
    [null, 'debug, info, warn, error'],
    ['console', 'debug, info, warn, error'],
  ])('may not lack a method: %p', (logger, missing) => {
    expect(problemsOf({ ...least, logger })).toEqual([
      `logger: must have the methods debug, info, warn, error, but lacks ${missing}`,
    ])
  })
})

test('JSON that has a key twice loses nothing in silence, whatever its values look like', () => {
  const tags = (text: string) => ({ ...ireland, CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: text })
  expect(problemsOf(least, tags('{"team":"a","stage":"b","te\\u0061m":"c"}'))).toEqual([
    'sessionTags (from CROSS_ACCOUNT_DYNAMO_SESSION_TAGS): has the key "team" twice',
  ])
  expect(read(least, tags('{"team":"stage","stage":"team:"}')).identity.sessionTags).toHaveLength(2)
})

test('a variable of an option that has none is not ignored in silence', () => {
  const environment = {
    ...ireland,
    CROSS_ACCOUNT_DYNAMO_DISABLE_PREFETCH: 'true',
    CROSS_ACCOUNT_DYNAMO_TABLE: 'mine',
  }
  expect(problemsOf(least, environment)).toEqual([
    'the variable CROSS_ACCOUNT_DYNAMO_DISABLE_PREFETCH is not read: disablePrefetch is an option only',
  ])
})

describe('session policies', () => {
  const ORDERS = 'arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'
  const policyOf = (options: object, environment: Environment = ireland) =>
    JSON.parse(read({ ...least, ...options }, environment).identity.policy ?? 'null')

  test('a scope is compiled for the role’s account and the table’s Region', () => {
    const scope = { tables: ['Orders'], access: ['PutItem'] }
    expect(policyOf({ scope }).Statement[0]).toEqual({
      Effect: 'Allow',
      Action: ['dynamodb:PutItem'],
      Resource: [ORDERS],
    })
    expect(policyOf({ scope, region: 'eu-north-1' }).Statement[0].Resource).toEqual([
      ORDERS.replace('eu-west-1', 'eu-north-1'),
    ])
  })

  test.each([
    ['read', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    [' write ', 'dynamodb:PutItem', 'dynamodb:GetItem'],
    ['GetItem, dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:Scan'],
  ])('the environment sets one with tables and the access %p', (access, allowed, not) => {
    const environment = {
      ...ireland,
      [`${PREFIX}_TABLES`]: `Orders, ${ORDERS}s`,
      [`${PREFIX}_ACCESS`]: access,
    }
    const { Action, Resource } = policyOf({}, environment).Statement[0]
    expect(Action).toContain(allowed)
    expect(Action).not.toContain(not)
    expect(Resource).toEqual(expect.arrayContaining([ORDERS, `${ORDERS}s`]))
    // The option wins, and nothing of the variables is left.
    expect(
      policyOf({ scope: { tables: ['Other'], access: 'write' } }, environment).Statement[0].Resource,
    ).toEqual([ORDERS.replace('Orders', 'Other')])
  })

  test('half a scope in the environment is none', () => {
    const from = `scope (from ${PREFIX}_TABLES, ${PREFIX}_ACCESS)`
    expect(problemsOf(least, { ...ireland, [`${PREFIX}_TABLES`]: 'Orders' })).toEqual([
      `${from}: access must be 'read', 'write', 'read-write' or a list of actions, not undefined`,
    ])
    expect(problemsOf(least, { ...ireland, [`${PREFIX}_ACCESS`]: 'read' })).toEqual([
      `${from}: tables must be a list of names or ARNs of tables`,
    ])
    expect(problemsOf(least, { ...ireland, [`${PREFIX}_SCOPE`]: 'Orders' })).toEqual([
      `the variable ${PREFIX}_SCOPE is not read: scope is an option only; set ${PREFIX}_TABLES and ${PREFIX}_ACCESS`,
    ])
    expect(problemsOf(least, { ...ireland, CROSSACCOUNT_DYNAMO_TABLES: 'Orders' })).toEqual([
      `the variable CROSSACCOUNT_DYNAMO_TABLES is not read; did you mean ${PREFIX}_TABLES?`,
    ])
  })

  test('null is not "no scope"', () => {
    expect(problemsOf({ ...least, scope: null })).toEqual([
      'scope: must be an object { tables, access, … }, but is null',
    ])
  })

  test.each([[new Array(1)], [[undefined]], [['arn:aws:iam::aws:policy/ReadOnlyAccess', undefined]]])(
    'policyArns refuse what is undefined: %j',
    (policyArns) => {
      expect(problemsOf({ ...least, policyArns })).toEqual([
        expect.stringMatching(/^policyArns: undefined is not the ARN of a managed policy/),
      ])
    },
  )

  test('a table elsewhere is out of reach', () => {
    const scope = { tables: [ORDERS.replace('222222222222', '333333333333')], access: 'read' }
    expect(problemsOf({ ...least, scope })).toEqual([
      expect.stringMatching(
        /^scope: tables: ".*" is not in the account, Region and partition of this session/,
      ),
    ])
    // Without a Region, nothing is said of tables that may be right.
    expect(problemsOf({ ...least, scope: { tables: [ORDERS], access: 'read' } }, {})).toEqual([
      expect.stringMatching(/^region: is required/),
    ])
  })

  test('one of one’s own is sent as it is given, or as JSON', () => {
    const text = '{ "Version": "2012-10-17", "Statement": [] }'
    expect(read({ ...least, policy: text }).identity.policy).toBe(text)
    expect(read({ ...least, policy: { Sid: 'ключ' } }).identity.policy).toBe(
      '{"Sid":"\\u043a\\u043b\\u044e\\u0447"}',
    )
  })

  test.each([
    [
      'scope',
      { scope: { tables: Array.from({ length: 40 }, (_, index) => `Orders${index}`), access: 'write' } },
    ],
    ['policy', { policy: { Sid: 'x'.repeat(2048) } }],
    [
      'policyArns',
      { policyArns: Array.from({ length: 10 }, (_, i) => `arn:aws:iam::aws:policy/${'p'.repeat(200)}${i}`) },
    ],
  ])('too much of %s is refused before STS does', (option, options) => {
    expect(problemsOf({ ...least, ...options })).toEqual([
      expect.stringMatching(
        new RegExp(`^${option}: makes session policies of \\d+ characters, \\d+ more than the 2048`),
      ),
    ])
  })
})

test.each([[0], [-1], [1.5], ['many'], [Number.NaN]])('maxSessions may not be %p', (maxSessions) => {
  expect(problemsOf({ ...least, maxSessions })).toEqual([
    expect.stringMatching(/^maxSessions: must be a whole number from 1 on, not /),
  ])
  expect(read({ ...least, maxSessions: 1 }).maxSessions).toBe(1)
  expect(read(least, { ...ireland, CROSS_ACCOUNT_DYNAMO_MAX_SESSIONS: '7' }).maxSessions).toBe(7)
})

test('errors name where the client would be', () => {
  expect(() => readConfiguration({ contextKey: 'orders' }, ireland)).toThrow(
    'the configuration of crossAccountDynamo() for context.orders has a problem',
  )
})
