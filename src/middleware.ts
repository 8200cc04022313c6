import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type middy from '@middy/core'
import { type Configuration, readConfiguration } from './configuration/configuration.ts'
import type { CrossAccountDynamoOptions } from './configuration/options.ts'
import { createAssumeRoleFactory } from './credentials/assume-role.ts'
import {
  type CredentialProvider,
  type CredentialSource,
  createCredentialProvider,
} from './credentials/session.ts'
import type { Deadline } from './deadline.ts'
import { type Clients, createClients } from './dynamodb/client.ts'
import { createWarmUp, NO_WARM_UP, type WarmUp } from './dynamodb/warm-up.ts'
import { CrossAccountDynamoError } from './errors.ts'
import type { SessionRequest, SessionResult } from './identity/session-function.ts'
import type { SessionParameters } from './identity/session-parameters.ts'
import { attachClient, attachSessionClient, detachClient } from './invocation-context.ts'
import { createSessionStore, type OpenSession } from './session-store.ts'
import { formatList } from './text.ts'

/** The context of an invocation, with the types of middy. */
type LambdaContext = middy.Request['context']

/** The type of the client. With `documentClient: false`, it is `DynamoDBClient`, otherwise `DynamoDBDocumentClient`. */
type ContextClient<Document extends boolean> = Document extends false
  ? DynamoDBClient
  : DynamoDBDocumentClient

/**
 * The type of the context that a handler receives if it uses {@link crossAccountDynamo}. Declare this type if the handler is
 * defined separately from the middleware, because TypeScript cannot infer it there.
 *
 * `Key` is the `contextKey`, `'dynamo'` by default. `Client` is the type of the client, `DynamoDBDocumentClient` by default.
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

/** The property `client` of a middleware without a `session` function, whose `Result` is `never`. Otherwise no property. */
type ClientProperty<Document extends boolean, Result> = [Result] extends [never]
  ? {
      /**
       * The client, for code at module scope such as an idempotency store or an entity library. It is the same object as the
       * client on the context. With a `session` function, the client depends on the invocation, so the type does not contain
       * this property.
       *
       * @throws CrossAccountDynamoError `CONFIG_INVALID` if code reads the property although there is a `session` function.
       *
       * @example
       * ```ts
       * import { GetCommand } from '@aws-sdk/lib-dynamodb'
       * import middy from '@middy/core'
       * import { crossAccountDynamo } from 'middy-cross-account-dynamo'
       *
       * const dynamo = crossAccountDynamo()
       *
       * const getOrder = async (id: string) =>
       *   (await dynamo.client.send(new GetCommand({ TableName: 'Orders', Key: { id } }))).Item
       *
       * export const handler = middy()
       *   .use(dynamo)
       *   .handler(async (event: { id: string }) => getOrder(event.id))
       * ```
       */
      readonly client: ContextClient<Document>
    }
  : unknown

/** The methods that {@link crossAccountDynamo} adds to a middy middleware. */
interface MiddlewareMethods<Document extends boolean, Event> {
  /**
   * Resolves when the session has credentials and the connection to DynamoDB is open or has failed. A failed connection does
   * not cause a rejection, because the first request opens a connection itself.
   *
   * Await it at the top level of an ES module, for example with provisioned concurrency, so that the first invocation does
   * not wait. Before the first invocation, `ready` waits for at most 5 seconds.
   *
   * With a `session` function, it does not wait for credentials, because each invocation determines its own session. In
   * direct mode, it waits for the connection only.
   *
   * @throws CrossAccountDynamoError `ASSUME_ROLE_DENIED`, `ASSUME_ROLE_REJECTED`, `STS_THROTTLED`, `STS_UNAVAILABLE` or
   * `STS_TIMEOUT` if the role cannot be assumed.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
   *
   * @example
   * ```ts
   * import { crossAccountDynamo } from 'middy-cross-account-dynamo'
   *
   * export const dynamo = crossAccountDynamo()
   * await dynamo.ready()
   * ```
   */
  ready(): Promise<void>

