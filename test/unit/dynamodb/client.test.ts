/**
 * DynamoDB clients that send requests to AWS endpoints or use the request handler of the user, which tests with the sandbox
 * cannot cover. Shows CODE-2 of SECURITY.md.
 */
import { Readable } from 'node:stream'
import {
  type DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import type { CredentialProvider, Session } from '../../../src/credentials/session.ts'
import { createClients } from '../../../src/dynamodb/client.ts'
import { createWarmUp } from '../../../src/dynamodb/warm-up.ts'
import { CrossAccountDynamoError } from '../../../src/errors.ts'

interface SentRequest {
  protocol: string
  hostname: string
  port?: number
  method: string
  path: string
  headers: Record<string, string>
  body: unknown
}

/** Creates a request handler that records each request and responds with `{}`. */
const createUserHandler = () => {
  const sentRequests: SentRequest[] = []
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: jest.fn(async (request: SentRequest, _options?: { abortSignal?: AbortSignal }) => {
      sentRequests.push(request)
      return {
        response: { statusCode: 200, headers: {}, body: Readable.from([Buffer.from('{'), Buffer.from('}')]) },
      }
    }),
    destroy: jest.fn(),
    updateHttpClientConfig: jest.fn(),
    httpHandlerConfigs: jest.fn(() => ({ requestTimeout: 7 })),
  }
  return { sentRequests, handler }
}

const createCredentialProvider = (): CredentialProvider & jest.Mock =>
  Object.assign(
    jest.fn(async () => ({
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      sessionToken: 'token',
      expiration: new Date(Date.now() + 3_600_000),
      accountId: '222222222222',
    })),
    { memoized: true as const },
  ) as never

const sendGetItem = (client: unknown) =>
  (client as DynamoDBClient).send(new GetItemCommand({ TableName: 'MyTable', Key: { id: { S: '1' } } }))

const createTestClient = (
  options: CrossAccountDynamoOptions = {},
  credentials = createCredentialProvider(),
) => {
  const { sentRequests, handler } = createUserHandler()
  const configuration = readConfiguration(
    {
      roleArn: 'arn:aws:iam::222222222222:role/path/CrossAccountDynamoRole',
      region: 'eu-west-1',
      documentClient: false,
      ...options,
      awsClientOptions: { requestHandler: handler, ...options.awsClientOptions } as DynamoDBClientConfig,
    },
    {},
  )
  const replaceRejectedCredentials = jest.fn(async () => false)
  const replaceDeniedCredentials = jest.fn(async () => false)
  const session = {
    credentials,
    getLatestCredentials: () => undefined,
    replaceRejectedCredentials,
    replaceDeniedCredentials,
  } as unknown as Session
  const clients = createClients(configuration)
  const client = clients.open(session)
  const openAnotherClient = () => clients.open(session)
  const openConnectionFor = async (accountId: string | undefined) => {
    const warmUp = createWarmUp(client as DynamoDBClient, accountId)
    warmUp.start(accountId)
    await warmUp.waitUntilSettled(accountId)
  }
  const openConnection = () => openConnectionFor('222222222222')
  const getItem = () => sendGetItem(client)
  return {
    sentRequests,
    handler,
    clients,
    client,
    openAnotherClient,
    openConnectionFor,
    openConnection,
    getItem,
    credentials,
    replaceRejectedCredentials,
    replaceDeniedCredentials,
  }
}

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })
})

