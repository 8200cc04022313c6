/** Direct mode: which values select it, what it refuses in Lambda, and what it checks elsewhere. Shows CODE-5 of SECURITY.md. */
import { describe, expect, test } from '@jest/globals'
import { type Configuration, readConfiguration } from '../../../src/configuration/configuration.ts'
import type { SessionRequest } from '../../../src/identity/session-function.ts'
import type { Issue } from '../../../src/options/issue.ts'
import { issuesOf } from '../issues.ts'

const DIRECT = { roleArn: false, region: 'eu-west-1' }
const ROLE_ARN = 'CROSS_ACCOUNT_DYNAMO_ROLE_ARN'

const read = (options: object = {}, environment: Record<string, string> = {}): Configuration =>
  readConfiguration({ ...DIRECT, ...options }, environment)
const issuesIn = (options: object, environment: Record<string, string> = {}): readonly Issue[] =>
  issuesOf(() => read(options, environment))

const REQUEST = { event: {}, context: {}, internal: {} } as SessionRequest

describe('direct mode', () => {
  test('is selected by roleArn: false', () => {
    expect(read()).toMatchObject({ isDirect: true, accountId: undefined, ignoredOptions: [] })
  })

  test.each(['none', ' none '])('is selected by the variable %j', (text) => {
    const environment = { [ROLE_ARN]: text, AWS_REGION: 'eu-west-1' }
    expect(readConfiguration({}, environment)).toMatchObject({ isDirect: true, accountId: undefined })
  })

  test('is not selected by the variable if the option is a role', () => {
    const roleArn = 'arn:aws:iam::222222222222:role/R'
    expect(read({ roleArn }, { [ROLE_ARN]: 'none' })).toMatchObject({
      isDirect: false,
      accountId: '222222222222',
    })
  })

  test.each([
    ['a missing value', { region: 'eu-west-1' }, {}],
    ['undefined', { ...DIRECT, roleArn: undefined }, {}],
    ['an empty option', { ...DIRECT, roleArn: '' }, {}],
    ['the text none as an option', { ...DIRECT, roleArn: 'none' }, {}],
    ['null', { ...DIRECT, roleArn: null }, {}],
    ['0', { ...DIRECT, roleArn: 0 }, {}],
    ['an empty variable', { region: 'eu-west-1' }, { [ROLE_ARN]: '' }],
    ['the variable false', { region: 'eu-west-1' }, { [ROLE_ARN]: 'false' }],
    ['the variable NONE', { region: 'eu-west-1' }, { [ROLE_ARN]: 'NONE' }],
  ])('is not selected by %s', (_, options, environment) => {
    expect(issuesOf(() => readConfiguration(options, environment))).toMatchObject([{ option: 'roleArn' }])
  })

  test('needs a Region', () => {
    expect(issuesIn({ region: undefined })).toEqual([
      { option: 'region', code: 'required-without-aws-region' },
    ])
  })
})

