/** The AssumeRole call: its STS clients, attempts, timeouts and tracing, and the responses that it refuses. */
import { tracingChannel } from 'node:diagnostics_channel'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { mockClient } from 'aws-sdk-client-mock'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import {
  type AssumeRoleTrace,
  createAssumeRoleFactory,
  getMaxAssumeRoleDurationMs,
} from '../../../src/credentials/assume-role.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'

const sts = mockClient(STSClient)
beforeEach(() => {
  sts.reset()
})
afterAll(() => {
  sts.restore()
})

interface SendOptions {
  abortSignal: AbortSignal
}

/** Starts a call whose first request gets no response. Returns the signal of that request. Uses fake timers until the end of the test. */
const startHangingRequest = async (options: CrossAccountDynamoOptions = {}) => {
  jest.useFakeTimers()
  sts.on(AssumeRoleCommand).callsFake(() => new Promise(() => {}))
  const abortController = new AbortController()
  createAssumeRoleCall(options)(abortController.signal).catch(() => {})
  await jest.advanceTimersByTimeAsync(0)
  const [call] = sts.commandCalls(AssumeRoleCommand) as unknown as { args: [unknown, SendOptions] }[]
  if (call === undefined) throw new Error('no request was sent')
  return { signal: call.args[1].abortSignal, abortController }
}
afterEach(() => {
  jest.useRealTimers()
})

