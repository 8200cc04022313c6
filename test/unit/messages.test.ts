/**
 * All messages in one place: `docs/messages.md`. No other test compares sentences. To write the page again, run
 * `UPDATE_MESSAGES=1 npm test -- test/unit/messages.test.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { flagAudience, formatFlagIssue } from '../../src/cli/flags.ts'
import { middlewareAudience, readConfiguration } from '../../src/configuration/configuration.ts'
import { DEFAULT_PREFIX } from '../../src/configuration/rows.ts'
import { assumeRoleError, waitTimeoutError } from '../../src/credentials/sts-error.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../src/errors.ts'
import { OPTION_NAMES } from '../../src/iam/trust-configuration.ts'
import type { SessionRequest } from '../../src/identity/session-function.ts'
import type { SessionParameters } from '../../src/identity/session-parameters.ts'
import { formatIssue, type Issue } from '../../src/options/issue.ts'
import { type Audience, MESSAGES } from '../../src/options/messages.ts'
import { POLICY_MESSAGES } from '../../src/options/policy-messages.ts'
import { minimalParameters } from './session-parameters.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const KEY = 'arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'

// Errors

const MINIMAL = minimalParameters(ROLE)
const FULL: SessionParameters = {
  ...MINIMAL,
  externalId: 'example-external-id',
  sessionTags: [
    { Key: 'team', Value: 'the value of a tag' },
    { Key: 'stage', Value: 'another value' },
  ],
  sourceIdentity: 'alice',
}
const WITH_POLICY: SessionParameters = { ...MINIMAL, policy: '{}' }

const stsError = (name: string, message: string, httpStatusCode: number) =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode, requestId: 'request-1' },
  })
const denial = (reason = '', action = 'sts:AssumeRole') => {
  const caller = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function'
  const message = `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${reason}`
  return stsError('AccessDenied', message, 403)
}
const localError = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, code })

const thrownBy = async (work: () => unknown): Promise<CrossAccountDynamoError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof CrossAccountDynamoError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const REQUEST: SessionRequest = {
  event: {},
  context: { getRemainingTimeInMillis: () => 100 } as SessionRequest['context'],
  response: undefined,
  error: null,
  internal: {},
}

/** Examples of each error code, by what happened. The compiler reports a code without examples. */
const ERRORS: Readonly<
  Record<CrossAccountDynamoErrorCode, Readonly<Record<string, CrossAccountDynamoError>>>