describe('early connection', () => {
  test.each<[string, string, CrossAccountDynamoOptions]>([
    ['the account-based endpoint', '222222222222.ddb.eu-west-1.amazonaws.com', {}],
    [
      'the Regional endpoint if account-based endpoints are disabled',
      'dynamodb.eu-west-1.amazonaws.com',
      { awsClientOptions: { accountIdEndpointMode: 'disabled' } },
    ],
    [
      'the FIPS endpoint',
      'dynamodb-fips.us-east-1.amazonaws.com',
      { region: 'us-east-1', awsClientOptions: { useFipsEndpoint: true } },
    ],
    [
      'the endpoint from awsClientOptions',
      'vpce-1.example.com',
      { awsClientOptions: { endpoint: 'https://vpce-1.example.com' } },
    ],
  ])('the early connection and later requests use %s', async (_what, host, options) => {
    const { sentRequests, openConnection, getItem } = createTestClient(options)
    await openConnection()
    await getItem()
    expect(sentRequests.map(({ hostname, protocol }) => `${protocol}//${hostname}`)).toEqual([
      `https://${host}`,
      `https://${host}`,
    ])
  })

  test('the early connection sends an unsigned GET / without a body and does not request credentials', async () => {
    const { sentRequests, openConnection, credentials } = createTestClient()
    await openConnection()
    expect(sentRequests).toMatchObject([{ method: 'GET', path: '/', query: {} }])
    expect(sentRequests[0]?.headers).toEqual({ host: '222222222222.ddb.eu-west-1.amazonaws.com' })
    expect(credentials).not.toHaveBeenCalled()
  })

  test.each<[string, string, number | undefined]>([
    ['the port of the endpoint', 'https://vpce-1.example.com:8443', 8443],
    ['the default port if the endpoint has none', 'https://vpce-1.example.com', undefined],
  ])('the early connection and later requests use %s', async (_what, endpoint, port) => {
    const { sentRequests, openConnection, getItem } = createTestClient({ awsClientOptions: { endpoint } })
    await openConnection()
    await getItem()
    expect(sentRequests.map((request) => request.port)).toEqual([port, port])
    expect(sentRequests.map(({ hostname }) => hostname)).toEqual(['vpce-1.example.com', 'vpce-1.example.com'])
    // A request handler can treat a port that is undefined or 0 unlike a port that is not set.
    expect('port' in (sentRequests[0] as SentRequest)).toBe(port !== undefined)
  })

  test('if the account is not known, the early connection uses the account of the credentials', async () => {
    const { sentRequests, openConnectionFor } = createTestClient()
    await openConnectionFor(undefined)
    expect(sentRequests.map(({ hostname }) => hostname)).toEqual(['222222222222.ddb.eu-west-1.amazonaws.com'])
  })

  test('if the credential provider rejects, the early connection uses the Regional endpoint', async () => {
    const { sentRequests, openConnectionFor, credentials } = createTestClient()
    credentials.mockImplementation(() => Promise.reject(new Error('no credentials')))
    await openConnectionFor(undefined)
    expect(sentRequests.map(({ hostname }) => hostname)).toEqual(['dynamodb.eu-west-1.amazonaws.com'])
  })

  test('if an endpoint is configured, the early connection does not request credentials to find the account', async () => {
    const { sentRequests, openConnectionFor, credentials } = createTestClient({
      awsClientOptions: { endpoint: 'https://vpce-1.example.com' },
    })
    await openConnectionFor(undefined)
    expect(sentRequests.map(({ hostname }) => hostname)).toEqual(['vpce-1.example.com'])
    expect(credentials).not.toHaveBeenCalled()
  })

  test('the early connection supports SDK clients without serviceConfiguredEndpoint', async () => {
    const { client, sentRequests, openConnection } = createTestClient()
    Object.assign(client.config, { serviceConfiguredEndpoint: undefined })
    await openConnection()
    expect(sentRequests.map(({ hostname }) => hostname)).toEqual(['222222222222.ddb.eu-west-1.amazonaws.com'])
  })

  test('the early connection omits unknown endpoint parameters instead of passing undefined', async () => {
    const { client, openConnectionFor, credentials } = createTestClient()
    credentials.mockImplementation(() => Promise.reject(new Error('no credentials')))
    const resolveEndpoint = jest.spyOn((client as DynamoDBClient).config, 'endpointProvider')
    await openConnectionFor(undefined)
    expect(resolveEndpoint.mock.calls.map(([parameters]) => parameters)).toStrictEqual([
      { Region: 'eu-west-1', UseFIPS: false, UseDualStack: false, AccountIdEndpointMode: 'preferred' },
    ])
  })

  test('the request handler can abort the early connection after one second', async () => {
    const abortController = new AbortController()
    const createTimeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(abortController.signal)
    try {
      const { handler, openConnection } = createTestClient()
      await openConnection()
      expect(handler.handle.mock.calls[0]?.[1]?.abortSignal).toBe(abortController.signal)
      expect(createTimeout.mock.calls).toEqual([[1000]])
    } finally {
      createTimeout.mockRestore()
    }
  })

  test('a failed early connection is ignored', async () => {
    const { handler, openConnection } = createTestClient()
    handler.handle.mockRejectedValueOnce(new Error('connect ECONNREFUSED'))
    await expect(openConnection()).resolves.toBeUndefined()
  })

  test('the early connection ends after one second, even if the request handler ignores the abort signal', async () => {
    jest.useFakeTimers()
    try {
      const { handler, openConnection } = createTestClient()
      handler.handle.mockReturnValue(new Promise(() => {}))
      const settled = openConnection()
      await jest.advanceTimersByTimeAsync(1000)
      await expect(settled).resolves.toBeUndefined()
    } finally {
      jest.useRealTimers()
    }
  })

  test('the early connection is not an SDK command, so loggers and capture functions do not receive it', async () => {
    const log = jest.fn<(entry: unknown) => void>()
    const logger = { trace: log, debug: log, info: log, warn: log, error: log }
    const capturedCommands: string[] = []
    const awsClientCapture = (client: DynamoDBClient) => {
      client.middlewareStack.add(
        (next, { commandName = '' }) =>
          (args) => {
            capturedCommands.push(commandName)
            return next(args)
          },
        { step: 'initialize' },
      )
      return client
    }
    const { openConnection, getItem } = createTestClient({ awsClientOptions: { logger }, awsClientCapture })
    const listLoggedCommands = () =>
      log.mock.calls.flatMap(([entry]) => (entry as { commandName?: string }).commandName ?? [])
    await openConnection()
    expect([...capturedCommands, ...listLoggedCommands()]).toEqual([])
    await getItem()
    expect([...capturedCommands, ...listLoggedCommands()]).toEqual(['GetItemCommand', 'GetItemCommand'])
  })
})

