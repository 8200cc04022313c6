/** The DynamoDB clients of sessions, over connections that they share. */
import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, type TranslateConfig } from '@aws-sdk/lib-dynamodb'
import type { Credentials } from './assume-role.ts'
import type { Clock } from './clock.ts'
import { CrossAccountDynamoError } from './errors.ts'
import type { Configuration } from './options.ts'
import { contained, type RequestHandler } from './request-handler.ts'
import type { CredentialProvider, Session } from './session.ts'
import { describe } from './values.ts'

export interface Clients {
  /** Creates the client of a session. Call it once per session, so that the session keeps one client. */
  readonly open: (session: Session) => DynamoDBClient | DynamoDBDocumentClient
  /**
   * Opens a connection to an account's DynamoDB before there are credentials to use it. Never rejects, and gives up by
   * itself.
   */
  readonly openConnection: (accountId: string) => Promise<void>
}

/**
 * DynamoDB's error codes for a session token that has expired or that it does not know.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const REJECTED_TOKEN: ReadonlySet<string> = new Set(['ExpiredTokenException', 'UnrecognizedClientException'])

/**
 * What DynamoDB answers to a session that was revoked in IAM, which attaches a policy to the role that denies sessions
 * issued before. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
 */
const DENIED_BY_ROLE_POLICY = /with an explicit deny in an identity-based policy/i

/** Opening a connection early is a courtesy: when it takes longer than this, the first request opens its own. */
const OPENING_TIMEOUT_MS = 1000

/** Signs nothing: a request that is sent with these fails, and goes out in nobody's name. */
const NO_CREDENTIALS: CredentialProvider = Object.assign(
  () => Promise.reject(new Error('this client has no credentials')),
  { memoized: true as const },
)

export const createClients = (configuration: Configuration, clock: Clock): Clients => {
  const { region, awsClientOptions, awsClientCapture, documentClient, translateConfig } = configuration
  const shared = { ...awsClientOptions, region, ...sharedOptions(configuration) }
  /** The clients of other sessions. */
  const taken = new WeakSet<DynamoDBClient>()

  const open = (session: Session): DynamoDBClient | DynamoDBDocumentClient => {
    const plain = new DynamoDBClient({
      ...shared,
      // The connections behind it are shared. The object is not, because user code can change it.
      requestHandler: contained(shared.requestHandler, clock),
      credentials: session.credentials,
    })
    // Before the step that reads the credentials, so that the second attempt is signed with the new ones.
    plain.middlewareStack.add(
      (next) => async (args) => {
        const used = session.current()
        const since = performance.now()
        try {
          return await next(args)
        } catch (error) {
          if (!(await hasNewCredentials(session, error, used, since))) throw error
          return next(args)
        }
      },
      { step: 'serialize', priority: 'high', name: 'replaceRejectedToken' },
    )
    const captured = checkedCapture(awsClientCapture(plain), taken)
    taken.add(captured)
    const client = documentClient
      ? DynamoDBDocumentClient.from(captured, copyOfTranslateConfig(translateConfig))
      : captured
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
    const requestHandler = contained(shared.requestHandler, clock)
    const scout = new DynamoDBClient({
      ...quiet,
      requestHandler,
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

  return { open, openConnection }
}

/** Whether a failed request is worth another attempt, because the session has new credentials for it. */
const hasNewCredentials = async (
  session: Session,
  error: unknown,
  used: Credentials | undefined,
  since: number,
): Promise<boolean> => {
  const { name = '', message = '' } = (error ?? {}) as Partial<Error>
  if (REJECTED_TOKEN.has(name)) return session.replaceRejected(used, since)
  if (name === 'AccessDeniedException' && DENIED_BY_ROLE_POLICY.test(message))
    return session.replaceDenied(used)
  return false
}

/** Each document client has its own, because the SDK and user code can write into it. */
const copyOfTranslateConfig = (translateConfig: TranslateConfig): TranslateConfig => ({
  marshallOptions: { ...translateConfig.marshallOptions },
  unmarshallOptions: { ...translateConfig.unmarshallOptions },
})

/**
 * The settings that all clients have in common, named one by one: the connections, which see only signed requests, and
 * providers of plain settings, which each client would otherwise create again. Nothing that holds credentials, signs
 * requests or counts retries is shared. The client that they are taken from has no credentials, so a request that it
 * sent by mistake would fail instead of being signed.
 */
const sharedOptions = ({ region, awsClientOptions }: Configuration) => {
  const { logger: _, ...quiet } = awsClientOptions
  const { config } = new DynamoDBClient({ ...quiet, region, credentials: NO_CREDENTIALS })
  return {
    requestHandler: config.requestHandler,
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
