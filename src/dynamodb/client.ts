/** Creates the DynamoDB clients of sessions. The clients share only their connection pool. */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Configuration } from '../configuration/configuration.ts'
import type { Credentials } from '../credentials/assume-role.ts'
import { type CredentialProvider, createCredentialProvider, type Session } from '../credentials/session.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { createRedactingHandler, type RequestHandler } from '../request-handler.ts'
import { describeType } from '../text.ts'
import { readThrown } from '../thrown.ts'

/** The client on the context. The option `documentClient` selects its type. */
export type SessionClient = DynamoDBClient | DynamoDBDocumentClient

export interface Clients {
  /**
   * Creates the client of a session. Call it once per session, so that the session keeps one client.
   *
   * @throws CrossAccountDynamoError `CONFIG_INVALID` if the SDK does not accept `awsClientOptions`, or if `awsClientCapture`
   * fails.
   */
  readonly open: (session: Session) => SessionClient
  /**
   * Creates a client without credentials, which can only resolve the endpoint and open connections.
   *
   * @throws CrossAccountDynamoError `CONFIG_INVALID` if the SDK does not accept `awsClientOptions`.
   */
  readonly openWithoutCredentials: () => SessionClient
  /** Creates the client of direct mode, which uses the SDK's default credential provider. Returns the client and the provider. */
  readonly openDirect: () => { readonly client: SessionClient; readonly credentials: CredentialProvider }
}

/**
 * DynamoDB's error codes for a session token that has expired or that DynamoDB does not recognize.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const REJECTED_TOKEN: ReadonlySet<string> = new Set(['ExpiredTokenException', 'UnrecognizedClientException'])

/**
 * Matches DynamoDB's message for a session that was revoked in IAM. To revoke active sessions, IAM attaches a policy to the role
 * that denies all sessions issued before the revocation.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
 */
const DENIED_BY_ROLE_POLICY = /with an explicit deny in an identity-based policy/i

/**
 * The maximum size of a response, in bytes. Responses of DynamoDB are much smaller: they contain at most 16 MB of items, encoded
 * as JSON with escape sequences.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 */
const MAX_RESPONSE_BYTES = 128 * 2 ** 20

/** The provider of clients without credentials. It always rejects, so that such a client cannot sign a request. */
const REFUSING_PROVIDER: CredentialProvider = createCredentialProvider(() =>
  Promise.reject(new Error('this client has no credentials')),
)

export const createClients = (configuration: Configuration): Clients => {
  const { region, awsClientOptions, awsClientCapture, documentClient, translateConfig } = configuration
  /** The request handler of the first client. All clients share its connection pool. */
  let sharedRequestHandler: RequestHandler | undefined
  const capturedClients = new WeakSet<DynamoDBClient>()

  const createClient = (credentials?: CredentialProvider): DynamoDBClient => {
    const client = constructClient({
      // DynamoDB's commands do not use endpoint discovery. With the default size, its cache would use more memory than the
      // rest of the client.
      endpointCacheSize: 1,
      ...awsClientOptions,
      ...(sharedRequestHandler !== undefined && { requestHandler: sharedRequestHandler }),
      region,
      ...(credentials !== undefined && { credentials }),
    })
    sharedRequestHandler ??= client.config.requestHandler
    client.config.requestHandler = createRedactingHandler(sharedRequestHandler, MAX_RESPONSE_BYTES)
    return client
  }

  /** Calls `awsClientCapture`, and wraps the client in a document client if `documentClient` is true. */
  const toSessionClient = (originalClient: DynamoDBClient): SessionClient => {
    const capturedClient = captureClient(() => awsClientCapture(originalClient), capturedClients)
    capturedClients.add(capturedClient)
    const { marshallOptions, unmarshallOptions } = translateConfig
    const client = documentClient
      ? // Each client gets copies of the options, because the SDK and user code can change them.
        DynamoDBDocumentClient.from(capturedClient, {
          marshallOptions: { ...marshallOptions },
          unmarshallOptions: { ...unmarshallOptions },
        })
      : capturedClient
    // Without toJSON, logging the context as JSON would fail, because the SDK's clients contain circular references.
    Object.defineProperty(client, 'toJSON', {
      value: () => `[${client.constructor.name}]`,
      configurable: true,
    })
    return client
  }

  return {
    open: (session) => {
      const originalClient = createClient(session.credentials)
      replaceCredentialsOnRejection(originalClient, session)
      return toSessionClient(originalClient)
    },
    openWithoutCredentials: () => createClient(REFUSING_PROVIDER),
    openDirect: () => {
      const originalClient = createClient()
      // A copy, because the SDK returns the same object to each caller, and code in the function can change it.
      const provideCopy = async () => ({ ...(await originalClient.config.credentials()) })
      return {
        client: toSessionClient(originalClient),
        credentials: createCredentialProvider(provideCopy),
      }
    },
  }
}

