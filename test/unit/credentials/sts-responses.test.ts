/**
 * Damaged responses to AssumeRole, and responses of proxies, that the SDK's STS client reads: no error contains a credential
 * from them. Shows NET-1 of SECURITY.md.
 */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import { createAssumeRoleFactory } from '../../../src/credentials/assume-role.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import { selectByRunLength } from '../../run-length.ts'

const ROLE_ARN = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const REQUEST_ID = 'c6104cbe-af31-11e0-8154-cbc7ccf896c7'

interface HttpResponse {
  statusCode: number
  headers: Record<string, string>
  body: Buffer
}
interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>
}
type Credentials = Readonly<Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken', string>>

/** Returns a function that calls AssumeRole with the SDK's STS client. A request handler in this process responds. */
const createAssumeRoleCall = (
  respond: (request: HttpRequest) => HttpResponse,
  credentials: Credentials,
  options: CrossAccountDynamoOptions = {},
) => {
  const requestHandler = {
    handle: async (request: HttpRequest) => ({ response: respond(request) }),
    destroy: () => {},
  }
  const configuration = readConfiguration(
    {
      roleArn: ROLE_ARN,
      region: 'eu-west-1',
      ...options,
      // biome-ignore lint/suspicious/noExplicitAny: the SDK types a handler by the HTTP library of Node.js
      stsClientOptions: { maxAttempts: 1, credentials, requestHandler: requestHandler as any },
    },
    { AWS_REGION: 'eu-west-1' },
  )
  const assumeRole = createAssumeRoleFactory(configuration)(configuration.parameters as SessionParameters)
  return () => assumeRole('first', new AbortController().signal)
}

/** Creates a pseudorandom number generator that returns the same numbers in each run. */
const createRandomGenerator = (seed: number) => {
  let state = seed
  const nextFraction = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const nextInteger = (upperBound: number) => Math.floor(nextFraction() * upperBound)
  const pick = <T>(values: readonly T[]): T => values[nextInteger(values.length)] as T
  const createBase64 = (length: number) =>
    createHash('shake256', { outputLength: length })
      .update(String(nextFraction()))
      .digest('base64')
      .slice(0, length)
  return { nextInteger, pick, createBase64 }
}
type RandomGenerator = ReturnType<typeof createRandomGenerator>

const createCredentials = ({ createBase64, pick, nextInteger }: RandomGenerator): Credentials => ({
  accessKeyId: `ASIA${createBase64(60)
    .toUpperCase()
    .replace(/[^A-Z2-7]/g, '')
    .slice(0, 16)}`,
  secretAccessKey: createBase64(40),
  sessionToken: `${pick(['FwoGZXIvYXdzE', 'IQoJb3JpZ2luX2VjE'])}${createBase64(200 + nextInteger(600))}${pick(['', '=', '=='])}`,
})

