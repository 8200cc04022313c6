/** Handlers with many of middy's middlewares, and with its routers. */
import assert from 'node:assert/strict'
import { beforeEach, mock } from 'node:test'
import { inspect } from 'node:util'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import cloudformationResponse from '@middy/cloudformation-response'
import cloudformationRouter from '@middy/cloudformation-router'
import middy from '@middy/core'
import doNotWaitForEmptyEventLoop from '@middy/do-not-wait-for-empty-event-loop'
import errorLogger from '@middy/error-logger'
import eventNormalizer from '@middy/event-normalizer'
import httpContentNegotiation from '@middy/http-content-negotiation'
import httpCors from '@middy/http-cors'
import httpErrorHandler from '@middy/http-error-handler'
import httpEventNormalizer from '@middy/http-event-normalizer'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import httpJsonBodyParser from '@middy/http-json-body-parser'
import httpResponseSerializer from '@middy/http-response-serializer'
import httpRouter from '@middy/http-router'
import httpSecurityHeaders from '@middy/http-security-headers'
import inputOutputLogger from '@middy/input-output-logger'
import validator from '@middy/validator'
import { transpileSchema } from '@middy/validator/transpile'
import warmup from '@middy/warmup'
import type { APIGatewayProxyEventV2, CloudFormationCustomResourceEvent } from 'aws-lambda'
import { type CrossAccountDynamoContext, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createTwoAccounts, EXTERNAL_ID, UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess({ accounts: createTwoAccounts({ canTagSession: true }) })

beforeEach(async () => {
  mock.restoreAll()
  await sandbox.clear()
  setEnvironment(await sandbox.createFunctionVariables())
})

const TableName = 'MyTable'
const PACKAGES = [
  '@middy/core',
  '@middy/warmup',
  '@middy/do-not-wait-for-empty-event-loop',
  '@middy/input-output-logger',
  '@middy/http-header-normalizer',
  '@middy/http-event-normalizer',
  '@middy/http-content-negotiation',
  '@middy/http-json-body-parser',
  '@middy/event-normalizer',
  '@middy/validator',
  '@middy/http-security-headers',
  '@middy/http-cors',
  '@middy/http-response-serializer',
  '@middy/http-error-handler',
  '@middy/error-logger',
] as const

interface Response {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body?: string
}

/** Returns the calls, without GET /, which opens the connection to DynamoDB and can arrive after the test that caused it. */
const getOperations = async () =>
  (await sandbox.getCalls()).map(({ operation }) => operation).filter((operation) => operation !== 'Health')

/** Creates a request to an HTTP API. */
const createEvent = (method: string, rawPath: string, body?: string): APIGatewayProxyEventV2 =>
  ({
    version: '2.0',
    rawPath,
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'Accept-Language': 'fr, en',
      Origin: 'https://example.com',
    },
    requestContext: { http: { method, path: rawPath } },
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  }) as unknown as APIGatewayProxyEventV2

const eventSchema = transpileSchema({
  type: 'object',
  required: ['body'],
  properties: {
    body: { type: 'object', required: ['id'], properties: { id: { type: 'string', minLength: 1 } } },
  },
})

interface StackOptions {
  readonly middleware?: ReturnType<typeof createMiddleware>
  readonly log?: (message: unknown) => void
  readonly onClient?: (client: CrossAccountDynamoContext['dynamo']) => void
}

const createMiddleware = () => crossAccountDynamo()

/** An HTTP handler that writes the item in the body, and reads it. The order of the middlewares is that of middy's documentation. */
const createStack = ({ middleware = createMiddleware(), log = () => {}, onClient }: StackOptions = {}) =>
  middy()
    .use(warmup())
    .use(doNotWaitForEmptyEventLoop())
    .use(inputOutputLogger({ logger: log, lambdaContext: true, executionContext: true }))
    .use(httpHeaderNormalizer())
    .use(httpEventNormalizer())
    .use(httpContentNegotiation({ availableLanguages: ['en'] }))
    .use(httpJsonBodyParser())
    .use(eventNormalizer())
    .use(validator({ eventSchema }))
    .use(middleware)
    .use(httpSecurityHeaders())
    .use(httpCors({ origins: ['https://example.com'] }))
    .use(
      httpResponseSerializer({
        serializers: [{ regex: /^application\/json$/, serializer: ({ body }) => JSON.stringify(body) }],
        defaultContentType: 'application/json',
      }),
    )
    .use(httpErrorHandler({ logger: false }))
    // Error handlers run in reverse order, so this one logs the error before httpErrorHandler replaces it.
    .use(errorLogger({ logger: ({ error }) => log(error) }))
    .handler(async (event: { body: { id: string } }, context) => {
      onClient?.(context.dynamo)
      const { id } = event.body
      const { preferredLanguage } = context as { preferredLanguage?: string }
      await context.dynamo.send(new PutCommand({ TableName, Item: { id, preferredLanguage } }))
      const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key: { id } }))
      return { statusCode: 200, body: Item }
    })

