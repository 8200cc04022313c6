/** Damaged and foreign answers to AssumeRole, given to the SDK's own STS client: none of their credentials is repeated. Shows NET-1 of SECURITY.md. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import { createAssumeRole } from '../../../src/credentials/assume-role.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'

const ROLE_ARN = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const REQUEST_ID = 'c6104cbe-af31-11e0-8154-cbc7ccf896c7'

interface Answer {
  statusCode: number
  headers: Record<string, string>
  body: Buffer
}
interface Request {
  readonly headers: Readonly<Record<string, string>>
}
type Credentials = Readonly<Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken', string>>

/** AssumeRole with the real client, answered in this process. */
const createCall = (
  answer: (request: Request) => Answer,
  credentials: Credentials,
  options: CrossAccountDynamoOptions = {},
) => {
  const requestHandler = {
    handle: async (request: Request) => ({ response: answer(request) }),
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
  const assumeRole = createAssumeRole(configuration)(configuration.parameters as SessionParameters)
  return () => assumeRole('first', new AbortController().signal)
}

/** The same numbers in each run. */
const createRandom = (seed: number) => {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T
  const base64 = (length: number) =>
    createHash('shake256', { outputLength: length }).update(String(next())).digest('base64').slice(0, length)
  return { below, pick, base64 }
}
type Random = ReturnType<typeof createRandom>

const createCredentials = ({ base64, pick, below }: Random): Credentials => ({
  accessKeyId: `ASIA${base64(60)
    .toUpperCase()
    .replace(/[^A-Z2-7]/g, '')
    .slice(0, 16)}`,
  secretAccessKey: base64(40),
  sessionToken: `${pick(['FwoGZXIvYXdzE', 'IQoJb3JpZ2luX2VjE'])}${base64(200 + below(600))}${pick(['', '=', '=='])}`,
})

const escapeXml = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const success = (
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

const failure = (code: string, message: string) =>
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>${REQUEST_ID}</RequestId></ErrorResponse>`

const canonicalRequest = ({ headers }: Request) =>
  `The Canonical String for this request should have been\n'POST\n/\n\n${Object.entries(headers)
    .map(([name, value]) => `${name.toLowerCase()}:${value}`)
    .join('\n')}\n\nhost;x-amz-date;x-amz-security-token\n${'0123456789abcdef'.repeat(4)}'`

const CODES = [
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
const DENIAL = `User: arn:aws:sts::111111111111:assumed-role/Role/orders is not authorized to perform: sts:AssumeRole on resource: ${ROLE_ARN}`

/** What an error message might repeat. */
const echo = (random: Random, request: Request, secrets: readonly string[]): string => {
  const secret = random.pick(secrets)
  const part = secret.slice(random.below(secret.length), secret.length - random.below(10))
  return random.pick([
    () => secret,
    () => part,
    () => encodeURIComponent(secret),
    () => `token "${secret}" is invalid`,
    () => `x-amz-security-token: ${secret}`,
    () => `{"X-Amz-Security-Token":"${secret}"}`,
    () => `?X-Amz-Security-Token=${encodeURIComponent(secret)}&X-Amz-Signature=0`,
    () => `Authorization: ${request.headers.authorization}`,
    () => canonicalRequest(request),
    () => inspect(request),
    () => JSON.stringify(request.headers),
    () => '',
  ])()
}

const TAGS = [
  'AccessKeyId',
  'SecretAccessKey',
  'SessionToken',
  'Expiration',
  'Credentials',
  'Arn',
  'RequestId',
]
const OTHER_TAGS = [
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

const damage = (random: Random, body: string): string => {
  const { below, pick } = random
  const at = below(body.length)
  const length = below(60)
  return pick([
    () => body,
    () => body.slice(0, at),
    () => body.slice(at),
    () => body.slice(0, at) + body.slice(at + length),
    () => body.slice(0, at) + body.slice(at, at + length) + body.slice(at),
    () => body.slice(0, at) + String.fromCharCode(below(256)) + body.slice(at + 1),
    () =>
      body.slice(0, at) + pick(['<', '>', '&', '</', '<![CDATA[', '&#x41;', '\u0000', '\n']) + body.slice(at),
    () => body.replaceAll(`${pick(TAGS)}>`, `${pick([...TAGS, ...OTHER_TAGS])}>`),
    () => body.replace(`<${pick([...TAGS, 'Code', 'Message'])}>`, `<${pick(OTHER_TAGS)}>`),
    () => body.replace(/<Code>.*<\/Code>/, `<Code>${body.slice(at, at + length)}</Code>`),
    () => body.replace('AssumeRoleResponse', 'ErrorResponse').replace('AssumeRoleResult', 'Error'),
    () => JSON.stringify({ __type: 'AccessDenied', message: body }),
    () => `<html><body>${body}</body></html>`,
  ])()
}

const createAnswer = (random: Random, request: Request, issued: Credentials, caller: Credentials): Answer => {
  const { below, pick } = random
  const secrets = [...Object.values(issued), ...Object.values(caller)]
  const isSuccess = below(2) === 0
  let body = isSuccess
    ? success(issued)
    : failure(
        pick(CODES),
        `${pick(['no', DENIAL, ''])} ${echo(random, request, secrets)} ${pick(['', 'end'])}`,
      )
  for (let times = below(4); times > 0; times -= 1) body = damage(random, body)
  const headers: Record<string, string> = {}
  if (below(4) > 0) headers['x-amzn-requestid'] = below(20) === 0 ? pick(secrets) : REQUEST_ID
  if (below(4) > 0)
    headers['content-type'] =
      below(20) === 0 ? `text/${pick(secrets)}` : pick(['text/xml', 'text/html', 'application/json'])
  return {
    statusCode: isSuccess && below(3) > 0 ? 200 : pick([200, 302, 400, 403, 404, 407, 429, 451, 500, 503]),
    headers,
    body: Buffer.from(body, pick(['utf8', 'utf8', 'latin1'])),
  }
}

/** Everything that printing an error shows. */
const printed = (error: unknown): string =>
  [
    inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
    inspect(error, { depth: Number.POSITIVE_INFINITY, customInspect: false, getters: true }),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    String(error),
    (error as Error).stack,
    (error as Error).message,
  ].join('\n')

/** So many consecutive characters of a credential count as a leak. */
const FRAGMENT = 10

const fragmentsOf = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - FRAGMENT + 1) }, (_, start) =>
    text.slice(start, start + FRAGMENT),
  )