const escapeXml = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const createSuccessBody = (
  issued: Credentials,
) => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>AROA123EXAMPLE123:orders</AssumedRoleId><Arn>arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/orders</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${issued.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${issued.secretAccessKey}</SecretAccessKey>
      <SessionToken>${issued.sessionToken}</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>${REQUEST_ID}</RequestId></ResponseMetadata>
</AssumeRoleResponse>`

const createErrorBody = (code: string, message: string) =>
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>${REQUEST_ID}</RequestId></ErrorResponse>`

const toCanonicalRequest = ({ headers }: HttpRequest) =>
  `The Canonical String for this request should have been\n'POST\n/\n\n${Object.entries(headers)
    .map(([name, value]) => `${name.toLowerCase()}:${value}`)
    .join('\n')}\n\nhost;x-amz-date;x-amz-security-token\n${'0123456789abcdef'.repeat(4)}'`

const ERROR_CODES = [
  'AccessDenied',
  'ExpiredToken',
  'ExpiredTokenException',
  'InternalFailure',
  'InvalidClientTokenId',
  'MalformedPolicyDocument',
  'PackedPolicyTooLarge',
  'RegionDisabledException',
  'SignatureDoesNotMatch',
  'Throttling',
  'ValidationError',
]
const ACCESS_DENIED_MESSAGE = `User: arn:aws:sts::111111111111:assumed-role/Role/orders is not authorized to perform: sts:AssumeRole on resource: ${ROLE_ARN}`

/** Returns text that an error message could repeat: a credential, a header or the signed request. */
const pickRepeatedText = (
  random: RandomGenerator,
  request: HttpRequest,
  secrets: readonly string[],
): string => {
  const secret = random.pick(secrets)
  const part = secret.slice(random.nextInteger(secret.length), secret.length - random.nextInteger(10))
  return random.pick([
    () => secret,
    () => part,
    () => encodeURIComponent(secret),
    () => `token "${secret}" is invalid`,
    () => `x-amz-security-token: ${secret}`,
    () => `{"X-Amz-Security-Token":"${secret}"}`,
    () => `?X-Amz-Security-Token=${encodeURIComponent(secret)}&X-Amz-Signature=0`,
    () => `Authorization: ${request.headers.authorization}`,
    () => toCanonicalRequest(request),
    () => inspect(request),
    () => JSON.stringify(request.headers),
    () => '',
  ])()
}

const CREDENTIAL_ELEMENTS = [
  'AccessKeyId',
  'SecretAccessKey',
  'SessionToken',
  'Expiration',
  'Credentials',
  'Arn',
  'RequestId',
]
const OTHER_ELEMENTS = [
  'Code',
  'Message',
  'Error',
  'message',
  'code',
  'name',
  'stack',
  'cause',
  '$response',
  '#text',
]

/** Returns the body, or the body with one random change. */
const damageBody = (random: RandomGenerator, body: string): string => {
  const { nextInteger, pick } = random
  const at = nextInteger(body.length)
  const length = nextInteger(60)
  return pick([
    () => body,
    () => body.slice(0, at),
    () => body.slice(at),
    () => body.slice(0, at) + body.slice(at + length),
    () => body.slice(0, at) + body.slice(at, at + length) + body.slice(at),
    () => body.slice(0, at) + String.fromCharCode(nextInteger(256)) + body.slice(at + 1),
    () =>
      body.slice(0, at) + pick(['<', '>', '&', '</', '<![CDATA[', '&#x41;', '\u0000', '\n']) + body.slice(at),
    () =>
      body.replaceAll(
        `${pick(CREDENTIAL_ELEMENTS)}>`,
        `${pick([...CREDENTIAL_ELEMENTS, ...OTHER_ELEMENTS])}>`,
      ),
    () => body.replace(`<${pick([...CREDENTIAL_ELEMENTS, 'Code', 'Message'])}>`, `<${pick(OTHER_ELEMENTS)}>`),
    () => body.replace(/<Code>.*<\/Code>/, `<Code>${body.slice(at, at + length)}</Code>`),
    () => body.replace('AssumeRoleResponse', 'ErrorResponse').replace('AssumeRoleResult', 'Error'),
    () => JSON.stringify({ __type: 'AccessDenied', message: body }),
    () => `<html><body>${body}</body></html>`,
  ])()
}

const createResponse = (
  random: RandomGenerator,
  request: HttpRequest,
  issued: Credentials,
  caller: Credentials,
): HttpResponse => {
  const { nextInteger, pick } = random
  const secrets = [...Object.values(issued), ...Object.values(caller)]
  const isSuccess = nextInteger(2) === 0
  let body = isSuccess
    ? createSuccessBody(issued)
    : createErrorBody(
        pick(ERROR_CODES),
        `${pick(['no', ACCESS_DENIED_MESSAGE, ''])} ${pickRepeatedText(random, request, secrets)} ${pick(['', 'end'])}`,
      )
  for (let remaining = nextInteger(4); remaining > 0; remaining -= 1) body = damageBody(random, body)
  const headers: Record<string, string> = {}
  if (nextInteger(4) > 0) headers['x-amzn-requestid'] = nextInteger(20) === 0 ? pick(secrets) : REQUEST_ID
  if (nextInteger(4) > 0)
    headers['content-type'] =
      nextInteger(20) === 0 ? `text/${pick(secrets)}` : pick(['text/xml', 'text/html', 'application/json'])
  return {
    statusCode:
      isSuccess && nextInteger(3) > 0 ? 200 : pick([200, 302, 400, 403, 404, 407, 429, 451, 500, 503]),
    headers,
    body: Buffer.from(body, pick(['utf8', 'utf8', 'latin1'])),
  }
}

/** Returns all text that common ways to print an error show. */
const printError = (error: unknown): string =>
  [
    inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
    inspect(error, { depth: Number.POSITIVE_INFINITY, customInspect: false, getters: true }),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    String(error),
    (error as Error).stack,
    (error as Error).message,
  ].join('\n')

/** The number of consecutive characters of a credential that count as a leak. */
const FRAGMENT_LENGTH = 10

const listFragments = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - FRAGMENT_LENGTH + 1) }, (_, start) =>
    text.slice(start, start + FRAGMENT_LENGTH),
  )

