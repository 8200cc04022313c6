import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { allowStatement, allowStsActions, createPolicy } from './policies.ts'
import { createTwoAccounts, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './two-accounts.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  clients = createClients(sandbox)
})
afterEach(async () => {
  clients.close()
  await sandbox.close()
})

const Tags = [{ Key: 'TenantId', Value: 'acme' }]

test('GetCallerIdentity requires no permission', async () => {
  const identity = await clients.createStsClient().send(new GetCallerIdentityCommand({}))
  expect(identity).toMatchObject({
    Arn: 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn',
    Account: '111111111111',
  })
  expect(identity.UserId).toMatch(/^AROA[A-Z2-7]{17}:fn$/)
})

describe('AssumeRole', () => {
  test.each([
    [
      { RoleSessionName: 'x' },
      "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [{ RoleSessionName: 'a b' }, 'Member must satisfy regular expression pattern: [\\w+=,.@-]*'],
    [
      { DurationSeconds: 899 },
      "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    ],
    [{ RoleSessionName: 'x', ExternalId: 'y' }, '2 validation errors detected: '],
    [{ Policy: 'x'.repeat(2049) }, 'Member must have length less than or equal to 2048'],
    [{ Tags: [{ Key: '', Value: '' }] }, "at 'tags.1.member.key'"],
    [{ Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: '' })) }, "at 'tags' failed"],
    [{ RoleArn: 'arn:aws:iam::222222222222:user/someone' }, 'Request ARN is invalid'],
    [
      { DurationSeconds: 3601 },
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    ],
    [{ PolicyArns: [{ arn: 'too short' }] }, "at 'policyArns.1.member.arn'"],
  ])('refuses an AssumeRole request with %j', async (input, message) => {
    await expect(clients.assumeRole(input)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining(message),
      $metadata: { httpStatusCode: 400 },
    })
  })

  test('refuses invalid session tags', async () => {
    const duplicateTags = [...Tags, { Key: 'tenantID', Value: 'x' }]
    await expect(clients.assumeRole({ Tags: duplicateTags })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    })
    await expect(clients.assumeRole({ Tags: [{ Key: 'AWS:x', Value: '' }] })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    })
    await expect(clients.assumeRole({ Tags, TransitiveTagKeys: ['other'] })).rejects.toThrow(
      /must be included in the requested tags/,
    )
  })

  test('refuses malformed session policies and a packed policy that is too large', async () => {
    await expect(clients.assumeRole({ Policy: '{' })).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    })
    const invalidPolicy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Perhaps' }] })
    await expect(clients.assumeRole({ Policy: invalidPolicy })).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    })
    const manyTags = Array.from({ length: 50 }, (_, n) => ({
      Key: `${n}`,
      Value: sandbox
        .issueCredentials(EXECUTION_ROLE_ARN)
        .sessionToken.slice(0, 256)
        .replace(/[^\w=+/]/g, ''),
    }))
    allowStsActions(sandbox, ['sts:TagSession'])
    await expect(clients.assumeRole({ Tags: manyTags })).rejects.toMatchObject({
      name: 'PackedPolicyTooLargeException',
    })
  })
})

test('the sandbox reports an invalid policy of an account at the start and when a test changes it', async () => {
  const accounts = createTwoAccounts()
  const role = accounts[1]?.roles?.[0]
  if (role) role.policies = [createPolicy({ Effect: 'Allow', Actions: 'dynamodb:*' })]
  await expect(startSandbox({ accounts })).rejects.toThrow(
    /The policies of .*CrossAccountDynamoRole.*Invalid key Actions/,
  )
  sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(
    allowStatement('sts:AssumeRole', { Principals: '*' }),
  )
  await expect(clients.assumeRole()).rejects.toMatchObject({
    name: 'SandboxError',
    message: expect.stringContaining('Principals'),
  })
})