> = {
  CONFIG_INVALID: {
    'The options or variables are invalid': await thrownBy(() =>
      readConfiguration({ region: 'Ireland', roleArn: 'MyRole', durationSeconds: 7200, scop: {} }, {}),
    ),
  },
  SESSION_IDENTITY_MISSING: {
    'The session function returned no valid session': await thrownBy(() =>
      readConfiguration(
        {
          roleArn: ROLE,
          region: 'eu-west-1',
          contextKey: 'orders',
          session: () => ({
            sessionTags: { TenantId: undefined },
            sessionName: 'name with spaces',
            region: 'eu-west-1',
          }),
        },
        {},
      ).resolveParameters(REQUEST),
    ),
    'The session function threw': await thrownBy(() =>
      readConfiguration(
        {
          roleArn: ROLE,
          region: 'eu-west-1',
          session: () => {
            throw new TypeError("Cannot read properties of undefined (reading 'claims')")
          },
        },
        {},
      ).resolveParameters(REQUEST),
    ),
    'The session function did not return in time': await thrownBy(() =>
      readConfiguration(
        { roleArn: ROLE, region: 'eu-west-1', session: () => new Promise(() => {}) },
        {},
      ).resolveParameters(REQUEST),
    ),
  },
  ASSUME_ROLE_DENIED: {
    'STS denied a session with an external ID, tags and a source identity': assumeRoleError(denial(), FULL),
    'STS denied a session without them': assumeRoleError(denial(), MINIMAL),
    'A service control policy denied the call': assumeRoleError(
      denial(' with an explicit deny in a service control policy'),
      MINIMAL,
    ),
    'STS names the policy that does not allow the call': assumeRoleError(
      denial(' because no role trust policy allows the sts:TagSession action', 'sts:TagSession'),
      FULL,
    ),
    'STS does not name the caller': assumeRoleError(stsError('AccessDenied', 'Access denied', 403), MINIMAL),
  },
  ASSUME_ROLE_REJECTED: {
    'The credentials of the execution role have expired': assumeRoleError(
      stsError('ExpiredToken', 'expired', 403),
      MINIMAL,
    ),
    'There are no credentials': assumeRoleError(
      localError('CredentialsProviderError', 'Could not load credentials from any providers'),
      MINIMAL,
    ),
    'The session tags and session policies are too large': assumeRoleError(
      stsError('PackedPolicyTooLargeException', 'too large', 400),
      WITH_POLICY,
    ),
    'The session policy is malformed': assumeRoleError(
      stsError('MalformedPolicyDocumentException', 'malformed', 400),
      WITH_POLICY,
    ),
    'The Region is not enabled': assumeRoleError(
      stsError('RegionDisabledException', 'not activated', 403),
      MINIMAL,
    ),
    'STS rejected the request for another reason': assumeRoleError(
      stsError('ValidationError', 'wrong', 400),
      MINIMAL,
    ),
    'The endpoint is configured incorrectly': assumeRoleError(
      localError('EndpointError', 'Invalid Configuration: FIPS and custom endpoint are not supported'),
      MINIMAL,
    ),
    'The certificate is not trusted': assumeRoleError(
      localError('Error', 'self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'),
      MINIMAL,
    ),
  },
  STS_THROTTLED: {
    'STS throttled the request': assumeRoleError(stsError('Throttling', 'Rate exceeded', 400), MINIMAL),
  },
  STS_UNAVAILABLE: {
    'STS has an internal error': assumeRoleError(stsError('InternalFailure', '', 500), MINIMAL),
    'A proxy answered instead of STS': assumeRoleError(
      Object.assign(new Error('unreadable'), {
        $metadata: { httpStatusCode: 403 },
        $response: { statusCode: 403, headers: { 'content-type': 'text/html; charset=utf-8' } },
      }),
      MINIMAL,
    ),
    'The connection was refused': assumeRoleError(
      localError('Error', 'connect ECONNREFUSED 127.0.0.1:443', 'ECONNREFUSED'),
      MINIMAL,
    ),
    'The host does not exist': assumeRoleError(
      localError('Error', 'getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', 'ENOTFOUND'),
      MINIMAL,
      { region: 'us-esat-1' },
    ),
  },
  STS_TIMEOUT: {
    'STS did not answer the request': assumeRoleError(
      localError('TimeoutError', 'Connection timed out after 3000 ms'),
      MINIMAL,
    ),
    'The invocation could not wait longer': waitTimeoutError(ROLE, 1234),
  },
}

test.each(Object.entries(ERRORS))('each example of %s has that code', (code, examples) => {
  for (const error of Object.values(examples)) expect(error.code).toBe(code)
})

// Issues

const KNOWN_OPTIONS = ['roleArn', 'externalId', 'sessionTags']
const ACCESS = "'read', 'write', 'read-write' or a list of actions"