  /**
   * Resolves to the client for one part of an event, such as one record of a batch. It calls the `session` function with the
   * event and the context that you pass. If another request or invocation has the same session parameters, both use the same
   * session and client. Without a `session` function, it resolves to the client that all invocations share.
   *
   * It waits for credentials for at most the invocation's remaining time, less a reserve for the response. If the context has
   * no `getRemainingTimeInMillis`, it waits for at most 5 seconds.
   *
   * @throws CrossAccountDynamoError `SESSION_IDENTITY_MISSING` if the `session` function throws, times out or returns no valid
   * session. `CONFIG_INVALID` if `awsClientCapture` fails or no request is passed. `ASSUME_ROLE_DENIED`,
   * `ASSUME_ROLE_REJECTED`, `STS_THROTTLED`, `STS_UNAVAILABLE` or `STS_TIMEOUT` if the role cannot be assumed.
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
  ): Promise<ContextClient<Document>>
}

/**
 * The middy middleware that {@link crossAccountDynamo} returns, with the additional methods `ready` and `clientFor`.
 *
 * `Key` is the `contextKey`, and `Document` is `documentClient`. `Event` is the event that the `session` function declares, and
 * `Result` is what it returns. Without a `session` function, `Result` is `never`, and the middleware has a `client`.
 *
 * @example
 * ```ts
 * import type { CrossAccountDynamoMiddleware } from 'middy-cross-account-dynamo'
 *
 * // Accepts any middleware of this package.
 * export const warm = <Key extends string, Document extends boolean, Event>(
 *   middleware: CrossAccountDynamoMiddleware<Key, Document, Event>,
 * ) => middleware.ready()
 *
 * // Accepts a middleware that has a `client`.
 * export const readRegion = ({ client }: CrossAccountDynamoMiddleware<'dynamo', true, unknown, never>) =>
 *   client.config.region()
 * ```
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
  CrossAccountDynamoContext<Key, ContextClient<Document>>,
  Record<Key, CredentialProvider>
> &
  MiddlewareMethods<Document, Event> &
  ClientProperty<Document, Result>

/**
 * Creates a middleware that gives a handler a DynamoDB client for tables in another account.
 *
 * The client is at `context.dynamo`, or at the `contextKey` that you set. It uses credentials of the target role, which
 * the middleware refreshes before they expire.
 *
 * `request.internal` contains the credential provider under the same key, for the `awsClientAssumeRole` option of other
 * middlewares. With a `session` function, this provider always rejects with `CONFIG_INVALID`, because other middlewares keep
 * the client of the first invocation for all later invocations.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if an option or an environment variable is invalid. The error lists all
 * problems. An invocation fails with `SESSION_IDENTITY_MISSING` if the `session` function returns no valid session, with
 * `CONFIG_INVALID` if the client cannot be set on the context, and with one of the remaining codes if there are no valid
 * credentials and the role cannot be assumed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html
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
  /** The session that all invocations share. `undefined` with a `session` function, because each invocation has its own session. */
  const sharedSession = parameters && findOrOpenSession(parameters)
  const credentialProvider = sharedSession?.session.credentials ?? createRefusingProvider(contextKey)
  rejectUseAsClient(credentialProvider, contextKey)
  const attachToContext = sharedSession === undefined ? attachSessionClient : attachClient
  const warmUp = createWarmUpFor(configuration, clients, sharedSession)

  /** Waits for credentials and the connection. Returns `undefined` if there is nothing to wait for, as in warm invocations. */
  const waitUntilReady = (
    invocationSession: InvocationSession,
    deadline?: Deadline,
  ): Promise<void> | undefined => {
    const pendingCredentials = invocationSession.session.ensureCredentials(deadline)
    // The connection opens while STS responds, so that the first request to DynamoDB does not wait for it.
    if (pendingCredentials !== undefined) warmUp.start(invocationSession.accountId, pendingCredentials)
    const pendingConnection = warmUp.waitUntilSettled(invocationSession.accountId, deadline)
    if (pendingCredentials === undefined && pendingConnection === undefined) return undefined
    return Promise.all([pendingCredentials, pendingConnection]).then(() => {})
  }

  /** Attaches the client and the credential provider to the invocation, and waits until the session is ready. */
  const startInvocation = (
    request: middy.Request,
    invocationSession: InvocationSession,
  ): Promise<void> | undefined => {
    const internal: Record<string, unknown> = request.internal
    const storedValue = internal[contextKey]
    // In middy 6, all invocations of a handler share the `internal` object of its configuration, so it can already contain this provider.
    if (
      storedValue !== undefined &&
      storedValue !== credentialProvider &&
      Object.hasOwn(internal, contextKey)
    )
      throw keyInUseError(contextKey)
    // The copy of a context can lack properties that are not enumerable, so read the remaining time from the original context.
    const deadline = request.context
    attachToContext(request, contextKey, invocationSession.client)
    internal[contextKey] = credentialProvider
    return waitUntilReady(invocationSession, deadline)
  }

