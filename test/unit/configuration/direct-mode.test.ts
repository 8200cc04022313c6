/**
 * Direct mode: the values that select it, the options that it refuses in Lambda, and the checks outside of Lambda. Shows
 * CODE-5 of SECURITY.md.
 */
import { describe, expect, test } from '@jest/globals'
import { type Configuration, readConfiguration } from '../../../src/configuration/configuration.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import type { Issue } from '../../../src/options/issue.ts'
import { catchIssues } from '../issues.ts'

const DIRECT_MODE_OPTIONS = { roleArn: false, region: 'eu-west-1' }
const ROLE_ARN_VARIABLE = 'CROSS_ACCOUNT_DYNAMO_ROLE_ARN'

const readDirectMode = (options: object = {}, environment: Record<string, string> = {}): Configuration =>
  readConfiguration({ ...DIRECT_MODE_OPTIONS, ...options }, environment)
const readDirectModeIssues = (options: object, environment: Record<string, string> = {}): readonly Issue[] =>
  catchIssues(() => readDirectMode(options, environment))

const SESSION_REQUEST = { event: {}, context: {}, internal: {} } as SessionRequest

describe('direct mode', () => {
  test('roleArn: false selects direct mode', () => {
    expect(readDirectMode()).toMatchObject({ isDirectMode: true, accountId: undefined, ignoredOptions: [] })
  })

  test.each(['none', ' none '])('the variable %j selects direct mode', (text) => {
    const environment = { [ROLE_ARN_VARIABLE]: text, AWS_REGION: 'eu-west-1' }
    expect(readConfiguration({}, environment)).toMatchObject({ isDirectMode: true, accountId: undefined })
  })

  test('the variable does not select direct mode if the option is a role ARN', () => {
    const roleArn = 'arn:aws:iam::222222222222:role/R'
    expect(readDirectMode({ roleArn }, { [ROLE_ARN_VARIABLE]: 'none' })).toMatchObject({
      isDirectMode: false,
      accountId: '222222222222',
    })
  })

  test.each([
    ['a missing value', { region: 'eu-west-1' }, {}],
    ['undefined', { ...DIRECT_MODE_OPTIONS, roleArn: undefined }, {}],
    ['an empty option', { ...DIRECT_MODE_OPTIONS, roleArn: '' }, {}],
    ['the text none as an option', { ...DIRECT_MODE_OPTIONS, roleArn: 'none' }, {}],
    ['null', { ...DIRECT_MODE_OPTIONS, roleArn: null }, {}],
    ['0', { ...DIRECT_MODE_OPTIONS, roleArn: 0 }, {}],
    ['an empty variable', { region: 'eu-west-1' }, { [ROLE_ARN_VARIABLE]: '' }],
    ['the variable false', { region: 'eu-west-1' }, { [ROLE_ARN_VARIABLE]: 'false' }],
    ['the variable NONE', { region: 'eu-west-1' }, { [ROLE_ARN_VARIABLE]: 'NONE' }],
  ])('direct mode is not selected by %s', (_, options, environment) => {
    expect(catchIssues(() => readConfiguration(options, environment))).toMatchObject([{ option: 'roleArn' }])
  })

  test('direct mode requires a Region', () => {
    expect(readDirectModeIssues({ region: undefined })).toEqual([
      { option: 'region', code: 'required-without-aws-region' },
    ])
  })
})

