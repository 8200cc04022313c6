// cspell:ignore esat rolearn sesion
/**
 * Compares all messages with `docs/messages.md`. Other tests do not compare whole messages. To update the page, run
 * `UPDATE_MESSAGES=1 npm test -- test/unit/messages.test.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { createFlagAudience, formatFlagIssue } from '../../src/cli/flags.ts'
import { middlewareAudience, readConfiguration } from '../../src/configuration/configuration.ts'
import { assumeRoleError, waitTimeoutError } from '../../src/credentials/sts-error.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../src/errors.ts'
import { POLICIES_AUDIENCE } from '../../src/iam/trust-configuration.ts'
import type { SessionRequest } from '../../src/identity/session-function.ts'
import type { SessionParameters } from '../../src/identity/session-parameters.ts'
import { crossAccountDynamo } from '../../src/index.ts'
import { formatIssue, type Issue } from '../../src/options/issue.ts'
import { type Audience, MESSAGES } from '../../src/options/messages.ts'
import { POLICY_MESSAGES } from '../../src/options/policy-messages.ts'
import { DEFAULT_PREFIX } from '../../src/options/rows.ts'
import { createMinimalParameters } from './minimal-session-parameters.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const KMS_KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'

const MINIMAL_PARAMETERS = createMinimalParameters(ROLE)
const ALL_PARAMETERS: SessionParameters = {
  ...MINIMAL_PARAMETERS,
  externalId: 'example-external-id',
  sessionTags: [
    { Key: 'team', Value: 'the value of a tag' },
    { Key: 'stage', Value: 'another value' },
  ],
  sourceIdentity: 'alice',
}
const PARAMETERS_WITH_POLICY: SessionParameters = { ...MINIMAL_PARAMETERS, policy: '{}' }

const createStsError = (name: string, message: string, httpStatusCode: number) =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode, requestId: 'request-1' },
  })
const createDenialError = (reason = '', action = 'sts:AssumeRole') => {
  const caller = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function'
  const message = `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${reason}`
  return createStsError('AccessDenied', message, 403)
}
/** Creates an error that is thrown before a response arrives. */
const createLocalError = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, code })

const catchError = async (work: () => unknown): Promise<CrossAccountDynamoError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof CrossAccountDynamoError) return error
    throw error
  }
  throw new Error('the function did not throw')
}

const SESSION_REQUEST: SessionRequest = {
  event: {},
  context: { getRemainingTimeInMillis: () => 100 } as SessionRequest['context'],
  response: undefined,
  error: null,
  internal: {},
}

type ErrorExamples = Readonly<
  Record<CrossAccountDynamoErrorCode, Readonly<Record<string, CrossAccountDynamoError>>>
>

/** Creates examples of each error code, by their heading in the page. The type requires examples of each code. */
/** Runs the middleware in direct mode with this `request.internal`. */
const invokeDirect = async (internal: object): Promise<void> => {
  const { before } = crossAccountDynamo({ roleArn: false, region: 'eu-west-1' })
  await before?.({ event: {}, context: {}, internal } as never)
}

