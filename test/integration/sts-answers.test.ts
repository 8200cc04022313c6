/**
 * Tests damaged responses of STS, responses of proxies, and AssumeRole calls that cannot be sent, over HTTP. Shows NET-1 and NET-2
 * of SECURITY.md.
 */
import { once } from 'node:events'
import { createServer, type Server, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { type CrossAccountDynamoOptions, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { advanceTime, createFunctionVariables, createLambdaContext, setEnvironment } from './lambda.ts'

const HOUR_MS = 3_600_000

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  sandbox.clock.reset()
  setEnvironment(createFunctionVariables(sandbox))
})
afterEach(() => {
  jest.restoreAllMocks()
})

/** Creates a handler, and returns a function that invokes it. The function returns `'served'` or the error. */
const createInvoke = (options: CrossAccountDynamoOptions = {}) => {
  const handler = middy()
    .use(crossAccountDynamo({ disablePrefetch: true, ...options }))
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
      return 'served'
    })
  return (): Promise<unknown> => handler({}, createLambdaContext()).catch((error: unknown) => error)
}
const getAssumeRoleCalls = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')

/** Formats a value in each way in which a function can print it. */
const formatInAllWays = (value: unknown): string =>
  inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }) +
  JSON.stringify(value) +
  String(value)

describe('responses that contain credentials', () => {
  const DAMAGED_RESPONSES: Readonly<Record<string, (xml: string) => string>> = {
    'without a closing tag': (xml) => xml.replace('</SessionToken>', ''),
    'with a wrong closing tag': (xml) => xml.replace('</SessionToken>', '</SessionTokens>'),
    'with the token as the expiration': (xml) =>
      xml.replace(/<Expiration>[^<]*/, `<Expiration>${/<SessionToken>([^<]*)/.exec(xml)?.[1]}`),
    'with the secret access key as the expiration': (xml) =>
      xml.replace(/<Expiration>[^<]*/, `<Expiration>${/<SecretAccessKey>([^<]*)/.exec(xml)?.[1]}`),
    'with the token as a tag': (xml) => xml.replace(/<SessionToken>([^<]*)<\/SessionToken>/, '<$1>'),
    'that ends after half of the body': (xml) => xml.slice(0, xml.length / 2),
    'without tags': (xml) => xml.replace(/<[^>]*>/g, ' '),
    'that contains JSON': (xml) => JSON.stringify({ message: xml }),
  }

  test.each(Object.keys(DAMAGED_RESPONSES))(
    'the credentials in a response %s are neither in the error nor in the log',
    async (name) => {
      const secrets = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map(
        (variable) => process.env[variable] ?? '',
      )
      sandbox.faults.inject({
        service: 'sts',
        kind: 'rewrite',
        body: (xml) => {
          for (const tag of ['AccessKeyId', 'SecretAccessKey', 'SessionToken'])
            secrets.push(new RegExp(`<${tag}>([^<]*)`).exec(xml)?.[1] ?? '')
          return DAMAGED_RESPONSES[name]?.(xml) ?? ''
        },
      })
      const logged: unknown[] = []
      const log = (...values: unknown[]) => logged.push(values)
      const logger = { debug: log, info: log, warn: log, error: log }
      const error = await createInvoke({ logger, stsClientOptions: { maxAttempts: 1 } })()
      expect(error).toMatchObject({ code: 'STS_UNAVAILABLE', retryable: true })
      expect(logged).not.toEqual([])
      const text = formatInAllWays(error) + formatInAllWays(logged)
      expect(secrets.length).toBe(6)
      for (const secret of secrets) {
        expect(secret.length).toBeGreaterThan(10)
        expect(text).not.toContain(secret.slice(0, 10))
        expect(text).not.toContain(secret.slice(-10))
      }
    },
  )

  test('an error response that repeats the request is quoted without the token and the access key ID', async () => {
    const { AWS_ACCESS_KEY_ID = '', AWS_SESSION_TOKEN = '' } = process.env
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'SignatureDoesNotMatch',
      message: `The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:${AWS_SESSION_TOKEN}\n\n' by ${AWS_ACCESS_KEY_ID}`,
    })
    const error = await createInvoke()()
    expect(error).toMatchObject({
      code: 'ASSUME_ROLE_REJECTED',
      message: expect.stringContaining('SignatureDoesNotMatch: The Canonical String'),
    })
    expect(formatInAllWays(error)).not.toContain(AWS_SESSION_TOKEN.slice(5, 15))
    expect(formatInAllWays(error)).not.toContain(AWS_ACCESS_KEY_ID)
  })
})

