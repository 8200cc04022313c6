// cspell:ignore crossaccount équipe exernal externalid größe ключ örders prefech quipe refreshbeforeseconds rolearn sessionname
/** The configuration that options and environment variables produce, and the issues of invalid values. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, jest, test } from '@jest/globals'
import { type Configuration, readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import { parseSessionName } from '../../../src/iam/constraints.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import type { Issue, IssueCode } from '../../../src/options/issue.ts'
import type { Environment } from '../../../src/options/rows.ts'
import { catchIssues, parseWith } from '../issues.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const REQUIRED_OPTIONS = { roleArn: ROLE }
const REGION_ENVIRONMENT = { AWS_REGION: 'eu-west-1' }
const VARIABLE_PREFIX = 'CROSS_ACCOUNT_DYNAMO'

/** Reads options, including options that the types do not allow. Throws if the session parameters depend on the request. */
const readStatic = (
  options: unknown = REQUIRED_OPTIONS,
  environment: Environment = REGION_ENVIRONMENT,
): Configuration & { readonly parameters: SessionParameters } => {
  const configuration = readConfiguration(options, environment)
  const { parameters } = configuration
  if (parameters === undefined) throw new Error('the session parameters depend on the request')
  return { ...configuration, parameters }
}

/** Returns the issues that reading the options reports. */
const readIssues = (
  options: unknown = REQUIRED_OPTIONS,
  environment: Environment = REGION_ENVIRONMENT,
): readonly Issue[] => catchIssues(() => readConfiguration(options, environment))

/** Returns the message of the error that reading the options throws. */
const readErrorMessage = (options: unknown, environment: Environment = REGION_ENVIRONMENT): string => {
  try {
    readConfiguration(options, environment)
  } catch (error) {
    if (error instanceof Error) return error.message
  }
  throw new Error('no error was thrown')
}

/** Returns the configuration without its functions, which `toEqual` compares by reference. */
const removeFunctions = (configuration: Configuration): object => ({
  ...configuration,
  awsClientCapture: undefined,
  resolveParameters: undefined,
  logger: undefined,
})

/** Returns an environment with `AWS_REGION` and variables that have the default prefix. */
const createEnvironment = (suffixes: Readonly<Record<string, string>>): Environment => ({
  ...REGION_ENVIRONMENT,
  ...Object.fromEntries(
    Object.entries(suffixes).map(([suffix, text]) => [`${VARIABLE_PREFIX}_${suffix}`, text]),
  ),
})

const ANY_LOGGER = {
  debug: expect.any(Function),
  info: expect.any(Function),
  warn: expect.any(Function),
  error: expect.any(Function),
}