/** Returns a function that assumes the role with these options. */
const createAssumeRoleCall = (options: CrossAccountDynamoOptions = {}, environment = {}) => {
  const configuration = readConfiguration(
    { roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole', region: 'eu-west-1', ...options },
    environment,
  )
  const assumeRole = createAssumeRoleFactory(configuration)(configuration.parameters as SessionParameters)
  return (signal = new AbortController().signal) => assumeRole('first', signal)
}

const VALID_CREDENTIALS = {
  AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  SessionToken: 'token',
  Expiration: new Date(Date.now() + 3_600_000),
}

test('the credentials contain the account ID of the target role', async () => {
  sts.on(AssumeRoleCommand).resolves({ Credentials: VALID_CREDENTIALS })
  await expect(createAssumeRoleCall()()).resolves.toEqual({
    accessKeyId: VALID_CREDENTIALS.AccessKeyId,
    secretAccessKey: VALID_CREDENTIALS.SecretAccessKey,
    sessionToken: 'token',
    expiration: expect.any(Date),
    accountId: '222222222222',
  })
})

test.each([-40, 0, 40])(
  'if the AWS clock differs by %d minutes, the credentials expire durationSeconds after the request, by the local clock',
  async (clockOffsetMinutes) => {
    const Expiration = new Date(Date.now() + 900_000 + clockOffsetMinutes * 60_000)
    sts.on(AssumeRoleCommand).resolves({ Credentials: { ...VALID_CREDENTIALS, Expiration } })
    const startedAt = Date.now()
    const { expiration } = await createAssumeRoleCall({ durationSeconds: 900 })()
    expect(expiration.getTime()).toBeGreaterThanOrEqual(startedAt + 900_000)
    expect(expiration.getTime()).toBeLessThanOrEqual(Date.now() + 900_000)
  },
)

describe('incomplete responses', () => {
  test.each<[string, object]>([
    ['credentials', {}],
    ['an access key ID', { Credentials: { ...VALID_CREDENTIALS, AccessKeyId: '' } }],
    ['a secret access key', { Credentials: { ...VALID_CREDENTIALS, SecretAccessKey: undefined } }],
    ['a session token', { Credentials: { ...VALID_CREDENTIALS, SessionToken: undefined } }],
  ])('a response without %s is refused', async (_what, response) => {
    sts.on(AssumeRoleCommand).resolves(response)
    await expect(createAssumeRoleCall()()).rejects.toMatchObject({
      code: 'STS_UNAVAILABLE',
      cause: { message: 'the response does not contain complete credentials' },
    })
  })
})

describe('unusable responses', () => {
  test.each<[string, object, string]>([
    [
      'is for another session',
      { AssumedRoleUser: { Arn: 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/another' } },
      'the response is for another session',
    ],
    [
      'is for another account',
      {
        AssumedRoleUser: {
          Arn: 'arn:aws:sts::333333333333:assumed-role/CrossAccountDynamoRole/middy-cross-account-dynamo',
        },
      },
      'the response is for another session',
    ],
    [
      'contains a session token that cannot be sent in a header',
      { Credentials: { ...VALID_CREDENTIALS, SessionToken: 'to\nken' } },
      'the response does not contain complete credentials',
    ],
    [
      'contains a space as the access key ID',
      { Credentials: { ...VALID_CREDENTIALS, AccessKeyId: ' ' } },
      'the response does not contain complete credentials',
    ],
  ])('a response that %s is refused', async (_what, response, message) => {
    sts.on(AssumeRoleCommand).resolves({ Credentials: VALID_CREDENTIALS, ...response })
    await expect(createAssumeRoleCall()()).rejects.toMatchObject({
      code: 'STS_UNAVAILABLE',
      cause: { message },
    })
  })
})

test('a response for the session of the call is accepted', async () => {
  const Arn = 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/middy-cross-account-dynamo'
  sts
    .on(AssumeRoleCommand)
    .resolves({ Credentials: VALID_CREDENTIALS, AssumedRoleUser: { Arn, AssumedRoleId: 'id' } })
  await expect(createAssumeRoleCall()()).resolves.toHaveProperty('sessionToken', 'token')
})

describe('the STS client', () => {
  const getStsClient = async (options: CrossAccountDynamoOptions, environment = {}) => {
    sts.on(AssumeRoleCommand).resolves({ Credentials: VALID_CREDENTIALS })
    await createAssumeRoleCall(options, environment)()
    return sts.call(0).thisValue as STSClient
  }

  test('the STS client uses the Region of the function and makes one attempt per request', async () => {
    const { config } = await getStsClient({}, { AWS_REGION: 'eu-central-1' })
    await expect(config.region()).resolves.toBe('eu-central-1')
    await expect(config.maxAttempts()).resolves.toBe(1)
  })

  test('the STS client receives stsClientOptions', async () => {
    const { config } = await getStsClient({ stsClientOptions: { userAgentAppId: 'orders' } })
    await expect(config.userAgentAppId()).resolves.toBe('orders')
  })
})

describe('attempts', () => {
  const createStsError = (name: string, httpStatusCode = 500) =>
    Object.assign(new Error(name), {
      name,
      $fault: 'client',
      $metadata: { httpStatusCode, requestId: 'request-1' },
    })
  /** Returns the Region of each request, in the order of the requests. */
  const listCalledRegions = () =>
    Promise.all(sts.calls().map((call) => (call.thisValue as STSClient).config.region()))

  test('a call that fails with a retryable error makes three attempts', async () => {
    sts.on(AssumeRoleCommand).rejects(createStsError('InternalFailure'))
    await expect(createAssumeRoleCall()()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
    expect(sts.calls()).toHaveLength(3)
  })

  test('a call makes as many attempts as stsClientOptions.maxAttempts', async () => {
    sts.on(AssumeRoleCommand).rejects(createStsError('Throttling', 400))
    await expect(createAssumeRoleCall({ stsClientOptions: { maxAttempts: 5 } })()).rejects.toMatchObject({
      code: 'STS_THROTTLED',
    })
    expect(sts.calls()).toHaveLength(5)
  })

  test.each(['AccessDenied', 'ValidationError', 'RegionDisabledException', 'InvalidClientTokenId'])(
    'a call makes no further attempt after %s',
    async (name) => {
      sts.on(AssumeRoleCommand).rejects(createStsError(name, 403))
      await expect(createAssumeRoleCall()()).rejects.toHaveProperty('retryable', false)
      expect(sts.calls()).toHaveLength(1)
    },
  )

  describe('attempts after a Region refused the call', () => {
    const stsRegions = ['eu-west-1', 'eu-north-1', 'us-east-1']

    test.each(['RegionDisabledException', 'InvalidClientTokenId'])(
      'after %s, a call continues in the next Region without a pause',
      async (name) => {
        const random = jest.spyOn(Math, 'random')
        sts
          .on(AssumeRoleCommand)
          .rejectsOnce(createStsError(name, 403))
          .resolves({ Credentials: VALID_CREDENTIALS })
        await expect(createAssumeRoleCall({ stsRegions })()).resolves.toHaveProperty('sessionToken')
        await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1'])
        expect(random).not.toHaveBeenCalled()
        random.mockRestore()
      },
    )

    test('a call does not try a Region again that refused it, but tries the other Regions', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(createStsError('RegionDisabledException', 403))
        .rejects(createStsError('ServiceUnavailable', 503))
      const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'] })
      await expect(assumeRole()).rejects.toHaveProperty('code', 'STS_UNAVAILABLE')
      await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1'])
    })

    test('the error reports the outage of the other Regions and not the Region that refused the call', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(createStsError('ServiceUnavailable', 503))
        .rejectsOnce(createStsError('ServiceUnavailable', 503))
        .rejects(createStsError('RegionDisabledException', 403))
      await expect(createAssumeRoleCall({ stsRegions })()).rejects.toHaveProperty('code', 'STS_UNAVAILABLE')
      await expect(listCalledRegions()).resolves.toEqual(stsRegions)
    })

    test('a call fails if every Region refused it once', async () => {
      sts.on(AssumeRoleCommand).rejects(createStsError('RegionDisabledException', 403))
      const assumeRole = createAssumeRoleCall({ stsRegions, stsClientOptions: { maxAttempts: 9 } })
      await expect(assumeRole()).rejects.toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
      await expect(listCalledRegions()).resolves.toEqual(stsRegions)
    })

    test('a call fails if the next Region denies access', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(createStsError('InvalidClientTokenId', 403))
        .rejects(createStsError('AccessDenied', 403))
      await expect(createAssumeRoleCall({ stsRegions })()).rejects.toHaveProperty(
        'code',
        'ASSUME_ROLE_DENIED',
      )
      await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1'])
    })
  })

  describe('attempts after the session token of the caller expired', () => {
    /** Returns the number of STS clients that sent a request. */
    const countUsedClients = () => new Set(sts.calls().map((call) => call.thisValue)).size
    const provideCredentials = async () => ({
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'secret',
    })

    test.each([
      ['ExpiredToken', {}],
      ['ExpiredTokenException', {}],
      ['ExpiredToken', { credentials: provideCredentials }],
    ])(
      'a call makes one more attempt with a new client after %s, with stsClientOptions %p',
      async (name, stsClientOptions) => {
        sts
          .on(AssumeRoleCommand)
          .rejectsOnce(createStsError(name, 403))
          .resolves({ Credentials: VALID_CREDENTIALS })
        const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'], stsClientOptions })
        await expect(assumeRole()).resolves.toHaveProperty('sessionToken')
        await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-west-1'])
        expect(countUsedClients()).toBe(2)
      },
    )

    test('a call does not pause before the attempt with a new client', async () => {
      const random = jest.spyOn(Math, 'random').mockReturnValue(0)
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(createStsError('ExpiredToken', 403))
        .resolves({ Credentials: VALID_CREDENTIALS })
      await createAssumeRoleCall()()
      // A pause reads one random number.
      expect(random).not.toHaveBeenCalled()
      random.mockRestore()
    })

    test('a call uses new clients in all Regions after the token of the caller expired', async () => {
      sts
        .on(AssumeRoleCommand)
        .rejectsOnce(createStsError('ServiceUnavailable', 503))
        .rejectsOnce(createStsError('ExpiredToken', 403))
        .rejectsOnce(createStsError('ServiceUnavailable', 503))
        .resolves({ Credentials: VALID_CREDENTIALS })
      const stsRegions = ['eu-west-1', 'eu-north-1']
      await createAssumeRoleCall({ stsRegions, stsClientOptions: { maxAttempts: 4 } })()
      await expect(listCalledRegions()).resolves.toEqual([
        'eu-west-1',
        'eu-north-1',
        'eu-north-1',
        'eu-west-1',
      ])
      expect(countUsedClients()).toBe(4)
    })

    test('a call fails if the token of the caller expired twice', async () => {
      sts.on(AssumeRoleCommand).rejects(createStsError('ExpiredToken', 403))
      await expect(createAssumeRoleCall()()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(2)
    })

    test('a call makes no further attempt after the token expired if stsClientOptions contains fixed credentials', async () => {
      sts.on(AssumeRoleCommand).rejects(createStsError('ExpiredToken', 403))
      const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' }
      const assumeRole = createAssumeRoleCall({ stsClientOptions: { credentials } })
      await expect(assumeRole()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(1)
    })

    test('a call with one attempt fails after the token expired, and the next call uses a new client', async () => {
      sts.on(AssumeRoleCommand).rejects(createStsError('ExpiredToken', 403))
      const assumeRole = createAssumeRoleCall({ stsClientOptions: { maxAttempts: 1 } })
      await expect(assumeRole()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      await expect(assumeRole()).rejects.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
      expect(sts.calls()).toHaveLength(2)
      expect(countUsedClients()).toBe(2)
    })

    test('concurrent calls share the new client after the token expired', async () => {
      let isExpired = true
      sts.on(AssumeRoleCommand).callsFake(async () => {
        const shouldFail = isExpired
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (shouldFail) throw createStsError('ExpiredToken', 403)
        return { Credentials: VALID_CREDENTIALS }
      })
      const assumeRole = createAssumeRoleCall()
      const calls = Promise.all([assumeRole(), assumeRole(), assumeRole()])
      isExpired = false
      await calls
      expect(sts.calls()).toHaveLength(6)
      expect(countUsedClients()).toBe(2)
    })
  })

  test('a call makes another attempt after the SDK corrected its clock skew', async () => {
    const clockSkewError = Object.assign(createStsError('SignatureDoesNotMatch', 403), {
      $metadata: { httpStatusCode: 403, requestId: 'request-1', clockSkewCorrected: true },
    })
    sts.on(AssumeRoleCommand).rejectsOnce(clockSkewError).resolves({ Credentials: VALID_CREDENTIALS })
    await expect(createAssumeRoleCall()()).resolves.toHaveProperty('sessionToken')
  })

  test('the next call first tries the Region that succeeded last', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(createStsError('ServiceUnavailable', 503))
      .resolves({ Credentials: VALID_CREDENTIALS })
    const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'] })
    await assumeRole()
    await assumeRole()
    await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1'])
  })

  test('the Region that succeeded last is first, and the others keep their order', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(createStsError('ServiceUnavailable', 503))
      .resolvesOnce({ Credentials: VALID_CREDENTIALS })
      .rejects(createStsError('ServiceUnavailable', 503))
    const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1', 'eu-south-1'] })
    await assumeRole()
    await expect(assumeRole()).rejects.toHaveProperty('code')
    await expect(listCalledRegions()).resolves.toEqual([
      'eu-west-1',
      'eu-north-1',
      'eu-north-1',
      'eu-west-1',
      'eu-south-1',
    ])
  })

  test('a call does not change the order of the Regions if one of them refused it', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(createStsError('RegionDisabledException', 403))
      .rejectsOnce(createStsError('ServiceUnavailable', 503))
      .resolves({ Credentials: VALID_CREDENTIALS })
    const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1', 'eu-south-1'] })
    await assumeRole()
    await assumeRole()
    await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-south-1', 'eu-west-1'])
  })

  test('one hour after another Region succeeded, a call first tries the first Region again', async () => {
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(createStsError('ServiceUnavailable', 503))
      .callsFake(() => ({
        Credentials: { ...VALID_CREDENTIALS, Expiration: new Date(Date.now() + 3_600_000) },
      }))
    const assumeRole = createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'] })
    const now = Date.now()
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now)
    await assumeRole()
    // This call succeeds in the other Region, so the hour begins again.
    clock.mockReturnValue(now + 3_599_999)
    await assumeRole()
    clock.mockReturnValue(now + 3_599_999 + 3_600_000)
    await assumeRole()
    clock.mockRestore()
    await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-north-1', 'eu-west-1'])
  })

  test('a call tries each Region once before it pauses and tries a Region again', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0)
    sts.on(AssumeRoleCommand).rejects(createStsError('ServiceUnavailable', 503))
    await expect(createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'] })()).rejects.toHaveProperty(
      'code',
    )
    await expect(listCalledRegions()).resolves.toEqual(['eu-west-1', 'eu-north-1', 'eu-west-1'])
    // A pause reads one random number. The call pauses only before it returns to the first Region.
    expect(random).toHaveBeenCalledTimes(1)
    random.mockRestore()
  })

  test('three attempts in one Region have two pauses with full jitter, and the upper bound doubles', async () => {
    const min = jest.spyOn(globalThis.Math, 'min')
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5)
    sts.on(AssumeRoleCommand).rejects(createStsError('ServiceUnavailable', 503))
    const startedAt = performance.now()
    await expect(createAssumeRoleCall()()).rejects.toHaveProperty('code')
    // The pauses take half of 100 ms and half of 200 ms. A timer can fire one millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(145)
    expect(random).toHaveBeenCalledTimes(2)
    const upperBoundsMs = min.mock.results
      .map(({ value }) => value)
      .filter((value) => value === 100 || value === 200)
    expect(upperBoundsMs).toEqual([100, 200])
    min.mockRestore()
    random.mockRestore()
  })

  test.each([
    [1, 3000],
    [2, 1500],
    [5, 1000],
  ])('with %i Regions, each request has a timeout of %i ms', async (regionCount, timeoutMs) => {
    const stsRegions = Array.from({ length: regionCount }, (_, index) => `eu-west-${index + 1}`)
    const { signal } = await startHangingRequest({ stsRegions })
    await jest.advanceTimersByTimeAsync(timeoutMs - 1)
    expect(signal.aborted).toBe(false)
    await jest.advanceTimersByTimeAsync(1)
    expect(signal.aborted).toBe(true)
  })

  test('aborting the call aborts the request', async () => {
    const { signal, abortController } = await startHangingRequest()
    abortController.abort()
    expect(signal.aborted).toBe(true)
  })

  test('the maximum duration of a call includes all attempts and pauses', () => {
    const createConfiguration = (options: CrossAccountDynamoOptions) =>
      readConfiguration({ roleArn: 'arn:aws:iam::222222222222:role/R', region: 'eu-west-1', ...options }, {})
    expect(getMaxAssumeRoleDurationMs(createConfiguration({}))).toBe(12_000)
    expect(getMaxAssumeRoleDurationMs(createConfiguration({ stsClientOptions: { maxAttempts: 5 } }))).toBe(
      20_000,
    )
    expect(
      getMaxAssumeRoleDurationMs(createConfiguration({ stsClientOptions: { maxAttempts: Number.NaN } })),
    ).toBe(12_000)
  })

  test('a call tries each Region, even if there are more Regions than attempts', async () => {
    const stsRegions = ['eu-west-1', 'eu-north-1', 'us-east-1', 'us-east-2']
    sts.on(AssumeRoleCommand).rejects(createStsError('ServiceUnavailable', 503))
    await expect(createAssumeRoleCall({ stsRegions })()).rejects.toMatchObject({ code: 'STS_UNAVAILABLE' })
    await expect(listCalledRegions()).resolves.toEqual(stsRegions)
  })
})

