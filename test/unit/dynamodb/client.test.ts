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
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from '../../../src/configuration/options.ts'
import type { CredentialProvider, Session } from '../../../src/credentials/session.ts'
import { createClients } from '../../../src/dynamodb/client.ts'
import { createWarmUp } from '../../../src/dynamodb/warm-up.ts'

interface SentRequest {
  protocol: string
  hostname: string
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
    handle: jest.fn(async (request: SentRequest) => {
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
  const openConnection = async () => {
    const warmUp = createWarmUp(client, '222222222222')
    warmUp.start('222222222222')
    await warmUp.waitUntilSettled('222222222222')
  }
  const getItem = () =>
    (client as DynamoDBClient).send(new GetItemCommand({ TableName: 'MyTable', Key: { id: { S: '1' } } }))
  return {
    sentRequests,
    handler,
    client,
    openAnotherClient,
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
  const createErrorResponse = (name: string) => ({
    response: {
      statusCode: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: Buffer.from(JSON.stringify({ __type: `com.amazon.coral.service#${name}`, message: 'no' })),
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

  test('JSON.stringify writes only the name of a client, so a context can be logged', () => {
    expect(JSON.stringify({ dynamo: createTestClient().client })).toBe('{"dynamo":"[DynamoDBClient]"}')
    expect(JSON.stringify({ dynamo: createTestClient({ documentClient: true }).client })).toBe(
      '{"dynamo":"[DynamoDBDocumentClient]"}',
    )
  })
})