describe('the minimal configuration', () => {
  test('a configuration needs a role and a Region, and all other options have defaults', () => {
    expect(readStatic()).toStrictEqual({
      parameters: {
        roleArn: ROLE,
        sessionTags: [],
        transitiveTagKeys: [],
        sessionName: 'middy-cross-account-dynamo',
        durationSeconds: 3600,
        policyArns: [],
      },
      isDirectMode: false,
      ignoredOptions: [],
      resolveParameters: expect.any(Function),
      accountId: '222222222222',
      region: 'eu-west-1',
      stsRegions: ['eu-west-1'],
      logger: ANY_LOGGER,
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

  test('the default awsClientCapture returns the client unchanged', () => {
    const client = new DynamoDBClient({ region: 'eu-west-1' })
    expect(readStatic().awsClientCapture(client)).toBe(client)
  })

  test('a configuration can come only from environment variables', () => {
    expect(readStatic({}, createEnvironment({ ROLE_ARN: ROLE })).parameters.roleArn).toBe(ROLE)
  })

  test('a missing role and a missing Region are reported', () => {
    expect(readIssues({}, {})).toEqual([
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
  ])('options that are %p are refused', (options, actual) => {
    const environment = createEnvironment({ ROLE_ARN: ROLE })
    expect(catchIssues(() => readConfiguration(options, environment))).toEqual([
      { option: 'options', code: 'invalid-type', expected: 'a plain object', actual },
    ])
  })

  test('the error of an invalid configuration is not retryable, has status code 500, and names the context key', () => {
    expect(() => readConfiguration({ contextKey: 'orders' }, REGION_ENVIRONMENT)).toThrow(
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
  const options = {
    roleArn: 'arn:aws-us-gov:iam::333333333333:role/teams/R',
    externalId: 'example-external-id',
    sessionTags: { team: 'orders', stage: 'prod' },
    transitiveTagKeys: ['team', 'team'],
    sessionName: 'orders',
    sourceIdentity: 'alice',
    durationSeconds: 900,
    region: 'us-gov-west-1',
    refreshBeforeSeconds: 60,
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

  test('the configuration contains all explicit options', () => {
    const govCloudEnvironment = { AWS_REGION: 'us-gov-east-1', AWS_LAMBDA_FUNCTION_NAME: 'fn' }
    expect(readStatic(options, govCloudEnvironment)).toStrictEqual({
      parameters: {
        roleArn: options.roleArn,
        externalId: 'example-external-id',
        sessionTags: [
          { Key: 'team', Value: 'orders' },
          { Key: 'stage', Value: 'prod' },
        ],
        transitiveTagKeys: ['team'],
        sourceIdentity: 'alice',
        sessionName: 'orders',
        durationSeconds: 900,
        policyArns: ['arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess'],
      },
      isDirectMode: false,
      ignoredOptions: [],
      resolveParameters: expect.any(Function),
      accountId: '333333333333',
      region: 'us-gov-west-1',
      stsRegions: ['us-gov-east-1'],
      logger: ANY_LOGGER,
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

  test('options that are undefined count as unset', () => {
    const names = Object.keys(options).filter((name) => name !== 'roleArn')
    const undefinedOptions = {
      ...REQUIRED_OPTIONS,
      ...Object.fromEntries(names.map((name) => [name, undefined])),
    }
    expect(removeFunctions(readStatic(undefinedOptions))).toEqual(removeFunctions(readStatic()))
  })

  test.each([...Object.keys(options), 'stsRegions', 'logger', 'scope'])(
    'the value null of %s is refused instead of counting as unset',
    (option) => {
      const issues = readIssues({ ...REQUIRED_OPTIONS, [option]: null })
      expect(issues).toHaveLength(1)
      expect(issues[0]).toHaveProperty('option', option)
    },
  )

  test.each([
    ['durationSeconds', 900n],
    ['refreshBeforeSeconds', 900n],
    ['contextKey', 1n],
  ])('a BigInt as %s is reported as an issue and does not throw a TypeError', (option, value) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, [option]: value })).toMatchObject([{ option }])
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
  ])('the variable %s sets a session parameter', (suffix, text, expected) => {
    expect(readStatic({}, createEnvironment({ ROLE_ARN: ROLE, [suffix]: text })).parameters).toMatchObject(
      expected,
    )
  })

  test.each([
    ['REGION', 'eu-central-1', { region: 'eu-central-1', stsRegions: ['eu-west-1'] }],
    ['REFRESH_BEFORE_SECONDS', '120', { refreshBeforeSeconds: 120 }],
    ['REFRESH_BEFORE_SECONDS', ' 120 ', { refreshBeforeSeconds: 120 }],
    ['MAX_SESSIONS', '7', { maxSessions: 7 }],
    ['STS_REGIONS', 'eu-north-1, eu-west-1', { stsRegions: ['eu-north-1', 'eu-west-1'] }],
  ])('the variable %s=%s sets an option', (suffix, text, expected) => {
    expect(readStatic(REQUIRED_OPTIONS, createEnvironment({ [suffix]: text }))).toMatchObject(expected)
  })

  test.each([
    ['team,stage', ['team', 'stage']],
    [' team , stage ', ['team', 'stage']],
    ['stage', ['stage']],
  ])('the variable TRANSITIVE_TAG_KEYS=%s sets a list', (text, keys) => {
    const environment = createEnvironment({
      SESSION_TAGS: 'team=orders,stage=prod',
      TRANSITIVE_TAG_KEYS: text,
    })
    expect(readStatic(REQUIRED_OPTIONS, environment).parameters.transitiveTagKeys).toEqual(keys)
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
  ])(
    'the option %s: %p replaces its variable, even if the variable is invalid',
    (option, value, suffix, text) => {
      const configuration = removeFunctions(readStatic({ ...REQUIRED_OPTIONS, [option]: value }))
      for (const variableText of [text, ' not valid\t'])
        expect(
          removeFunctions(
            readStatic(
              { ...REQUIRED_OPTIONS, [option]: value },
              createEnvironment({ [suffix]: variableText }),
            ),
          ),
        ).toEqual(configuration)
    },
  )

  test('empty environment variables count as unset', () => {
    const suffixes =
      'EXTERNAL_ID SESSION_TAGS TRANSITIVE_TAG_KEYS SESSION_NAME SOURCE_IDENTITY DURATION_SECONDS REGION ' +
      'REFRESH_BEFORE_SECONDS STS_REGIONS MAX_SESSIONS TABLES ACCESS'
    const emptyVariables = createEnvironment(
      Object.fromEntries(suffixes.split(' ').map((suffix) => [suffix, ''])),
    )
    expect(removeFunctions(readStatic(REQUIRED_OPTIONS, emptyVariables))).toEqual(
      removeFunctions(readStatic()),
    )
    expect(readIssues({}, { AWS_REGION: '', CROSS_ACCOUNT_DYNAMO_ROLE_ARN: '' })).toEqual(readIssues({}, {}))
  })

  test.each<[string, string, string, object]>([
    ['roleArn', 'ROLE_ARN', ROLE, { code: 'invalid-role-arn', value: '' }],
    ['externalId', 'EXTERNAL_ID', 'valid', { code: 'invalid-length', min: 2, max: 1224, length: 0 }],
    ['sessionName', 'SESSION_NAME', 'valid', { code: 'invalid-length', min: 2, max: 64, length: 0 }],
    ['sourceIdentity', 'SOURCE_IDENTITY', 'valid', { code: 'invalid-length', min: 2, max: 64, length: 0 }],
    ['region', 'REGION', 'eu-west-1', { code: 'invalid-region', value: '' }],
  ])(
    'an environment variable does not replace an empty %s, which is invalid',
    (option, suffix, text, problem) => {
      const issues = readIssues({ ...REQUIRED_OPTIONS, [option]: '' }, createEnvironment({ [suffix]: text }))
      expect(issues).toMatchObject([{ option, ...problem }])
      expect(issues[0]).not.toHaveProperty('variable')
    },
  )

  test.each(['aws', '9S', '0x384', '1e3', '+900', '-900', '900.5', '1800s', '1_800', '1,800', 'NaN'])(
    'the variable DURATION_SECONDS=%s is refused, and the issue contains the text',
    (value) => {
      expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ DURATION_SECONDS: value }))).toEqual([
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

  test('an issue names an environment variable only if the value came from the variable', () => {
    const environment = createEnvironment({ SESSION_NAME: 'x', EXTERNAL_ID: 'x' })
    expect(readIssues({ ...REQUIRED_OPTIONS, externalId: 'y' }, environment)).toEqual([
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
  test('envPrefix replaces the default prefix of all variables', () => {
    const environment = {
      ...REGION_ENVIRONMENT,
      ORDERS_DYNAMO_ROLE_ARN: ROLE,
      ORDERS_DYNAMO_SESSION_NAME: 'orders',
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::444444444444:role/Other',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'other-external-id',
    }
    const { parameters } = readStatic({ envPrefix: 'ORDERS_DYNAMO' }, environment)
    expect(parameters).toMatchObject({ roleArn: ROLE, sessionName: 'orders' })
    expect(parameters).not.toHaveProperty('externalId')
  })

  test('issues and the error message name variables with envPrefix', () => {
    const environment = { ORDERS_SESSION_NAME: 'x', ordersExternalId: 'abc' }
    expect(readIssues({ envPrefix: 'ORDERS' }, environment)).toMatchObject([
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
    const message = readErrorMessage({ envPrefix: 'ORDERS' }, environment)
    expect(message).toContain('ORDERS_ROLE_ARN')
    expect(message).toContain('ORDERS_REGION')
  })

  test.each(['A', 'a', '_A', 'ORDERS_DYNAMO', 'Orders2', 'A__B'])('envPrefix can be %s', (envPrefix) => {
    expect(
      readStatic({ envPrefix }, { ...REGION_ENVIRONMENT, [`${envPrefix}_ROLE_ARN`]: ROLE }).parameters
        .roleArn,
    ).toBe(ROLE)
  })

  test.each(['', '_', 'ORDERS_', '2ORDERS', 'ORDERS-DYNAMO', 'ORDERS DYNAMO', 'ÖRDERS', 'ORDERS\n', 5, {}])(
    'envPrefix cannot be %j',
    (envPrefix) => {
      expect(readIssues({ ...REQUIRED_OPTIONS, envPrefix })).toEqual([
        { option: 'envPrefix', code: 'invalid-env-prefix' },
      ])
    },
  )
})

describe('misspelled names', () => {
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
  ])('the misspelled variable %s is an issue unless it is empty', (misspelled, option, correct) => {
    expect(readIssues(REQUIRED_OPTIONS, { ...REGION_ENVIRONMENT, [misspelled]: 'text' })).toEqual([
      { option, code: 'misspelled-variable', misspelled, correct },
    ])
    expect(readIssues(REQUIRED_OPTIONS, { ...REGION_ENVIRONMENT, [misspelled]: '' })).toEqual([])
  })

  test.each(['CROSS_ACCOUNT_DYNAMODB_ROLE_ARN', 'CROSS_ACCOUNT_DYNAMO_TABLE', 'PATH'])(
    'the variable %s is ignored, because it belongs to another program',
    (variable) => {
      expect(readIssues(REQUIRED_OPTIONS, { ...REGION_ENVIRONMENT, [variable]: 'text' })).toEqual([])
    },
  )

  test.each([
    ['reed', 'read'],
    ['GetItems', 'GetItem'],
    ['*', undefined],
  ])(
    'the problem of the variable ACCESS=%s suggests %p, of the presets and the actions',
    (text, suggestion) => {
      const [issue] = readIssues(REQUIRED_OPTIONS, createEnvironment({ TABLES: 'Orders', ACCESS: text }))
      expect(issue).toMatchObject({ option: 'scope', path: 'access', code: 'unknown-action', suggestion })
      expect(issue).toHaveProperty('known.0', 'read')
    },
  )

  test.each<[string, string, string[]]>([
    ['DISABLE_PREFETCH', 'disablePrefetch', []],
    ['SCOPE', 'scope', ['TABLES', 'ACCESS', 'KMS_KEY_ARN'].map((name) => `CROSS_ACCOUNT_DYNAMO_${name}`)],
  ])(
    'the variable %s is an issue, because the option %s has no variable of that name',
    (suffix, option, instead) => {
      expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ [suffix]: 'true' }))).toEqual([
        { option, code: 'no-such-variable', unread: `${VARIABLE_PREFIX}_${suffix}`, instead },
      ])
    },
  )

  test.each([
    ['roleARN', 'roleArn'],
    ['externalID', 'externalId'],
    ['sessionTag', 'sessionTags'],
    ['duration_seconds', 'durationSeconds'],
    ['awsClientOption', 'awsClientOptions'],
    ['disablePrefech', 'disablePrefetch'],
  ])('the unknown option %s has the suggestion %s, even if its value is undefined', (option, suggestion) => {
    for (const value of ['text', undefined])
      expect(readIssues({ ...REQUIRED_OPTIONS, [option]: value })).toMatchObject([
        { option, code: 'unknown-option', suggestion },
      ])
  })

  test.each(['zzz', 'quux', 'toString', 'constructor', '__proto__'])(
    'the issue of the unknown option %s lists all options',
    (option) => {
      const options = { ...REQUIRED_OPTIONS }
      Object.defineProperty(options, option, { value: 'MARKER', enumerable: true })
      const known = 'roleArn externalId contextKey awsClientCapture disablePrefetch'.split(' ')
      const issues = readIssues(options)
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
  ])('the name of an unknown option %s is escaped and truncated in the message', (_, option) => {
    const message = readErrorMessage({ ...REQUIRED_OPTIONS, [option]: undefined })
    expect(message.split('\n')).toHaveLength(2)
    expect(message).not.toContain('\u202e')
    expect(message.length).toBeLessThan(2000)
  })
})

test('one error reports all issues of a configuration', () => {
  const environment = {
    ...createEnvironment({
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
  const createVariableProperty = (suffix: string) => ({ variable: `${VARIABLE_PREFIX}_${suffix}` })
  const [unknownOption, ...issues] = readIssues(options, environment)
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
      ...createVariableProperty('ROLE_ARN'),
      code: 'invalid-role-arn',
      value: 'arn:aws:iam::22222222222:role/R',
      reason: expect.any(String),
    },
    {
      option: 'externalId',
      ...createVariableProperty('EXTERNAL_ID'),
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
      ...createVariableProperty('DURATION_SECONDS'),
      code: 'invalid-duration',
      min: 900,
      max: 3600,
      value: 43_200,
    },
    { option: 'region', ...createVariableProperty('REGION'), code: 'invalid-region', value: 'Ireland' },
    { option: 'contextKey', code: 'reserved-context-key', value: 'awsRequestId' },
  ])
})

describe('session tags in a variable', () => {
  const readTags = (text: string) =>
    readStatic(REQUIRED_OPTIONS, createEnvironment({ SESSION_TAGS: text })).parameters.sessionTags.map(
      ({ Key, Value }) => [Key, Value],
    )

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
    ['= in the value', 'query=a=b==', [['query', 'a=b==']]],
    ['__proto__ in a pair', '__proto__=x', [['__proto__', 'x']]],
    [
      'JSON',
      '{"team":"orders","stage":"prod"}',
      [
        ['team', 'orders'],
        ['stage', 'prod'],
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
    ['JSON with escaped letters', String.raw`{"\u00e9quipe":"\u6ce8"}`, [['équipe', '注']]],
  ])('the variable SESSION_TAGS can be %s', (_, text, tags) => {
    expect(readTags(text)).toEqual(tags)
  })

  const NOT_A_STRING = { code: 'invalid-type', expected: 'a string', tag: { part: 'value', key: 'team' } }
  test.each<[string, string, object]>([
    ['truncated JSON', '{"team":"MARKER"', { code: 'invalid-json' }],
    ['JSON with an unquoted word', '{"team":MARKER}', { code: 'invalid-json' }],
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
    ['a number in JSON', '{"team":12345}', { ...NOT_A_STRING, actual: 'a number' }],
    ['null in JSON', '{"team":null}', { ...NOT_A_STRING, actual: 'null' }],
    ['a list in JSON', '{"team":["MARKER"]}', { ...NOT_A_STRING, actual: 'a list' }],
    ['an object in JSON', '{"team":{"a":"MARKER"}}', { ...NOT_A_STRING, actual: 'an object' }],
  ])('the variable SESSION_TAGS cannot be %s, and the issue contains no tag value', (_, text, problem) => {
    const issues = readIssues(REQUIRED_OPTIONS, createEnvironment({ SESSION_TAGS: text }))
    expect(issues).toEqual([
      { option: 'sessionTags', variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS', ...problem },
    ])
    expect(JSON.stringify(issues)).not.toMatch(/MARKER|12345/)
  })

  test('invalid session tags do not cause an issue for each transitive tag key', () => {
    const environment = createEnvironment({ SESSION_TAGS: '{', TRANSITIVE_TAG_KEYS: 'team' })
    expect(readIssues(REQUIRED_OPTIONS, environment)).toHaveLength(1)
    expect(readIssues({ ...REQUIRED_OPTIONS, sessionTags: [], transitiveTagKeys: ['team'] })).toHaveLength(1)
  })

  test('a transitive tag key without a session tag is reported', () => {
    const variable = 'CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS'
    const problem = { option: 'transitiveTagKeys', variable, code: 'unknown-tag-key', known: [] }
    expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ TRANSITIVE_TAG_KEYS: 'team,' }))).toEqual([
      { ...problem, key: 'team' },
      { ...problem, key: '' },
    ])
    expect(
      readIssues(
        REQUIRED_OPTIONS,
        createEnvironment({ TRANSITIVE_TAG_KEYS: 'Team', SESSION_TAGS: 'team=orders' }),
      ),
    ).toEqual([{ ...problem, key: 'Team', known: ['team'] }])
  })
})

describe('session tags as an option', () => {
  // The entries of a Map or a Set are not properties, so the session would have no tags.
  test.each<[string, unknown, string]>([
    ['a string', 'team=orders', 'a string'],
    ['a list', [{ Key: 'team', Value: 'orders' }], 'a list'],
    ['a Map', new Map([['team', 'orders']]), 'an object'],
    ['a Set', new Set(['team']), 'an object'],
    ['a Date', new Date(), 'an object'],
  ])('the option sessionTags cannot be %s', (_, sessionTags, actual) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, sessionTags })).toEqual([
      { option: 'sessionTags', code: 'invalid-type', expected: 'a plain object', actual },
    ])
  })

  test('the option sessionTags cannot contain undefined as a tag value', () => {
    expect(readIssues({ ...REQUIRED_OPTIONS, sessionTags: { team: undefined } })).toEqual([
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
    'the option transitiveTagKeys cannot be %j',
    (transitiveTagKeys) => {
      expect(
        readIssues({ ...REQUIRED_OPTIONS, sessionTags: { team: 'orders' }, transitiveTagKeys }),
      ).toMatchObject([{ option: 'transitiveTagKeys', code: 'invalid-type', expected: 'a list of strings' }])
    },
  )
})

test.each<[string, object, Environment]>([
  [
    'invalid options',
    { externalId: 'MARKER EXTERNAL', sessionTags: { a: 'MARKER?', b: `MARKER${'x'.repeat(300)}` } },
    {},
  ],
  ['options with an invalid type', { externalId: ['MARKER'], sessionTags: ['MARKER'] }, {}],
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
])('issues and the error message contain no secrets of %s', (_, options, environment) => {
  const readArguments = [
    { ...REQUIRED_OPTIONS, ...options },
    { ...REGION_ENVIRONMENT, ...environment },
  ] as const
  const issues = readIssues(...readArguments)
  expect(issues).not.toEqual([])
  expect(JSON.stringify(issues)).not.toContain('MARKER')
  expect(readErrorMessage(...readArguments)).not.toContain('MARKER')
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
  ])('the default session name of a function named %j is %j, which is valid', (name, expected) => {
    const { sessionName } = readStatic(REQUIRED_OPTIONS, {
      ...REGION_ENVIRONMENT,
      AWS_LAMBDA_FUNCTION_NAME: name,
    }).parameters
    expect(sessionName).toBe(expected)
    expect(parseWith(parseSessionName, sessionName)).toEqual({ value: expected, problems: [] })
  })

  test('an option or a variable replaces the default session name and must be valid', () => {
    const environment = { ...createEnvironment({ SESSION_NAME: 'variable' }), AWS_LAMBDA_FUNCTION_NAME: 'fn' }
    expect(readStatic(REQUIRED_OPTIONS, environment).parameters.sessionName).toBe('variable')
    expect(
      readStatic({ ...REQUIRED_OPTIONS, sessionName: 'option' }, environment).parameters.sessionName,
    ).toBe('option')
    expect(readIssues({ ...REQUIRED_OPTIONS, sessionName: 'my function' }, environment)).toEqual([
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
  ])(
    'with durationSeconds %i, refreshBeforeSeconds defaults to %i',
    (durationSeconds, refreshBeforeSeconds) => {
      expect(readStatic({ ...REQUIRED_OPTIONS, durationSeconds }).refreshBeforeSeconds).toBe(
        refreshBeforeSeconds,
      )
    },
  )

  test.each([60, 61, 3599])('refreshBeforeSeconds can be %i', (refreshBeforeSeconds) => {
    expect(readStatic({ ...REQUIRED_OPTIONS, refreshBeforeSeconds }).refreshBeforeSeconds).toBe(
      refreshBeforeSeconds,
    )
  })

  const option = 'refreshBeforeSeconds'
  const code = 'invalid-refresh-window'
  test.each([59, 0, -60, 3600, 3601, 60.5, '60', 'soon', null])(
    'refreshBeforeSeconds cannot be %j',
    (refreshBeforeSeconds) => {
      expect(readIssues({ ...REQUIRED_OPTIONS, refreshBeforeSeconds })).toEqual([
        { option, code, min: 60, durationSeconds: 3600, value: refreshBeforeSeconds ?? { type: 'null' } },
      ])
    },
  )

  test('refreshBeforeSeconds must be less than the configured durationSeconds', () => {
    expect(
      readStatic({ ...REQUIRED_OPTIONS, durationSeconds: 900, refreshBeforeSeconds: 899 })
        .refreshBeforeSeconds,
    ).toBe(899)
    expect(readIssues({ ...REQUIRED_OPTIONS, durationSeconds: 900, refreshBeforeSeconds: 900 })).toEqual([
      { option, code, min: 60, durationSeconds: 900, value: 900 },
    ])
    const variable = 'CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS'
    expect(readIssues(REQUIRED_OPTIONS, { ...REGION_ENVIRONMENT, [variable]: '3600' })).toEqual([
      { option, variable, code, min: 60, durationSeconds: 3600, value: 3600 },
    ])
  })
})

test('a session tag with an empty value is refused in the option and in the variable', () => {
  const issue = {
    option: 'sessionTags',
    code: 'invalid-length',
    min: 1,
    max: 256,
    length: 0,
    tag: { part: 'value', key: 'team' },
  }
  expect(readIssues({ ...REQUIRED_OPTIONS, sessionTags: { team: '' } })).toEqual([issue])
  for (const text of ['team=', '{"team":""}'])
    expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ SESSION_TAGS: text }))).toMatchObject([issue])
})

describe('KMS key of a scope', () => {
  const KEY_ARN = 'arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const CHINA_KEY_ARN = KEY_ARN.replace('arn:aws:', 'arn:aws-cn:')

  test.each([
    [
      KEY_ARN.replace('eu-west-1', 'eu-north-1'),
      { code: 'key-elsewhere', region: 'eu-north-1', expected: 'eu-west-1' },
    ],
    [CHINA_KEY_ARN, { code: 'other-partition', value: CHINA_KEY_ARN, partition: 'aws' }],
    ['alias/orders', { code: 'invalid-key-arn', value: 'alias/orders' }],
  ])('the key %s is refused in the option scope and in the variable', (kmsKeyArn, problem) => {
    const issue = { option: 'scope', path: 'kmsKeyArn', ...problem }
    const scope = { tables: ['Orders'], access: 'read', kmsKeyArn }
    expect(readIssues({ ...REQUIRED_OPTIONS, scope })).toEqual([issue])
    const environment = createEnvironment({ TABLES: 'Orders', ACCESS: 'read', KMS_KEY_ARN: kmsKeyArn })
    expect(readIssues(REQUIRED_OPTIONS, environment)).toMatchObject([issue])
  })
})

describe('region', () => {
  const CHINA_OPTIONS = { roleArn: 'arn:aws-cn:iam::222222222222:role/R' }

  test('region is also the Region of STS if AWS_REGION is not set', () => {
    expect(readStatic({ ...REQUIRED_OPTIONS, region: 'eu-north-1' }, {})).toMatchObject({
      region: 'eu-north-1',
      stsRegions: ['eu-north-1'],
    })
  })

  test.each([
    ['eu-west-1', CHINA_OPTIONS, 'aws-cn'],
    ['cn-north-1', REQUIRED_OPTIONS, 'aws'],
    ['us-gov-west-1', REQUIRED_OPTIONS, 'aws'],
  ])(
    'the Region %s is refused with the options %j, whose role is in another partition',
    (value, role, partition) => {
      const issue = { option: 'region', code: 'other-partition', value, partition }
      expect(readIssues({ ...role, region: value }, {})).toEqual([issue])
      const variable = 'CROSS_ACCOUNT_DYNAMO_REGION'
      expect(readIssues(role, { [variable]: value })).toEqual([{ ...issue, variable }])
    },
  )

  const functionRegionIssue = {
    option: 'AWS_REGION',
    code: 'other-partition',
    value: 'eu-west-1',
    partition: 'aws-cn',
  }

  test('the Region from AWS_REGION is checked like the option region', () => {
    expect(readIssues(CHINA_OPTIONS, REGION_ENVIRONMENT)).toEqual([functionRegionIssue])
    expect(readIssues(REQUIRED_OPTIONS, { AWS_REGION: 'Ireland' })).toEqual([
      { option: 'AWS_REGION', code: 'invalid-region', value: 'Ireland' },
    ])
  })

  test('an invalid Region is not compared with the partition of the role', () => {
    expect(readIssues(CHINA_OPTIONS, createEnvironment({ REGION: 'Beijing' }))).toEqual([
      {
        option: 'region',
        variable: 'CROSS_ACCOUNT_DYNAMO_REGION',
        code: 'invalid-region',
        value: 'Beijing',
      },
      functionRegionIssue,
    ])
  })

  test('the Region of STS must be in the partition of the role', () => {
    expect(readIssues({ ...CHINA_OPTIONS, region: 'cn-north-1' }, REGION_ENVIRONMENT)).toEqual([
      functionRegionIssue,
    ])
  })
})

describe('contextKey', () => {
  test.each(['dynamo', 'orders', 'my table', '$', 'hasOwnProperty'])('contextKey can be %s', (contextKey) => {
    expect(readStatic({ ...REQUIRED_OPTIONS, contextKey }).contextKey).toBe(contextKey)
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
  ])('contextKey cannot be %s, which is a property of the context or of objects', (contextKey) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, contextKey })).toEqual([
      { option: 'contextKey', code: 'reserved-context-key', value: contextKey },
    ])
  })

  test.each<[unknown, object]>([
    ['', { code: 'empty' }],
    [5, { code: 'invalid-type', expected: 'a string', actual: 'a number' }],
  ])('contextKey cannot be %j', (contextKey, problem) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, contextKey })).toEqual([{ option: 'contextKey', ...problem }])
  })
})

