/** Options and environment variables: which configuration they make, and which issues invalid ones have. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, jest, test } from '@jest/globals'
import { type Configuration, readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import { parseSessionName } from '../../../src/iam/constraints.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import type { Issue, IssueCode } from '../../../src/options/issue.ts'
import type { Environment } from '../../../src/options/rows.ts'
import { issuesOf, parseWith } from '../issues.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const REQUIRED = { roleArn: ROLE }
const IRELAND = { AWS_REGION: 'eu-west-1' }
const PREFIX = 'CROSS_ACCOUNT_DYNAMO'

/** Reads options, also those that the types do not allow. */
const read = (
  options: unknown = REQUIRED,
  environment: Environment = IRELAND,
): Configuration & { readonly parameters: SessionParameters } => {
  const configuration = readConfiguration(options, environment)
  const { parameters } = configuration
  if (parameters === undefined) throw new Error('the session parameters depend on the request')
  return { ...configuration, parameters }
}

const issuesIn = (options: unknown = REQUIRED, environment: Environment = IRELAND): readonly Issue[] =>
  issuesOf(() => readConfiguration(options, environment))

/** The message of the error. */
const messageOf = (options: unknown, environment: Environment = IRELAND): string => {
  try {
    readConfiguration(options, environment)
  } catch (error) {
    if (error instanceof Error) return error.message
  }
  throw new Error('nothing was thrown')
}

/** A configuration without its functions, which `toEqual` compares by identity. */
const comparable = (configuration: Configuration): object => ({
  ...configuration,
  awsClientCapture: undefined,
  resolveParameters: undefined,
  logger: undefined,
})

/** Variables with the default prefix, beside `AWS_REGION`. */
const variables = (suffixes: Readonly<Record<string, string>>): Environment => ({
  ...IRELAND,
  ...Object.fromEntries(Object.entries(suffixes).map(([suffix, text]) => [`${PREFIX}_${suffix}`, text])),
})

const LOGGER = {
  debug: expect.any(Function),
  info: expect.any(Function),
  warn: expect.any(Function),
  error: expect.any(Function),
}

describe('the minimal configuration', () => {
  test('consists of a role and a Region, and everything else has a default', () => {
    expect(read()).toStrictEqual({
      parameters: {
        roleArn: ROLE,
        sessionTags: [],
        transitiveTagKeys: [],
        sessionName: 'middy-cross-account-dynamo',
        durationSeconds: 3600,
        policyArns: [],
      },
      isDirect: false,
      ignoredOptions: [],
      resolveParameters: expect.any(Function),
      accountId: '222222222222',
      region: 'eu-west-1',
      stsRegions: ['eu-west-1'],
      logger: LOGGER,
      refreshBeforeSeconds: 900,
      maxSessions: 100,
      contextKey: 'dynamo',
      documentClient: true,
      translateConfig: { marshallOptions: { removeUndefinedValues: true } },
      awsClientOptions: {},
      stsClientOptions: {},
      awsClientCapture: expect.any(Function),
      disablePrefetch: false,
    })
  })

  test('leaves the client as it is if there is no awsClientCapture', () => {
    const client = new DynamoDBClient({ region: 'eu-west-1' })
    expect(read().awsClientCapture(client)).toBe(client)
  })

  test('can come from the environment alone', () => {
    expect(read({}, variables({ ROLE_ARN: ROLE })).parameters.roleArn).toBe(ROLE)
  })

  test('reports what is missing', () => {
    expect(issuesIn({}, {})).toEqual([
      { option: 'roleArn', code: 'required' },
      { option: 'region', code: 'required-without-aws-region' },
    ])
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['arn', 'a string'],
    [[], 'a list'],
    [() => ({}), 'a function'],
  ])('refuses options that are %p', (options, actual) => {
    const environment = variables({ ROLE_ARN: ROLE })
    expect(issuesOf(() => readConfiguration(options, environment))).toEqual([
      { option: 'options', code: 'invalid-type', expected: 'a plain object', actual },
    ])
  })

  test('throws an error that is not retryable, has status code 500, and names the context key', () => {
    expect(() => readConfiguration({ contextKey: 'orders' }, IRELAND)).toThrow(
      expect.objectContaining({
        name: 'CrossAccountDynamoError',
        code: 'CONFIG_INVALID',
        statusCode: 500,
        retryable: false,
        message: expect.stringContaining('context.orders'),
      }),
    )
  })
})