test('the tracing channel receives the reason, role, Region, attempts and duration of a call', async () => {
  const traces: AssumeRoleTrace[] = []
  const subscriber = { asyncEnd: (trace: AssumeRoleTrace) => traces.push({ ...trace }) }
  const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
  channel.subscribe(subscriber as never)
  const error = Object.assign(new Error(''), { $metadata: { httpStatusCode: 500 } })
  sts.on(AssumeRoleCommand).rejectsOnce(error).resolves({ Credentials: VALID_CREDENTIALS })
  await createAssumeRoleCall()()
  channel.unsubscribe(subscriber as never)
  expect(traces).toEqual([
    {
      reason: 'first',
      roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      region: 'eu-west-1',
      attempts: 2,
      durationMs: expect.any(Number),
      expiration: expect.any(Date),
    },
  ])
  expect(traces[0]?.durationMs).toBeLessThan(10_000)
})

test('the STS clients of several Regions share one wrapped request handler', async () => {
  const unavailableError = Object.assign(new Error(''), { $metadata: { httpStatusCode: 503 } })
  sts.on(AssumeRoleCommand).rejectsOnce(unavailableError).resolves({ Credentials: VALID_CREDENTIALS })
  await createAssumeRoleCall({ stsRegions: ['eu-west-1', 'eu-north-1'] })()
  const [first, second] = sts.calls().map((call) => (call.thisValue as STSClient).config.requestHandler)
  expect(first).toBe(second)
  expect(Object.getPrototypeOf(first)).toBe(Object.prototype)
})

test('all calls to a Region use the same client', async () => {
  sts.on(AssumeRoleCommand).resolves({ Credentials: VALID_CREDENTIALS })
  const assumeRole = createAssumeRoleCall()
  await assumeRole()
  await assumeRole()
  expect(new Set(sts.calls().map((call) => call.thisValue)).size).toBe(1)
})