describe('responses of a proxy between the function and STS', () => {
  let proxyResponse: { status: number; headers: Record<string, string>; body: string } | undefined
  let proxy: Server
  beforeEach(async () => {
    const target = new URL(String(process.env.AWS_ENDPOINT_URL_STS))
    proxy = createServer((req, res) => {
      if (proxyResponse !== undefined) {
        req.resume()
        res.writeHead(proxyResponse.status, proxyResponse.headers).end(proxyResponse.body)
        return
      }
      const { method = 'POST', url = '/', headers } = req
      const forwarded = sendRequest(
        { host: target.hostname, port: target.port, method, path: url, headers },
        (stsResponse) => {
          res.writeHead(stsResponse.statusCode ?? 500, stsResponse.headers)
          stsResponse.pipe(res)
        },
      )
      req.pipe(forwarded)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    process.env.AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  })
  afterEach(() => {
    proxy.close()
    proxy.closeAllConnections()
  })

  const HTML = { 'content-type': 'text/html; charset=utf-8' }
  test.each([
    [403, HTML, '<html><body>Forbidden<br></body></html>', '403 (text/html)'],
    [403, HTML, '<html><body>Forbidden</body></html>', '403 (text/html)'],
    [407, HTML, 'Proxy Authentication Required', '407 (text/html)'],
    [451, { 'content-type': 'text/plain' }, 'no', '451 (text/plain)'],
    [404, {}, '', '404'],
    [429, HTML, '', '429 (text/html)'],
    [502, HTML, '<html></html>', '502 (text/html)'],
    [302, { location: 'https://example.com/login' }, '', '302'],
    [200, HTML, '<html><p>Sign in</html>', '200 (text/html)'],
    [
      403,
      { 'content-type': 'application/xml' },
      '<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
      '403 (application/xml)',
    ],
  ])(
    'a response with %i %p %s is not a denial, and the next invocation calls STS again',
    async (status, headers, body, description) => {
      const invoke = createInvoke()
      proxyResponse = { status, headers: headers as Record<string, string>, body }
      const error = await invoke()
      expect(error).toMatchObject({
        code: 'STS_UNAVAILABLE',
        statusCode: 503,
        retryable: true,
        message: expect.stringContaining(`responded with status code ${description}`),
      })
      proxyResponse = undefined
      await expect(invoke()).resolves.toBe('served')
    },
  )

  test('a denial by STS that passes through the proxy is a denial', async () => {
    proxyResponse = undefined
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: 'no',
    })
    await expect(createInvoke()()).resolves.toHaveProperty('code', 'ASSUME_ROLE_DENIED')
  })
})

describe('a call that cannot be sent with its configuration', () => {
  test.each<[string, Record<string, string>, CrossAccountDynamoOptions['stsClientOptions']]>([
    ['an AWS_ENDPOINT_URL_STS that is not a URL', { AWS_ENDPOINT_URL_STS: 'nonsense' }, {}],
    ['a FIPS endpoint and AWS_ENDPOINT_URL_STS', { AWS_USE_FIPS_ENDPOINT: 'true' }, {}],
    ['a dual-stack endpoint and AWS_ENDPOINT_URL_STS', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, {}],
  ])(
    'a call with %s is not retried, and its error does not advise to check the network',
    async (_case, variables, stsClientOptions) => {
      Object.assign(process.env, variables)
      const error = await createInvoke({ stsClientOptions })()
      expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
      expect((error as Error).message).toContain('AWS_ENDPOINT_URL_STS')
      expect((error as Error).message).not.toContain('VPC')
      expect(getAssumeRoleCalls()).toEqual([])
    },
  )
})

describe('with several STS Regions', () => {
  const stsRegions = ['ap-east-1', 'us-east-1']

  test.each(['RegionDisabledException', 'InvalidClientTokenId'])(
    'after %s in the first Region, the second is called, and the next AssumeRole call tries the first again',
    async (code) => {
      sandbox.faults.inject({ service: 'sts', kind: 'status', status: 403, code, message: 'no', times: 1 })
      const invoke = createInvoke({ stsRegions })
      await expect(invoke()).resolves.toBe('served')
      advanceTime(2 * HOUR_MS)
      await expect(invoke()).resolves.toBe('served')
      expect(getAssumeRoleCalls().map(({ region }) => region)).toEqual([
        'ap-east-1',
        'us-east-1',
        'ap-east-1',
      ])
    },
  )
})

describe('credentials of the caller', () => {
  test('the credentials of the caller are read from the environment again after they expired', async () => {
    const invoke = createInvoke()
    await expect(invoke()).resolves.toBe('served')
    advanceTime(13 * HOUR_MS)
    const { AWS_ACCESS_KEY_ID } = process.env
    setEnvironment(createFunctionVariables(sandbox))
    expect(process.env.AWS_ACCESS_KEY_ID).not.toBe(AWS_ACCESS_KEY_ID)
    await expect(invoke()).resolves.toBe('served')
    expect(getAssumeRoleCalls().map(({ error, accessKeyId }) => [error, accessKeyId])).toEqual([
      [undefined, AWS_ACCESS_KEY_ID],
      ['ExpiredToken', AWS_ACCESS_KEY_ID],
      [undefined, process.env.AWS_ACCESS_KEY_ID],
    ])
  })

  test('expired credentials of the caller cause at most two requests to STS in one AssumeRole call', async () => {
    const invoke = createInvoke()
    await expect(invoke()).resolves.toBe('served')
    advanceTime(13 * HOUR_MS)
    await expect(invoke()).resolves.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(getAssumeRoleCalls()).toHaveLength(3)
  })
})
