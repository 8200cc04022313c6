/** Answers that an STS should never give, and how the call is made. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mockClient } from 'aws-sdk-client-mock'
import { createAssumeRole } from '../../src/assume-role.ts'
import { createClock } from '../../src/clock.ts'
import { type CrossAccountDynamoOptions, readConfiguration } from '../../src/options.ts'

const sts = mockClient(STSClient)
beforeEach(() => {
  sts.reset()
})
afterAll(() => {
  sts.restore()
})

const start = (options: CrossAccountDynamoOptions = {}, environment = {}) => {
  const configuration = readConfiguration(
    { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', region: 'eu-west-1', ...options },
    environment,
  )
  const assumeRole = createAssumeRole(configuration, createClock())
  return () => assumeRole('first', new AbortController().signal)
}

const complete = {
  AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  SessionToken: 'token',
  Expiration: new Date(Date.now() + 3_600_000),
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

  test('is in the function’s own Region, wherever the table is; attempts are counted outside of it', async () => {
    const { config } = await clientOf({}, { AWS_REGION: 'eu-central-1' })
    await expect(config.region()).resolves.toBe('eu-central-1')
    await expect(config.maxAttempts()).resolves.toBe(1)
  })

  test('takes stsClientOptions', async () => {
    const { config } = await clientOf({ stsClientOptions: { userAgentAppId: 'orders' } })
    await expect(config.userAgentAppId()).resolves.toBe('orders')
  })
})

describe('attempts', () => {
  const failure = (name: string, httpStatusCode = 500) =>
    Object.assign(new Error(name), { name, $metadata: { httpStatusCode } })
  const regionsAsked = () =>
    Promise.all(sts.calls().map((call) => (call.thisValue as STSClient).config.region()))

  test('are three, of a call that may succeed yet', async () => {
    sts.on(AssumeRoleCommand).rejects(failure('InternalFailure'))
    await expect(start()()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
    expect(sts.calls()).toHaveLength(3)
  })

  test('are as many as stsClientOptions.maxAttempts says', async () => {
    sts.on(AssumeRoleCommand).rejects(failure('Throttling', 400))
    await expect(start({ stsClientOptions: { maxAttempts: 5 } })()).rejects.toMatchObject({
      code: 'STS_THROTTLED',
    })
    expect(sts.calls()).toHaveLength(5)
  })

  test.each(['AccessDenied', 'ValidationError', 'ExpiredToken', 'RegionDisabledException'])(
    'end with %s, which will not change',
    async (name) => {
      sts.on(AssumeRoleCommand).rejects(failure(name, 403))
      await expect(start()()).rejects.toHaveProperty('retryable', false)
      expect(sts.calls()).toHaveLength(1)
    },
  )

  test('go on after the SDK has corrected its clock', async () => {
    const skewed = Object.assign(failure('SignatureDoesNotMatch', 403), {
      $metadata: { httpStatusCode: 403, clockSkewCorrected: true },
    })
    sts.on(AssumeRoleCommand).rejectsOnce(skewed).resolves({ Credentials: complete })
    await expect(start()()).resolves.toHaveProperty('sessionToken')
  })

  test('ask the Regions in turn, and the one that worked goes first from then on', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(failure('ServiceUnavailable', 503))
      .resolves({ Credentials: complete })
    const assume = start({ stsRegions: ['eu-west-1', 'eu-north-1'] })
    await assume()
    await assume()
    await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1'])
  })

  test('reach every Region, however many there are', async () => {
    const stsRegions = ['eu-west-1', 'eu-north-1', 'us-east-1', 'us-east-2']
    sts.on(AssumeRoleCommand).rejects(failure('ServiceUnavailable', 503))
    await expect(start({ stsRegions })()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
    await expect(regionsAsked()).resolves.toEqual(stsRegions)
  })
})
