/** Opens a connection to DynamoDB before the first request needs it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Deadline, waitBudgetMs, withTimeout } from '../deadline.ts'
import type { RequestHandler } from '../request-handler.ts'

/** The timeout of the warm-up, in milliseconds. If it takes longer, the first request opens a connection itself. */
const TIMEOUT_MS = 1000

export interface WarmUp {
  /** Starts to open the connection, unless it was already started or is not one to this account's endpoint. */
  readonly start: (accountId: string | undefined) => void
  /**
   * Returns a promise until a started connection to this account's endpoint is open or has failed, and `undefined` otherwise.
   * The promise settles within the deadline and never rejects.
   */
  readonly settled: (accountId: string | undefined, deadline?: Deadline) => Promise<void> | undefined
}

/** A warm-up that does nothing, for a middleware whose account, and so its endpoint, is unknown before an invocation. */
export const NO_WARM_UP: WarmUp = { start: () => {}, settled: () => undefined }

/**
 * Creates a warm-up that opens the connection once.
 *
 * @param accountId the account of the requests. If omitted, that of the client's credentials
 */
export const createWarmUp = (client: Pick<DynamoDBClient, 'config'>, accountId?: string): WarmUp => {
  let isStarted = false
  let opening: Promise<void> | undefined
  return {
    start: (ofAccount) => {
      if (isStarted || ofAccount !== accountId) return
      isStarted = true
      opening = settleWithin(TIMEOUT_MS, openConnection(client.config, accountId)).then(() => {
        opening = undefined
      })
    },
    settled: (ofAccount, deadline) =>
      opening !== undefined && ofAccount === accountId
        ? settleWithin(waitBudgetMs(deadline), opening)
        : undefined,
  }
}

/** Resolves when the promise settles, or after the given time. The first request can open a connection itself. */
const settleWithin = (milliseconds: number, promise: Promise<void>): Promise<void> =>
  withTimeout(promise, milliseconds, () => new Error('the connection did not open in time')).catch(() => {})

/**
 * Sends an unsigned `GET /` to the endpoint of an account's requests. DynamoDB responds with a one-line health status.
 * The request is not a command of the SDK, so tracers, mocks and the client's logger do not record it. If it fails, and the
 * problem persists, the first request reports it.
 */
const openConnection = async (config: DynamoDBClient['config'], accountId?: string): Promise<void> => {
  const { protocol, hostname, port, host } = await resolveEndpoint(config, accountId)
  const request = {
    method: 'GET',
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: '/',
    query: {},
    headers: { host },
  }
  await config.requestHandler.handle(request as Parameters<RequestHandler['handle']>[0], {
    abortSignal: AbortSignal.timeout(TIMEOUT_MS),
  })
}

/** Resolves the endpoint as the SDK does for a command: custom, configured, account-based, FIPS or dual-stack. */
const resolveEndpoint = async (config: DynamoDBClient['config'], accountId?: string): Promise<URL> => {
  const Endpoint = await customEndpoint(config)
  const AccountIdEndpointMode = await config.accountIdEndpointMode()
  const AccountId = accountId ?? (Endpoint === undefined ? await findAccountId(config) : undefined)
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseFIPS: await config.useFipsEndpoint(),
    UseDualStack: await config.useDualstackEndpoint(),
    AccountIdEndpointMode,
    ...(AccountId !== undefined && { AccountId }),
    ...(Endpoint !== undefined && { Endpoint }),
  })
  return url
}

/** Returns the account of the client's credentials. The Regional endpoint serves requests without one. */
const findAccountId = async (config: DynamoDBClient['config']): Promise<string | undefined> => {
  try {
    return (await config.credentials()).accountId
  } catch {
    return undefined
  }
}

/**
 * Returns the endpoint of `awsClientOptions`, else the endpoint of `AWS_ENDPOINT_URL_DYNAMODB` or of the SDK's
 * configuration files. Returns `undefined` if none is set.
 */
const customEndpoint = async (config: DynamoDBClient['config']): Promise<string | undefined> => {
  const endpoint = await config.endpoint?.()
  if (endpoint === undefined)
    return config.ignoreConfiguredEndpointUrls ? undefined : config.serviceConfiguredEndpoint?.()
  const { protocol, hostname, port, path } = endpoint
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`
}