describe('explicit options', () => {
  const given = {
    roleArn: 'arn:aws-us-gov:iam::333333333333:role/teams/R',
    externalId: 'example-external-id',
    sessionTags: { team: 'orders', stage: '' },
    transitiveTagKeys: ['team', 'team'],
    sessionName: 'orders',
    sourceIdentity: 'alice',
    durationSeconds: 900,
    region: 'us-gov-west-1',
    refreshBeforeSeconds: 60,
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

  test('are all part of the configuration', () => {
    const govCloud = { AWS_REGION: 'us-gov-east-1', AWS_LAMBDA_FUNCTION_NAME: 'fn' }
    expect(read(given, govCloud)).toStrictEqual({
      parameters: {
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
      isDirect: false,
      ignoredOptions: [],
      resolveParameters: expect.any(Function),
      accountId: '333333333333',
      region: 'us-gov-west-1',
      stsRegions: ['us-gov-east-1'],
      logger: LOGGER,
      refreshBeforeSeconds: 60,
      maxSessions: 7,
      contextKey: 'orders',
      documentClient: true,
      translateConfig: {
        marshallOptions: { removeUndefinedValues: true },
        unmarshallOptions: { wrapNumbers: true },
      },
      awsClientOptions: { maxAttempts: 5 },
      stsClientOptions: { maxAttempts: 4 },
      awsClientCapture: expect.any(Function),
      disablePrefetch: true,
    })
  })

  test('that are undefined count as unset', () => {
    const names = Object.keys(given).filter((name) => name !== 'roleArn')
    const unset = { ...REQUIRED, ...Object.fromEntries(names.map((name) => [name, undefined])) }
    expect(comparable(read(unset))).toEqual(comparable(read()))
  })

  test.each([...Object.keys(given), 'stsRegions', 'logger', 'scope'])(
    '%s: null is refused instead of counting as unset',
    (option) => {
      const issues = issuesIn({ ...REQUIRED, [option]: null })
      expect(issues).toHaveLength(1)
      expect(issues[0]).toHaveProperty('option', option)
    },
  )

  test.each([
    ['durationSeconds', 900n],
    ['refreshBeforeSeconds', 900n],
    ['contextKey', 1n],
  ])('%s: a BigInt is an issue and not a TypeError', (option, value) => {
    expect(issuesIn({ ...REQUIRED, [option]: value })).toMatchObject([{ option }])
  })
})

describe('environment variables', () => {
  test.each([
    ['ROLE_ARN', 'arn:aws:iam::444444444444:role/R', { roleArn: 'arn:aws:iam::444444444444:role/R' }],
    ['EXTERNAL_ID', 'example-external-id', { externalId: 'example-external-id' }],
    ['SESSION_TAGS', 'team=orders', { sessionTags: [{ Key: 'team', Value: 'orders' }] }],
    ['SESSION_NAME', 'orders', { sessionName: 'orders' }],
    ['SOURCE_IDENTITY', 'alice', { sourceIdentity: 'alice' }],
    ['DURATION_SECONDS', '1800', { durationSeconds: 1800 }],
  ])('%s sets a session parameter', (suffix, text, expected) => {
    expect(read({}, variables({ ROLE_ARN: ROLE, [suffix]: text })).parameters).toMatchObject(expected)
  })

  test.each([
    ['REGION', 'eu-central-1', { region: 'eu-central-1', stsRegions: ['eu-west-1'] }],
    ['REFRESH_BEFORE_SECONDS', '120', { refreshBeforeSeconds: 120 }],
    ['REFRESH_BEFORE_SECONDS', ' 120 ', { refreshBeforeSeconds: 120 }],
    ['MAX_SESSIONS', '7', { maxSessions: 7 }],
    ['STS_REGIONS', 'eu-north-1, eu-west-1', { stsRegions: ['eu-north-1', 'eu-west-1'] }],
  ])('%s=%s sets an option', (suffix, text, expected) => {
    expect(read(REQUIRED, variables({ [suffix]: text }))).toMatchObject(expected)
  })

  test.each([
    ['team,stage', ['team', 'stage']],
    [' team , stage ', ['team', 'stage']],
    ['stage', ['stage']],
  ])('TRANSITIVE_TAG_KEYS=%s sets a list', (text, keys) => {
    const environment = variables({ SESSION_TAGS: 'team=orders,stage=prod', TRANSITIVE_TAG_KEYS: text })
    expect(read(REQUIRED, environment).parameters.transitiveTagKeys).toEqual(keys)
  })

  test.each<[keyof CrossAccountDynamoOptions, unknown, string, string]>([
    ['roleArn', ROLE, 'ROLE_ARN', 'arn:aws:iam::444444444444:role/Other'],
    ['externalId', 'explicit', 'EXTERNAL_ID', 'environment'],
    ['externalId', false, 'EXTERNAL_ID', 'environment'],
    ['sessionTags', {}, 'SESSION_TAGS', 'team=orders'],
    ['transitiveTagKeys', [], 'TRANSITIVE_TAG_KEYS', 'team'],
    ['sessionName', 'explicit', 'SESSION_NAME', 'environment'],
    ['sourceIdentity', 'explicit', 'SOURCE_IDENTITY', 'environment'],
    ['durationSeconds', 1800, 'DURATION_SECONDS', '1900'],
    ['region', 'eu-north-1', 'REGION', 'eu-central-1'],
    ['refreshBeforeSeconds', 61, 'REFRESH_BEFORE_SECONDS', '62'],
    ['stsRegions', ['us-east-1'], 'STS_REGIONS', 'eu-north-1'],
    ['maxSessions', 1, 'MAX_SESSIONS', '7'],
  ])('%s: %p wins over its variable, whether that is valid or not', (option, value, suffix, text) => {
    const alone = comparable(read({ ...REQUIRED, [option]: value }))
    for (const variable of [text, ' not valid\t'])
      expect(comparable(read({ ...REQUIRED, [option]: value }, variables({ [suffix]: variable })))).toEqual(
        alone,
      )
  })

  test('count as unset if they are empty', () => {
    const suffixes =
      'EXTERNAL_ID SESSION_TAGS TRANSITIVE_TAG_KEYS SESSION_NAME SOURCE_IDENTITY DURATION_SECONDS REGION ' +
      'REFRESH_BEFORE_SECONDS STS_REGIONS MAX_SESSIONS TABLES ACCESS'
    const empty = variables(Object.fromEntries(suffixes.split(' ').map((suffix) => [suffix, ''])))
    expect(comparable(read(REQUIRED, empty))).toEqual(comparable(read()))
    expect(issuesIn({}, { AWS_REGION: '', CROSS_ACCOUNT_DYNAMO_ROLE_ARN: '' })).toEqual(issuesIn({}, {}))
  })

  test.each<[string, string, string, object]>([
    ['roleArn', 'ROLE_ARN', ROLE, { code: 'invalid-role-arn', value: '' }],
    ['externalId', 'EXTERNAL_ID', 'valid', { code: 'invalid-length', min: 2, max: 1224, length: 0 }],
    ['sessionName', 'SESSION_NAME', 'valid', { code: 'invalid-length', min: 2, max: 64, length: 0 }],
    ['sourceIdentity', 'SOURCE_IDENTITY', 'valid', { code: 'invalid-length', min: 2, max: 64, length: 0 }],
    ['region', 'REGION', 'eu-west-1', { code: 'invalid-region', value: '' }],
  ])('do not replace an empty %s, which is invalid', (option, suffix, text, problem) => {
    const issues = issuesIn({ ...REQUIRED, [option]: '' }, variables({ [suffix]: text }))
    expect(issues).toMatchObject([{ option, ...problem }])
    expect(issues[0]).not.toHaveProperty('variable')
  })

  test.each(['aws', '9S', '0x384', '1e3', '+900', '-900', '900.5', '1800s', '1_800', '1,800', 'NaN'])(
    'DURATION_SECONDS=%s is not a number, and the issue contains the text',
    (value) => {
      expect(issuesIn(REQUIRED, variables({ DURATION_SECONDS: value }))).toEqual([
        {
          option: 'durationSeconds',
          variable: 'CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS',
          code: 'invalid-duration',
          min: 900,
          max: 3600,
          value,
        },
      ])
    },
  )

  test('are named in an issue only if the value came from them', () => {
    const environment = variables({ SESSION_NAME: 'x', EXTERNAL_ID: 'x' })
    expect(issuesIn({ ...REQUIRED, externalId: 'y' }, environment)).toEqual([
      { option: 'externalId', code: 'invalid-length', min: 2, max: 1224, length: 1 },
      {
        option: 'sessionName',
        variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_NAME',
        code: 'invalid-length',
        min: 2,
        max: 64,
        length: 1,
      },
    ])
  })
})

describe('envPrefix', () => {
  test('replaces the default prefix of all variables', () => {
    const environment = {
      ...IRELAND,
      ORDERS_DYNAMO_ROLE_ARN: ROLE,
      ORDERS_DYNAMO_SESSION_NAME: 'orders',
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::444444444444:role/Other',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'other-external-id',
    }
    const { parameters } = read({ envPrefix: 'ORDERS_DYNAMO' }, environment)
    expect(parameters).toMatchObject({ roleArn: ROLE, sessionName: 'orders' })
    expect(parameters).not.toHaveProperty('externalId')
  })

  test('is part of the names of variables in issues and in the message', () => {
    const environment = { ORDERS_SESSION_NAME: 'x', ordersExternalId: 'abc' }
    expect(issuesIn({ envPrefix: 'ORDERS' }, environment)).toMatchObject([
      {
        option: 'externalId',
        code: 'misspelled-variable',
        misspelled: 'ordersExternalId',
        correct: 'ORDERS_EXTERNAL_ID',
      },
      { option: 'sessionName', variable: 'ORDERS_SESSION_NAME' },
      { option: 'roleArn', code: 'required' },
      { option: 'region', code: 'required-without-aws-region' },
    ])
    const message = messageOf({ envPrefix: 'ORDERS' }, environment)
    expect(message).toContain('ORDERS_ROLE_ARN')
    expect(message).toContain('ORDERS_REGION')
  })

  test.each(['A', 'a', '_A', 'ORDERS_DYNAMO', 'Orders2', 'A__B'])('can be %s', (envPrefix) => {
    expect(read({ envPrefix }, { ...IRELAND, [`${envPrefix}_ROLE_ARN`]: ROLE }).parameters.roleArn).toBe(ROLE)
  })

  test.each(['', '_', 'ORDERS_', '2ORDERS', 'ORDERS-DYNAMO', 'ORDERS DYNAMO', 'ÖRDERS', 'ORDERS\n', 5, {}])(
    'cannot be %j',
    (envPrefix) => {
      expect(issuesIn({ ...REQUIRED, envPrefix })).toEqual([
        { option: 'envPrefix', code: 'invalid-env-prefix' },
      ])
    },
  )
})

describe('names that are misspelled', () => {
  test.each([
    ['CROSS_ACCOUNT_DYNAMO_ROLEARN', 'roleArn', 'CROSS_ACCOUNT_DYNAMO_ROLE_ARN'],
    ['CROSSACCOUNT_DYNAMO_EXTERNAL_ID', 'externalId', 'CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID'],
    ['cross_account_dynamo_session_tags', 'sessionTags', 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS'],
    [
      'CROSS_ACCOUNT_DYNAMO_REFRESHBEFORESECONDS',
      'refreshBeforeSeconds',
      'CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS',
    ],
    ['CROSS_ACCOUNT_DYNAMO_REGION_', 'region', 'CROSS_ACCOUNT_DYNAMO_REGION'],
    ['CROSSACCOUNT_DYNAMO_TABLES', 'scope', 'CROSS_ACCOUNT_DYNAMO_TABLES'],
  ])('variable %s is an issue unless it is empty', (misspelled, option, correct) => {
    expect(issuesIn(REQUIRED, { ...IRELAND, [misspelled]: 'text' })).toEqual([
      { option, code: 'misspelled-variable', misspelled, correct },
    ])
    expect(issuesIn(REQUIRED, { ...IRELAND, [misspelled]: '' })).toEqual([])
  })

  test.each(['CROSS_ACCOUNT_DYNAMODB_ROLE_ARN', 'CROSS_ACCOUNT_DYNAMO_TABLE', 'PATH'])(
    'variable %s belongs to another program',
    (variable) => {
      expect(issuesIn(REQUIRED, { ...IRELAND, [variable]: 'text' })).toEqual([])
    },
  )

  test.each<[string, string, string[]]>([
    ['DISABLE_PREFETCH', 'disablePrefetch', []],
    ['SCOPE', 'scope', ['CROSS_ACCOUNT_DYNAMO_TABLES', 'CROSS_ACCOUNT_DYNAMO_ACCESS']],
  ])('variable %s is an issue, because %s has no variable of that name', (suffix, option, instead) => {
    expect(issuesIn(REQUIRED, variables({ [suffix]: 'true' }))).toEqual([
      { option, code: 'no-such-variable', unread: `${PREFIX}_${suffix}`, instead },
    ])
  })

  test.each([
    ['roleARN', 'roleArn'],
    ['externalID', 'externalId'],
    ['sessionTag', 'sessionTags'],
    ['duration_seconds', 'durationSeconds'],
    ['awsClientOption', 'awsClientOptions'],
    ['disablePrefech', 'disablePrefetch'],
  ])('option %s suggests %s, also if it is undefined', (option, suggestion) => {
    for (const value of ['text', undefined])
      expect(issuesIn({ ...REQUIRED, [option]: value })).toMatchObject([
        { option, code: 'unknown-option', suggestion },
      ])
  })

  test.each(['zzz', 'quux', 'toString', 'constructor', '__proto__'])(
    'option %s resembles no option, so the issue lists all of them',
    (option) => {
      const options = { ...REQUIRED }
      Object.defineProperty(options, option, { value: 'MARKER', enumerable: true })
      const known = 'roleArn externalId contextKey awsClientCapture disablePrefetch'.split(' ')
      const issues = issuesIn(options)
      expect(issues).toEqual([
        { option, code: 'unknown-option', suggestion: undefined, known: expect.arrayContaining(known) },
      ])
      expect(JSON.stringify(issues)).not.toContain('MARKER')
    },
  )

  test.each([
    ['with a line break', 'role\n  - Arn'],
    ['with a character that changes the direction of text', 'role\u202eArn'],
    ['of 5,000 characters', 'x'.repeat(5000)],
  ])('an unknown option %s cannot change the layout of the message', (_, option) => {
    const message = messageOf({ ...REQUIRED, [option]: undefined })
    expect(message.split('\n')).toHaveLength(2)
    expect(message).not.toContain('\u202e')
    expect(message.length).toBeLessThan(2000)
  })
})

test('all issues of a configuration are reported at once', () => {
  const environment = {
    ...variables({
      ROLE_ARN: 'arn:aws:iam::22222222222:role/R',
      EXTERNAL_ID: 'x',
      DURATION_SECONDS: '43200',
      REGION: 'Ireland',
      SESSIONNAME: 'orders',
    }),
    AWS_REGION: '',
  }
  const options = {
    sessionTags: { 'aws:team': 'orders', stage: 'prod!' },
    transitiveTagKeys: ['owner'],
    sourceIdentity: 'aws:alice',
    contextKey: 'awsRequestId',
    exernalId: 'x',
  }
  const variable = (suffix: string) => ({ variable: `${PREFIX}_${suffix}` })
  const [unknownOption, ...issues] = issuesIn(options, environment)
  expect(unknownOption).toMatchObject({
    option: 'exernalId',
    code: 'unknown-option',
    suggestion: 'externalId',
  })
  expect(issues).toEqual([
    {
      option: 'sessionName',
      code: 'misspelled-variable',
      misspelled: 'CROSS_ACCOUNT_DYNAMO_SESSIONNAME',
      correct: 'CROSS_ACCOUNT_DYNAMO_SESSION_NAME',
    },
    {
      option: 'roleArn',
      ...variable('ROLE_ARN'),
      code: 'invalid-role-arn',
      value: 'arn:aws:iam::22222222222:role/R',
      reason: expect.any(String),
    },
    {
      option: 'externalId',
      ...variable('EXTERNAL_ID'),
      code: 'invalid-length',
      min: 2,
      max: 1224,
      length: 1,
    },
    { option: 'sessionTags', code: 'reserved-prefix', tag: { part: 'key', key: 'aws:team' } },
    {
      option: 'sessionTags',
      code: 'invalid-character',
      tag: { part: 'value', key: 'stage' },
      allowed: 'letters, digits, spaces and _.:/=+-@',
      character: '!',
    },
    { option: 'sourceIdentity', code: 'reserved-prefix' },
    {
      option: 'durationSeconds',
      ...variable('DURATION_SECONDS'),
      code: 'invalid-duration',
      min: 900,
      max: 3600,
      value: 43_200,
    },
    { option: 'region', ...variable('REGION'), code: 'invalid-region', value: 'Ireland' },
    { option: 'contextKey', code: 'reserved-context-key', value: 'awsRequestId' },
  ])
})

describe('session tags in a variable', () => {
  const tagsFrom = (text: string) =>
    read(REQUIRED, variables({ SESSION_TAGS: text })).parameters.sessionTags.map(({ Key, Value }) => [
      Key,
      Value,
    ])

  test.each<[string, string, [string, string][]]>([
    ['a pair', 'team=orders', [['team', 'orders']]],
    [
      'several pairs',
      'team=orders,stage=prod',
      [
        ['team', 'orders'],
        ['stage', 'prod'],
      ],
    ],
    [
      'pairs with spaces around them',
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
    [
      'JSON whose values look like keys',
      '{"team":"stage","stage":"team:"}',
      [
        ['team', 'stage'],
        ['stage', 'team:'],
      ],
    ],
    ['JSON with spaces around it', '\n {"team": "orders"} ', [['team', 'orders']]],
    ['JSON without tags', '{}', []],
    ['__proto__ in JSON', '{"__proto__":"x"}', [['__proto__', 'x']]],
    ['letters that are written as escapes', String.raw`{"\u00e9quipe":"\u6ce8"}`, [['équipe', '注']]],
  ])('can be %s', (_, text, tags) => {
    expect(tagsFrom(text)).toEqual(tags)
  })

  const ofTeam = { part: 'value', key: 'team' }
  const notText = { code: 'invalid-type', expected: 'a string', tag: ofTeam }
  test.each<[string, string, object]>([
    ['JSON that is cut short', '{"team":"MARKER"', { code: 'invalid-json' }],
    ['JSON with a word without quotes', '{"team":MARKER}', { code: 'invalid-json' }],
    ['text without a pair', 'MARKER', { code: 'missing-equals-sign', pair: 1 }],
    ['a comma in a value', 'team=orders,MARKER,stage=prod', { code: 'missing-equals-sign', pair: 2 }],
    ['a comma at the end', 'team=MARKER,', { code: 'missing-equals-sign', pair: 2 }],
    [
      'the same key twice',
      'team=MARKER,stage=prod,team=MARKER2',
      { code: 'duplicate-tag-key', keys: ['team', 'team'] },
    ],
    [
      'the same key twice with different spaces',
      'team=MARKER, team =MARKER2',
      { code: 'duplicate-tag-key', keys: ['team', 'team'] },
    ],
    [
      'keys that differ only in case',
      'Team=MARKER,team=MARKER',
      { code: 'duplicate-tag-key', keys: ['Team', 'team'] },
    ],
    [
      'an empty key',
      '=MARKER',
      { code: 'invalid-length', min: 1, max: 128, length: 0, tag: { part: 'key', key: '' } },
    ],
    ['a number in JSON', '{"team":12345}', { ...notText, actual: 'a number' }],
    ['null in JSON', '{"team":null}', { ...notText, actual: 'null' }],
    ['a list in JSON', '{"team":["MARKER"]}', { ...notText, actual: 'a list' }],
    ['an object in JSON', '{"team":{"a":"MARKER"}}', { ...notText, actual: 'an object' }],
  ])('cannot be %s, and the issue contains no value of a tag', (_, text, problem) => {
    const issues = issuesIn(REQUIRED, variables({ SESSION_TAGS: text }))
    expect(issues).toEqual([
      { option: 'sessionTags', variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS', ...problem },
    ])
    expect(JSON.stringify(issues)).not.toMatch(/MARKER|12345/)
  })

  test('that cannot be read have no further issue for each transitive key', () => {
    const environment = variables({ SESSION_TAGS: '{', TRANSITIVE_TAG_KEYS: 'team' })
    expect(issuesIn(REQUIRED, environment)).toHaveLength(1)
    expect(issuesIn({ ...REQUIRED, sessionTags: [], transitiveTagKeys: ['team'] })).toHaveLength(1)
  })

  test('must contain each transitive key', () => {
    const variable = 'CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS'
    const problem = { option: 'transitiveTagKeys', variable, code: 'unknown-tag-key', known: [] }
    expect(issuesIn(REQUIRED, variables({ TRANSITIVE_TAG_KEYS: 'team,' }))).toEqual([
      { ...problem, key: 'team' },
      { ...problem, key: '' },
    ])
    expect(
      issuesIn(REQUIRED, variables({ TRANSITIVE_TAG_KEYS: 'Team', SESSION_TAGS: 'team=orders' })),
    ).toEqual([{ ...problem, key: 'Team', known: ['team'] }])
  })
})

describe('session tags as an option', () => {
  // Tags in a Map or a Set would be overlooked, and the session would have no tags.
  test.each<[string, unknown, string]>([
    ['a string', 'team=orders', 'a string'],
    ['a list', [{ Key: 'team', Value: 'orders' }], 'a list'],
    ['a Map', new Map([['team', 'orders']]), 'an object'],
    ['a Set', new Set(['team']), 'an object'],
    ['a Date', new Date(), 'an object'],
  ])('cannot be %s', (_, sessionTags, actual) => {
    expect(issuesIn({ ...REQUIRED, sessionTags })).toEqual([
      { option: 'sessionTags', code: 'invalid-type', expected: 'a plain object', actual },
    ])
  })

  test('cannot have undefined as a value', () => {
    expect(issuesIn({ ...REQUIRED, sessionTags: { team: undefined } })).toEqual([
      {
        option: 'sessionTags',
        code: 'invalid-type',
        tag: { part: 'value', key: 'team' },
        expected: 'a string',
        actual: 'undefined',
      },
    ])
  })

  test.each([['team'], [['team', 1]], [{ team: true }], [['team', ...new Array(1)]], [new Array(1)]])(
    'transitiveTagKeys cannot be %j',
    (transitiveTagKeys) => {
      expect(issuesIn({ ...REQUIRED, sessionTags: { team: 'orders' }, transitiveTagKeys })).toMatchObject([
        { option: 'transitiveTagKeys', code: 'invalid-type', expected: 'a list of strings' },
      ])
    },
  )
})

test.each<[string, object, Environment]>([
  [
    'invalid options',
    { externalId: 'MARKER EXTERNAL', sessionTags: { a: 'MARKER?', b: `MARKER${'x'.repeat(300)}` } },
    {},
  ],
  ['options of a wrong type', { externalId: ['MARKER'], sessionTags: ['MARKER'] }, {}],
  [
    'invalid variables',
    {},
    {
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'MARKER EXTERNAL',
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: '{"a":"MARKER?"}',
    },
  ],
  ['misspelled variables', {}, { CROSS_ACCOUNT_DYNAMO_EXTERNALID: 'MARKER' }],
  ['invalid JSON', {}, { CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: '{MARKER}' }],
  [
    'valid options beside an invalid one',
    { roleArn: 'x' },
    { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'MARKER', CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'a=MARKER' },
  ],
])('neither issues nor message contain secrets of %s', (_, options, environment) => {
  const invalid = [
    { ...REQUIRED, ...options },
    { ...IRELAND, ...environment },
  ] as const
  const issues = issuesIn(...invalid)
  expect(issues).not.toEqual([])
  expect(JSON.stringify(issues)).not.toContain('MARKER')
  expect(messageOf(...invalid)).not.toContain('MARKER')
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
  ])('of a function named %j is %j, which is valid', (name, expected) => {
    const { sessionName } = read(REQUIRED, { ...IRELAND, AWS_LAMBDA_FUNCTION_NAME: name }).parameters
    expect(sessionName).toBe(expected)
    expect(parseWith(parseSessionName, sessionName)).toEqual({ value: expected, problems: [] })
  })

  test('is replaced by the option or the variable, which are not made valid', () => {
    const environment = { ...variables({ SESSION_NAME: 'variable' }), AWS_LAMBDA_FUNCTION_NAME: 'fn' }
    expect(read(REQUIRED, environment).parameters.sessionName).toBe('variable')
    expect(read({ ...REQUIRED, sessionName: 'option' }, environment).parameters.sessionName).toBe('option')
    expect(issuesIn({ ...REQUIRED, sessionName: 'my function' }, environment)).toEqual([
      {
        option: 'sessionName',
        code: 'invalid-character',
        allowed: 'letters, digits and _+=,.@-',
        character: ' ',
      },
    ])
  })
})

describe('refreshBeforeSeconds', () => {
  test.each([
    [3600, 900],
    [1801, 900],
    [1800, 900],
    [1000, 500],
    [900, 450],
  ])('defaults for durationSeconds %i to %i', (durationSeconds, refreshBeforeSeconds) => {
    expect(read({ ...REQUIRED, durationSeconds }).refreshBeforeSeconds).toBe(refreshBeforeSeconds)
  })

  test.each([60, 61, 3599])('can be %i', (refreshBeforeSeconds) => {
    expect(read({ ...REQUIRED, refreshBeforeSeconds }).refreshBeforeSeconds).toBe(refreshBeforeSeconds)
  })

  const option = 'refreshBeforeSeconds'
  const code = 'invalid-refresh-window'
  test.each([59, 0, -60, 3600, 3601, 60.5, '60', 'soon', null])('cannot be %j', (refreshBeforeSeconds) => {
    expect(issuesIn({ ...REQUIRED, refreshBeforeSeconds })).toEqual([
      { option, code, min: 60, durationSeconds: 3600, value: refreshBeforeSeconds ?? { type: 'null' } },
    ])
  })

  test('must be less than the configured durationSeconds', () => {
    expect(read({ ...REQUIRED, durationSeconds: 900, refreshBeforeSeconds: 899 }).refreshBeforeSeconds).toBe(
      899,
    )
    expect(issuesIn({ ...REQUIRED, durationSeconds: 900, refreshBeforeSeconds: 900 })).toEqual([
      { option, code, min: 60, durationSeconds: 900, value: 900 },
    ])
    const variable = 'CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS'
    expect(issuesIn(REQUIRED, { ...IRELAND, [variable]: '3600' })).toEqual([
      { option, variable, code, min: 60, durationSeconds: 3600, value: 3600 },
    ])
  })
})

describe('region', () => {
  const CHINA = { roleArn: 'arn:aws-cn:iam::222222222222:role/R' }

  test('is the Region of STS, too, if AWS_REGION is not set', () => {
    expect(read({ ...REQUIRED, region: 'eu-north-1' }, {})).toMatchObject({
      region: 'eu-north-1',
      stsRegions: ['eu-north-1'],
    })
  })

  test.each([
    ['eu-west-1', CHINA, 'aws-cn'],
    ['cn-north-1', REQUIRED, 'aws'],
    ['us-gov-west-1', REQUIRED, 'aws'],
  ])('%s is refused for the role %j', (value, role, partition) => {
    const issue = { option: 'region', code: 'other-partition', value, partition }
    expect(issuesIn({ ...role, region: value }, {})).toEqual([issue])
    const variable = 'CROSS_ACCOUNT_DYNAMO_REGION'
    expect(issuesIn(role, { [variable]: value })).toEqual([{ ...issue, variable }])
  })

  const ofFunction = {
    option: 'AWS_REGION',
    code: 'other-partition',
    value: 'eu-west-1',
    partition: 'aws-cn',
  }

  test('can come from AWS_REGION, which is checked in the same way', () => {
    expect(issuesIn(CHINA, IRELAND)).toEqual([ofFunction])
    expect(issuesIn(REQUIRED, { AWS_REGION: 'Ireland' })).toEqual([
      { option: 'AWS_REGION', code: 'invalid-region', value: 'Ireland' },
    ])
  })

  test('that is invalid is not compared with the partition of the role', () => {
    expect(issuesIn(CHINA, variables({ REGION: 'Beijing' }))).toEqual([
      {
        option: 'region',
        variable: 'CROSS_ACCOUNT_DYNAMO_REGION',
        code: 'invalid-region',
        value: 'Beijing',
      },
      ofFunction,
    ])
  })

  test('of STS must be in the partition of the role, too', () => {
    expect(issuesIn({ ...CHINA, region: 'cn-north-1' }, IRELAND)).toEqual([ofFunction])
  })
})

describe('contextKey', () => {
  test.each(['dynamo', 'orders', 'my table', '$', 'hasOwnProperty'])('can be %s', (contextKey) => {
    expect(read({ ...REQUIRED, contextKey }).contextKey).toBe(contextKey)
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
  ])('cannot be %s, which is a property of the context or of objects', (contextKey) => {
    expect(issuesIn({ ...REQUIRED, contextKey })).toEqual([
      { option: 'contextKey', code: 'reserved-context-key', value: contextKey },
    ])
  })

  test.each<[unknown, object]>([
    ['', { code: 'empty' }],
    [5, { code: 'invalid-type', expected: 'a string', actual: 'a number' }],
  ])('cannot be %j', (contextKey, problem) => {
    expect(issuesIn({ ...REQUIRED, contextKey })).toEqual([{ option: 'contextKey', ...problem }])
  })
})

describe('options of the clients', () => {
  const type = (expected: string, actual: string) => ({ code: 'invalid-type', expected, actual })
  test.each<[string, unknown, object]>([
    ['documentClient', 'yes', type('a boolean', 'a string')],
    ['disablePrefetch', 1, type('a boolean', 'a number')],
    ['translateConfig', true, type('an object', 'a boolean')],
    ['awsClientOptions', [], type('an object', 'a list')],
    ['stsClientOptions', 'eu-west-1', type('an object', 'a string')],
    ['awsClientCapture', {}, type('a function', 'an object')],
    [
      'awsClientOptions',
      { credentials: { accessKeyId: 'MARKER', secretAccessKey: 'MARKER' } },
      { code: 'client-credentials' },
    ],
    ['awsClientOptions', { region: 'eu-west-1' }, { code: 'client-region', instead: 'region' }],
    ['stsClientOptions', { region: 'eu-north-1' }, { code: 'client-region', instead: 'stsRegions' }],
    ['stsClientOptions', { logger: console }, { code: 'client-logger' }],
  ])('%s cannot be %j', (option, value, problem) => {
    expect(issuesIn({ ...REQUIRED, [option]: value })).toEqual([{ option, ...problem }])
  })

  const unreadable = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get: () => {
      throw new Error('no')
    },
  })
  test.each<[string, object]>([
    ['awsClientOptions', unreadable],
    ['stsClientOptions', unreadable],
    ['translateConfig', unreadable],
    ['translateConfig', { marshallOptions: unreadable }],
    ['translateConfig', { unmarshallOptions: unreadable }],
  ])('%s cannot have a property that cannot be read', (option, value) => {
    expect(issuesIn({ ...REQUIRED, [option]: value })).toEqual([
      {
        option,
        code: 'invalid-property',
        property: 'bad',
        actual: 'a value that cannot be read (Error: "no")',
      },
    ])
  })

  test.each(['marshallOptions', 'unmarshallOptions'])('translateConfig.%s must be an object', (property) => {
    const option = 'translateConfig'
    expect(issuesIn({ ...REQUIRED, [option]: { [property]: 'text' } })).toEqual([
      { option, code: 'invalid-property', property, actual: 'a string' },
    ])
    expect(issuesIn({ ...REQUIRED, [option]: { [property]: undefined } })).toEqual([])
  })

  test('keep the objects inside them', () => {
    const requestHandler = { handle: () => {} }
    const wrapNumbers = () => 'value'
    const { awsClientOptions, stsClientOptions, translateConfig } = read({
      ...REQUIRED,
      awsClientOptions: { requestHandler },
      stsClientOptions: { requestHandler },
      translateConfig: { unmarshallOptions: { wrapNumbers } },
    })
    expect(awsClientOptions.requestHandler).toBe(requestHandler)
    expect(stsClientOptions.requestHandler).toBe(requestHandler)
    expect(translateConfig.unmarshallOptions?.wrapNumbers).toBe(wrapNumbers)
  })

  test('remove undefined values by default', () => {
    const marshallOptionsOf = (marshallOptions: object) =>
      read({ ...REQUIRED, translateConfig: { marshallOptions } }).translateConfig.marshallOptions
    expect(marshallOptionsOf({ convertEmptyValues: true })).toEqual({
      removeUndefinedValues: true,
      convertEmptyValues: true,
    })
    expect(marshallOptionsOf({ removeUndefinedValues: false })).toEqual({ removeUndefinedValues: false })
  })

  test('do not include translateConfig if documentClient is false', () => {
    expect(read({ ...REQUIRED, documentClient: false }).documentClient).toBe(false)
    expect(issuesIn({ ...REQUIRED, documentClient: false, translateConfig: {} })).toEqual([
      { option: 'translateConfig', code: 'no-effect', because: 'documentClient is false' },
    ])
  })

  test('are not called when the configuration is read', () => {
    const captured = new DynamoDBClient({ region: 'eu-west-1' })
    const awsClientCapture = jest.fn(() => captured)
    const credentials = jest.fn()
    const configuration = read({ ...REQUIRED, awsClientCapture, stsClientOptions: { credentials } })
    expect(awsClientCapture).not.toHaveBeenCalled()
    expect(credentials).not.toHaveBeenCalled()
    expect(configuration.awsClientCapture(new DynamoDBClient({ region: 'eu-west-1' }))).toBe(captured)
  })
})

describe('the configuration', () => {
  const createOptions = () => ({
    ...REQUIRED,
    sessionTags: { team: 'orders' },
    transitiveTagKeys: ['team'],
    translateConfig: { marshallOptions: { convertEmptyValues: true } },
  })

  test('is frozen, and so are the session parameters', () => {
    const configuration = readConfiguration(createOptions(), IRELAND)
    const { parameters } = configuration
    for (const frozen of [
      configuration,
      parameters,
      parameters?.sessionTags,
      parameters?.sessionTags[0],
      parameters?.transitiveTagKeys,
      parameters?.policyArns,
      configuration.stsRegions,
    ]) {
      expect(frozen).toBeInstanceOf(Object)
      expect(Object.isFrozen(frozen)).toBe(true)
    }
  })

  test('does not change with the options, and does not change them', () => {
    const options = createOptions()
    const configuration = read(options)
    const before = structuredClone(comparable(configuration))
    expect(options).toEqual(createOptions())
    options.sessionTags.team = 'billing'
    options.transitiveTagKeys.push('stage')
    options.translateConfig.marshallOptions.convertEmptyValues = false
    options.roleArn = 'other'
    expect(comparable(configuration)).toEqual(before)
  })

  test('does not change with the environment', () => {
    const environment: Record<string, string> = { ...IRELAND, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'before' }
    const configuration = read(REQUIRED, environment)
    environment.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = 'after'
    environment.AWS_REGION = 'us-east-1'
    expect(configuration).toMatchObject({ parameters: { externalId: 'before' }, region: 'eu-west-1' })
  })
})

describe('stsRegions', () => {
  test.each<[unknown, object]>([
    ['nowhere', { code: 'invalid-type', expected: 'a list of Regions', actual: 'a string' }],
    [[], { code: 'empty' }],
    [['eu-west-1', 'Ireland'], { code: 'invalid-region', value: 'Ireland' }],
  ])('cannot be %j', (stsRegions, problem) => {
    expect(issuesIn({ ...REQUIRED, stsRegions })).toEqual([{ option: 'stsRegions', ...problem }])
  })
})

describe('logger', () => {
  test('can be of any class', () => {
    expect(read({ ...REQUIRED, logger: console }).logger).toBe(console)
  })

  test('does nothing by default', () => {
    const { logger } = read()
    expect([logger.debug('', {}), logger.info('', {}), logger.warn('', {}), logger.error('', {})]).toEqual(
      Array(4).fill(undefined),
    )
  })

  const ALL = ['debug', 'info', 'warn', 'error']
  test.each<[unknown, string[]]>([
    [{ info: () => {}, error: () => {} }, ['debug', 'warn']],
    [null, ALL],
    ['console', ALL],
  ])('must have all methods: %p', (logger, missing) => {
    expect(issuesIn({ ...REQUIRED, logger })).toEqual([
      { option: 'logger', code: 'missing-methods', required: ALL, missing },
    ])
  })
})

describe('session policies', () => {
  const ORDERS = 'arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'
  const statementOf = (options: object, environment: Environment = IRELAND) =>
    JSON.parse(read({ ...REQUIRED, ...options }, environment).parameters.policy ?? '').Statement[0]

  test('a scope is compiled for the account of the role and the Region of the table', () => {
    const scope = { tables: ['Orders'], access: ['PutItem'] }
    expect(statementOf({ scope })).toEqual({
      Effect: 'Allow',
      Action: ['dynamodb:PutItem'],
      Resource: [ORDERS],
    })
    expect(statementOf({ scope, region: 'eu-north-1' }).Resource).toEqual([
      ORDERS.replace('eu-west-1', 'eu-north-1'),
    ])
  })

  test.each([
    ['read', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    [' write ', 'dynamodb:PutItem', 'dynamodb:GetItem'],
    ['GetItem, dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:Scan'],
  ])('variables set a scope with the access %p, and the option replaces it', (access, allowed, denied) => {
    const environment = variables({ TABLES: `Orders, ${ORDERS}s`, ACCESS: access })
    const { Action, Resource } = statementOf({}, environment)
    expect(Action).toContain(allowed)
    expect(Action).not.toContain(denied)
    expect(Resource).toEqual(expect.arrayContaining([ORDERS, `${ORDERS}s`]))
    const scope = { tables: ['Other'], access: 'write' }
    expect(statementOf({ scope }, environment).Resource).toEqual([ORDERS.replace('Orders', 'Other')])
  })

  test('variables that set only half of a scope are refused', () => {
    const missing = { option: 'scope', code: 'invalid-type', actual: 'undefined' }
    expect(issuesIn(REQUIRED, variables({ TABLES: 'Orders' }))).toEqual([
      { ...missing, path: 'access', variable: `${PREFIX}_ACCESS`, expected: expect.any(String) },
    ])
    expect(issuesIn(REQUIRED, variables({ ACCESS: 'read' }))).toEqual([
      { ...missing, path: 'tables', variable: `${PREFIX}_TABLES`, expected: expect.any(String) },
    ])
  })

  test('an issue of a scope names the variable that set the invalid part', () => {
    expect(issuesIn(REQUIRED, variables({ TABLES: 'Or', ACCESS: 'delete' }))).toMatchObject([
      { option: 'scope', path: 'tables', variable: `${PREFIX}_TABLES`, code: 'invalid-table', value: 'Or' },
      { option: 'scope', path: 'access', variable: `${PREFIX}_ACCESS`, code: 'unknown-action' },
    ])
  })

  test.each([[new Array(1)], [[undefined]], [['arn:aws:iam::aws:policy/ReadOnlyAccess', undefined]]])(
    'policyArns cannot contain undefined: %j',
    (policyArns) => {
      expect(issuesIn({ ...REQUIRED, policyArns })).toMatchObject([
        { option: 'policyArns', code: 'invalid-type' },
      ])
    },
  )

  test('a table in another account is refused', () => {
    const value = ORDERS.replace('222222222222', '333333333333')
    expect(issuesIn({ ...REQUIRED, scope: { tables: [value], access: 'read' } })).toEqual([
      {
        option: 'scope',
        path: 'tables',
        code: 'table-elsewhere',
        value,
        prefix: 'arn:aws:dynamodb:eu-west-1:222222222222:table/',
      },
    ])
  })

  test.each<[string, object, Environment, IssueCode]>([
    ['missing', {}, {}, 'required-without-aws-region'],
    ['invalid', { region: 'Ireland' }, { AWS_REGION: 'us-east-1' }, 'invalid-region'],
  ])('tables are not compared with a Region that is %s', (_, options, environment, code) => {
    const scope = { tables: [ORDERS], access: 'read' }
    expect(issuesIn({ ...REQUIRED, ...options, scope }, environment)).toMatchObject([
      { option: 'region', code },
    ])
  })

  test('a policy is sent as its text, or as the JSON of the document', () => {
    const text = '{ "Version": "2012-10-17", "Statement": [] }'
    expect(read({ ...REQUIRED, policy: text }).parameters.policy).toBe(text)
    expect(read({ ...REQUIRED, policy: { Sid: 'ключ' } }).parameters.policy).toBe(
      '{"Sid":"\\u043a\\u043b\\u044e\\u0447"}',
    )
  })

  test.each<[string, object]>([
    [
      'scope',
      { scope: { tables: Array.from({ length: 40 }, (_, index) => `Orders${index}`), access: 'write' } },
    ],
    ['policy', { policy: { Sid: 'x'.repeat(2048) } }],
    [
      'policyArns',
      { policyArns: Array.from({ length: 10 }, (_, i) => `arn:aws:iam::aws:policy/${'p'.repeat(200)}${i}`) },
    ],
  ])('session policies that are too large are an issue of %s', (option, options) => {
    expect(issuesIn({ ...REQUIRED, ...options })).toEqual([
      { option, code: 'session-policies-too-large', length: expect.any(Number), max: 2048 },
    ])
  })
})

test.each<[unknown, unknown]>([
  [0, 0],
  [-1, -1],
  [1.5, 1.5],
  ['many', 'many'],
  [Number.NaN, Number.NaN],
])('maxSessions cannot be %p', (maxSessions, value) => {
  expect(issuesIn({ ...REQUIRED, maxSessions })).toEqual([
    { option: 'maxSessions', code: 'not-an-integer', min: 1, value },
  ])
})

test.each(['awsClientOptions', 'stsClientOptions'])('an endpoint in %s must be a whole URL', (option) => {
  expect(issuesIn({ ...REQUIRED, [option]: { endpoint: 'not a url' } })).toEqual([
    { option, code: 'invalid-endpoint', value: 'not a url' },
  ])
  expect(issuesIn({ ...REQUIRED, [option]: { endpoint: 'https://vpce-1.example.com' } })).toEqual([])
})

test('the Regions of STS are in the partition of the role', () => {
  expect(issuesIn({ ...REQUIRED, stsRegions: ['eu-west-1', 'cn-north-1'] })).toEqual([
    { option: 'stsRegions', code: 'other-partition', value: 'cn-north-1', partition: 'aws' },
  ])
})
