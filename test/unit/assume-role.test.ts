/** Answers that an STS should never give, and how the call is made. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mockClient } from 'aws-sdk-client-mock'
import { createAssumeRole } from '../../src/assume-role.ts'
import { type CrossAccountDynamoOptions, readConfiguration } from '../../src/options.ts'

const sts = mockClient(STSClient)
beforeEach(() => {
  sts.reset()
})
afterAll(() => {
  sts.restore()
})

const start = (options: CrossAccountDynamoOptions = {}, environment = {}) =>
  createAssumeRole(
    readConfiguration(
      { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', region: 'eu-west-1', ...options },
      environment,
    ),
  )

const complete = {
  AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  SessionToken: 'token',
  Expiration: new Date('2026-01-01T01:00:00Z'),
}

test('the credentials come with the account of the role, which STS does not name', async () => {
  sts.on(AssumeRoleCommand).resolves({ Credentials: complete })
  await expect(start()()).resolves.toEqual({
    accessKeyId: complete.AccessKeyId,
    secretAccessKey: complete.SecretAccessKey,
    sessionToken: 'token',
    expiration: complete.Expiration,
    accountId: '222222222222',
  })
})

describe('an answer without', () => {
  test.each<[string, object]>([
    ['credentials', {}],
    ['a key', { Credentials: { ...complete, AccessKeyId: '' } }],
    ['a secret', { Credentials: { ...complete, SecretAccessKey: undefined } }],
    ['a token', { Credentials: { ...complete, SessionToken: undefined } }],
    ['an expiry', { Credentials: { ...complete, Expiration: undefined } }],
    ['an expiry that is a date', { Credentials: { ...complete, Expiration: new Date(Number.NaN) } }],
  ])('%s is no answer', async (_what, answer) => {
    sts.on(AssumeRoleCommand).resolves(answer)
    await expect(start()()).rejects.toMatchObject({
      code: 'STS_UNAVAILABLE',
      message: expect.stringContaining('the answer holds no complete credentials'),
    })
  })
})

describe('the STS client', () => {
  const clientOf = async (options: CrossAccountDynamoOptions, environment = {}) => {
    sts.on(AssumeRoleCommand).resolves({ Credentials: complete })
    await start(options, environment)()
    return sts.call(0).thisValue as STSClient
  }

  test('is in the function’s own Region, wherever the table is, and tries three times', async () => {
    const { config } = await clientOf({}, { AWS_REGION: 'eu-central-1' })
    await expect(config.region()).resolves.toBe('eu-central-1')
    await expect(config.maxAttempts()).resolves.toBe(3)
  })

  test('takes stsClientOptions, which win', async () => {
    const { config } = await clientOf({ stsClientOptions: { region: 'us-west-2', maxAttempts: 1 } })
    await expect(config.region()).resolves.toBe('us-west-2')
    await expect(config.maxAttempts()).resolves.toBe(1)
  })
})