describe('client options', () => {
  const createTypeProblem = (expected: string, actual: string) => ({ code: 'invalid-type', expected, actual })
  test.each<[string, unknown, object]>([
    ['documentClient', 'yes', createTypeProblem('a boolean', 'a string')],
    ['disablePrefetch', 1, createTypeProblem('a boolean', 'a number')],
    ['translateConfig', true, createTypeProblem('an object', 'a boolean')],
    ['awsClientOptions', [], createTypeProblem('an object', 'a list')],
    ['stsClientOptions', 'eu-west-1', createTypeProblem('an object', 'a string')],
    ['awsClientCapture', {}, createTypeProblem('a function', 'an object')],
    [
      'awsClientOptions',
      { credentials: { accessKeyId: 'MARKER', secretAccessKey: 'MARKER' } },
      { code: 'client-credentials' },
    ],
    ['awsClientOptions', { region: 'eu-west-1' }, { code: 'client-region', instead: 'region' }],
    ['stsClientOptions', { region: 'eu-north-1' }, { code: 'client-region', instead: 'stsRegions' }],
    ['stsClientOptions', { logger: console }, { code: 'client-logger' }],
  ])('the option %s cannot be %j', (option, value, problem) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, [option]: value })).toEqual([{ option, ...problem }])
  })

  const objectWithThrowingGetter = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get: () => {
      throw new Error('no')
    },
  })
  test.each<[string, object]>([
    ['awsClientOptions', objectWithThrowingGetter],
    ['stsClientOptions', objectWithThrowingGetter],
    ['translateConfig', objectWithThrowingGetter],
    ['translateConfig', { marshallOptions: objectWithThrowingGetter }],
    ['translateConfig', { unmarshallOptions: objectWithThrowingGetter }],
  ])('the option %s cannot have a property whose getter throws', (option, value) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, [option]: value })).toEqual([
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
    expect(readIssues({ ...REQUIRED_OPTIONS, [option]: { [property]: 'text' } })).toEqual([
      { option, code: 'invalid-property', property, actual: 'a string' },
    ])
    expect(readIssues({ ...REQUIRED_OPTIONS, [option]: { [property]: undefined } })).toEqual([])
  })

  test('client options keep references to objects and functions', () => {
    const requestHandler = { handle: () => {} }
    const wrapNumbers = () => 'value'
    const { awsClientOptions, stsClientOptions, translateConfig } = readStatic({
      ...REQUIRED_OPTIONS,
      awsClientOptions: { requestHandler },
      stsClientOptions: { requestHandler },
      translateConfig: { unmarshallOptions: { wrapNumbers } },
    })
    expect(awsClientOptions.requestHandler).toBe(requestHandler)
    expect(stsClientOptions.requestHandler).toBe(requestHandler)
    expect(translateConfig.unmarshallOptions?.wrapNumbers).toBe(wrapNumbers)
  })

  test('marshallOptions remove undefined values by default', () => {
    const readMarshallOptions = (marshallOptions: object) =>
      readStatic({ ...REQUIRED_OPTIONS, translateConfig: { marshallOptions } }).translateConfig
        .marshallOptions
    expect(readMarshallOptions({ convertEmptyValues: true })).toEqual({
      removeUndefinedValues: true,
      convertEmptyValues: true,
    })
    expect(readMarshallOptions({ removeUndefinedValues: false })).toEqual({ removeUndefinedValues: false })
  })

  test('translateConfig is refused if documentClient is false', () => {
    expect(readStatic({ ...REQUIRED_OPTIONS, documentClient: false }).documentClient).toBe(false)
    expect(readIssues({ ...REQUIRED_OPTIONS, documentClient: false, translateConfig: {} })).toEqual([
      { option: 'translateConfig', code: 'no-effect', because: 'documentClient is false' },
    ])
  })

  test('functions in client options are not called when the configuration is read', () => {
    const capturedClient = new DynamoDBClient({ region: 'eu-west-1' })
    const awsClientCapture = jest.fn(() => capturedClient)
    const credentials = jest.fn()
    const configuration = readStatic({
      ...REQUIRED_OPTIONS,
      awsClientCapture,
      stsClientOptions: { credentials },
    })
    expect(awsClientCapture).not.toHaveBeenCalled()
    expect(credentials).not.toHaveBeenCalled()
    expect(configuration.awsClientCapture(new DynamoDBClient({ region: 'eu-west-1' }))).toBe(capturedClient)
  })
})