/** Finds parts of secrets. */
const createSearch = (secrets: readonly string[]) => {
  const fragments = new Set(
    secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]).flatMap(fragmentsOf),
  )
  return (text: string): string[] => {
    // All credentials are made of these characters.
    const runs = new Set(text.match(/[\w+/=%]{10,}/g))
    return [...runs].flatMap(fragmentsOf).filter((fragment) => fragments.has(fragment))
  }
}

test('the search for leaks finds a part of a credential', () => {
  const { secretAccessKey } = createCredentials(createRandom(2))
  expect(createSearch([secretAccessKey])(`a "${secretAccessKey.slice(7, 20)}" b`)).toHaveLength(4)
})

const consoles = ['debug', 'info', 'log', 'warn', 'error'] as const
beforeEach(() => {
  for (const level of consoles) jest.spyOn(console, level)
})
afterEach(() => {
  for (const level of consoles) expect(console[level]).not.toHaveBeenCalled()
  jest.restoreAllMocks()
})

test('a token of the caller that looks like words is not repeated either', async () => {
  const caller = { ...createCredentials(createRandom(3)), sessionToken: 'local-session-token-of-a-developer' }
  const call = createCall(
    ({ headers }) => ({
      statusCode: 403,
      headers: { 'x-amzn-requestid': REQUEST_ID },
      body: Buffer.from(failure('AccessDenied', `not with ${headers['x-amz-security-token']} today`)),
    }),
    caller,
  )
  const error = await call().catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('message', expect.stringContaining('not with [not shown] today'))
  expect(printed(error)).not.toContain('session-token-of')
})

test('of 5,200 damaged answers none puts a part of a credential into the error', async () => {
  const random = createRandom(1)
  const caller = createCredentials(random)
  let issued = createCredentials(random)
  let leaksOf = createSearch([])
  let answer: Answer | undefined
  const call = createCall((request) => {
    answer = createAnswer(random, request, issued, caller)
    return { ...answer, headers: { ...answer.headers } }
  }, caller)
  const codes = new Map<string, number>()
  for (let run = 0; run < 5200; run += 1) {
    if (run % 20 === 0) {
      issued = createCredentials(random)
      leaksOf = createSearch([...Object.values(issued), ...Object.values(caller)])
    }
    const thrown = await call().catch((error: unknown) => error)
    if (!(thrown instanceof Error)) continue
    const leaks = leaksOf(printed(thrown))
    if (leaks.length > 0 || !(thrown instanceof CrossAccountDynamoError))
      throw new Error(`run ${run}: ${leaks.length} leaks: ${inspect(thrown)} of ${answer?.body.toString()}`)
    codes.set(thrown.code, (codes.get(thrown.code) ?? 0) + 1)
  }
  // The damage leaves answers of each kind.
  expect([...codes.keys()].sort()).toEqual([
    'ASSUME_ROLE_DENIED',
    'ASSUME_ROLE_REJECTED',
    'STS_THROTTLED',
    'STS_UNAVAILABLE',
  ])
  for (const count of codes.values()) expect(count).toBeGreaterThan(20)
}, 60_000)