const createErrorExamples = async (): Promise<ErrorExamples> => ({
  CONFIG_INVALID: {
    'The options or variables are invalid': await catchError(() =>
      readConfiguration({ region: 'Ireland', roleArn: 'MyRole', durationSeconds: 7200, scop: {} }, {}),
    ),
    'Another middleware uses the key of the client': await catchError(() =>
      invokeDirect({ dynamo: 'a value' }),
    ),
    'Another middleware copied all of request.internal to the context': await catchError(async () => {
      const internal: { dynamo?: { send?: unknown } } = {}
      await invokeDirect(internal)
      return internal.dynamo?.send
    }),
  },
  SESSION_IDENTITY_MISSING: {
    'The session function returned no valid session': await catchError(() =>
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
      ).resolveParameters(SESSION_REQUEST),
    ),
    'The session function threw': await catchError(() =>
      readConfiguration(
        {
          roleArn: ROLE,
          region: 'eu-west-1',
          session: () => {
            throw new TypeError("Cannot read properties of undefined (reading 'claims')")
          },
        },
        {},
      ).resolveParameters(SESSION_REQUEST),
    ),
    'The session function did not return in time': await catchError(() =>
      readConfiguration(
        { roleArn: ROLE, region: 'eu-west-1', session: () => new Promise(() => {}) },
        {},
      ).resolveParameters(SESSION_REQUEST),
    ),
  },
  ASSUME_ROLE_DENIED: {
    'STS denied a session with an external ID, tags and a source identity': assumeRoleError(
      createDenialError(),
      ALL_PARAMETERS,
    ),
    'STS denied a session without an external ID, tags and a source identity': assumeRoleError(
      createDenialError(),
      MINIMAL_PARAMETERS,
    ),
    'A service control policy denied the call': assumeRoleError(
      createDenialError(' with an explicit deny in a service control policy'),
      MINIMAL_PARAMETERS,
    ),
    'STS names the policy that does not allow the call': assumeRoleError(
      createDenialError(' because no role trust policy allows the sts:TagSession action', 'sts:TagSession'),
      ALL_PARAMETERS,
    ),
    'STS does not name the caller': assumeRoleError(
      createStsError('AccessDenied', 'Access denied', 403),
      MINIMAL_PARAMETERS,
    ),
  },
  ASSUME_ROLE_REJECTED: {
    'The credentials of the execution role have expired': assumeRoleError(
      createStsError('ExpiredToken', 'expired', 403),
      MINIMAL_PARAMETERS,
    ),
    'There are no credentials': assumeRoleError(
      createLocalError('CredentialsProviderError', 'Could not load credentials from any providers'),
      MINIMAL_PARAMETERS,
    ),
    'The session tags and session policies are too large': assumeRoleError(
      createStsError('PackedPolicyTooLargeException', 'too large', 400),
      PARAMETERS_WITH_POLICY,
    ),
    'The session policy is malformed': assumeRoleError(
      createStsError('MalformedPolicyDocumentException', 'malformed', 400),
      PARAMETERS_WITH_POLICY,
    ),
    'The Region is not enabled': assumeRoleError(
      createStsError('RegionDisabledException', 'not activated', 403),
      MINIMAL_PARAMETERS,
    ),
    'STS rejected the request for another reason': assumeRoleError(
      createStsError('ValidationError', 'wrong', 400),
      MINIMAL_PARAMETERS,
    ),
    'The endpoint is configured incorrectly': assumeRoleError(
      createLocalError('EndpointError', 'Invalid Configuration: FIPS and custom endpoint are not supported'),
      MINIMAL_PARAMETERS,
    ),
    'The certificate is not trusted': assumeRoleError(
      createLocalError('Error', 'self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'),
      MINIMAL_PARAMETERS,
    ),
  },
  STS_THROTTLED: {
    'STS throttled the request': assumeRoleError(
      createStsError('Throttling', 'Rate exceeded', 400),
      MINIMAL_PARAMETERS,
    ),
  },
  STS_UNAVAILABLE: {
    'STS has an internal error': assumeRoleError(
      createStsError('InternalFailure', '', 500),
      MINIMAL_PARAMETERS,
    ),
    'A proxy answered instead of STS': assumeRoleError(
      Object.assign(new Error('unreadable'), {
        $metadata: { httpStatusCode: 403 },
        $response: { statusCode: 403, headers: { 'content-type': 'text/html; charset=utf-8' } },
      }),
      MINIMAL_PARAMETERS,
    ),
    'The response of STS cannot be parsed': assumeRoleError(
      Object.assign(new Error('unreadable'), {
        $metadata: { httpStatusCode: 200, requestId: 'request-1' },
        $response: { statusCode: 200, headers: { 'content-type': 'text/xml' } },
      }),
      MINIMAL_PARAMETERS,
    ),
    'The connection was refused': assumeRoleError(
      createLocalError('Error', 'connect ECONNREFUSED 127.0.0.1:443', 'ECONNREFUSED'),
      MINIMAL_PARAMETERS,
    ),
    'The host does not exist': assumeRoleError(
      createLocalError('Error', 'getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', 'ENOTFOUND'),
      MINIMAL_PARAMETERS,
      { region: 'us-esat-1' },
    ),
  },
  STS_TIMEOUT: {
    'STS did not answer the request': assumeRoleError(
      createLocalError('TimeoutError', 'Connection timed out after 3000 ms'),
      MINIMAL_PARAMETERS,
    ),
    'The invocation could not wait longer': waitTimeoutError(ROLE, 1234),
  },
})

