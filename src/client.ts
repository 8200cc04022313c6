/** A session's DynamoDB client, and the connection it will use. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Clock } from './clock.ts'
import { CrossAccountDynamoError } from './errors.ts'
import { describe } from './limits.ts'
import type { Configuration } from './options.ts'
import { contained, type RequestHandler } from './request-handler.ts'
import type { Session } from './session.ts'

export interface Client {
  /** What goes on the context; the same object for as long as the session lives. */
  readonly client: DynamoDBClient | DynamoDBDocumentClient
  /** Opens a connection to DynamoDB before there are credentials to use it. Never rejects, and gives up by itself. */
  readonly openConnection: () => Promise<void>
}

/**
 * DynamoDB's words for a session token that has expired or that it does not know.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const REJECTED_TOKEN: ReadonlySet<string> = new Set(['ExpiredTokenException', 'UnrecognizedClientException'])

/** Opening a connection early is a courtesy: when it takes longer than this, the first request opens its own. */
const OPENING_TIMEOUT_MS = 1000

export const createClient = (configuration: Configuration, session: Session, clock: Clock): Client => {
  const { accountId, region, awsClientOptions, awsClientCapture, documentClient, translateConfig } =
    configuration
  const plain = new DynamoDBClient({ ...awsClientOptions, region, credentials: session.credentials })
  const requestHandler = contained(plain.config.requestHandler, clock)
  plain.config.requestHandler = requestHandler
  // Outside of the step that takes the credentials, so that the request runs again with the new ones.
  plain.middlewareStack.add(
    (next) => async (args) => {
      const used = session.current()
      const since = performance.now()
      try {
        return await next(args)
      } catch (error) {
        if (!REJECTED_TOKEN.has((error as Error).name) || !(await session.replace(used, since))) throw error
        return next(args)
      }
    },
    { step: 'serialize', priority: 'high', name: 'replaceRejectedToken' },
  )
  const captured = checkedCapture(awsClientCapture(plain))

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
  Object.defineProperty(client, 'toJSON', {
    value: () => `[${client.constructor.name}]`,
    configurable: true,
  })
  return { client, openConnection }
}

/** What a capture returned, which plain JavaScript may have forgotten to return. */
const checkedCapture = (captured: unknown): DynamoDBClient => {
  const { send, config } = (captured ?? {}) as Partial<DynamoDBClient>
  if (typeof send === 'function' && config !== undefined) return captured as DynamoDBClient
  throw new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `awsClientCapture: must return the DynamoDBClient that it is given, but returned ${describe(captured)}`,
  )
}
