/** Edges that a sandbox on loopback cannot show: which of AWS's own hosts the SDK goes to, and handlers of one's own. Shows CODE-2 of SECURITY.md. */
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

interface Sent {
  protocol: string
  hostname: string
  method: string
  path: string
  headers: Record<string, string>
  body: unknown
}

/** A request handler of the user's own, which answers everything with `{}` and keeps what it was sent. */
const startHandler = () => {
  const sent: Sent[] = []
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: jest.fn(async (request: Sent) => {
      sent.push(request)
      return {
        response: { statusCode: 200, headers: {}, body: Readable.from([Buffer.from('{'), Buffer.from('}')]) },
      }
    }),
    destroy: jest.fn(),
    updateHttpClientConfig: jest.fn(),
    httpHandlerConfigs: jest.fn(() => ({ requestTimeout: 7 })),
  }
  return { sent, handler }
}

const startProvider = (): CredentialProvider & jest.Mock =>
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

const start = (options: CrossAccountDynamoOptions = {}, credentials = startProvider()) => {
  const { sent, handler } = startHandler()
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
  const replaceRejected = jest.fn(async () => false)
  const replaceDenied = jest.fn(async () => false)
  const session = {
    credentials,
    current: () => undefined,
    replaceRejected,
    replaceDenied,
  } as unknown as Session
  const clients = createClients(configuration)
  const client = clients.open(session)
  const openAnother = () => clients.open(session)
  const openConnection = async () => {
    const warmUp = createWarmUp(client, '222222222222')
    warmUp.start('222222222222')
    await warmUp.settled('222222222222')
  }
  const getItem = () =>
    (client as DynamoDBClient).send(new GetItemCommand({ TableName: 'MyTable', Key: { id: { S: '1' } } }))
  return {
    sent,
    handler,
    client,
    openAnother,
    openConnection,
    getItem,
    credentials,
    replaceRejected,
    replaceDenied,
  }
}

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })
})

describe('the connection that is opened early', () => {
  test.each<[string, string, CrossAccountDynamoOptions]>([
    ['the account’s own endpoint', '222222222222.ddb.eu-west-1.amazonaws.com', {}],
    [
      'the Region’s endpoint, with account IDs in endpoints disabled',
      'dynamodb.eu-west-1.amazonaws.com',
      { awsClientOptions: { accountIdEndpointMode: 'disabled' } },
    ],
    [
      'the FIPS endpoint',
      'dynamodb-fips.us-east-1.amazonaws.com',
      { region: 'us-east-1', awsClientOptions: { useFipsEndpoint: true } },
    ],
    [
      'an endpoint of the user’s own',
      'vpce-1.example.com',
      { awsClientOptions: { endpoint: 'https://vpce-1.example.com' } },
    ],
  ])('is to where requests will go: %s', async (_what, host, options) => {
    const { sent, openConnection, getItem } = start(options)
    await openConnection()
    await getItem()
    expect(sent.map(({ hostname, protocol }) => `${protocol}//${hostname}`)).toEqual([
      `https://${host}`,
      `https://${host}`,
    ])
  })

  test('is an unsigned GET / without a body, and asks for no credentials', async () => {
    const { sent, openConnection, credentials } = start()
    await openConnection()
    expect(sent).toMatchObject([{ method: 'GET', path: '/', query: {} }])
    expect(sent[0]?.headers).toEqual({ host: '222222222222.ddb.eu-west-1.amazonaws.com' })
    expect(credentials).not.toHaveBeenCalled()
  })

  test('is nobody’s error when it fails', async () => {
    const { handler, openConnection } = start()
    handler.handle.mockRejectedValueOnce(new Error('connect ECONNREFUSED'))
    await expect(openConnection()).resolves.toBeUndefined()
  })

  test('ends after a second, even if the request handler ignores the signal', async () => {
    jest.useFakeTimers()
    try {
      const { handler, openConnection } = start()
      handler.handle.mockReturnValue(new Promise(() => {}))
      const settled = openConnection()
      await jest.advanceTimersByTimeAsync(1000)
      await expect(settled).resolves.toBeUndefined()
    } finally {
      jest.useRealTimers()
    }
  })

  test('is no command of the SDK, so neither the user’s logger nor a capture function sees one', async () => {
    const log = jest.fn<(entry: unknown) => void>()
    const logger = { trace: log, debug: log, info: log, warn: log, error: log }
    const commands: string[] = []
    const awsClientCapture = (client: DynamoDBClient) => {
      client.middlewareStack.add(
        (next, { commandName = '' }) =>
          (args) => {
            commands.push(commandName)
            return next(args)
          },
        { step: 'initialize' },
      )
      return client
    }
    const { openConnection, getItem } = start({ awsClientOptions: { logger }, awsClientCapture })
    const logged = () =>
      log.mock.calls.flatMap(([entry]) => (entry as { commandName?: string }).commandName ?? [])
    await openConnection()
    expect([...commands, ...logged()]).toEqual([])
    await getItem()
    expect([...commands, ...logged()]).toEqual(['GetItemCommand', 'GetItemCommand'])
  })
})