const invoke = (handler: unknown, event: unknown, context = createLambdaContext()) =>
  (handler as (event: unknown, context: unknown) => Promise<Response>)(event, context)

testCombination(PACKAGES, 'answers an HTTP request that writes an item and reads it', async () => {
  const context = createLambdaContext()
  const response = await invoke(createStack(), createEvent('PUT', '/items', '{"id":"1"}'), context)
  assert.equal(response.statusCode, 200)
  assert.deepEqual(JSON.parse(response.body ?? ''), { id: '1', preferredLanguage: 'en' })
  assert.equal(response.headers['Access-Control-Allow-Origin'], 'https://example.com')
  assert.equal(response.headers['X-Content-Type-Options'], 'nosniff')
  assert.equal(response.headers['Content-Type'], 'application/json')
  assert.equal(context.callbackWaitsForEmptyEventLoop, false)
  assert.deepEqual(await getOperations(), ['AssumeRole', 'PutItem', 'GetItem'])
})

testCombination(
  ['@middy/warmup', '@middy/core'],
  'prepares credentials in a warm-up event, without a request to DynamoDB',
  async () => {
    const middleware = createMiddleware()
    const handler = createStack({ middleware })
    assert.equal(await invoke(handler, { source: 'serverless-plugin-warmup' }), 'warmup')
    await middleware.ready()
    assert.deepEqual(await getOperations(), ['AssumeRole'])
    const { statusCode } = await invoke(handler, createEvent('PUT', '/items', '{"id":"1"}'))
    assert.equal(statusCode, 200)
    assert.deepEqual(await getOperations(), ['AssumeRole', 'PutItem', 'GetItem'])
  },
)

testCombination(
  ['@middy/input-output-logger', '@middy/error-logger', '@middy/core'],
  'logs no credential, no external ID and no client',
  async () => {
    const messages: unknown[] = []
    const secrets = [EXTERNAL_ID, process.env.AWS_SECRET_ACCESS_KEY, process.env.AWS_SESSION_TOKEN]
    let client: CrossAccountDynamoContext['dynamo'] | undefined
    const handler = createStack({
      log: (message) => void messages.push(message),
      onClient: (contextClient) => {
        client = contextClient
      },
    })
    await invoke(handler, createEvent('PUT', '/items', '{"id":"1"}'))
    const credentials = await client?.config.credentials()
    secrets.push(credentials?.accessKeyId, credentials?.secretAccessKey, credentials?.sessionToken)

    setEnvironment(await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN))
    const deniedHandler = createStack({ log: (message) => void messages.push(message) })
    await invoke(deniedHandler, createEvent('PUT', '/items', '{"id":"2"}'))
    secrets.push(process.env.AWS_SECRET_ACCESS_KEY, process.env.AWS_SESSION_TOKEN)

    const text = inspect(messages, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      maxStringLength: null,
    })
    // The event, the response with the item, and the error were logged, with the context.
    assert.match(text, /ASSUME_ROLE_DENIED/)
    assert.match(text, /preferredLanguage/)
    assert.match(text, /functionName: 'orders-function'/)
    for (const secret of secrets) {
      assert.ok(secret)
      assert.ok(!text.includes(secret), text)
    }
    assert.doesNotMatch(text, /dynamo:|DynamoDBDocumentClient|middlewareStack/)
  },
)

testCombination(
  ['@middy/http-error-handler', '@middy/http-cors', '@middy/error-logger', '@middy/core'],
  'answers with an error without details if the role is denied, and logs the error',
  async () => {
    setEnvironment(await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN))
    const messages: unknown[] = []
    const handler = createStack({ log: (message) => void messages.push(message) })
    const response = await invoke(handler, createEvent('PUT', '/items', '{"id":"1"}'))
    assert.equal(response.statusCode, 500)
    assert.equal(response.body, undefined)
    // The middlewares before httpErrorHandler add their headers to the response.
    assert.equal(response.headers['Access-Control-Allow-Origin'], 'https://example.com')
    const errors = messages.filter((message) => message instanceof Error)
    assert.deepEqual(
      errors.map((error) => (error as Error & { code?: string }).code),
      ['ASSUME_ROLE_DENIED'],
    )
  },
)

testCombination(
  ['@middy/validator', '@middy/core'],
  'refuses an invalid request without a request to DynamoDB',
  async () => {
    const response = await invoke(createStack(), createEvent('PUT', '/items', '{"id":""}'))
    assert.equal(response.statusCode, 400)
    assert.deepEqual(
      (await getOperations()).filter((operation) => operation !== 'AssumeRole'),
      [],
    )
  },
)