test('each example of an error code has that code', async () => {
  for (const [code, examples] of Object.entries(await createErrorExamples()))
    for (const error of Object.values(examples)) expect(error.code).toBe(code)
})

const KNOWN_OPTIONS = ['roleArn', 'externalId', 'sessionTags']
const ACCESS_VALUES = "'read', 'write', 'read-write' or a list of actions"

/** At least one example of each issue code, in the order of `MESSAGES` and `POLICY_MESSAGES`. */
const ISSUE_EXAMPLES: readonly Issue[] = [
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
  { option: 'transitiveTagKeys', code: 'invalid-type', expected: 'a list of strings', actual: 'a number' },
  {
    option: 'sessionTags',
    code: 'invalid-type',
    tag: { part: 'value', key: 'TenantId' },
    expected: 'a string',
    actual: 'a number',
  },
  { option: 'scope', path: 'access', code: 'invalid-value', expected: ACCESS_VALUES, value: 'all' },
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
    code: 'returned-table-arn',
    value: 'arn:aws:dynamodb:us-east-1:222222222222:table/Orders',
  },
  { option: 'scope', path: 'kmsKeyArn', code: 'invalid-key-arn', value: 'alias/orders' },
  {
    option: 'scope',
    path: 'kmsKeyArn',
    code: 'key-elsewhere',
    region: 'us-east-1',
    expected: 'eu-west-1',
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
    known: ['read', 'write', 'read-write', 'GetItem', 'Query'],
  },
  {
    option: 'scope',
    path: 'access',
    code: 'operation-not-action',
    operation: 'TransactGetItems',
    actions: ['GetItem'],
  },
  { option: 'scope', path: 'access', code: 'preset-in-list', preset: 'read' },
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

  { option: 'roleArn', code: 'returned-other-partition', partition: 'aws-cn', region: 'us-east-1' },
  { option: 'session', code: 'returned-no-parameters', returned: 'undefined' },
  {
    option: 'session',
    code: 'returned-unknown',
    property: 'sesionTags',
    suggestion: 'sessionTags',
    known: ['roleArn', 'sessionTags'],
  },
  { option: 'region', code: 'returned-option' },
  { option: 'roleArn', code: 'returned-no-role' },
  { option: 'sessionTags', code: 'returned-empty-field', field: 'TenantId' },
  { option: 'externalId', code: 'returned-empty', returned: 'undefined' },
  { option: 'session', code: 'function-threw', thrown: 'TypeError: "no claims"' },

  { option: 'executionRoleArn', code: 'broad-principal', value: 'arn:aws:iam::111111111111:root' },
  { option: 'sessionTagKeys', code: 'invalid-tag-keys' },
  { option: 'access', code: 'no-restrictable-action' },

  { option: 'executionRoleArn', code: 'trusts-many-callers', principal: 'arn:aws:iam::111111111111:root' },
  { option: 'executionRoleArn', code: 'trusts-many-callers', principal: '*' },
  { option: 'executionRoleArn', code: 'public-tables' },
  { option: 'tenantTag', code: 'actions-left-out', actions: ['Scan', 'PartiQLSelect'] },
  { option: 'tenantTag', code: 'index-keys' },
  { option: 'kmsKeyArn', code: 'key-policy', kmsKeyArn: KMS_KEY_ARN, roleArn: ROLE },
  {
    option: 'kmsKeyArn',
    code: 'key-policy-elsewhere',
    kmsKeyArn: KMS_KEY_ARN.replace('222222222222', '333333333333'),
    roleArn: ROLE,
  },
  { option: 'trustPolicy', code: 'trust-policy-too-large', length: 2100, max: 2048 },
  { option: 'permissionsPolicy', code: 'permissions-policy-too-large', length: 10_300, max: 10_240 },
]

