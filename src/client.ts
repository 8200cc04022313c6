/** A session's DynamoDB client, and the connection it will use. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Configuration } from './options.ts'
import type { CredentialProvider } from './session.ts'

export interface Client {
  /** What goes on the context; the same object for as long as the session lives. */
  readonly client: DynamoDBClient | DynamoDBDocumentClient
  /** Opens a connection to DynamoDB before there are credentials to use it. Never rejects, and gives up by itself. */
  readonly openConnection: () => Promise<void>
}

type RequestHandler = DynamoDBClient['config']['requestHandler']

/** Opening a connection early is a courtesy: when it takes longer than this, the first request opens its own. */
const OPENING_TIMEOUT_MS = 1000

export const createClient = (configuration: Configuration, credentials: CredentialProvider): Client => {
  const { accountId, region, awsClientOptions, awsClientCapture, documentClient, translateConfig } =
    configuration
  const plain = new DynamoDBClient({ ...awsClientOptions, region, credentials })
  const requestHandler = contained(plain.config.requestHandler)
  plain.config.requestHandler = requestHandler
  const captured = awsClientCapture(plain)

  const openConnection = async (): Promise<void> => {
    // A client of its own, so that the SDK itself works out where requests will go: the endpoint depends on the
    // account, which the role's ARN names before STS does. It stops short of signing, and sends no command.
    const { logger: _, ...options } = awsClientOptions
    const scout = new DynamoDBClient({
      ...options,
      region,
      credentials: { accountId, accessKeyId: '', secretAccessKey: '' },
      requestHandler,
    })
    scout.middlewareStack.add(
      () =>
        async ({ request }) => {
          // DynamoDB answers an unsigned GET / with a line of health.
          const { hostname, port, protocol } = request as {
            hostname: string
            port?: number
            protocol: string
          }
          const health = { ...(request as object), method: 'GET', path: '/', query: {}, body: undefined }
          const headers = { host: port === undefined ? hostname : `${hostname}:${port}` }
          await requestHandler.handle(
            { ...health, hostname, protocol, headers } as Parameters<RequestHandler['handle']>[0],
            { abortSignal: AbortSignal.timeout(OPENING_TIMEOUT_MS) },
          )
          return { output: { $metadata: {} }, response: undefined }
        },
      { step: 'build', priority: 'low', name: 'openConnection' },
    )
    await scout.send(new ListTablesCommand({})).catch(() => {})
  }

  const client = documentClient ? DynamoDBDocumentClient.from(captured, translateConfig) : captured
  // The SDK's clients hold cycles, and people log their context as JSON.
  Object.defineProperty(client, 'toJSON', { value: () => `[${client.constructor.name}]` })
  return { client, openConnection }
}

/** What every request handler of the SDK is, whatever runtime it is typed for. */
interface HttpHandler {
  readonly metadata?: object
  handle(request: unknown, options?: object): Promise<{ response: { body?: unknown } }>
  destroy?(): void
  updateHttpClientConfig?(key: unknown, value: unknown): void
  httpHandlerConfigs?(): object
}

/**
 * A request handler that hides what it holds. The SDK hangs responses on its errors, and Node.js hangs requests on
 * responses and on sockets, session token included; so whoever logs a client or an error deeply would log credentials.
 * Answers are handed on as bytes, and the handler itself is a closure.
 */
const contained = (requestHandler: RequestHandler): RequestHandler => {
  const inner = requestHandler as unknown as HttpHandler
  const outer: HttpHandler = {
    ...(inner.metadata !== undefined && { metadata: inner.metadata }),
    handle: async (request, options) => {
      const { response } = await inner.handle(request, options)
      response.body = await bytes(response.body)
      return { response }
    },
    destroy: () => inner.destroy?.(),
    updateHttpClientConfig: (key, value) => inner.updateHttpClientConfig?.(key, value),
    httpHandlerConfigs: () => inner.httpHandlerConfigs?.() ?? {},
  }
  return outer as unknown as RequestHandler
}

const bytes = async (body: unknown): Promise<unknown> => {
  if (typeof (body as AsyncIterable<Uint8Array> | undefined)?.[Symbol.asyncIterator] !== 'function')
    return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}
