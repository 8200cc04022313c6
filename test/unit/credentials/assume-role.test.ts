/** Answers that an STS should never give, and how the call is made. */
import { tracingChannel } from 'node:diagnostics_channel'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { mockClient } from 'aws-sdk-client-mock'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import {
  type AssumeRoleTrace,
  createAssumeRole,
  maxAssumeRoleDurationMs,
} from '../../../src/credentials/assume-role.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'

const sts = mockClient(STSClient)
beforeEach(() => {
  sts.reset()
})
afterAll(() => {
  sts.restore()
})

interface HttpOptions {
  abortSignal: AbortSignal
}

const start = (options: CrossAccountDynamoOptions = {}, environment = {}) => {
  const configuration = readConfiguration(
    { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', region: 'eu-west-1', ...options },
    environment,
  )
  const assumeRole = createAssumeRole(configuration)(configuration.parameters as SessionParameters)
  return (signal = new AbortController().signal) => assumeRole('first', signal)
}

const complete = {
  AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  SessionToken: 'token',
  Expiration: new Date(Date.now() + 3_600_000),
}

test('the credentials have the account of the role, which STS does not report', async () => {
  sts.on(AssumeRoleCommand).resolves({ Credentials: complete })
  await expect(start()()).resolves.toEqual({
    accessKeyId: complete.AccessKeyId,
    secretAccessKey: complete.SecretAccessKey,
    sessionToken: 'token',
    expiration: expect.any(Date),
    accountId: '222222222222',
  })
})

test.each([-40, 0, 40])(
  'credentials expire durationSeconds after the request by the local clock, whatever the clock of AWS says (%d min apart)',
  async (minutes) => {
    const Expiration = new Date(Date.now() + 900_000 + minutes * 60_000)
    sts.on(AssumeRoleCommand).resolves({ Credentials: { ...complete, Expiration } })
    const before = Date.now()
    const { expiration } = await start({ durationSeconds: 900 })()
    expect(expiration.getTime()).toBeGreaterThanOrEqual(before + 900_000)
    expect(expiration.getTime()).toBeLessThanOrEqual(Date.now() + 900_000)
  },
)

describe('an answer without', () => {
  test.each<[string, object]>([
    ['credentials', {}],
    ['a key', { Credentials: { ...complete, AccessKeyId: '' } }],
    ['a secret', { Credentials: { ...complete, SecretAccessKey: undefined } }],
    ['a token', { Credentials: { ...complete, SessionToken: undefined } }],
  ])('%s is no answer', async (_what, answer) => {
    sts.on(AssumeRoleCommand).resolves(answer)
    await expect(start()()).rejects.toMatchObject({
      code: 'STS_UNAVAILABLE',
      cause: { message: 'the answer contains no complete credentials' },
    })
  })
})

describe('an answer is not used', () => {
  test.each<[string, object]>([
    [
      'that is for another session',
      { AssumedRoleUser: { Arn: 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/another' } },
    ],
    [
      'that is for another account',
      {
        AssumedRoleUser: {
          Arn: 'arn:aws:sts::333333333333:assumed-role/CrossAccountDynamoRole/middy-cross-account-dynamo',
        },
      },
    ],
    ['whose token cannot be sent in a header', { Credentials: { ...complete, SessionToken: 'to\nken' } }],
    ['whose key is a space', { Credentials: { ...complete, AccessKeyId: ' ' } }],
  ])('%s', async (_what, answer) => {
    sts.on(AssumeRoleCommand).resolves({ Credentials: complete, ...answer })
    await expect(start()()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
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
    Object.assign(new Error(name), {
      name,
      $fault: 'client',
      $metadata: { httpStatusCode, requestId: 'request-1' },
    })
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

  test.each(['AccessDenied', 'ValidationError', 'RegionDisabledException', 'InvalidClientTokenId'])(
    'end with %s, which will not change',
    async (name) => {
      sts.on(AssumeRoleCommand).rejects(failure(name, 403))
      await expect(start()()).rejects.toHaveProperty('retryable', false)
      expect(sts.calls()).toHaveLength(1)
    },
  )

  describe('after a Region has refused', () => {
    const stsRegions = ['eu-west-1', 'eu-north-1', 'us-east-1']

    test.each(['RegionDisabledException', 'InvalidClientTokenId'])(
      'go on to the next Region at once after %s',
      async (name) => {
        const random = jest.spyOn(Math, 'random')
        sts.on(AssumeRoleCommand).rejectsOnce(failure(name, 403)).resolves({ Credentials: complete })
        await expect(start({ stsRegions })()).resolves.toHaveProperty('sessionToken')
        await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1'])
        expect(random).not.toHaveBeenCalled()
        random.mockRestore()
      },
    )

    test('do not ask that Region again, but the others', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(failure('RegionDisabledException', 403))
        .rejects(failure('ServiceUnavailable', 503))
      const assume = start({ stsRegions: ['eu-west-1', 'eu-north-1'] })
      await expect(assume()).rejects.toHaveProperty('code', 'STS_UNAVAILABLE')
      await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1'])
    })

    test('report the outage of the others and not that Region', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(failure('ServiceUnavailable', 503))
        .rejectsOnce(failure('ServiceUnavailable', 503))
        .rejects(failure('RegionDisabledException', 403))
      await expect(start({ stsRegions })()).rejects.toHaveProperty('code', 'STS_UNAVAILABLE')
      await expect(regionsAsked()).resolves.toEqual(stsRegions)
    })

    test('end when every Region has refused, each asked once', async () => {
      sts.on(AssumeRoleCommand).rejects(failure('RegionDisabledException', 403))
      const assume = start({ stsRegions, stsClientOptions: { maxAttempts: 9 } })
      await expect(assume()).rejects.toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
      await expect(regionsAsked()).resolves.toEqual(stsRegions)
    })

    test('end with what the next Region denies', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(failure('InvalidClientTokenId', 403))
        .rejects(failure('AccessDenied', 403))
      await expect(start({ stsRegions })()).rejects.toHaveProperty('code', 'ASSUME_ROLE_DENIED')
      await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1'])
    })
  })

  describe('after the caller’s token has expired', () => {
    const clientsAsked = () => new Set(sts.calls().map((call) => call.thisValue)).size
    const provider = async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' })

    test.each([
      ['ExpiredToken', {}],
      ['ExpiredTokenException', {}],
      ['ExpiredToken', { credentials: provider }],
    ])('go on once with a new client: %s, %p', async (name, stsClientOptions) => {
      sts.on(AssumeRoleCommand).rejectsOnce(failure(name, 403)).resolves({ Credentials: complete })
      const assume = start({ stsRegions: ['eu-west-1', 'eu-north-1'], stsClientOptions })
      await expect(assume()).resolves.toHaveProperty('sessionToken')
      await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-west-1'])
      expect(clientsAsked()).toBe(2)
    })

    test('have new clients in all Regions', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(failure('ServiceUnavailable', 503))
        .rejectsOnce(failure('ExpiredToken', 403))
        .rejectsOnce(failure('ServiceUnavailable', 503))
        .resolves({ Credentials: complete })
      const stsRegions = ['eu-west-1', 'eu-north-1']
      await start({ stsRegions, stsClientOptions: { maxAttempts: 4 } })()
      await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1', 'eu-west-1'])
      expect(clientsAsked()).toBe(4)
    })

    test('end when it is expired again', async () => {
      sts.on(AssumeRoleCommand).rejects(failure('ExpiredToken', 403))
      await expect(start()()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(2)
    })

    test('end where the credentials are fixed', async () => {
      sts.on(AssumeRoleCommand).rejects(failure('ExpiredToken', 403))
      const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' }
      const assume = start({ stsClientOptions: { credentials } })
      await expect(assume()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(1)
    })

    test('end where there may be only one, but the next call has a new client', async () => {
      sts.on(AssumeRoleCommand).rejects(failure('ExpiredToken', 403))
      const assume = start({ stsClientOptions: { maxAttempts: 1 } })
      await expect(assume()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      await expect(assume()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(2)
      expect(clientsAsked()).toBe(2)
    })

    test('share the new client among concurrent calls', async () => {
      let isExpired = true
      sts.on(AssumeRoleCommand).callsFake(async () => {
        const isRefused = isExpired
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (isRefused) throw failure('ExpiredToken', 403)
        return { Credentials: complete }
      })
      const assume = start()
      const calls = Promise.all([assume(), assume(), assume()])
      isExpired = false
      await calls
      expect(sts.calls()).toHaveLength(6)
      expect(clientsAsked()).toBe(2)
    })
  })

  test('go on after the SDK has corrected its clock', async () => {
    const skewed = Object.assign(failure('SignatureDoesNotMatch', 403), {
      $metadata: { httpStatusCode: 403, requestId: 'request-1', clockSkewCorrected: true },
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

  test('ask the first Region first again, an hour after another one worked', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(failure('ServiceUnavailable', 503))
      .callsFake(() => ({ Credentials: { ...complete, Expiration: new Date(Date.now() + 3_600_000) } }))
    const assume = start({ stsRegions: ['eu-west-1', 'eu-north-1'] })
    await assume()
    const now = Date.now()
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 3_599_000)
    await assume()
    clock.mockReturnValue(now + 2 * 3_600_000)
    await assume()
    clock.mockRestore()
    await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1', 'eu-west-1'])
  })

  test('go through all Regions before one is asked again, and pause before that', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0)
    sts.on(AssumeRoleCommand).rejects(failure('ServiceUnavailable', 503))
    await expect(start({ stsRegions: ['eu-west-1', 'eu-north-1'] })()).rejects.toHaveProperty('code')
    await expect(regionsAsked()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-west-1'])
    // No pause between Regions.
    expect(random).toHaveBeenCalledTimes(1)
    random.mockRestore()
  })

  test('of three make two pauses, with full jitter, the second up to twice as long', async () => {
    const pauses = jest.spyOn(globalThis.Math, 'min')
    const random = jest.spyOn(Math, 'random').mockReturnValue(0)
    sts.on(AssumeRoleCommand).rejects(failure('ServiceUnavailable', 503))
    await expect(start()()).rejects.toHaveProperty('code')
    expect(random).toHaveBeenCalledTimes(2)
    const bounds = pauses.mock.results
      .map(({ value }) => value)
      .filter((value) => value === 100 || value === 200)
    expect(bounds).toEqual([100, 200])
    pauses.mockRestore()
    random.mockRestore()
  })

  test.each([
    [1, 3000],
    [2, 1500],
    [5, 1000],
  ])('have, with %i Regions, %i ms each, and end with the flight', async (regions, milliseconds) => {
    const stsRegions = Array.from({ length: regions }, (_, index) => `eu-west-${index + 1}`)
    const timeout = jest.spyOn(AbortSignal, 'timeout')
    sts.on(AssumeRoleCommand).resolves({ Credentials: complete })
    const giveUp = new AbortController()
    await start({ stsRegions })(giveUp.signal)
    expect(timeout.mock.calls).toEqual([[milliseconds]])
    timeout.mockRestore()
    const [call] = sts.commandCalls(AssumeRoleCommand) as unknown as { args: [unknown, HttpOptions] }[]
    const options = call?.args[1]
    expect(options?.abortSignal).toHaveProperty('aborted', false)
    giveUp.abort()
    expect(options?.abortSignal).toHaveProperty('aborted', true)
  })

  test('are bounded in time by what they can take together', () => {
    const configuration = (options: CrossAccountDynamoOptions) =>
      readConfiguration({ roleArn: 'arn:aws:iam::222222222222:role/R', region: 'eu-west-1', ...options }, {})
    expect(maxAssumeRoleDurationMs(configuration({}))).toBe(12_000)
    expect(maxAssumeRoleDurationMs(configuration({ stsClientOptions: { maxAttempts: 5 } }))).toBe(20_000)
    expect(maxAssumeRoleDurationMs(configuration({ stsClientOptions: { maxAttempts: Number.NaN } }))).toBe(
      12_000,
    )
  })

  test('reach every Region, however many there are', async () => {
    const stsRegions = ['eu-west-1', 'eu-north-1', 'us-east-1', 'us-east-2']
    sts.on(AssumeRoleCommand).rejects(failure('ServiceUnavailable', 503))
    await expect(start({ stsRegions })()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
    await expect(regionsAsked()).resolves.toEqual(stsRegions)
  })
})

test('the tracing channel is told why, whom, where, how often and how long', async () => {
  const told: AssumeRoleTrace[] = []
  const subscriber = { asyncEnd: (trace: AssumeRoleTrace) => told.push({ ...trace }) }
  const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
  channel.subscribe(subscriber as never)
  const error = Object.assign(new Error(''), { $metadata: { httpStatusCode: 500 } })
  sts.on(AssumeRoleCommand).rejectsOnce(error).resolves({ Credentials: complete })
  await start()()
  channel.unsubscribe(subscriber as never)
  expect(told).toEqual([
    {
      reason: 'first',
      roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      region: 'eu-west-1',
      attempts: 2,
      durationMs: expect.any(Number),
      expiration: expect.any(Date),
    },
  ])
  expect(told[0]?.durationMs).toBeLessThan(10_000)
})

test('the clients of several Regions share one contained request handler', async () => {
  const failure = Object.assign(new Error(''), { $metadata: { httpStatusCode: 503 } })
  sts.on(AssumeRoleCommand).rejectsOnce(failure).resolves({ Credentials: complete })
  await start({ stsRegions: ['eu-west-1', 'eu-north-1'] })()
  const [first, second] = sts.calls().map((call) => (call.thisValue as STSClient).config.requestHandler)
  expect(first).toBe(second)
  expect(Object.getPrototypeOf(first)).toBe(Object.prototype)
})

test('one client serves all calls to a Region', async () => {
  sts.on(AssumeRoleCommand).resolves({ Credentials: complete })
  const assume = start()
  await assume()
  await assume()
  expect(new Set(sts.calls().map((call) => call.thisValue)).size).toBe(1)
})
