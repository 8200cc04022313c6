/** The DynamoDB clients of sessions, over connections that they share. */
import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Clock } from './clock.ts'
import { CrossAccountDynamoError } from './errors.ts'
import type { Configuration } from './options.ts'
import { contained, type RequestHandler } from './request-handler.ts'
import type { CredentialProvider, Session } from './session.ts'
import { describe } from './values.ts'

export interface Clients {
  /** What goes on the context for a session; to be made once for each, so that it is the same for as long as that lives. */
  readonly open: (session: Session) => DynamoDBClient | DynamoDBDocumentClient
  /**
   * Opens a connection to an account's DynamoDB before there are credentials to use it. Never rejects, and gives up by
   * itself.
   */
  readonly openConnection: (accountId: string) => Promise<void>
}

/**
 * DynamoDB's words for a session token that has expired or that it does not know.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const REJECTED_TOKEN: ReadonlySet<string> = new Set(['ExpiredTokenException', 'UnrecognizedClientException'])

/** Opening a connection early is a courtesy: when it takes longer than this, the first request opens its own. */
const OPENING_TIMEOUT_MS = 1000

/** Signs nothing: a request that is sent with these fails, and goes out in nobody's name. */
const NO_CREDENTIALS: CredentialProvider = Object.assign(
  () => Promise.reject(new Error('this client has no credentials')),
  { memoized: true as const },
)

export const createClients = (configuration: Configuration, clock: Clock): Clients => {
  const { region, awsClientOptions, awsClientCapture, documentClient, translateConfig } = configuration
  const shared = { ...awsClientOptions, region, ...sharedOptions(configuration, clock) }
  /** The clients of other sessions. */
  const taken = new WeakSet<DynamoDBClient>()

  const open = (session: Session): DynamoDBClient | DynamoDBDocumentClient => {
    const plain = new DynamoDBClient({ ...shared, credentials: session.credentials })
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
    const captured = checkedCapture(awsClientCapture(plain), taken)
    taken.add(captured)
    const client = documentClient ? DynamoDBDocumentClient.from(captured, translateConfig) : captured
    // The SDK's clients hold cycles, and people log their context as JSON.
    Object.defineProperty(client, 'toJSON', {
      value: () => `[${client.constructor.name}]`,
      configurable: true,
    })
    return client
  }

  const openConnection = async (accountId: string): Promise<void> => {
    // A client of its own, so that the SDK itself works out where requests will go: the endpoint depends on the
    // account, which the role's ARN names before STS does. It stops short of signing, and sends no command.
    const { logger: _, ...quiet } = shared
    const scout = new DynamoDBClient({
      ...quiet,
      credentials: { accountId, accessKeyId: '', secretAccessKey: '' },
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
          await shared.requestHandler.handle(
            { ...health, hostname, protocol, headers } as Parameters<RequestHandler['handle']>[0],
            { abortSignal: AbortSignal.timeout(OPENING_TIMEOUT_MS) },
          )
          return { output: { $metadata: {} }, response: undefined }
        },
      { step: 'build', priority: 'low', name: 'openConnection' },
    )
    await scout.send(new ListTablesCommand({})).catch(() => {})
  }

  return { open, openConnection }
}

/**
 * What all clients have in common, named one by one: the connections, which see requests that have been signed, and
 * providers of plain settings, which would otherwise be made anew for each. Nothing that holds credentials, signs or
 * counts retries is shared; and since they come from a client without credentials, a leak would fail and not sign.
 */
const sharedOptions = ({ region, awsClientOptions }: Configuration, clock: Clock) => {
  const { logger: _, ...quiet } = awsClientOptions
  const { config } = new DynamoDBClient({ ...quiet, region, credentials: NO_CREDENTIALS })
  return {
    requestHandler: contained(config.requestHandler, clock),
    accountIdEndpointMode: config.accountIdEndpointMode,
    authSchemePreference: config.authSchemePreference,
    defaultsMode: config.defaultsMode,
    maxAttempts: config.maxAttempts,
    retryMode: config.retryMode,
    useDualstackEndpoint: config.useDualstackEndpoint,
    useFipsEndpoint: config.useFipsEndpoint,
    userAgentAppId: config.userAgentAppId,
    // For endpoint discovery, which DynamoDB's commands do not use; at its default it is the heaviest part of a client.
    endpointCacheSize: awsClientOptions.endpointCacheSize ?? 1,
  } satisfies DynamoDBClientConfig
}

/**
 * What a capture returned, which plain JavaScript may have forgotten to return; or, where it keeps what it returned
 * first, the client of another session.
 */
const checkedCapture = (captured: unknown, taken: WeakSet<DynamoDBClient>): DynamoDBClient => {
  const { send, config } = (captured ?? {}) as Partial<DynamoDBClient>
  const isClient = typeof send === 'function' && config !== undefined
  if (isClient && !taken.has(captured as DynamoDBClient)) return captured as DynamoDBClient
  throw new CrossAccountDynamoError(
    'CONFIG_INVALID',
    'awsClientCapture: must return the DynamoDBClient that it is given, but returned ' +
      (isClient ? 'that of another session' : describe(captured)),
  )
}