describe('rejected session tokens', () => {
  const createErrorResponse = (name: string, message = 'no') => ({
    response: {
      statusCode: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: Buffer.from(JSON.stringify({ __type: `com.amazon.coral.service#${name}`, message })),
    },
  })
  const transactions: [string, TransactGetItemsCommand | TransactWriteItemsCommand][] = [
    ['TransactGetItems', new TransactGetItemsCommand({ TransactItems: [] })],
    ['TransactWriteItems', new TransactWriteItemsCommand({ TransactItems: [] })],
  ]

  test.each(transactions)(
    'after DynamoDB rejected the session token, %s runs once more with a new one',
    async (operation, command) => {
      const { client, handler, sentRequests, replaceRejectedCredentials } = createTestClient()
      replaceRejectedCredentials.mockResolvedValue(true)
      handler.handle.mockResolvedValueOnce(createErrorResponse('ExpiredTokenException') as never)
      await (client as DynamoDBClient).send(command as never)
      expect(replaceRejectedCredentials).toHaveBeenCalledTimes(1)
      expect(handler.handle).toHaveBeenCalledTimes(2)
      expect(sentRequests[0]?.headers['x-amz-target']).toBe(`DynamoDB_20120810.${operation}`)
    },
  )

  test('if the session token is not replaced, the request fails with DynamoDB’s error', async () => {
    const { getItem, handler } = createTestClient()
    handler.handle.mockResolvedValueOnce(createErrorResponse('UnrecognizedClientException') as never)
    await expect(getItem()).rejects.toHaveProperty('name', 'UnrecognizedClientException')
    expect(handler.handle).toHaveBeenCalledTimes(1)
  })

  test('AccessDeniedException does not replace the session token', async () => {
    const { getItem, handler, replaceRejectedCredentials } = createTestClient()
    handler.handle.mockResolvedValueOnce(createErrorResponse('AccessDeniedException') as never)
    await expect(getItem()).rejects.toHaveProperty('name', 'AccessDeniedException')
    expect(replaceRejectedCredentials).not.toHaveBeenCalled()
  })

  const revocationMessage = 'User is not authorized, with an explicit deny in an identity-based policy'

  test('after DynamoDB denied a revoked session, the request runs once more with new credentials', async () => {
    const { getItem, handler, replaceDeniedCredentials } = createTestClient()
    replaceDeniedCredentials.mockResolvedValue(true)
    handler.handle.mockResolvedValueOnce(
      createErrorResponse('AccessDeniedException', revocationMessage) as never,
    )
    await getItem()
    expect(replaceDeniedCredentials).toHaveBeenCalledTimes(1)
    expect(handler.handle).toHaveBeenCalledTimes(2)
  })

  test.each([
    ['an AccessDeniedException for another reason', 'AccessDeniedException', 'User is not authorized'],
    ['another error that mentions an explicit deny', 'ValidationException', revocationMessage],
  ])('%s does not replace the credentials', async (_case, name, message) => {
    const { getItem, handler, replaceRejectedCredentials, replaceDeniedCredentials } = createTestClient()
    handler.handle.mockResolvedValueOnce(createErrorResponse(name, message) as never)
    await expect(getItem()).rejects.toHaveProperty('name', name)
    expect(replaceRejectedCredentials).not.toHaveBeenCalled()
    expect(replaceDeniedCredentials).not.toHaveBeenCalled()
  })

  test.each([
    ['a string', 'no'],
    ['an object without a name and a message', {}],
    ['an AccessDeniedException without a message', { name: 'AccessDeniedException' }],
  ])('if an SDK middleware throws %s, the request fails with it', async (_case, thrown) => {
    const { getItem, replaceRejectedCredentials, replaceDeniedCredentials } = createTestClient({
      awsClientCapture: (client: DynamoDBClient) => {
        client.middlewareStack.add(() => () => Promise.reject(thrown), { step: 'build' })
        return client
      },
    })
    await expect(getItem()).rejects.toBe(thrown)
    expect(replaceRejectedCredentials).not.toHaveBeenCalled()
    expect(replaceDeniedCredentials).not.toHaveBeenCalled()
  })

  test('the second attempt runs the SDK middlewares from the serialize step on, and not those of the initialize step', async () => {
    const steps: string[] = []
    const awsClientCapture = (client: DynamoDBClient) => {
      for (const step of ['initialize', 'serialize'] as const)
        client.middlewareStack.add(
          (next) => (args) => {
            steps.push(step)
            return next(args)
          },
          { step: step as 'initialize', priority: 'high' },
        )
      return client
    }
    const { getItem, handler, replaceRejectedCredentials } = createTestClient({ awsClientCapture })
    replaceRejectedCredentials.mockResolvedValue(true)
    handler.handle.mockResolvedValueOnce(createErrorResponse('ExpiredTokenException') as never)
    await getItem()
    expect(steps).toEqual(['initialize', 'serialize', 'serialize'])
  })

  test('the middleware stack identifies the SDK middleware that replaces rejected session tokens', () => {
    const { client } = createTestClient()
    expect(client.middlewareStack.identify()).toContain('replaceRejectedToken - serialize')
  })
})

