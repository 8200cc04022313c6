/** The DynamoDB clients of sessions, which share their connections and nothing else. */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Configuration } from '../configuration/configuration.ts'
import type { Credentials } from '../credentials/assume-role.ts'
import type { CredentialProvider, Session } from '../credentials/session.ts'
import { CrossAccountDynamoError } from '../errors.ts'
import { createRedactingHandler, type RequestHandler } from '../request-handler.ts'
import { describe } from '../text.ts'
import { readThrown } from '../thrown.ts'

/** What the context holds: which of the two depends on the option `documentClient`. */
export type SessionClient = DynamoDBClient | DynamoDBDocumentClient

export interface Clients {
  /** Creates the client of a session. Call it once per session, so that the session keeps one client. */
  readonly open: (session: Session) => SessionClient
  /**
   * Creates a client without credentials, which only knows the endpoint and the connections.
   *
   * @throws CrossAccountDynamoError `CONFIG_INVALID` if the SDK does not take `awsClientOptions`.
   */
  readonly openWithoutCredentials: () => SessionClient
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

/**
 * Far more than DynamoDB sends: 16 MB of items at most, in JSON that escapes them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 */
const MAX_ANSWER_BYTES = 128 * 2 ** 20

/** For a client that only knows the endpoint: a request that it sent by mistake would fail instead of being signed. */
const NO_CREDENTIALS: CredentialProvider = Object.assign(
  () => Promise.reject(new Error('this client has no credentials')),
  { memoized: true as const },
)

export const createClients = (configuration: Configuration): Clients => {
  const { region, awsClientOptions, awsClientCapture, documentClient, translateConfig } = configuration
  /** The connections of all clients: the request handler that the SDK made for the first one. */
  let connections: RequestHandler | undefined
  const capturedClients = new WeakSet<DynamoDBClient>()

  const createClient = (credentials: CredentialProvider): DynamoDBClient => {
    const client = constructClient({
      // For endpoint discovery, which DynamoDB's commands do not use. At its default it is the largest part of a client.
      endpointCacheSize: 1,
      ...awsClientOptions,
      ...(connections !== undefined && { requestHandler: connections }),
      region,
      credentials,
    })
    connections ??= client.config.requestHandler
    client.config.requestHandler = createRedactingHandler(connections, MAX_ANSWER_BYTES)
    return client
  }

  const open = (session: Session): SessionClient => {
    const plain = createClient(session.credentials)
    replaceCredentialsOnRejection(plain, session)
    const captured = checkedCapture(() => awsClientCapture(plain), capturedClients)
    capturedClients.add(captured)
    const { marshallOptions, unmarshallOptions } = translateConfig
    const client = documentClient
      ? // A copy for each client, because the SDK and user code can write into it.
        DynamoDBDocumentClient.from(captured, {
          marshallOptions: { ...marshallOptions },
          unmarshallOptions: { ...unmarshallOptions },
        })
      : captured
    // The SDK's clients contain cycles, and users log their context as JSON.
    Object.defineProperty(client, 'toJSON', {
      value: () => `[${client.constructor.name}]`,
      configurable: true,
    })
    return client
  }

  return { open, openWithoutCredentials: () => createClient(NO_CREDENTIALS) }
}

/** @throws CrossAccountDynamoError `CONFIG_INVALID` if the SDK does not take `awsClientOptions`. */
const constructClient = (config: DynamoDBClientConfig): DynamoDBClient => {
  try {
    return new DynamoDBClient(config)
  } catch (error) {
    const { description, error: cause } = readThrown(error)
    throw new CrossAccountDynamoError(
      'CONFIG_INVALID',
      `awsClientOptions: the SDK's DynamoDBClient does not take them: ${description}`,
      cause === undefined ? {} : { cause },
    )
  }
}

/**
 * Runs a request again if the session has got new credentials for it. It stands before the step that reads the
 * credentials, so that the second attempt is signed with the new ones.
 */
const replaceCredentialsOnRejection = ({ middlewareStack }: DynamoDBClient, session: Session): void =>
  middlewareStack.add(
    (next) => async (args) => {
      const used = session.current()
      const since = performance.now()
      try {
        return await next(args)
      } catch (error) {
        // Without credentials at the start, the request was signed with those that came first.
        if (!(await hasNewCredentials(session, error, used ?? session.current(), since))) throw error
        return next(args)
      }
    },
    { step: 'serialize', priority: 'high', name: 'replaceRejectedToken' },
  )

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

/**
 * The client that the capture function returns. Plain JavaScript may forget to return it, and a function that caches its
 * first result would return the client of another session.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` in both cases, and if the function throws.
 */
const checkedCapture = (capture: () => DynamoDBClient, others: WeakSet<DynamoDBClient>): DynamoDBClient => {
  let problem: string
  try {
    const captured = capture()
    const isClient = typeof captured?.send === 'function' && typeof captured.config === 'object'
    if (isClient && !others.has(captured) && Object.isExtensible(captured)) return captured
    problem = `must return the DynamoDBClient that it is given, but returned ${describeCaptured(captured, isClient)}`
  } catch (error) {
    problem = `threw ${readThrown(error).description}`
  }
  throw new CrossAccountDynamoError('CONFIG_INVALID', `awsClientCapture: ${problem}`)
}

const describeCaptured = (captured: unknown, isClient: boolean): string => {
  if (!isClient) return describe(captured)
  return Object.isExtensible(captured) ? 'that of another session' : 'a client that cannot be changed'
}
