import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type middy from '@middy/core'
import { readConfiguration } from './configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from './configuration/options.ts'
import { createAssumeRole } from './credentials/assume-role.ts'
import type { CredentialProvider, Session } from './credentials/session.ts'
import type { Deadline } from './deadline.ts'
import { createClients } from './dynamodb/client.ts'
import { createWarmUp, NO_WARM_UP } from './dynamodb/warm-up.ts'
import { CrossAccountDynamoError } from './errors.ts'
import type { ResolverRequest } from './identity/resolve.ts'
import type { SessionParameters } from './identity/session-parameters.ts'
import { attachClient, attachSessionClient, detachClient } from './invocation-context.ts'
import { createSessionStore, type OpenSession } from './session-store.ts'

type LambdaContext = middy.Request['context']

/** The type of the client on the context: `DynamoDBClient` with `documentClient: false`, else `DynamoDBDocumentClient`. */
type ClientOf<Document extends boolean> = Document extends false ? DynamoDBClient : DynamoDBDocumentClient

/**
 * The type of a handler's context behind {@link crossAccountDynamo}. Use it if you declare the handler separately from
 * the middleware, so that TypeScript cannot infer the type. `Key` is the `contextKey`, `'dynamo'` by default.
 *
 * @example
 * ```ts
 * import { GetCommand } from '@aws-sdk/lib-dynamodb'
 * import type { CrossAccountDynamoContext } from 'middy-cross-account-dynamo'
 *
 * export const getOrder = async (event: { id: string }, context: CrossAccountDynamoContext<'orders'>) =>
 *   (await context.orders.send(new GetCommand({ TableName: 'Orders', Key: { id: event.id } }))).Item
 * ```
 */
export type CrossAccountDynamoContext<
  Key extends string = 'dynamo',
  Client extends DynamoDBClient | DynamoDBDocumentClient = DynamoDBDocumentClient,
> = LambdaContext & Record<Key, Client>

/** The middy middleware that {@link crossAccountDynamo} returns, with the additional methods `ready` and `clientFor`. */
export interface CrossAccountDynamoMiddleware<
  Key extends string = 'dynamo',
  Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event type; unknown would reject handlers that declare their event type
  Event = any,
> extends middy.MiddlewareObj<
    Event,
    // biome-ignore lint/suspicious/noExplicitAny: any response type, as in middy's own middlewares
    any,
    Error,
    CrossAccountDynamoContext<Key, ClientOf<Document>>,
    Record<Key, CredentialProvider>
  > {
  /**
   * Resolves when the session has credentials and a connection to DynamoDB is open or has failed. Await it at the top
   * level of the module, for example with provisioned concurrency, so that the first invocation does not wait.
   *
   * With resolvers, it does not wait for credentials, because each invocation determines its own session.
   *
   * @throws CrossAccountDynamoError `ASSUME_ROLE_DENIED`, `ASSUME_ROLE_REJECTED`, `STS_THROTTLED`, `STS_UNAVAILABLE` or
   * `STS_TIMEOUT` if the role cannot be assumed.
   */
  ready(): Promise<void>

  /**
   * Returns the client for a request other than the invocation's own, such as one record of a batch. It calls the
   * resolvers with the given event and takes the session from the same store as the invocations.
   *
   * @throws CrossAccountDynamoError `SESSION_IDENTITY_MISSING` if a resolver throws, times out or returns no valid value,
   * `CONFIG_INVALID` if `awsClientCapture` fails, or one of the other codes if the role cannot be assumed.
   *
   * @example
   * ```ts
   * import { PutCommand } from '@aws-sdk/lib-dynamodb'
   * import type { Context, SQSEvent, SQSRecord } from 'aws-lambda'
   * import { crossAccountDynamo } from 'middy-cross-account-dynamo'
   *
   * const dynamo = crossAccountDynamo({
   *   sessionTags: ({ event }: { event: SQSRecord }) => ({ TenantId: event.messageAttributes.TenantId?.stringValue }),
   * })
   * export const handler = async ({ Records }: SQSEvent, context: Context) => {
   *   for (const event of Records) {
   *     const client = await dynamo.clientFor({ event, context })
   *     await client.send(new PutCommand({ TableName: 'MyTable', Item: JSON.parse(event.body) }))
   *   }
   * }
   * ```
   */
  clientFor(
    request: Pick<ResolverRequest<Event>, 'event' | 'context'> & { internal?: Record<string, unknown> },
  ): Promise<ClientOf<Document>>
}

/**
 * Creates a middleware that gives a handler a DynamoDB client for tables in another account.
 *
 * The client is at `context.dynamo`, or at the `contextKey` that you set. It uses credentials of the target role, which
 * are refreshed before they expire. `request.internal` holds the credential provider under the same key, for the
 * `awsClientAssumeRole` option of other middlewares. With resolvers, that provider always rejects with
 * `CONFIG_INVALID`, because such middlewares keep their first client for all invocations.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` immediately, with a list of all problems. An invocation throws one
 * of the other codes if its session has no valid credentials and cannot get any.
 *
 * @example
 * ```ts
 * import { GetCommand } from '@aws-sdk/lib-dynamodb'
 * import middy from '@middy/core'
 * import { crossAccountDynamo } from 'middy-cross-account-dynamo'
 *
 * export const handler = middy()
 *   .use(crossAccountDynamo())
 *   .handler(async (event: { id: string }, context) => {
 *     const { Item } = await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
 *     return Item
 *   })
 * ```
 */
