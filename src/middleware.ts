import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type middy from '@middy/core'
import { type Configuration, readConfiguration } from './configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from './configuration/options.ts'
import { createAssumeRole } from './credentials/assume-role.ts'
import type { CredentialProvider, CredentialSource } from './credentials/session.ts'
import type { Deadline } from './deadline.ts'
import { type Clients, createClients } from './dynamodb/client.ts'
import { createWarmUp, NO_WARM_UP, type WarmUp } from './dynamodb/warm-up.ts'
import { CrossAccountDynamoError } from './errors.ts'
import type { SessionRequest, SessionResult } from './identity/session-function.ts'
import type { SessionParameters } from './identity/session-parameters.ts'
import { attachClient, attachSessionClient, detachClient } from './invocation-context.ts'
import { createSessionStore, type OpenSession } from './session-store.ts'
import { formatList } from './text.ts'

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

/** The property `client`. It is absent with a `session` function, so unless `Result` is `never`. */
type WithClient<Document extends boolean, Result> = [Result] extends [never]
  ? {
      /**
       * The client itself, for code at module scope such as an idempotency store or an entity library. The same object as on
       * the context. Not available with a `session` function, because the client then depends on the invocation.
       */
      readonly client: ClientOf<Document>
    }
  : unknown

/** The methods that {@link crossAccountDynamo} adds to a middy middleware. */
interface Methods<Document extends boolean, Event> {
  /**
   * Resolves when the session has credentials and a connection to DynamoDB is open or has failed. Await it at the top
   * level of the module, for example with provisioned concurrency, so that the first invocation does not wait. Top-level
   * `await` needs an ES module.
   *
   * With a `session` function, it does not wait for credentials, because each invocation determines its own session. In
   * direct mode, it waits for the connection only.
   *
   * @throws CrossAccountDynamoError `ASSUME_ROLE_DENIED`, `ASSUME_ROLE_REJECTED`, `STS_THROTTLED`, `STS_UNAVAILABLE` or
   * `STS_TIMEOUT` if the role cannot be assumed.
   */
  ready(): Promise<void>

  /**
   * Returns the client for a request other than the invocation's own, such as one record of a batch. It calls the `session`
   * function with the given event and takes the session from the same store as the invocations.
   *
   * @throws CrossAccountDynamoError `SESSION_IDENTITY_MISSING` if the `session` function throws, times out or returns no valid
   * session, `CONFIG_INVALID` if `awsClientCapture` fails, or one of the other codes if the role cannot be assumed.
   *
   * @example
   * ```ts
   * import { PutCommand } from '@aws-sdk/lib-dynamodb'
   * import type { Context, SQSEvent, SQSRecord } from 'aws-lambda'
   * import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
   *
   * const dynamo = crossAccountDynamo({
   *   session: ({ event }: SessionRequest<SQSRecord>) => ({
   *     sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
   *   }),
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
    request: Pick<SessionRequest<Event>, 'event' | 'context'> & { internal?: Record<string, unknown> },
  ): Promise<ClientOf<Document>>
}

/**
 * The middy middleware that {@link crossAccountDynamo} returns, with the additional methods `ready` and `clientFor`. `Result` is
 * what the `session` function returns. If it is `never`, there is no such function, and the middleware has a `client`.
 */
export type CrossAccountDynamoMiddleware<
  Key extends string = 'dynamo',
  Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event type; unknown would reject handlers that declare their event type
  Event = any,
  Result extends SessionResult = SessionResult,
> = middy.MiddlewareObj<
  Event,
  // biome-ignore lint/suspicious/noExplicitAny: any response type, as in middy's own middlewares
  any,
  Error,
  CrossAccountDynamoContext<Key, ClientOf<Document>>,
  Record<Key, CredentialProvider>
> &
  Methods<Document, Event> &
  WithClient<Document, Result>

/**
 * Creates a middleware that gives a handler a DynamoDB client for tables in another account.
 *
 * The client is at `context.dynamo`, or at the `contextKey` that you set. It uses credentials of the target role, which
 * are refreshed before they expire. `request.internal` holds the credential provider under the same key, for the
 * `awsClientAssumeRole` option of other middlewares. With a `session` function, that provider always rejects with
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
  Result extends SessionResult = never,
>(
  options: CrossAccountDynamoOptions<Key, Document, Event, Result> = {},
): CrossAccountDynamoMiddleware<Key, Document, Event, Result> => {
  const configuration = readConfiguration(options, process.env)
  const { parameters, resolveParameters, accountId } = configuration
  const contextKey = configuration.contextKey as Key
  const clients = createClients(configuration)
  const findOrOpenSession = createSessionFinder(configuration, clients)
  /** The session that all invocations share. `undefined` with a `session` function, which determines one per invocation. */
  const sharedSession = parameters && findOrOpenSession(parameters)
  const provider = sharedSession?.session.credentials ?? createRefusingProvider(contextKey)
  attachedProviders.add(provider)
  const attach = sharedSession === undefined ? attachSessionClient : attachClient
  const warmUp = createWarmUpFor(configuration, clients, sharedSession)

  /** Waits for credentials and the connection. Returns `undefined` if there is nothing to wait for, as in warm invocations. */
  const waitUntilReady = (open: InvocationSession, deadline?: Deadline): Promise<void> | undefined => {
    const credentials = open.session.ready(deadline)
    // The connection opens while STS responds, so that the first request to DynamoDB does not wait for it.
    if (credentials !== undefined) warmUp.start(open.accountId)
    const connection = warmUp.settled(open.accountId, deadline)
    if (credentials === undefined && connection === undefined) return undefined
    return Promise.all([credentials, connection]).then(() => {})
  }

