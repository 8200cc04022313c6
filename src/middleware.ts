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

/** The client that the context holds: a plain one with `documentClient: false`. */
type ClientOf<Document extends boolean> = Document extends false ? DynamoDBClient : DynamoDBDocumentClient

/**
 * A handler's context behind {@link crossAccountDynamo}, for handlers that are typed by themselves.
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

/** What {@link crossAccountDynamo} makes: a middy middleware with one method more. */
export interface CrossAccountDynamoMiddleware<
  Key extends string = 'dynamo',
  Document extends boolean = true,
  // biome-ignore lint/suspicious/noExplicitAny: any event; unknown would refuse a handler that says what its event is
  Event = any,
> extends middy.MiddlewareObj<
    Event,
    // biome-ignore lint/suspicious/noExplicitAny: any response, as middy's own middlewares have it
    any,
    Error,
    CrossAccountDynamoContext<Key, ClientOf<Document>>,
    Record<Key, CredentialProvider>
  > {
  /**
   * Resolves when there are credentials and a connection; to be awaited at top level, with provisioned concurrency
   * for instance, so that the first invocation waits for nothing.
   *
   * @throws CrossAccountDynamoError when the role could not be assumed.
   */
  ready(): Promise<void>

  /**
   * The client for another request than the invocation's own, such as one record of a batch: the resolvers are asked
   * with that event, and the session comes from the same store.
   *
   * @throws CrossAccountDynamoError when there is no identity, or its role could not be assumed.
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
 * Gives a handler a DynamoDB client for a table in another account.
 *
 * The client is at `context.dynamo` (or at `contextKey`), with credentials of the target role that are refreshed
 * before they end. `request.internal` holds their provider under the same key, for other middlewares'
 * `awsClientAssumeRole`; with resolvers, one that refuses, since such middlewares keep the first client for all.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` at once, naming everything that is wrong; the other codes from an
 * invocation that finds no credentials and cannot get any.
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
  // biome-ignore lint/suspicious/noExplicitAny: as above
  Event = any,
>(
  options: CrossAccountDynamoOptions<Key, Document, Event> = {},
): CrossAccountDynamoMiddleware<Key, Document, Event> => {
  const configuration = readConfiguration(options, process.env)
  const { parameters, resolveParameters, accountId } = configuration
  const contextKey = configuration.contextKey as Key
  const clients = createClients(configuration)
  const sessionOf = createSessionStore(configuration, createAssumeRole(configuration), clients)
  /** The session of all invocations, unless resolvers decide. */
  const sharedSession = parameters && sessionOf(parameters)
  // Opened while STS answers, so that the first request finds a connection instead of waiting for one.
  const warmUp =
    accountId === undefined
      ? NO_WARM_UP
      : createWarmUp(sharedSession?.client ?? clients.openWithoutCredentials(), accountId)

  /** Returns `undefined` if the invocation can start at once, as warm invocations do. */
  const waitUntilReady = (session: Session | undefined, deadline?: Deadline): Promise<void> | undefined => {
    const credentials = session?.ready(deadline)
    const connection = warmUp.settled(deadline)
    if (credentials === undefined && connection === undefined) return undefined
    return Promise.all([credentials, connection]).then(() => {})
  }

  /** Gives the invocation the client of its session. */
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
    const start = (own: SessionParameters): Promise<void> | undefined =>
      startInvocation(request, sessionOf(own), refusingProvider, attachSessionClient)
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
    // The first invocation tries again, and reports.
    sharedSession?.session.prefetch().catch(() => {})
  }

  return {
    before:
      sharedSession === undefined
        ? startResolvedInvocation
        : (request) =>
            startInvocation(request, sharedSession, sharedSession.session.credentials, attachClient),
    ready: async () => waitUntilReady(sharedSession?.session),
    clientFor: async ({ event, context, internal = {} }) => {
      const request = { event, context, internal, response: undefined, error: undefined }
      const { session, client } = sharedSession ?? sessionOf(await resolveParameters(request))
      await waitUntilReady(session, context)
      return client as ClientOf<Document>
    },
  }
}

/** The providers that this package puts on `request.internal`, to find two middlewares that use the same key. */
const ownProviders = new WeakSet<object>()

const isOwnProvider = (value: unknown): boolean => typeof value === 'function' && ownProviders.has(value)

const duplicateContextKeyError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `another crossAccountDynamo() of this handler has put its client at context.${contextKey}: give one of the two another contextKey`,
  )

/**
 * The provider at `request.internal` where each invocation has a session of its own. Other middlewares, middy's own
 * included, create one client and keep it: it would use the first tenant's credentials for all later invocations.
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