describe('a rejected token', () => {
  const rejected = (name: string) => ({
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

  test.each(transactions)('is replaced and a %s run once more', async (operation, command) => {
    const { client, handler, sent, replaceRejected } = start()
    replaceRejected.mockResolvedValue(true)
    handler.handle.mockResolvedValueOnce(rejected('ExpiredTokenException') as never)
    await (client as DynamoDBClient).send(command as never)
    expect(replaceRejected).toHaveBeenCalledTimes(1)
    expect(handler.handle).toHaveBeenCalledTimes(2)
    expect(sent[0]?.headers['x-amz-target']).toBe(`DynamoDB_20120810.${operation}`)
  })

  test('that is brand-new is not, and DynamoDB’s error reaches the caller', async () => {
    const { getItem, handler } = start()
    handler.handle.mockResolvedValueOnce(rejected('UnrecognizedClientException') as never)
    await expect(getItem()).rejects.toHaveProperty('name', 'UnrecognizedClientException')
    expect(handler.handle).toHaveBeenCalledTimes(1)
  })

  test('is not every error', async () => {
    const { getItem, handler, replaceRejected } = start()
    handler.handle.mockResolvedValueOnce(rejected('AccessDeniedException') as never)
    await expect(getItem()).rejects.toHaveProperty('name', 'AccessDeniedException')
    expect(replaceRejected).not.toHaveBeenCalled()
  })
})

describe('the client', () => {
  test('asks the session for credentials with each request: the SDK’s own cache, which takes them for expired early, is out of the way', async () => {
    const { getItem, credentials } = start()
    await getItem()
    const once = credentials.mock.calls.length
    await getItem()
    expect(credentials.mock.calls.length).toBe(2 * once)
  })

  test('passes requests to the user’s request handler, which it can neither change nor destroy for other clients', async () => {
    const { client, getItem, handler } = start()
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

  test('takes a request handler with nothing but handle(), and answers that are no streams', async () => {
    const handle = async () => ({
      response: { statusCode: 200, headers: {}, body: Buffer.from('{"Item":{}}') },
    })
    const { client, getItem } = start({ awsClientOptions: { requestHandler: { handle } as never } })
    const { requestHandler } = client.config as { requestHandler: unknown }
    await expect(getItem()).resolves.toHaveProperty('Item', {})
    const bare = requestHandler as {
      httpHandlerConfigs(): object
      updateHttpClientConfig(): void
      destroy(): void
    }
    expect(bare.httpHandlerConfigs()).toEqual({})
    expect(() => [bare.updateHttpClientConfig(), bare.destroy()]).not.toThrow()
  })

  test('shares nothing mutable with the client of another session', async () => {
    const { client, openAnother, getItem, sent } = start({ documentClient: true })
    const other = openAnother() as DynamoDBDocumentClient
    const steal = jest.fn()
    const { config } = other as unknown as { config: Record<string, unknown> }
    Object.assign(config.requestHandler as object, { handle: steal, metadata: undefined })
    const { marshallOptions } = (config as { translateConfig: { marshallOptions: object } }).translateConfig
    Object.assign(marshallOptions, { convertEmptyValues: true })
    other.middlewareStack.add(() => steal as never, { step: 'initialize' })
    await getItem()
    expect(steal).not.toHaveBeenCalled()
    expect(sent).toHaveLength(1)
    const own = client.config as unknown as { translateConfig: { marshallOptions: object } }
    expect(own.translateConfig.marshallOptions).toEqual({ removeUndefinedValues: true })
  })

  test('is a word in JSON, so that a context can be logged', () => {
    expect(JSON.stringify({ dynamo: start().client })).toBe('{"dynamo":"[DynamoDBClient]"}')
    expect(JSON.stringify({ dynamo: start({ documentClient: true }).client })).toBe(
      '{"dynamo":"[DynamoDBDocumentClient]"}',
    )
  })
})