/** Returns a function that lists the fragments of the secrets that a text contains. */
const createLeakSearch = (secrets: readonly string[]) => {
  const fragments = new Set(
    secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]).flatMap(listFragments),
  )
  return (text: string): string[] => {
    // Credentials, also in URL-encoded form, contain only these characters.
    const candidates = new Set(text.match(/[\w+/=%]{10,}/g))
    return [...candidates].flatMap(listFragments).filter((fragment) => fragments.has(fragment))
  }
}

test('the leak search finds a part of a credential', () => {
  const { secretAccessKey } = createCredentials(createRandomGenerator(2))
  expect(createLeakSearch([secretAccessKey])(`a "${secretAccessKey.slice(7, 20)}" b`)).toHaveLength(4)
})

const CONSOLE_METHODS = ['debug', 'info', 'log', 'warn', 'error'] as const
beforeEach(() => {
  for (const level of CONSOLE_METHODS) jest.spyOn(console, level)
})
afterEach(() => {
  for (const level of CONSOLE_METHODS) expect(console[level]).not.toHaveBeenCalled()
  jest.restoreAllMocks()
})

test('the error does not contain a session token of the caller that consists of words', async () => {
  const caller = {
    ...createCredentials(createRandomGenerator(3)),
    sessionToken: 'local-session-token-of-a-developer',
  }
  const call = createAssumeRoleCall(
    ({ headers }) => ({
      statusCode: 403,
      headers: { 'x-amzn-requestid': REQUEST_ID },
      body: Buffer.from(createErrorBody('AccessDenied', `not with ${headers['x-amz-security-token']} today`)),
    }),
    caller,
  )
  const error = await call().catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('message', expect.stringContaining('not with [not shown] today'))
  expect(printError(error)).not.toContain('session-token-of')
})

const RESPONSE_COUNT = selectByRunLength(1300, 5200)

test('no error after a damaged response contains a part of a credential', async () => {
  const random = createRandomGenerator(1)
  const caller = createCredentials(random)
  let issued = createCredentials(random)
  let findLeaks = createLeakSearch([])
  let response: HttpResponse | undefined
  const call = createAssumeRoleCall((request) => {
    response = createResponse(random, request, issued, caller)
    return { ...response, headers: { ...response.headers } }
  }, caller)
  const countByCode = new Map<string, number>()
  for (let run = 0; run < RESPONSE_COUNT; run += 1) {
    if (run % 20 === 0) {
      issued = createCredentials(random)
      findLeaks = createLeakSearch([...Object.values(issued), ...Object.values(caller)])
    }
    const thrown = await call().catch((error: unknown) => error)
    if (!(thrown instanceof Error)) continue
    const leaks = findLeaks(printError(thrown))
    if (leaks.length > 0 || !(thrown instanceof CrossAccountDynamoError))
      throw new Error(`run ${run}: ${leaks.length} leaks: ${inspect(thrown)} of ${response?.body.toString()}`)
    countByCode.set(thrown.code, (countByCode.get(thrown.code) ?? 0) + 1)
  }
  // The damaged responses still cover each kind of error.
  expect([...countByCode.keys()].sort()).toEqual([
    'ASSUME_ROLE_DENIED',
    'ASSUME_ROLE_REJECTED',
    'STS_THROTTLED',
    'STS_UNAVAILABLE',
  ])
  for (const count of countByCode.values()) expect(count).toBeGreaterThan(RESPONSE_COUNT / 260)
}, 60_000)