/** @throws CrossAccountDynamoError `CONFIG_INVALID` if the SDK does not accept `awsClientOptions`. */
const constructClient = (config: DynamoDBClientConfig): DynamoDBClient => {
  try {
    return new DynamoDBClient(config)
  } catch (error) {
    const { description, error: cause } = readThrown(error)
    throw new CrossAccountDynamoError(
      'CONFIG_INVALID',
      `awsClientOptions: the constructor of DynamoDBClient threw ${description}. Correct awsClientOptions.`,
      { cause },
    )
  }
}

/**
 * Adds an SDK middleware that sends a request again, once, if its credentials were rejected and then replaced. The middleware runs
 * before the step that reads the credentials, so that the second attempt is signed with the new credentials.
 */
const replaceCredentialsOnRejection = ({ middlewareStack }: DynamoDBClient, session: Session): void =>
  middlewareStack.add(
    (next) => async (args) => {
      const credentialsBefore = session.getLatestCredentials()
      const requestStartedAt = performance.now()
      try {
        return await next(args)
      } catch (error) {
        // If the session had no credentials when the request began, its first credentials signed the request.
        const used = credentialsBefore ?? session.getLatestCredentials()
        if (!(await replaceCredentials(session, error, used, requestStartedAt))) throw error
        return next(args)
      }
    },
    { step: 'serialize', priority: 'high', name: 'replaceRejectedToken' },
  )

/**
 * Replaces the credentials of a failed request if they caused the failure. Resolves to whether the session has new credentials,
 * so that another attempt may succeed.
 */
const replaceCredentials = async (
  session: Session,
  error: unknown,
  used: Credentials | undefined,
  requestStartedAt: number,
): Promise<boolean> => {
  const { name = '', message = '' } = (error ?? {}) as Partial<Error>
  if (REJECTED_TOKEN.has(name)) return session.replaceRejectedCredentials(used, requestStartedAt)
  if (name === 'AccessDeniedException' && DENIED_BY_ROLE_POLICY.test(message))
    return session.replaceDeniedCredentials(used)
  return false
}

/**
 * Calls the capture function and returns the client that it returns.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the function throws, or if it returns no client, the client of another
 * session (for example, because it caches its first result), or a client that cannot be extended.
 */
const captureClient = (
  capture: () => DynamoDBClient,
  capturedClients: WeakSet<DynamoDBClient>,
): DynamoDBClient => {
  let problem: string
  try {
    const captured = capture()
    const returned = describeUnusableClient(captured, capturedClients)
    if (returned === undefined) return captured
    problem = `must return the DynamoDBClient that it is given, but returned ${returned}`
  } catch (error) {
    problem = `threw ${readThrown(error).description}`
  }
  throw new CrossAccountDynamoError('CONFIG_INVALID', `awsClientCapture: ${problem}`)
}

/** Describes a captured value that is not the client of this session. Returns `undefined` for a usable client. */
const describeUnusableClient = (
  captured: DynamoDBClient,
  capturedClients: WeakSet<DynamoDBClient>,
): string | undefined => {
  if (typeof captured?.send !== 'function' || typeof captured.config !== 'object')
    return describeType(captured)
  if (capturedClients.has(captured)) return 'the client of another session'
  return Object.isExtensible(captured) ? undefined : 'a client that cannot be changed'
}