const MIDDLEWARE_AUDIENCE = middlewareAudience(DEFAULT_PREFIX)
const FLAG_AUDIENCE = createFlagAudience({})
/** Returns the audience of the column for the middleware. Only `crossAccountPolicies()` reports the codes of `POLICY_MESSAGES`. */
const selectAudience = ({ code }: Issue): Audience =>
  code in POLICY_MESSAGES ? POLICIES_AUDIENCE : MIDDLEWARE_AUDIENCE

/** Matches the codes that only the return value of a `session` function causes. The command line has no such function. */
const RETURN_VALUE_CODE = /^returned-|^required-with-role$/
/** Returns whether the command line reports this code, and has a flag or a variable for the option of the issue. */
const isReportedByCommandLine = ({ option, path, code }: Issue): boolean => {
  if (RETURN_VALUE_CODE.test(code)) return false
  const name = path === undefined ? option : `${option}.${path}`
  return FLAG_AUDIENCE.nameOf(name) !== name
}

test('each issue code has an example, in the order of the codes', () => {
  expect([...new Set(ISSUE_EXAMPLES.map(({ code }) => code))]).toEqual([
    ...Object.keys(MESSAGES),
    ...Object.keys(POLICY_MESSAGES),
  ])
})

test.each(['options', 'flags'])(
  'each issue message with names of %s is one line of at most 1,000 characters',
  (names) => {
    for (const issue of ISSUE_EXAMPLES) {
      const message =
        names === 'flags' ? formatFlagIssue(issue, {}) : formatIssue(issue, selectAudience(issue))
      expect(message).toMatch(/^.{1,1000}$/)
      expect(message).not.toMatch(/\[object |NaN/)
    }
  },
)

const toTableCell = (message: string): string => {
  const text = message.replaceAll('|', '\\|')
  // The cell is inline code, which a backtick would end.
  expect(text).not.toContain('`')
  return `\`${text}\``
}

const toTableRow = (issue: Issue): string =>
  `| \`${issue.code}\` | ${toTableCell(formatIssue(issue, selectAudience(issue)))} | ${isReportedByCommandLine(issue) ? toTableCell(formatFlagIssue(issue, {})) : ''} |`

const createPage = (errorExamples: ErrorExamples): string =>
  [
    `# Messages

All messages of this package, with examples. A test compares this page with the code.
`,
    ...Object.entries(errorExamples).flatMap(([code, examples]) => [
      `## ${code}\n`,
      ...Object.entries(examples).map(
        ([title, { message }]) => `### ${title}\n\n\`\`\`text\n${message}\n\`\`\`\n`,
      ),
    ]),
    `## Issues

The \`issues\` of an error are objects with an \`option\`, a \`code\` and the values that the message contains. The middleware names
options and variables. The commands name flags. If only the middleware reports a code, the last column is empty. The last codes are warnings of \`crossAccountPolicies()\` and of the command \`policies\`.

| code | middleware | command line |
| --- | --- | --- |
${ISSUE_EXAMPLES.map(toTableRow).join('\n')}
`,
  ].join('\n')

test('docs/messages.md contains the messages', async () => {
  const page = createPage(await createErrorExamples())
  const file = join(import.meta.dirname, '../../docs/messages.md')
  if (process.env.UPDATE_MESSAGES) writeFileSync(file, page)
  expect(readFileSync(file, 'utf8')).toBe(page)
})
