/** Values that a function can print contain no credentials, at any depth. Shows CODE-4 of SECURITY.md. */
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, EXTERNAL_ID, OTHER_TABLE, TABLE } from '../sandbox/two-accounts.ts'
import {
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitForEarlyConnections,
  waitUntil,
} from './lambda.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
})
afterAll(async () => {
  await waitForEarlyConnections()
  await sandbox.close()
})
beforeEach(() => {
  sandbox.clear()
  setEnvironment(createFunctionVariables(sandbox))
})

// The package must not write to the console.
const CONSOLE_METHODS = ['debug', 'info', 'log', 'warn', 'error'] as const
beforeEach(() => {
  for (const method of CONSOLE_METHODS) jest.spyOn(console, method)
})
afterEach(() => {
  for (const method of CONSOLE_METHODS) expect(console[method]).not.toHaveBeenCalled()
  jest.restoreAllMocks()
})

const TAG_VALUE = 'value-of-a-tag'

/** Formats the value at any depth as `console.log`, `JSON.stringify` and `String` do. */
const formatValue = (value: unknown): string =>
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

/** Returns the access key ID, the secret access key and the session token of the caller and of the session. */
const getSecrets = async (provider: () => Promise<object>) => {
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

const expectNoSecrets = (secrets: readonly string[], text: string) => {
  // An empty text would pass the next expectation.
  expect(text.length).toBeGreaterThan(20)
  expect(
    secrets.filter((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret))),
  ).toEqual([])
}

test('keeps credentials out of the middleware, the context and the request, before, during and after a DynamoDB request', async () => {
  const middleware = crossAccountDynamo({ documentClient: false })
  const texts: string[] = []
  let provider: (() => Promise<object>) | undefined
  const handler = middy()
    .use(middleware)
    .before(async (request) => {
      provider = request.internal.dynamo
      texts.push(formatValue(request), formatValue(middleware))
      sandbox.faults.inject({ service: 'dynamodb', kind: 'latency', ms: 100, times: 1 })
      const { DescribeTableCommand } = await import('@aws-sdk/client-dynamodb')
      const response = request.context.dynamo
        .send(new DescribeTableCommand({ TableName: TABLE }))
        .catch(() => {})
      await waitUntil(() => sandbox.calls.some(({ operation }) => operation === 'DescribeTable'))
      texts.push(formatValue(request))
      await response
      texts.push(formatValue(request), formatValue(request.context.dynamo))
    })
    .handler(async () => {})
  await handler({}, createLambdaContext())
  const secrets = await getSecrets(provider as () => Promise<object>)
  expect(texts).toHaveLength(5)
  for (const text of texts) expectNoSecrets(secrets, text)
})

test('keeps credentials out of an error of DynamoDB with the properties that the SDK adds', async () => {
  let provider: (() => Promise<object>) | undefined
  const handler = middy()
    .use(crossAccountDynamo())
    .before((request) => {
      provider = request.internal.dynamo
    })
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } }))
    })
  const error = (await handler({}, createLambdaContext()).catch((thrown: unknown) => thrown)) as Error & {
    $response?: object
  }
  expect(error.name).toBe('AccessDeniedException')
  expect(error.$response).toHaveProperty('statusCode', 400)
  expectNoSecrets(await getSecrets(provider as () => Promise<object>), formatValue(error))
})

test.each([
  ['denied', { kind: 'status', status: 403, code: 'AccessDenied', message: 'no' }],
  ['throttled', { kind: 'throttle' }],
  ['answered with status 500', { kind: 'status', status: 500 }],
  ['reset before the response', { kind: 'reset' }],
  ['reset during the response', { kind: 'reset-mid-response' }],
  ['answered with a malformed response', { kind: 'malformed' }],
  ['answered with a truncated response', { kind: 'truncated' }],
] as const)(
  'keeps credentials, the external ID and tag values out of the error of an AssumeRole call that is %s',
  async (_description, fault) => {
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
    const error = await handler({}, createLambdaContext()).catch((thrown: unknown) => thrown)
    expect(error).toHaveProperty('name', 'CrossAccountDynamoError')
    sandbox.faults.clear()
    const secrets = await getSecrets(async () =>
      sandbox.issueCredentials('arn:aws:iam::111111111111:role/LambdaExecutionRole'),
    )
    expectNoSecrets([...secrets, EXTERNAL_ID, TAG_VALUE], formatValue(error))
  },
)

test('keeps the credentials in an invalid STS response out of the error', async () => {
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
  const error = await handler({}, createLambdaContext()).catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('code', 'STS_UNAVAILABLE')
  const secrets = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(
    (name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(body)?.[1] ?? '',
  )
  expect(secrets.every((secret) => secret.length > 10)).toBe(true)
  expectNoSecrets(secrets, formatValue(error))
})

test('keeps credentials, external IDs and tag values out of log messages and trace messages of successful and failed calls', async () => {
  const messages: unknown[] = []
  const record = (...values: unknown[]) => messages.push(values)
  const logger = { debug: record, info: record, warn: record, error: record }
  const subscriber = { start: record, end: record, asyncStart: record, asyncEnd: record, error: record }
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
    await handler({}, createLambdaContext())
    const secrets = await getSecrets(provider as () => Promise<object>)
    const handlerWithWrongExternalId = middy()
      .use(crossAccountDynamo({ logger, externalId: 'another-external-id' }))
      .handler(async () => {})
    await expect(handlerWithWrongExternalId({}, createLambdaContext())).rejects.toHaveProperty(
      'code',
      'ASSUME_ROLE_DENIED',
    )
    expect(messages.length).toBeGreaterThan(6)
    expectNoSecrets(
      [...secrets, EXTERNAL_ID, 'another-external-id', TAG_VALUE],
      messages.map(formatValue).join('\n'),
    )
  } finally {
    channel.unsubscribe(subscriber as never)
  }
})
