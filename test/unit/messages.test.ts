/** The messages as the person on call reads them, whole: docs/messages.md. `UPDATE_MESSAGES=1 npm test` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { assumeRoleError, waitedTooLong } from '../../src/errors.ts'
import { readConfiguration } from '../../src/options.ts'
import type { SessionIdentity } from '../../src/session-identity.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const least: SessionIdentity = {
  roleArn: ROLE,
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
}
const most: SessionIdentity = {
  ...least,
  externalId: 'example-external-id',
  sessionTags: [
    { Key: 'team', Value: 'the value of a tag' },
    { Key: 'stage', Value: 'another value' },
  ],
  sourceIdentity: 'alice',
}

const aws = (name: string, message: string, httpStatusCode: number) =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode, requestId: 'request-1' },
  })
const local = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, code })
const denied = (more = '', action = 'sts:AssumeRole') =>
  aws(
    'AccessDenied',
    `User: arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function is not authorized to perform: ${action} on resource: ${ROLE}${more}`,
    403,
  )

const thrownBy = (work: () => unknown): Error => {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
const here = { roleArn: ROLE, region: 'eu-west-1' }

const MESSAGES: Readonly<Record<string, Error>> = {
  'The configuration cannot be right': thrownBy(() =>
    readConfiguration({ region: 'Ireland', roleArn: () => ROLE, durationSeconds: 7200, scop: {} }, {}),
  ),
  'Nobody knows whose session it is': thrownBy(() =>
    readConfiguration(
      {
        ...here,
        contextKey: 'orders',
        sessionTags: () => ({ TenantId: undefined }),
        sessionName: () => 'a tenant of ours',
        scope: () => {
          throw new TypeError("Cannot read properties of undefined (reading 'claims')")
        },
      },
      {},
    ).resolveIdentity({ event: {}, context: {}, internal: {} } as never),
  ),
  'Denied, of a session with all that it can have': assumeRoleError(denied(), most),
  'Denied, of a session with the least': assumeRoleError(denied(), least),
  'Denied by an organisation': assumeRoleError(
    denied(' with an explicit deny in a service control policy'),
    least,
  ),
  'Denied, and AWS says by what': assumeRoleError(
    denied(' because no role trust policy allows the sts:TagSession action', 'sts:TagSession'),
    most,
  ),
  'Denied to somebody whom AWS does not name': assumeRoleError(
    aws('AccessDenied', 'Access denied', 403),
    least,
  ),
  'The function’s own credentials are no good': assumeRoleError(aws('ExpiredToken', 'expired', 403), least),
  'There are no credentials at all': assumeRoleError(
    local('CredentialsProviderError', 'Could not load credentials from any providers'),
    least,
  ),
  'The tags and session policies are too much': assumeRoleError(
    aws('PackedPolicyTooLargeException', 'too large', 400),
    { ...least, policy: '{}' },
  ),
  'The session policy is malformed': assumeRoleError(
    aws('MalformedPolicyDocumentException', 'malformed', 400),
    { ...least, policy: '{}' },
  ),
  'The Region is not enabled': assumeRoleError(aws('RegionDisabledException', 'not activated', 403), least),
  'Something else is wrong with the request': assumeRoleError(aws('ValidationError', 'wrong', 400), least),
  Throttled: assumeRoleError(aws('Throttling', 'Rate exceeded', 400), least),
  'STS is out of order': assumeRoleError(aws('InternalFailure', '', 500), least),
  'Something else answers in the place of STS': assumeRoleError(
    Object.assign(new Error('unreadable'), {
      $metadata: { httpStatusCode: 403 },
      $response: { statusCode: 403, headers: { 'content-type': 'text/html; charset=utf-8' } },
    }),
    least,
  ),
  'The endpoint is configured wrong': assumeRoleError(
    local('EndpointError', 'Invalid Configuration: FIPS and custom endpoint are not supported'),
    least,
  ),
  'The certificate is not trusted': assumeRoleError(
    local('Error', 'self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'),
    least,
  ),
  'STS cannot be reached': assumeRoleError(
    local('Error', 'connect ECONNREFUSED 127.0.0.1:443', 'ECONNREFUSED'),
    least,
  ),
  'There is no such host': assumeRoleError(
    local('Error', 'getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', 'ENOTFOUND'),
    least,
    { region: 'us-esat-1' },
  ),
  'STS did not answer': assumeRoleError(local('TimeoutError', 'Connection timed out after 3000 ms'), least),
  'The invocation had no more time': waitedTooLong(ROLE, 1234),
}

test('the messages are those of docs/messages.md', () => {
  const page = [
    '# The messages, whole\n\nWritten for the person on call, in one place to be read. A test compares this page with the code.\n',
    ...Object.entries(MESSAGES).map(
      ([title, { message }]) => `## ${title}\n\n\`\`\`text\n${message}\n\`\`\`\n`,
    ),
  ].join('\n')
  const file = join(import.meta.dirname, '../../docs/messages.md')
  if (process.env.UPDATE_MESSAGES) writeFileSync(file, page)
  expect(readFileSync(file, 'utf8')).toBe(page)
})
