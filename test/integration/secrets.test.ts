/** The credentials go no further: they are in nothing that a function can print, at any depth. Shows CODE-4 of SECURITY.md. */
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, EXTERNAL_ID, OTHER_TABLE, TABLE } from '../sandbox/two-accounts.ts'
import { eventually, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

/** What reaches the console or the process's streams by itself: nothing. */
const consoles = ['debug', 'info', 'log', 'warn', 'error'] as const
beforeEach(() => {
  for (const level of consoles) jest.spyOn(console, level)
})
afterEach(() => {
  for (const level of consoles) expect(console[level]).not.toHaveBeenCalled()
  jest.restoreAllMocks()
})

const TAG_VALUE = 'value-of-a-tag'

/** All that the value shows when it is printed, however deeply, as `console.log` and as JSON. */
const printed = (value: unknown): string =>
  [
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      maxStringLength: null,
      maxArrayLength: null,
    }),
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      customInspect: false,
      showHidden: true,
      getters: true,
    }),
    JSON.stringify(value) ?? '',
    String(value),
    value instanceof Error ? JSON.stringify(value, Object.getOwnPropertyNames(value)) : '',
  ].join('\n')

/** The secrets of the caller and of the session: key, secret and token of each. */
const secretsOf = async (provider: () => Promise<object>) => {
  const { accessKeyId, secretAccessKey, sessionToken } = (await provider()) as Record<string, string>
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  const secrets = [
    accessKeyId,
    secretAccessKey,
    sessionToken,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
  ]
  expect(secrets.every((secret) => typeof secret === 'string' && secret.length > 10)).toBe(true)
  return secrets as string[]
}

const expectNothingOf = (secrets: readonly string[], text: string) => {
  expect(text.length).toBeGreaterThan(20)
  expect(
    secrets.filter((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret))),
  ).toEqual([])
}

test('not in the middleware, the context or the request: before, during and after a request to DynamoDB', async () => {
  const middleware = crossAccountDynamo({ documentClient: false })
  const seen: string[] = []
  let provider: (() => Promise<object>) | undefined
  const handler = middy()
    .use(middleware)
    .before(async (request) => {
      provider = request.internal.dynamo
      seen.push(printed(request), printed(middleware))
      sandbox.faults.inject({ service: 'dynamodb', kind: 'latency', ms: 100, times: 1 })
      const { DescribeTableCommand } = await import('@aws-sdk/client-dynamodb')
      const pending = request.context.dynamo
        .send(new DescribeTableCommand({ TableName: TABLE }))
        .catch(() => {})
      await eventually(() => sandbox.calls.some(({ operation }) => operation === 'DescribeTable'))
      seen.push(printed(request))
      await pending
      seen.push(printed(request), printed(request.context.dynamo))
    })
    .handler(async () => {})
  await handler({}, lambdaContext())
  const secrets = await secretsOf(provider as () => Promise<object>)
  expect(seen).toHaveLength(5)
  for (const text of seen) expectNothingOf(secrets, text)
})

test('not in an error of DynamoDB, which reaches the handler with all that the SDK hangs on it', async () => {
  let provider: (() => Promise<object>) | undefined
  const handler = middy()
    .use(crossAccountDynamo())
    .before((request) => {
      provider = request.internal.dynamo
    })
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } }))
    })
  const error = (await handler({}, lambdaContext()).catch((thrown: unknown) => thrown)) as Error & {
    $response?: object
  }
  expect(error.name).toBe('AccessDeniedException')
  expect(error.$response).toHaveProperty('statusCode', 400)
  expectNothingOf(await secretsOf(provider as () => Promise<object>), printed(error))
})

test.each([
  ['refused', { kind: 'status', status: 403, code: 'AccessDenied', message: 'no' }],
  ['throttled', { kind: 'throttle' }],
  ['failing', { kind: 'status', status: 500 }],
  ['cut off', { kind: 'reset' }],
  ['cut off in the middle', { kind: 'reset-mid-response' }],
  ['malformed', { kind: 'malformed' }],
  ['truncated', { kind: 'truncated' }],
] as const)(
  'not in the error of an AssumeRole that was %s; nor the external ID or a tag’s value',
  async (_what, fault) => {
    sandbox.faults.inject({ service: 'sts', ...fault })
    const handler = middy()
      .use(
        crossAccountDynamo({
          sessionTags: { team: TAG_VALUE },
          disablePrefetch: true,
          stsClientOptions: { maxAttempts: 1 },
        }),
      )
      .handler(async () => {})
    const error = await handler({}, lambdaContext()).catch((thrown: unknown) => thrown)
    expect(error).toHaveProperty('name', 'CrossAccountDynamoError')
    sandbox.faults.clear()
    const issued = await secretsOf(async () =>
      sandbox.issueCredentials('arn:aws:iam::111111111111:role/LambdaExecutionRole'),
    )
    expectNothingOf([...issued, EXTERNAL_ID, TAG_VALUE], printed(error))
  },
)

test('a truncated answer of STS, which holds credentials, leaves none of them in the error', async () => {
  let body = ''
  sandbox.faults.inject({
    service: 'sts',
    kind: 'rewrite',
    body: (xml) => {
      body = xml
      return xml.replace(/<Expiration>.*<\/Expiration>/, '<Expiration>')
    },
  })
  const handler = middy()
    .use(crossAccountDynamo({ disablePrefetch: true, stsClientOptions: { maxAttempts: 1 } }))
    .handler(async () => {})
  const error = await handler({}, lambdaContext()).catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('code', 'STS_UNAVAILABLE')
  const secrets = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(
    (name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1] ?? '',
  )
  expect(secrets.every((secret) => secret.length > 10)).toBe(true)
  expectNothingOf(secrets, printed(error))
})

test('not in what the logger and the tracing channel are told, of success and of failure', async () => {
  const told: unknown[] = []
  const tell = (...words: unknown[]) => told.push(words)
  const logger = { debug: tell, info: tell, warn: tell, error: tell }
  const subscriber = { start: tell, end: tell, asyncStart: tell, asyncEnd: tell, error: tell }
  const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
  channel.subscribe(subscriber as never)
  let provider: (() => Promise<object>) | undefined
  try {
    const handler = middy()
      .use(crossAccountDynamo({ logger, sessionTags: { team: TAG_VALUE } }))
      .before((request) => {
        provider = request.internal.dynamo
      })
      .handler(async () => {})
    await handler({}, lambdaContext())
    const secrets = await secretsOf(provider as () => Promise<object>)
    const failing = middy()
      .use(crossAccountDynamo({ logger, externalId: 'another-external-id' }))
      .handler(async () => {})
    await expect(failing({}, lambdaContext())).rejects.toHaveProperty('code', 'ASSUME_ROLE_DENIED')
    expect(told.length).toBeGreaterThan(6)
    expectNothingOf([...secrets, EXTERNAL_ID, 'another-external-id', TAG_VALUE], told.map(printed).join('\n'))
  } finally {
    channel.unsubscribe(subscriber as never)
  }
})