/** At least one sample of each issue code, in the order of `MESSAGES` and `POLICY_MESSAGES`. */
const SAMPLES: readonly Issue[] = [
  { option: 'roleARN', code: 'unknown-option', suggestion: 'roleArn', known: KNOWN_OPTIONS },
  { option: 'color', code: 'unknown-option', suggestion: undefined, known: KNOWN_OPTIONS },
  {
    option: 'roleArn',
    code: 'misspelled-variable',
    misspelled: 'CROSS_ACCOUNT_DYNAMO_ROLEARN',
    correct: 'CROSS_ACCOUNT_DYNAMO_ROLE_ARN',
  },
  {
    option: 'disablePrefetch',
    code: 'no-such-variable',
    unread: 'CROSS_ACCOUNT_DYNAMO_DISABLE_PREFETCH',
    instead: [],
  },
  {
    option: 'scope',
    code: 'no-such-variable',
    unread: 'CROSS_ACCOUNT_DYNAMO_SCOPE',
    instead: ['CROSS_ACCOUNT_DYNAMO_TABLES', 'CROSS_ACCOUNT_DYNAMO_ACCESS'],
  },
  { option: 'roleArn', code: 'required' },
  { option: 'region', code: 'required-without-aws-region' },
  { option: 'externalId', code: 'required-with-role' },
  { option: 'sessionTags', code: 'not-in-direct-mode' },
  { option: 'scope', code: 'excluded', by: ['policy', 'policyArns'] },
  { option: 'translateConfig', code: 'no-effect', because: 'documentClient is false' },

  { option: 'documentClient', code: 'invalid-type', expected: 'a boolean', actual: 'a string' },
  { option: 'transitiveTagKeys', code: 'invalid-type', expected: 'a list of strings', actual: 'a list' },
  {
    option: 'sessionTags',
    code: 'invalid-type',
    tag: { part: 'value', key: 'TenantId' },
    expected: 'a string',
    actual: 'a number',
  },
  { option: 'scope', path: 'access', code: 'invalid-value', expected: ACCESS, value: 'all' },
  { option: 'scope', path: 'tables', code: 'empty' },
  {
    option: 'sessionName',
    variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_NAME',
    code: 'invalid-length',
    min: 2,
    max: 64,
    length: 1,
  },
  {
    option: 'externalId',
    code: 'invalid-character',
    allowed: 'letters, digits and _+=,.@:/-',
    character: ' ',
  },
  { option: 'sessionTags', code: 'too-many', max: 50, count: 51 },
  { option: 'scope', code: 'unknown-property', property: 'table', known: ['tables', 'access', 'indexes'] },
  {
    option: 'awsClientOptions',
    code: 'invalid-property',
    property: 'endpoint',
    actual: 'a value that cannot be read (Error: "no endpoint")',
  },
  { option: 'sessionTags', variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS', code: 'invalid-json' },
  {
    option: 'sessionTags',
    variable: 'CROSS_ACCOUNT_DYNAMO_SESSION_TAGS',
    code: 'missing-equals-sign',
    pair: 2,
  },
  { option: 'maxSessions', code: 'not-an-integer', min: 1, value: 'many' },

  {
    option: 'roleArn',
    code: 'invalid-role-arn',
    value: 'arn:aws:iam::22222222222:role/CrossAccountDynamoRole',
    reason: 'no-account-id',
  },
  { option: 'roleArn', code: 'role-pattern', value: 'arn:aws:iam::222222222222:role/Orders*' },
  { option: 'sessionTags', code: 'reserved-prefix', tag: { part: 'key', key: 'aws:team' } },
  { option: 'sourceIdentity', code: 'reserved-prefix' },
  { option: 'sessionTags', code: 'duplicate-tag-key', keys: ['Team', 'team'] },
  { option: 'sessionTags', code: 'duplicate-tag-key', keys: ['team', 'team'] },
  { option: 'transitiveTagKeys', code: 'unknown-tag-key', key: 'owner', known: ['team', 'stage'] },
  { option: 'transitiveTagKeys', code: 'unknown-tag-key', key: 'owner', known: [] },
  { option: 'durationSeconds', code: 'invalid-duration', min: 900, max: 3600, value: 7200 },
  {
    option: 'refreshBeforeSeconds',
    code: 'invalid-refresh-window',
    min: 60,
    durationSeconds: 3600,
    value: 30,
  },

  { option: 'region', code: 'invalid-region', value: 'Ireland' },
  { option: 'region', code: 'other-partition', value: 'cn-north-1', partition: 'aws' },
  { option: 'scope', path: 'tables', code: 'invalid-table', value: 'Or' },
  { option: 'scope', path: 'tables', code: 'invalid-table-name', value: 'Orders*' },
  {
    option: 'scope',
    path: 'tables',
    code: 'table-arn-from-request',
    value: 'arn:aws:dynamodb:us-east-1:222222222222:table/Orders',
  },
  {
    option: 'scope',
    path: 'tables',
    code: 'table-elsewhere',
    value: 'arn:aws:dynamodb:us-east-1:333333333333:table/Orders',
    prefix: 'arn:aws:dynamodb:us-east-1:222222222222:table/',
  },

  {
    option: 'scope',
    path: 'access',
    code: 'unknown-action',
    action: 'GetItems',
    suggestion: 'GetItem',
    known: [],
  },
  {
    option: 'scope',
    path: 'access',
    code: 'unknown-action',
    action: 'Delete',
    suggestion: undefined,
    known: ['GetItem', 'Query'],
  },
  { option: 'scope', path: 'access', code: 'action-without-keys', action: 'Scan' },
  { option: 'scope', path: 'leadingKeys', code: 'key-too-long', maxBytes: 2048 },
  { option: 'scope', path: 'leadingKeys', code: 'not-unicode' },
  { option: 'policy', code: 'not-json-value', at: 'Statement[0].Condition', actual: 'undefined' },
  { option: 'policyArns', code: 'invalid-policy-arn', value: 'ReadOnlyAccess' },
  { option: 'scope', code: 'session-policies-too-large', length: 2100, max: 2048 },

  { option: 'contextKey', code: 'reserved-context-key', value: 'awsRequestId' },
  { option: 'envPrefix', code: 'invalid-env-prefix' },
  { option: 'logger', code: 'missing-methods', required: ['debug', 'info'], missing: ['debug'] },
  { option: 'awsClientOptions', code: 'client-credentials' },
  { option: 'awsClientOptions', code: 'client-region', instead: 'region' },
  { option: 'awsClientOptions', code: 'invalid-endpoint', value: 'localhost:8000/ table' },
  { option: 'stsClientOptions', code: 'client-logger' },

  { option: 'session', code: 'returned-nothing', returned: 'undefined' },
  {
    option: 'sessionTags',
    code: 'returned-nothing',
    returned: 'an object whose "TenantId" is empty',
  },
  { option: 'session', code: 'function-threw', thrown: 'TypeError: "no claims"' },

  { option: 'executionRoleArn', code: 'broad-principal', value: 'arn:aws:iam::111111111111:root' },
  { option: 'sessionTagKeys', code: 'invalid-tag-keys' },
  { option: 'access', code: 'no-confinable-action' },
  { option: 'kmsKeyArn', code: 'invalid-key-arn', value: 'alias/orders' },
  { option: 'kmsKeyArn', code: 'key-elsewhere', region: 'us-east-1', expected: 'eu-west-1' },

  { option: 'executionRoleArn', code: 'trusts-many-callers', principal: 'arn:aws:iam::111111111111:root' },
  { option: 'executionRoleArn', code: 'trusts-many-callers', principal: '*' },
  { option: 'executionRoleArn', code: 'public-tables' },
  { option: 'tenantTag', code: 'actions-left-out', actions: ['Scan', 'PartiQLSelect'] },
  { option: 'tenantTag', code: 'index-keys' },
  { option: 'kmsKeyArn', code: 'key-policy', kmsKeyArn: KEY, roleArn: ROLE },
  {
    option: 'kmsKeyArn',
    code: 'key-policy-elsewhere',
    kmsKeyArn: KEY.replace('222222222222', '333333333333'),
    roleArn: ROLE,
  },
  { option: 'trustPolicy', code: 'trust-policy-too-large', length: 2100, max: 2048 },
  { option: 'permissionsPolicy', code: 'permissions-policy-too-large', length: 10_300, max: 10_240 },
]

const OPTIONS = middlewareAudience(DEFAULT_PREFIX)
const FLAGS = flagAudience({})
/** The middleware does not report what only `crossAccountPolicies()` does. */
const audienceOf = ({ code }: Issue): Audience => (code in POLICY_MESSAGES ? OPTION_NAMES : OPTIONS)

/** Whether the command line has a name for the option: a flag or a variable. */
const hasOwnNames = ({ option, path }: Issue): boolean => {
  const name = path === undefined ? option : `${option}.${path}`
  return FLAGS.nameOf(name) !== name
}

test('each issue code has a sample, in the order of the codes', () => {
  expect([...new Set(SAMPLES.map(({ code }) => code))]).toEqual([
    ...Object.keys(MESSAGES),
    ...Object.keys(POLICY_MESSAGES),
  ])
})

test.each(['options', 'flags'])('each sentence for %s is one line of at most 1,000 characters', (names) => {
  for (const issue of SAMPLES) {
    const sentence = names === 'flags' ? formatFlagIssue(issue, {}) : formatIssue(issue, audienceOf(issue))
    expect(sentence).toMatch(/^.{1,1000}$/)
    expect(sentence).not.toMatch(/\[object |NaN/)
  }
})

// The page

const toCell = (sentence: string): string => {
  const text = sentence.replaceAll('|', '\\|')
  // Code that contains a backtick would end there.
  expect(text).not.toContain('`')
  return `\`${text}\``
}

const toRow = (issue: Issue): string =>
  `| \`${issue.code}\` | ${toCell(formatIssue(issue, audienceOf(issue)))} | ${hasOwnNames(issue) ? toCell(formatFlagIssue(issue, {})) : ''} |`

const PAGE = [
  `# Messages

All messages of this package, with examples. A test compares this page with the code.
`,
  ...Object.entries(ERRORS).flatMap(([code, examples]) => [
    `## ${code}\n`,
    ...Object.entries(examples).map(
      ([title, { message }]) => `### ${title}\n\n\`\`\`text\n${message}\n\`\`\`\n`,
    ),
  ]),
  `## Issues

The \`issues\` of an error are objects with an \`option\`, a \`code\` and the values that the message contains. The middleware names
options and variables. The commands name flags. The last codes are warnings of \`crossAccountPolicies()\` and of the command \`policies\`.

| code | middleware | command line |
| --- | --- | --- |
${SAMPLES.map(toRow).join('\n')}
`,
].join('\n')

test('docs/messages.md contains the messages', () => {
  const file = join(import.meta.dirname, '../../docs/messages.md')
  if (process.env.UPDATE_MESSAGES) writeFileSync(file, PAGE)
  expect(readFileSync(file, 'utf8')).toBe(PAGE)
})