describe('the configuration', () => {
  const createOptions = () => ({
    ...REQUIRED_OPTIONS,
    sessionTags: { team: 'orders' },
    transitiveTagKeys: ['team'],
    translateConfig: { marshallOptions: { convertEmptyValues: true } },
  })

  test('the configuration and its session parameters are frozen', () => {
    const configuration = readConfiguration(createOptions(), REGION_ENVIRONMENT)
    const { parameters } = configuration
    for (const value of [
      configuration,
      parameters,
      parameters?.sessionTags,
      parameters?.sessionTags[0],
      parameters?.transitiveTagKeys,
      parameters?.policyArns,
      configuration.stsRegions,
    ]) {
      expect(value).toBeInstanceOf(Object)
      expect(Object.isFrozen(value)).toBe(true)
    }
  })

  test('the configuration does not share objects with the options and does not modify them', () => {
    const options = createOptions()
    const configuration = readStatic(options)
    const expectedConfiguration = structuredClone(removeFunctions(configuration))
    expect(options).toEqual(createOptions())
    options.sessionTags.team = 'billing'
    options.transitiveTagKeys.push('stage')
    options.translateConfig.marshallOptions.convertEmptyValues = false
    options.roleArn = 'other'
    expect(removeFunctions(configuration)).toEqual(expectedConfiguration)
  })

  test('later changes of the environment do not change the configuration', () => {
    const environment: Record<string, string> = {
      ...REGION_ENVIRONMENT,
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'before',
    }
    const configuration = readStatic(REQUIRED_OPTIONS, environment)
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
  ])('stsRegions cannot be %j', (stsRegions, problem) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, stsRegions })).toEqual([{ option: 'stsRegions', ...problem }])
  })
})

