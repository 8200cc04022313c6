import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { allow, policy, statement } from './policies.ts'
import { EXECUTION_ROLE_ARN, TARGET_ROLE_ARN, textbook } from './textbook.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: textbook() })
  clients = clientsOf(sandbox)
})
afterEach(async () => {
  clients.close()
  await sandbox.close()
})

const Tags = [{ Key: 'TenantId', Value: 'acme' }]

test('GetCallerIdentity needs no permission', async () => {
  const identity = await clients.sts().send(new GetCallerIdentityCommand({}))
  expect(identity).toMatchObject({
    Arn: 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn',
    Account: '111111111111',
  })
  expect(identity.UserId).toMatch(/^AROA[A-Z2-7]{17}:fn$/)
})

describe('limits', () => {
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
  ])('%j', async (input, message) => {
    await expect(clients.assume(input)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining(message),
      $metadata: { httpStatusCode: 400 },
    })
  })

  test('tags that AWS would not take', async () => {
    const twice = [...Tags, { Key: 'tenantID', Value: 'x' }]
    await expect(clients.assume({ Tags: twice })).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    await expect(clients.assume({ Tags: [{ Key: 'AWS:x', Value: '' }] })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    })
    await expect(clients.assume({ Tags, TransitiveTagKeys: ['other'] })).rejects.toThrow(
      /must be included in the requested tags/,
    )
  })

  test('session policies that AWS would not take', async () => {
    await expect(clients.assume({ Policy: '{' })).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    })
    const wrong = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Perhaps' }] })
    await expect(clients.assume({ Policy: wrong })).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    })
    const long = Array.from({ length: 50 }, (_, n) => ({
      Key: `${n}`,
      Value: sandbox
        .credentials(EXECUTION_ROLE_ARN)
        .sessionToken.slice(0, 256)
        .replace(/[^\w=+/]/g, ''),
    }))
    allow(sandbox, ['sts:TagSession'])
    await expect(clients.assume({ Tags: long })).rejects.toMatchObject({
      name: 'PackedPolicyTooLargeException',
    })
  })
})

test('an invalid policy in the set-up is an error, at the start and later', async () => {
  const accounts = textbook()
  const role = accounts[1]?.roles?.[0]
  if (role) role.policies = [policy({ Effect: 'Allow', Actions: 'dynamodb:*' })]
  await expect(startSandbox({ accounts })).rejects.toThrow(
    /The policies of .*CrossAccountDynamoRole.*Invalid key Actions/,
  )
  sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy(statement('sts:AssumeRole', { Principals: '*' }))
  await expect(clients.assume()).rejects.toMatchObject({
    name: 'SandboxError',
    message: expect.stringContaining('Principals'),
  })
})