  /** Attaches the client and the credential provider to the invocation, and waits until the session is ready. */
  const startInvocation = (request: middy.Request, open: InvocationSession): Promise<void> | undefined => {
    const internal: Record<string, unknown> = request.internal
    if (isAttachedProvider(internal[contextKey])) throw duplicateContextKeyError(contextKey)
    attach(request, contextKey, open.client)
    internal[contextKey] = provider
    return waitUntilReady(open, request.context)
  }

  /**
   * Resolves the session of this invocation and starts the invocation. If that fails, removes a client that another invocation
   * set on the context.
   */
  const startResolvedSession = (request: middy.Request): Promise<void> | undefined => {
    const start = (resolved: SessionParameters): Promise<void> | undefined =>
      startInvocation(request, findOrOpenSession(resolved))
    const fail = (error: unknown): never => {
      detachClient(request, contextKey)
      throw error
    }
    try {
      const resolved = resolveParameters(request)
      const started = resolved instanceof Promise ? resolved.then(start) : start(resolved)
      return started?.catch(fail)
    } catch (error) {
      return fail(error)
    }
  }

  // middy's profiler and stack traces show the names of hooks.
  const crossAccountDynamoMiddlewareBefore = (request: middy.Request): Promise<void> | undefined =>
    sharedSession === undefined ? startResolvedSession(request) : startInvocation(request, sharedSession)

  const ready = async (): Promise<void> => {
    warmUp.start(accountId)
    await (sharedSession === undefined ? warmUp.settled(accountId) : waitUntilReady(sharedSession))
  }

  const clientFor: Methods<Document, Event>['clientFor'] = async (request) => {
    if (typeof request !== 'object' || request === null) throw missingRequestError()
    const { event, context, internal = {} } = request
    const middyRequest = { event, context, internal, response: undefined, error: undefined }
    const open = sharedSession ?? findOrOpenSession(await resolveParameters(middyRequest))
    await waitUntilReady(open, context)
    return open.client as ClientOf<Document>
  }

  if (configuration.ignoredOptions.length > 0) warnOfIgnoredOptions(configuration)
  if (!configuration.disablePrefetch) {
    warmUp.start(accountId)
    // If the prefetch fails, the first invocation tries again and reports the error.
    sharedSession?.session.prefetch().catch(() => {})
  }

  const middleware = { before: crossAccountDynamoMiddlewareBefore, ready, clientFor }
  // Not enumerable, so that code that copies the middleware does not run the accessor.
  return Object.defineProperty(middleware, 'client', {
    get: () => {
      if (sharedSession === undefined) throw noSharedClientError()
      return sharedSession.client
    },
  }) as CrossAccountDynamoMiddleware<Key, Document, Event, Result>
}

/** The session of an invocation: one of an assumed role, or that of direct mode. */
type InvocationSession = OpenSession<CredentialSource>

/** Creates a function that returns the session of these parameters. In direct mode, that is always the same one. */
const createSessionFinder = (
  configuration: Configuration,
  clients: Clients,
): ((parameters: SessionParameters) => InvocationSession) => {
  if (!configuration.isDirect)
    return createSessionStore(configuration, createAssumeRole(configuration), clients)
  const { client, credentials } = clients.openDirect()
  const session: CredentialSource = { ready: () => undefined, prefetch: async () => {}, credentials }
  const directSession = { client, session, accountId: undefined }
  return () => directSession
}

const createWarmUpFor = (
  { isDirect, accountId }: Configuration,
  clients: Clients,
  sharedSession: InvocationSession | undefined,
): WarmUp => {
  // The account of the requests is not known before an invocation.
  if (!isDirect && accountId === undefined) return NO_WARM_UP
  return createWarmUp(sharedSession?.client ?? clients.openWithoutCredentials(), accountId)
}

const warnOfIgnoredOptions = ({ contextKey, ignoredOptions }: Configuration): void =>
  process.emitWarning(
    `crossAccountDynamo() for context.${contextKey} is in direct mode, because roleArn is false or none. It assumes no role, so these ` +
      `options have no effect: ${formatList(ignoredOptions)}. Remove them, or set roleArn to the ARN of a role. In Lambda, they cause ` +
      'CONFIG_INVALID.',
    { type: 'CrossAccountDynamoWarning', code: 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE' },
  )

/** The providers that this package set on `request.internal`. They reveal two middlewares that use the same key. */
const attachedProviders = new WeakSet<object>()

const isAttachedProvider = (value: unknown): boolean =>
  typeof value === 'function' && attachedProviders.has(value)

const missingRequestError = (): CrossAccountDynamoError =>
  new CrossAccountDynamoError('CONFIG_INVALID', 'clientFor() needs a request: clientFor({ event, context }).')

const duplicateContextKeyError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `two crossAccountDynamo() middlewares of this handler use context.${contextKey}. Set a different contextKey for one of them.`,
  )

const noSharedClientError = (): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    'the property client is not available with a session function, because the client depends on the invocation. Use the client ' +
      'on the context, or clientFor({ event, context }).',
  )

/**
 * Creates the provider on `request.internal` for a middleware with a `session` function. It always rejects. Other middlewares,
 * including middy's own, create one client and keep it, so that client would use the first tenant's credentials for all
 * later invocations.
 */
const createRefusingProvider = (contextKey: string): CredentialProvider =>
  Object.assign(
    () =>
      Promise.reject(
        new CrossAccountDynamoError(
          'CONFIG_INVALID',
          `the credentials of context.${contextKey} depend on the invocation, because of the session function. Another middleware ` +
            `would keep the first invocation's credentials for all later ones. Remove awsClientAssumeRole: '${contextKey}' from it.`,
        ),
      ),
    { memoized: true as const },
  )