describe('logger', () => {
  test('the logger can be an instance of any class', () => {
    expect(readStatic({ ...REQUIRED_OPTIONS, logger: console }).logger).toBe(console)
  })

  test('the default logger does nothing', () => {
    const { logger } = readStatic()
    expect([logger.debug('', {}), logger.info('', {}), logger.warn('', {}), logger.error('', {})]).toEqual(
      Array(4).fill(undefined),
    )
  })

  const LOGGER_METHODS = ['debug', 'info', 'warn', 'error']
  test.each<[unknown, string[]]>([
    [{ info: () => {}, error: () => {} }, ['debug', 'warn']],
    [null, LOGGER_METHODS],
    ['console', LOGGER_METHODS],
  ])('a logger without all methods is refused: %p', (logger, missing) => {
    expect(readIssues({ ...REQUIRED_OPTIONS, logger })).toEqual([
      { option: 'logger', code: 'missing-methods', required: LOGGER_METHODS, missing },
    ])
  })
})

describe('session policies', () => {
  const ORDERS = 'arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'
  const readPolicyStatement = (options: object, environment: Environment = REGION_ENVIRONMENT) =>
    JSON.parse(readStatic({ ...REQUIRED_OPTIONS, ...options }, environment).parameters.policy ?? '')
      .Statement[0]

  test('a scope is compiled for the account of the role and the Region of the table', () => {
    const scope = { tables: ['Orders'], access: ['PutItem'] }
    expect(readPolicyStatement({ scope })).toEqual({
      Effect: 'Allow',
      Action: ['dynamodb:PutItem'],
      Resource: [ORDERS],
    })
    expect(readPolicyStatement({ scope, region: 'eu-north-1' }).Resource).toEqual([
      ORDERS.replace('eu-west-1', 'eu-north-1'),
    ])
  })

  test.each([
    ['read', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    [' write ', 'dynamodb:PutItem', 'dynamodb:GetItem'],
    ['GetItem, dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:Scan'],
  ])('variables set a scope with the access %p, and the option replaces it', (access, allowed, denied) => {
    const environment = createEnvironment({ TABLES: `Orders, ${ORDERS}s`, ACCESS: access })
    const { Action, Resource } = readPolicyStatement({}, environment)
    expect(Action).toContain(allowed)
    expect(Action).not.toContain(denied)
    expect(Resource).toEqual(expect.arrayContaining([ORDERS, `${ORDERS}s`]))
    const scope = { tables: ['Other'], access: 'write' }
    expect(readPolicyStatement({ scope }, environment).Resource).toEqual([ORDERS.replace('Orders', 'Other')])
  })

  test('variables that set only tables or only access are refused', () => {
    const missingProperty = { option: 'scope', code: 'invalid-type', actual: 'undefined' }
    expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ TABLES: 'Orders' }))).toEqual([
      {
        ...missingProperty,
        path: 'access',
        variable: `${VARIABLE_PREFIX}_ACCESS`,
        expected: expect.any(String),
      },
    ])
    expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ ACCESS: 'read' }))).toEqual([
      {
        ...missingProperty,
        path: 'tables',
        variable: `${VARIABLE_PREFIX}_TABLES`,
        expected: expect.any(String),
      },
    ])
  })

  test('an issue of a scope names the variable that set the invalid property', () => {
    expect(readIssues(REQUIRED_OPTIONS, createEnvironment({ TABLES: 'Or', ACCESS: 'delete' }))).toMatchObject(
      [
        {
          option: 'scope',
          path: 'tables',
          variable: `${VARIABLE_PREFIX}_TABLES`,
          code: 'invalid-table',
          value: 'Or',
        },
        { option: 'scope', path: 'access', variable: `${VARIABLE_PREFIX}_ACCESS`, code: 'unknown-action' },
      ],
    )
  })

  test.each([[new Array(1)], [[undefined]], [['arn:aws:iam::aws:policy/ReadOnlyAccess', undefined]]])(
    'policyArns cannot contain undefined: %j',
    (policyArns) => {
      expect(readIssues({ ...REQUIRED_OPTIONS, policyArns })).toMatchObject([
        { option: 'policyArns', code: 'invalid-type' },
      ])
    },
  )

  test('a table ARN in another account is refused', () => {
    const value = ORDERS.replace('222222222222', '333333333333')
    expect(readIssues({ ...REQUIRED_OPTIONS, scope: { tables: [value], access: 'read' } })).toEqual([
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
  ])('table ARNs are not compared with a Region that is %s', (_, options, environment, code) => {
    const scope = { tables: [ORDERS], access: 'read' }
    expect(readIssues({ ...REQUIRED_OPTIONS, ...options, scope }, environment)).toMatchObject([
      { option: 'region', code },
    ])
  })

  test('a policy that is text is sent unchanged, and a document is sent as JSON', () => {
    const text = '{ "Version": "2012-10-17", "Statement": [] }'
    expect(readStatic({ ...REQUIRED_OPTIONS, policy: text }).parameters.policy).toBe(text)
    expect(readStatic({ ...REQUIRED_OPTIONS, policy: { Sid: 'ключ' } }).parameters.policy).toBe(
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
    expect(readIssues({ ...REQUIRED_OPTIONS, ...options })).toEqual([
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
  expect(readIssues({ ...REQUIRED_OPTIONS, maxSessions })).toEqual([
    { option: 'maxSessions', code: 'not-an-integer', min: 1, value },
  ])
})

test.each(['awsClientOptions', 'stsClientOptions'])('an endpoint in %s must be a complete URL', (option) => {
  expect(readIssues({ ...REQUIRED_OPTIONS, [option]: { endpoint: 'not a url' } })).toEqual([
    { option, code: 'invalid-endpoint', value: 'not a url' },
  ])
  expect(readIssues({ ...REQUIRED_OPTIONS, [option]: { endpoint: 'https://vpce-1.example.com' } })).toEqual(
    [],
  )
})

test('stsRegions in another partition than the role are refused', () => {
  expect(readIssues({ ...REQUIRED_OPTIONS, stsRegions: ['eu-west-1', 'cn-north-1'] })).toEqual([
    { option: 'stsRegions', code: 'other-partition', value: 'cn-north-1', partition: 'aws' },
  ])
})