  /**
   * Determines the session of this invocation with the `session` function, and starts the invocation. If either step fails,
   * removes the client from `request.context`, even if another invocation set it.
   */
  const resolveSessionAndStart = (request: middy.Request): Promise<void> | undefined => {
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
    sharedSession === undefined ? resolveSessionAndStart(request) : startInvocation(request, sharedSession)

  const ready = async (): Promise<void> => {
    const pendingCredentials = sharedSession?.session.ensureCredentials()
    warmUp.start(accountId, pendingCredentials)
    await Promise.all([pendingCredentials, warmUp.waitUntilSettled(accountId)])
  }

  const clientFor: MiddlewareMethods<Document, Event>['clientFor'] = async (request) => {
    if (typeof request !== 'object' || request === null) throw missingRequestError()
    const { event, context, internal = {} } = request
    const middyRequest = { event, context, internal, response: undefined, error: undefined }
    const invocationSession = sharedSession ?? findOrOpenSession(await resolveParameters(middyRequest))
    await waitUntilReady(invocationSession, context)
    return invocationSession.client as ContextClient<Document>
  }

  if (configuration.ignoredOptions.length > 0) warnOfIgnoredOptions(configuration)
  if (!configuration.disablePrefetch) {
    const prefetched = sharedSession?.session.prefetch()
    // If the prefetch fails, the first invocation tries again and reports the error.
    prefetched?.catch(() => {})
    warmUp.start(accountId, prefetched)
  }

  const middleware = { before: crossAccountDynamoMiddlewareBefore, ready, clientFor }
  const client: PropertyDescriptor =
    sharedSession === undefined
      ? {
          get: () => {
            throw noSharedClientError()
          },
          // Code that copies the middleware must not run the accessor.
          enumerable: false,
        }
      : { value: sharedSession.client, enumerable: true }
  return Object.defineProperty(middleware, 'client', client) as CrossAccountDynamoMiddleware<
    Key,
    Document,
    Event,
    Result
  >
}

/** The session of an invocation: a session of an assumed role, or the function's own credentials in direct mode. */
type InvocationSession = OpenSession<CredentialSource>

/** Creates a function that returns the session of these parameters. In direct mode, it always returns the same session. */
const createSessionFinder = (
  configuration: Configuration,
  clients: Clients,
): ((parameters: SessionParameters) => InvocationSession) => {
  if (!configuration.isDirectMode)
    return createSessionStore(configuration, createAssumeRoleFactory(configuration), clients)
  const { client, credentials } = clients.openDirect()
  const session: CredentialSource = {
    ensureCredentials: () => undefined,
    prefetch: async () => {},
    credentials,
  }
  const directSession = { client, session, accountId: undefined }
  return () => directSession
}

const createWarmUpFor = (
  { isDirectMode, accountId }: Configuration,
  clients: Clients,
  sharedSession: InvocationSession | undefined,
): WarmUp => {
  // Only the session function returns the role, so the account of the requests is not known before an invocation.
  if (!isDirectMode && accountId === undefined) return NO_WARM_UP
  return createWarmUp(sharedSession?.client ?? clients.openWithoutCredentials(), accountId)
}

const warnOfIgnoredOptions = ({ contextKey, ignoredOptions }: Configuration): void =>
  process.emitWarning(
    `crossAccountDynamo() for context.${contextKey} is in direct mode, because roleArn is false or none. It checks these options, but ` +
      `assumes no role, so they do not restrict the client: ${formatList(ignoredOptions)}. In Lambda, they cause CONFIG_INVALID.`,
    { type: 'CrossAccountDynamoWarning', code: 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE' },
  )

const missingRequestError = (): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    'clientFor() was called without a request. Pass the event and the context: clientFor({ event, context }).',
  )

const keyInUseError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `context.${contextKey} cannot be set, because request.internal.${contextKey} already contains a value, for example of another ` +
      'middleware. Set the contextKey of each crossAccountDynamo() to a name that no other middleware uses.',
  )

const noSharedClientError = (): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    'the property client is not available with a session function, because the client depends on the invocation. Use the client ' +
      'on the context, or clientFor({ event, context }).',
  )

/**
 * Makes code that uses the credential provider as the client fail with an error that names the cause. A middleware that copies
 * all of `request.internal` to the context replaces the client with the provider, because both have the same key.
 */
const rejectUseAsClient = (credentialProvider: CredentialProvider, contextKey: string): void => {
  const property = {
    get: () => {
      throw providerOnContextError(contextKey)
    },
    configurable: true,
  }
  // Handlers call `send`. Libraries that wrap a client read its `config`.
  Object.defineProperties(credentialProvider, { send: property, config: property })
}

const providerOnContextError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `the credential provider at request.internal.${contextKey} was used as a client. If context.${contextKey} is this provider, another ` +
      'middleware copied all values of request.internal to the context, for example with Object.assign(request.context, await ' +
      "getInternal(true, request)). Copy only the values that the handler needs: getInternal(['name'], request).",
  )

/**
 * Creates a provider that always rejects. It is on `request.internal` if there is a `session` function. Other middlewares,
 * including middy's own, create one client and keep it. That client would use the first tenant's credentials in all later
 * invocations.
 */
const createRefusingProvider = (contextKey: string): CredentialProvider =>
  createCredentialProvider(() =>
    Promise.reject(
      new CrossAccountDynamoError(
        'CONFIG_INVALID',
        `the credentials of context.${contextKey} depend on the invocation, because of the session function. Another middleware ` +
          "would keep the first invocation's credentials for all later invocations. Remove " +
          `awsClientAssumeRole: '${contextKey}' from that middleware.`,
      ),
    ),
  )
