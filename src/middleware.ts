import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type middy from '@middy/core'
import { createAssumeRole, longestFlight } from './assume-role.ts'
import { createClient } from './client.ts'
import { createClock } from './clock.ts'
import { type Deadline, patience, within } from './deadline.ts'
import { harmless } from './logger.ts'
import { type CrossAccountDynamoOptions, readConfiguration } from './options.ts'
import { type CredentialProvider, createSession } from './session.ts'

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
export interface CrossAccountDynamoMiddleware<Key extends string = 'dynamo', Document extends boolean = true>
  extends middy.MiddlewareObj<
    // biome-ignore lint/suspicious/noExplicitAny: any event; unknown would refuse a handler that says what its event is
    any,
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
}

/**
 * Gives a handler a DynamoDB client for a table in another account.
 *
 * The client is at `context.dynamo` (or at `contextKey`), with credentials of the target role that are refreshed
 * before they end. `request.internal` holds their provider under the same key, for other middlewares'
 * `awsClientAssumeRole`.
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
>(
  options: CrossAccountDynamoOptions<Key, Document> = {},
): CrossAccountDynamoMiddleware<Key, Document> => {
  const configuration = readConfiguration(options, process.env)
  const { identity, refreshBefore, logger } = configuration
  const clock = createClock()
  const assumeRole = createAssumeRole(configuration, clock)
  const session = createSession({
    roleArn: identity.roleArn,
    refreshBefore,
    assumeRole,
    longestFlight: longestFlight(configuration),
    clock,
    logger: harmless(logger),
  })
  const { client, openConnection } = createClient(configuration, session, clock)
  const contextKey = configuration.contextKey as Key

  // Opened while STS answers, so that the first request finds a connection instead of waiting for one.
  let opening: Promise<void> | undefined
  let connected = false
  const withConnection = async (
    credentials: Promise<void> | undefined,
    deadline?: Deadline,
  ): Promise<void> => {
    opening ??= openConnection().then(() => {
      connected = true
    })
    // Without it the first request opens its own: it is no reason to fail, or to be late.
    const connection = within(patience(deadline), opening, () => new Error()).catch(() => {})
    await Promise.all([credentials, connection])
  }
  const prepare = (deadline?: Deadline): Promise<void> | undefined => {
    const credentials = session.ready(deadline)
    return credentials === undefined && connected ? undefined : withConnection(credentials, deadline)
  }

  if (!configuration.disablePrefetch) {
    // The first invocation tries again, and reports.
    withConnection(session.prefetch()).catch(() => {})
  }

  return {
    before: (request) => {
      const context = request.context as Record<Key, unknown>
      request.internal[contextKey] = session.credentials
      const waiting = prepare(request.context)
      context[contextKey] = client
      // middy waits for a promise and for nothing else: a warm invocation makes none.
      return waiting
    },
    ready: async () => prepare(),
  }
}