testCombination(
  ['@middy/do-not-wait-for-empty-event-loop', '@middy/core'],
  'reaches the Lambda runtime after a middleware with a `session` function',
  async () => {
    let waits = true
    // Lambda's runtimes before Node.js 24 define an accessor.
    const context = Object.defineProperty(createLambdaContext(), 'callbackWaitsForEmptyEventLoop', {
      get: () => waits,
      set: (value: boolean) => {
        waits = value
      },
      enumerable: true,
      configurable: true,
    })
    const handler = middy()
      .use(crossAccountDynamo({ session: () => ({ sessionTags: { TenantId: 'acme' } }) }))
      .use(doNotWaitForEmptyEventLoop())
      .handler(async (_event: unknown, { dynamo }) =>
        dynamo.send(new PutCommand({ TableName, Item: { id: '1' } })),
      )
    await handler({}, context)
    assert.equal(waits, false)
  },
)

/** Two routes: one writes an item, and one reads it. */
const ROUTES = [
  {
    method: 'PUT',
    path: '/items/{id}',
    handler: async ({ pathParameters }: APIGatewayProxyEventV2, { dynamo }: CrossAccountDynamoContext) => {
      await dynamo.send(new PutCommand({ TableName, Item: { id: pathParameters?.id } }))
      return { statusCode: 204 }
    },
  },
  {
    method: 'GET',
    path: '/items/{id}',
    handler: async ({ pathParameters }: APIGatewayProxyEventV2, { dynamo }: CrossAccountDynamoContext) => {
      const { Item } = await dynamo.send(new GetCommand({ TableName, Key: { id: pathParameters?.id } }))
      return { statusCode: 200, body: JSON.stringify(Item) }
    },
  },
] as const
type Routes = Parameters<typeof httpRouter<APIGatewayProxyEventV2>>[0]

const testRoutes = async (handler: unknown): Promise<void> => {
  assert.equal((await invoke(handler, createEvent('PUT', '/items/7'))).statusCode, 204)
  const { statusCode, body } = await invoke(handler, createEvent('GET', '/items/7'))
  assert.deepEqual([statusCode, body], [200, '{"id":"7"}'])
  await assert.rejects(invoke(handler, createEvent('GET', '/unknown')), { statusCode: 404 })
  assert.deepEqual(await getOperations(), ['AssumeRole', 'PutItem', 'GetItem'])
}

testCombination(
  ['@middy/http-router', '@middy/core'],
  'gives all routes the client of the outer handler',
  async () => {
    const router = httpRouter<APIGatewayProxyEventV2>(ROUTES as unknown as Routes)
    await testRoutes(middy().use(crossAccountDynamo()).handler(router))
  },
)

testCombination(
  ['@middy/http-router', '@middy/core'],
  'shares one middleware between the handlers of routes',
  async () => {
    const dynamo = crossAccountDynamo()
    const routes = ROUTES.map((route) => ({ ...route, handler: middy().use(dynamo).handler(route.handler) }))
    await testRoutes(
      middy<APIGatewayProxyEventV2>().handler(
        httpRouter<APIGatewayProxyEventV2>(routes as unknown as Routes),
      ),
    )
  },
)

/** A custom resource that writes an item, and whose physical ID is the ID of the item. */
const createCustomResource = () => {
  const write = async (
    { LogicalResourceId }: CloudFormationCustomResourceEvent,
    { dynamo }: CrossAccountDynamoContext,
  ) => {
    await dynamo.send(new PutCommand({ TableName, Item: { id: LogicalResourceId } }))
    return { PhysicalResourceId: LogicalResourceId }
  }
  const routes = [{ requestType: 'Create', handler: write }] as unknown as Parameters<
    typeof cloudformationRouter
  >[0]
  return middy().use(cloudformationResponse()).use(crossAccountDynamo()).handler(cloudformationRouter(routes))
}

const createCustomResourceEvent = (RequestType: string) => ({
  RequestType,
  RequestId: 'request',
  StackId: 'stack',
  LogicalResourceId: 'Seed',
})
const CLOUDFORMATION_PACKAGES = [
  '@middy/cloudformation-router',
  '@middy/cloudformation-response',
  '@middy/core',
] as const

testCombination(CLOUDFORMATION_PACKAGES, 'writes an item in a custom resource', async () => {
  const response = await invoke(createCustomResource(), createCustomResourceEvent('Create'))
  assert.deepEqual(response, {
    Status: 'SUCCESS',
    RequestId: 'request',
    StackId: 'stack',
    LogicalResourceId: 'Seed',
    PhysicalResourceId: 'Seed',
  })
  assert.deepEqual(await getOperations(), ['AssumeRole', 'PutItem'])
})

testCombination(
  CLOUDFORMATION_PACKAGES,
  'reports a denied role as the reason of a failed custom resource',
  async () => {
    setEnvironment(await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN))
    const response = (await invoke(
      createCustomResource(),
      createCustomResourceEvent('Create'),
    )) as unknown as {
      Status: string
      Reason: string
    }
    assert.equal(response.Status, 'FAILED')
    assert.match(response.Reason, /^ASSUME_ROLE_DENIED: /)
    assert.ok(!response.Reason.includes(EXTERNAL_ID))
  },
)