const SCOPE = { tables: ['Orders'], access: 'read' }
const POLICY_ARNS = ['arn:aws:iam::aws:policy/ReadOnlyAccess']
const ISOLATING_OPTIONS: readonly (readonly [string, object])[] = [
  ['session', { session: () => ({ sessionName: 'acme' }) }],
  ['scope', { scope: SCOPE }],
  ['policy', { policy: '{"Statement":[]}' }],
  ['policyArns', { policyArns: POLICY_ARNS }],
  ['sessionTags', { sessionTags: { TenantId: 'acme' } }],
  ['sourceIdentity', { sourceIdentity: 'alice' }],
]
const LAMBDA_ENVIRONMENTS: readonly (readonly [string, Record<string, string>])[] = [
  ['AWS_EXECUTION_ENV of a managed runtime', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }],
  ['AWS_EXECUTION_ENV of another runtime', { AWS_EXECUTION_ENV: 'AWS_Lambda_rust' }],
  ['AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' }],
  ['AWS_SAM_LOCAL=false', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', AWS_SAM_LOCAL: 'false' }],
]
const OTHER_ENVIRONMENTS: readonly (readonly [string, Record<string, string>])[] = [
  ['no variable of Lambda', {}],
  ['AWS_EXECUTION_ENV of another service', { AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE' }],
  ['an empty AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '' }],
  [
    'SAM local',
    { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_LAMBDA_RUNTIME_API: 'x', AWS_SAM_LOCAL: 'true' },
  ],
]

describe.each(LAMBDA_ENVIRONMENTS)('direct mode in Lambda, which %s indicates', (name, environment) => {
  test.each(ISOLATING_OPTIONS)(
    `direct mode refuses %s if the environment is Lambda (${name})`,
    (option, options) => {
      expect(readDirectModeIssues(options, environment)).toEqual([{ option, code: 'not-in-direct-mode' }])
    },
  )

  test(`direct mode refuses transitiveTagKeys if the environment is Lambda (${name})`, () => {
    const options = { sessionTags: { TenantId: 'acme' }, transitiveTagKeys: ['TenantId'] }
    expect(readDirectModeIssues(options, environment)).toEqual([
      { option: 'sessionTags', code: 'not-in-direct-mode' },
      { option: 'transitiveTagKeys', code: 'not-in-direct-mode' },
    ])
  })

  test(`direct mode allows externalId and sessionName, and prefetches, if the environment is Lambda (${name})`, () => {
    const options = { externalId: 'example-external-id', sessionName: 'orders' }
    expect(readDirectMode(options, environment)).toMatchObject({ isDirectMode: true, disablePrefetch: false })
  })
})

test('the issues of direct mode in Lambda name variables that are refused', () => {
  const environment = {
    AWS_REGION: 'eu-west-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    [ROLE_ARN_VARIABLE]: 'none',
    CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders',
    CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders',
    CROSS_ACCOUNT_DYNAMO_ACCESS: 'read',
  }
  expect(catchIssues(() => readConfiguration({}, environment))).toEqual([
    {
      option: 'scope',
      code: 'not-in-direct-mode',
      variable: 'CROSS_ACCOUNT_DYNAMO_TABLES, CROSS_ACCOUNT_DYNAMO_ACCESS',
    },
    { option: 'sessionTags', code: 'not-in-direct-mode', variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS' },
  ])
})

describe.each(OTHER_ENVIRONMENTS)('direct mode outside Lambda: %s', (name, environment) => {
  test.each(ISOLATING_OPTIONS)(
    `direct mode ignores %s if the environment is not Lambda (${name})`,
    (option, options) => {
      expect(readDirectMode(options, environment)).toMatchObject({
        isDirectMode: true,
        ignoredOptions: [option],
      })
    },
  )

  test(`direct mode prefetches only with disablePrefetch: false if the environment is not Lambda (${name})`, () => {
    expect(readDirectMode({}, environment).disablePrefetch).toBe(true)
    expect(readDirectMode({ disablePrefetch: false }, environment).disablePrefetch).toBe(false)
  })
})

describe('a session function in direct mode outside Lambda', () => {
  const createResolver = (values: unknown, options: object = {}) => {
    const { resolveParameters } = readDirectMode({ session: () => values, ...options })
    return () => resolveParameters(SESSION_REQUEST)
  }

  test.each([
    [{ sessionTags: { TenantId: 'acme' } }],
    [{ roleArn: 'arn:aws:iam::222222222222:role/R', externalId: 'example-external-id' }],
    [{ scope: { tables: ['Orders'], access: 'read', leadingKeys: ['acme'] } }],
  ])('a session function in direct mode is called and can return %j', (values) => {
    expect(createResolver(values)).not.toThrow()
  })

  test.each<[unknown, object, object]>([
    [undefined, {}, { option: 'session', code: 'returned-no-parameters' }],
    [{ sessionTags: { TenantId: undefined } }, {}, { option: 'sessionTags', code: 'returned-empty-field' }],
    [
      { roleArn: 'arn:aws:iam::222222222222:role/R' },
      {},
      { option: 'externalId', code: 'required-with-role' },
    ],
    [{ scope: SCOPE }, { policyArns: POLICY_ARNS }, { option: 'scope', code: 'excluded' }],
    [
      { sessionTags: { TenantId: 'acme' } },
      { transitiveTagKeys: ['team'] },
      { option: 'transitiveTagKeys', code: 'unknown-tag-key' },
    ],
  ])(
    'a session function in direct mode is checked like with a role: returned %j, options %j',
    (values, options, issue) => {
      expect(createResolver(values, options)).toThrow(
        expect.objectContaining({
          code: 'SESSION_IDENTITY_MISSING',
          issues: [expect.objectContaining(issue)],
        }),
      )
    },
  )

  test('direct mode accepts a static scope with a table ARN, because there is no account to compare it with', () => {
    const scope = { tables: ['arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'], access: 'read' }
    expect(createResolver({ sessionName: 'acme' }, { scope })).not.toThrow()
  })
})
