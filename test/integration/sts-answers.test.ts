/** Answers to AssumeRole over HTTP that STS should not give or did not give, and calls that cannot be made. Shows NET-1 and NET-2 of SECURITY.md. */
import { once } from 'node:events'
import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { type CrossAccountDynamoOptions, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const HOUR = 3_600_000

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  sandbox.clock.reset()
  setEnvironment(functionVariables(sandbox))
})
afterEach(() => {
  jest.restoreAllMocks()
})

/** Invokes a handler of its own; yields what it returned or threw. */
const createInvoke = (options: CrossAccountDynamoOptions = {}) => {
  const handler = middy()
    .use(crossAccountDynamo({ disablePrefetch: true, ...options }))
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
      return 'served'
    })
  return (): Promise<unknown> => handler({}, lambdaContext()).catch((error: unknown) => error)
}
const assumeRoles = () => sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')

/** Everything that printing shows. */
const printed = (value: unknown): string =>
  inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }) +
  JSON.stringify(value) +
  String(value)

describe('credentials in answers', () => {
  const DAMAGES: Readonly<Record<string, (xml: string) => string>> = {
    'no closing tag': (xml) => xml.replace('</SessionToken>', ''),
    'another closing tag': (xml) => xml.replace('</SessionToken>', '</SessionTokens>'),
    'a token as the expiration': (xml) =>
      xml.replace(/<Expiration>[^<]*/, `<Expiration>${/<SessionToken>([^<]*)/.exec(xml)?.[1]}`),
    'a secret as the expiration': (xml) =>
      xml.replace(/<Expiration>[^<]*/, `<Expiration>${/<SecretAccessKey>([^<]*)/.exec(xml)?.[1]}`),
    'a token as a tag': (xml) => xml.replace(/<SessionToken>([^<]*)<\/SessionToken>/, '<$1>'),
    'half of it': (xml) => xml.slice(0, xml.length / 2),
    'no root': (xml) => xml.replace(/<[^>]*>/g, ' '),
    JSON: (xml) => JSON.stringify({ message: xml }),
  }

  test.each(Object.keys(DAMAGES))('%s: are neither in the error nor in the log', async (name) => {
    const secrets = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map(
      (variable) => process.env[variable] ?? '',
    )
    sandbox.faults.inject({
      service: 'sts',
      kind: 'rewrite',
      body: (xml) => {
        for (const tag of ['AccessKeyId', 'SecretAccessKey', 'SessionToken'])
          secrets.push(new RegExp(`<${tag}>([^<]*)`).exec(xml)?.[1] ?? '')
        return DAMAGES[name]?.(xml) ?? ''
      },
    })
    const told: unknown[] = []
    const tell = (...words: unknown[]) => told.push(words)
    const logger = { debug: tell, info: tell, warn: tell, error: tell }
    const error = await createInvoke({ logger, stsClientOptions: { maxAttempts: 1 } })()
    expect(error).toMatchObject({ code: 'STS_UNAVAILABLE', retryable: true })
    expect(told).not.toEqual([])
    const text = printed(error) + printed(told)
    expect(secrets.length).toBe(6)
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(10)
      expect(text).not.toContain(secret.slice(0, 10))
      expect(text).not.toContain(secret.slice(-10))
    }
  })

  test('an error that repeats the request is quoted without the token', async () => {
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
    expect(printed(error)).not.toContain(AWS_SESSION_TOKEN.slice(5, 15))
    expect(printed(error)).not.toContain(AWS_ACCESS_KEY_ID)
  })
})

describe('an answer of something between the function and STS', () => {
  let answer: { status: number; headers: Record<string, string>; body: string } | undefined
  let proxy: Server
  beforeEach(async () => {
    const target = new URL(String(process.env.AWS_ENDPOINT_URL_STS))
    proxy = createServer((req, res) => {
      if (answer !== undefined) {
        req.resume()
        res.writeHead(answer.status, answer.headers).end(answer.body)
        return
      }
      const { method = 'POST', url = '/', headers } = req
      const onward = forward(
        { host: target.hostname, port: target.port, method, path: url, headers },
        (reply) => {
          res.writeHead(reply.statusCode ?? 500, reply.headers)
          reply.pipe(res)
        },
      )
      req.pipe(onward)
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
  ])('%i %p %s is not a denial, and is not kept', async (status, headers, body, description) => {
    const invoke = createInvoke()
    answer = { status, headers: headers as Record<string, string>, body }
    const error = await invoke()
    expect(error).toMatchObject({
      code: 'STS_UNAVAILABLE',
      statusCode: 503,
      retryable: true,
      message: expect.stringContaining(`answered ${description}`),
    })
    answer = undefined
    await expect(invoke()).resolves.toBe('served')
  })

  test('what STS itself refuses is a refusal on the same way', async () => {
    answer = undefined
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

describe('a call that cannot be made as it is configured', () => {
  test.each<[string, Record<string, string>, CrossAccountDynamoOptions['stsClientOptions']]>([
    ['AWS_ENDPOINT_URL_STS is no URL', { AWS_ENDPOINT_URL_STS: 'nonsense' }, {}],
    ['FIPS with an endpoint', { AWS_USE_FIPS_ENDPOINT: 'true' }, {}],
    ['dual stack with an endpoint', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, {}],
  ])('%s: is not retried, and the network is not blamed', async (_what, variables, stsClientOptions) => {
    Object.assign(process.env, variables)
    const error = await createInvoke({ stsClientOptions })()
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
    expect((error as Error).message).toContain('AWS_ENDPOINT_URL_STS')
    expect((error as Error).message).not.toContain('VPC')
    expect(assumeRoles()).toEqual([])
  })
})

describe('several Regions', () => {
  const stsRegions = ['ap-east-1', 'us-east-1']

  test.each(['RegionDisabledException', 'InvalidClientTokenId'])(
    '%s in the first: the second is asked, and first from then on',
    async (code) => {
      sandbox.faults.inject({ service: 'sts', kind: 'status', status: 403, code, message: 'no', times: 1 })
      const invoke = createInvoke({ stsRegions })
      await expect(invoke()).resolves.toBe('served')
      travel(2 * HOUR)
      await expect(invoke()).resolves.toBe('served')
      expect(assumeRoles().map(({ region }) => region)).toEqual(['ap-east-1', 'us-east-1', 'ap-east-1'])
    },
  )
})

describe('credentials of the caller that are replaced in the environment', () => {
  test('are read when the old ones have expired', async () => {
    const invoke = createInvoke()
    await expect(invoke()).resolves.toBe('served')
    travel(13 * HOUR)
    const { AWS_ACCESS_KEY_ID } = process.env
    setEnvironment(functionVariables(sandbox))
    expect(process.env.AWS_ACCESS_KEY_ID).not.toBe(AWS_ACCESS_KEY_ID)
    await expect(invoke()).resolves.toBe('served')
    expect(assumeRoles().map(({ error, accessKeyId }) => [error, accessKeyId])).toEqual([
      [undefined, AWS_ACCESS_KEY_ID],
      ['ExpiredToken', AWS_ACCESS_KEY_ID],
      [undefined, process.env.AWS_ACCESS_KEY_ID],
    ])
  })

  test('are not asked for again and again when they are expired, too', async () => {
    const invoke = createInvoke()
    await expect(invoke()).resolves.toBe('served')
    travel(13 * HOUR)
    await expect(invoke()).resolves.toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(assumeRoles()).toHaveLength(3)
  })
})