export const crossAccountDynamo = <
  const Key extends string = 'dynamo',
  const Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event type, as in CrossAccountDynamoMiddleware
  Event = any,
>(
  options: CrossAccountDynamoOptions<Key, Document, Event> = {},
): CrossAccountDynamoMiddleware<Key, Document, Event> => {
  const configuration = readConfiguration(options, process.env)
  const { parameters, resolveParameters, accountId } = configuration
  const contextKey = configuration.contextKey as Key
  const clients = createClients(configuration)
  const getSession = createSessionStore(configuration, createAssumeRole(configuration), clients)
  /** The session that all invocations share. `undefined` with resolvers, which determine a session per invocation. */
  const sharedSession = parameters && getSession(parameters)
  // The connection opens while STS responds, so that the first request to DynamoDB does not wait for it.
  const warmUp =
    accountId === undefined
      ? NO_WARM_UP
      : createWarmUp(sharedSession?.client ?? clients.openWithoutCredentials(), accountId)

  /** Returns `undefined` if the invocation can start immediately, which is the usual case for warm invocations. */
  const waitUntilReady = (session: Session | undefined, deadline?: Deadline): Promise<void> | undefined => {
    const credentials = session?.ready(deadline)
    const connection = warmUp.settled(deadline)
    if (credentials === undefined && connection === undefined) return undefined
    return Promise.all([credentials, connection]).then(() => {})
  }

  /** Attaches the client and the credential provider of the session to the invocation, and waits until they are ready. */
  const startInvocation = (
    request: middy.Request,
    { session, client }: OpenSession,
    provider: CredentialProvider,
    attach: typeof attachClient,
  ): Promise<void> | undefined => {
    const internal = request.internal as Record<string, unknown>
    if (isOwnProvider(internal[contextKey])) throw duplicateContextKeyError(contextKey)
    attach(request, contextKey, client)
    internal[contextKey] = provider
    return waitUntilReady(session, request.context)
  }

  const refusingProvider = createRefusingProvider(contextKey)
  ownProviders.add(sharedSession?.session.credentials ?? refusingProvider)
  /** With resolvers: finds out whose session this invocation gets, and fails if that is not known. */
  const startResolvedInvocation = (request: middy.Request): Promise<void> | undefined => {
    const start = (resolvedParameters: SessionParameters): Promise<void> | undefined =>
      startInvocation(request, getSession(resolvedParameters), refusingProvider, attachSessionClient)
    const fail = (error: unknown): never => {
      detachClient(request, contextKey)
      throw error
    }
    try {
      const resolved = resolveParameters(request)
      return resolved instanceof Promise ? resolved.then(start).catch(fail) : start(resolved)?.catch(fail)
    } catch (error) {
      return fail(error)
    }
  }

  if (!configuration.disablePrefetch) {
    warmUp.start()
    // If the prefetch fails, the first invocation tries again and reports the error.
    sharedSession?.session.prefetch().catch(() => {})
  }

  return {
    before:
      sharedSession === undefined
        ? startResolvedInvocation
        : (request) =>
            startInvocation(request, sharedSession, sharedSession.session.credentials, attachClient),
    ready: async () => waitUntilReady(sharedSession?.session),
    clientFor: async (given) => {
      if (typeof given !== 'object' || given === null) throw missingRequestError()
      const { event, context, internal = {} } = given
      const request = { event, context, internal, response: undefined, error: undefined }
      const { session, client } = sharedSession ?? getSession(await resolveParameters(request))
      await waitUntilReady(session, context)
      return client as ClientOf<Document>
    },
  }
}

/** The providers that this package set on `request.internal`. They reveal two middlewares that use the same key. */
const ownProviders = new WeakSet<object>()

const isOwnProvider = (value: unknown): boolean => typeof value === 'function' && ownProviders.has(value)

const missingRequestError = (): CrossAccountDynamoError =>
  new CrossAccountDynamoError('CONFIG_INVALID', 'clientFor() needs a request: clientFor({ event, context }).')

const duplicateContextKeyError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `another crossAccountDynamo() of this handler has put its client at context.${contextKey}: give one of the two another contextKey`,
  )

/**
 * Creates the provider on `request.internal` for a middleware with resolvers. It always rejects. Other middlewares,
 * including middy's own, create one client and keep it, so that client would use the first tenant's credentials for all
 * later invocations.
 */
const createRefusingProvider = (contextKey: string): CredentialProvider =>
  Object.assign(
    () =>
      Promise.reject(
        new CrossAccountDynamoError(
          'CONFIG_INVALID',
          `context.${contextKey} has a session for each invocation, which no other middleware may keep: ` +
            `awsClientAssumeRole: '${contextKey}' is for a crossAccountDynamo() without resolvers`,
        ),
      ),
    { memoized: true as const },
  )