const SCOPE = { tables: ['Orders'], access: 'read' }
const POLICY_ARNS = ['arn:aws:iam::aws:policy/ReadOnlyAccess']
const ISOLATING: readonly (readonly [string, object])[] = [
  ['session', { session: () => ({ sessionName: 'acme' }) }],
  ['scope', { scope: SCOPE }],
  ['policy', { policy: '{"Statement":[]}' }],
  ['policyArns', { policyArns: POLICY_ARNS }],
  ['sessionTags', { sessionTags: { TenantId: 'acme' } }],
  ['sourceIdentity', { sourceIdentity: 'alice' }],
]
const LAMBDA: readonly (readonly [string, Record<string, string>])[] = [
  ['AWS_EXECUTION_ENV of a managed runtime', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }],
  ['AWS_EXECUTION_ENV of another runtime', { AWS_EXECUTION_ENV: 'AWS_Lambda_rust' }],
  ['AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' }],
  ['AWS_SAM_LOCAL=false', { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001', AWS_SAM_LOCAL: 'false' }],
]
const ELSEWHERE: readonly (readonly [string, Record<string, string>])[] = [
  ['no variable of Lambda', {}],
  ['AWS_EXECUTION_ENV of another service', { AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE' }],
  ['an empty AWS_LAMBDA_RUNTIME_API', { AWS_LAMBDA_RUNTIME_API: '' }],
  [
    'SAM local',
    { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_LAMBDA_RUNTIME_API: 'x', AWS_SAM_LOCAL: 'true' },
  ],
]

describe.each(LAMBDA)('direct mode in Lambda, by %s', (_, environment) => {
  test.each(ISOLATING)('refuses %s', (option, options) => {
    expect(issuesIn(options, environment)).toEqual([{ option, code: 'not-in-direct-mode' }])
  })

  test('refuses transitiveTagKeys', () => {
    const options = { sessionTags: { TenantId: 'acme' }, transitiveTagKeys: ['TenantId'] }
    expect(issuesIn(options, environment)).toEqual([
      { option: 'sessionTags', code: 'not-in-direct-mode' },
      { option: 'transitiveTagKeys', code: 'not-in-direct-mode' },
    ])
  })

  test('allows externalId and sessionName, and prefetches', () => {
    const options = { externalId: 'example-external-id', sessionName: 'orders' }
    expect(read(options, environment)).toMatchObject({ isDirect: true, disablePrefetch: false })
  })
})

test('direct mode in Lambda refuses variables, and names them', () => {
  const environment = {
    AWS_REGION: 'eu-west-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    [ROLE_ARN]: 'none',
    CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders',
    CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders',
    CROSS_ACCOUNT_DYNAMO_ACCESS: 'read',
  }
  expect(issuesOf(() => readConfiguration({}, environment))).toEqual([
    {
      option: 'scope',
      code: 'not-in-direct-mode',
      variable: 'CROSS_ACCOUNT_DYNAMO_TABLES, CROSS_ACCOUNT_DYNAMO_ACCESS',
    },
    { option: 'sessionTags', code: 'not-in-direct-mode', variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS' },
  ])
})

describe.each(ELSEWHERE)('direct mode outside Lambda: %s', (_, environment) => {
  test.each(ISOLATING)('ignores %s', (option, options) => {
    expect(read(options, environment)).toMatchObject({ isDirect: true, ignoredOptions: [option] })
  })

  test('does not prefetch unless disablePrefetch is false', () => {
    expect(read({}, environment).disablePrefetch).toBe(true)
    expect(read({ disablePrefetch: false }, environment).disablePrefetch).toBe(false)
  })
})

describe('a session function in direct mode outside Lambda', () => {
  const resolve = (values: unknown, options: object = {}) => {
    const { resolveParameters } = read({ session: () => values, ...options })
    return () => resolveParameters(REQUEST)
  }

  test.each([
    [{ sessionTags: { TenantId: 'acme' } }],
    [{ roleArn: 'arn:aws:iam::222222222222:role/R', externalId: 'example-external-id' }],
    [{ scope: { tables: ['Orders'], access: 'read', leadingKeys: ['acme'] } }],
  ])('is called, and can return %j', (values) => {
    expect(resolve(values)).not.toThrow()
  })

  test.each<[unknown, object, object]>([
    [undefined, {}, { option: 'session', code: 'returned-nothing' }],
    [{ sessionTags: { TenantId: undefined } }, {}, { option: 'sessionTags', code: 'returned-nothing' }],
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
  ])('fails as with a role if it returns %j beside %j', (values, options, issue) => {
    expect(resolve(values, options)).toThrow(
      expect.objectContaining({
        code: 'SESSION_IDENTITY_MISSING',
        issues: [expect.objectContaining(issue)],
      }),
    )
  })

  test('accepts a static scope with the ARN of a table, whose account it cannot compare', () => {
    const scope = { tables: ['arn:aws:dynamodb:eu-west-1:222222222222:table/Orders'], access: 'read' }
    expect(resolve({ sessionName: 'acme' }, { scope })).not.toThrow()
  })
})