describe('the DynamoDB client', () => {
  test('each request gets the credentials from the session and not from the cache of the SDK', async () => {
    const { getItem, credentials } = createTestClient()
    await getItem()
    const callsPerRequest = credentials.mock.calls.length
    await getItem()
    expect(credentials.mock.calls.length).toBe(2 * callsPerRequest)
  })

  test('a client sends requests with the user’s request handler and cannot configure or destroy it', async () => {
    const { client, getItem, handler } = createTestClient()
    const { requestHandler } = client.config as unknown as { requestHandler: typeof handler }
    expect(requestHandler.metadata).toEqual({ handlerProtocol: 'http/1.1' })
    requestHandler.updateHttpClientConfig()
    expect(handler.updateHttpClientConfig).not.toHaveBeenCalled()
    expect(requestHandler.httpHandlerConfigs()).toEqual({})
    client.destroy()
    expect(handler.destroy).not.toHaveBeenCalled()
    await getItem()
    expect(handler.handle).toHaveBeenCalledTimes(1)
  })

  test('a request handler with only handle() and response bodies that are not streams are supported', async () => {
    const handle = async () => ({
      response: { statusCode: 200, headers: {}, body: Buffer.from('{"Item":{}}') },
    })
    const { client, getItem } = createTestClient({
      awsClientOptions: { requestHandler: { handle } as never },
    })
    const { requestHandler } = client.config as { requestHandler: unknown }
    await expect(getItem()).resolves.toHaveProperty('Item', {})
    const clientHandler = requestHandler as {
      httpHandlerConfigs(): object
      updateHttpClientConfig(): void
      destroy(): void
    }
    expect(clientHandler.httpHandlerConfigs()).toEqual({})
    expect(() => [clientHandler.updateHttpClientConfig(), clientHandler.destroy()]).not.toThrow()
  })

  test('changes to a client do not affect the client of another session', async () => {
    const { client, openAnotherClient, getItem, sentRequests } = createTestClient({ documentClient: true })
    const otherClient = openAnotherClient() as DynamoDBDocumentClient
    const interceptRequest = jest.fn()
    const { config } = otherClient as unknown as { config: Record<string, unknown> }
    Object.assign(config.requestHandler as object, { handle: interceptRequest, metadata: undefined })
    const { marshallOptions } = (config as { translateConfig: { marshallOptions: object } }).translateConfig
    Object.assign(marshallOptions, { convertEmptyValues: true })
    otherClient.middlewareStack.add(() => interceptRequest as never, { step: 'initialize' })
    await getItem()
    expect(interceptRequest).not.toHaveBeenCalled()
    expect(sentRequests).toHaveLength(1)
    const unchangedConfig = client.config as unknown as { translateConfig: { marshallOptions: object } }
    expect(unchangedConfig.translateConfig.marshallOptions).toEqual({ removeUndefinedValues: true })
  })

  test('the SDK creates one HTTPS agent from awsClientOptions, which the clients of all sessions share', () => {
    const readHttpsAgent = jest.fn(() => ({ maxSockets: 7 }))
    const requestHandler = Object.defineProperty({}, 'httpsAgent', { get: readHttpsAgent, enumerable: true })
    const { openAnotherClient } = createTestClient({ awsClientOptions: { requestHandler } })
    const readsOfFirstClient = readHttpsAgent.mock.calls.length
    expect(readsOfFirstClient).toBeGreaterThan(0)
    openAnotherClient()
    expect(readHttpsAgent).toHaveBeenCalledTimes(readsOfFirstClient)
  })

  test('a client without credentials sends no commands', async () => {
    const { clients, handler } = createTestClient()
    await expect(sendGetItem(clients.openWithoutCredentials())).rejects.toThrow('no credentials')
    expect(handler.handle).not.toHaveBeenCalled()
  })

  test('a document client converts responses as translateConfig says', async () => {
    const { client, handler } = createTestClient({
      documentClient: true,
      translateConfig: { unmarshallOptions: { wrapNumbers: true } },
    })
    handler.handle.mockResolvedValueOnce({
      response: { statusCode: 200, headers: {}, body: Buffer.from('{"Item":{"count":{"N":"7"}}}') },
    } as never)
    const { Item } = await (client as DynamoDBDocumentClient).send(
      new GetCommand({ TableName: 'MyTable', Key: { id: '1' } }),
    )
    expect(Item).toMatchObject({ count: { value: '7' } })
  })

  test('if the constructor of DynamoDBClient throws, the error contains the cause', () => {
    const open = () => createTestClient({ awsClientOptions: { extensions: [5] } as never })
    expect(open).toThrow(CrossAccountDynamoError)
    expect(open).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        cause: expect.objectContaining({ name: 'TypeError' }),
      }),
    )
  })

  test.each<[string, (client: DynamoDBClient) => unknown, RegExp]>([
    ['returns null', () => null, /must return the DynamoDBClient.* null$/],
    ['returns nothing', () => undefined, /must return the DynamoDBClient.* undefined$/],
    [
      'returns an object without send',
      ({ config }) => ({ config }),
      /must return the DynamoDBClient.* object$/,
    ],
    [
      'returns an object without config',
      () => ({ send: () => {} }),
      /must return the DynamoDBClient.* object$/,
    ],
    ['returns a frozen client', (client) => Object.freeze(client), /cannot be changed$/],
    [
      'throws',
      () => {
        throw new TypeError('no segment')
      },
      /threw TypeError: "no segment"$/,
    ],
  ])('an awsClientCapture that %s is refused with the reason', (_case, capture, reason) => {
    const open = () => createTestClient({ awsClientCapture: capture as never })
    expect(open).toThrow(CrossAccountDynamoError)
    expect(open).toThrow(/^CONFIG_INVALID: awsClientCapture\b/)
    expect(open).toThrow(reason)
  })

  test('an awsClientCapture that returns the client of another session is refused with the reason', () => {
    let firstClient: DynamoDBClient | undefined
    const { openAnotherClient } = createTestClient({
      awsClientCapture: (client: DynamoDBClient) => {
        firstClient ??= client
        return firstClient
      },
    })
    expect(openAnotherClient).toThrow(/^CONFIG_INVALID: awsClientCapture\b.*another session/)
  })

  test('JSON.stringify writes only the name of a client, so a context can be logged', () => {
    expect(JSON.stringify({ dynamo: createTestClient().client })).toBe('{"dynamo":"[DynamoDBClient]"}')
    expect(JSON.stringify({ dynamo: createTestClient({ documentClient: true }).client })).toBe(
      '{"dynamo":"[DynamoDBDocumentClient]"}',
    )
  })
})
