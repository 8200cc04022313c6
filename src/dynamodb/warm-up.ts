/** Opens a connection to DynamoDB before the first request needs it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Deadline, patience, within } from '../deadline.ts'
import type { RequestHandler } from '../request-handler.ts'

/** The timeout of the warm-up, in milliseconds. If it takes longer, the first request opens a connection itself. */
const TIMEOUT_MS = 1000

export interface WarmUp {
  /** Starts to open the connection, unless it was already started. */
  readonly start: () => void
  /**
   * Returns a promise until the connection is open or has failed, and `undefined` from then on. The promise settles within
   * the deadline and never rejects.
   */
  readonly settled: (deadline?: Deadline) => Promise<void> | undefined
}

/** A warm-up that does nothing, for a middleware whose account, and so its endpoint, is unknown before an invocation. */
export const NO_WARM_UP: WarmUp = { start: () => {}, settled: () => undefined }

/** Creates a warm-up that opens the connection once, at the first call of either method. */
export const createWarmUp = (client: Pick<DynamoDBClient, 'config'>, accountId: string): WarmUp => {
  let opening: Promise<void> | undefined
  let isSettled = false
  const start = (): void => {
    opening ??= openConnection(client.config, accountId).then(() => {
      isSettled = true
    })
  }
  return {
    start,
    settled: (deadline) => {
      if (isSettled) return undefined
      start()
      // A timeout does not fail the invocation, because the first request can open a connection itself.
      return within(patience(deadline), Promise.resolve(opening), () => new Error('late')).catch(() => {})
    },
  }
}

/**
 * Sends an unsigned `GET /` to the endpoint of an account's requests. DynamoDB responds with a one-line health status.
 * The request is not a command of the SDK, so tracers, mocks and the client's logger do not record it. Resolves within a
 * second, even if the connection fails.
 */
const openConnection = async (config: DynamoDBClient['config'], accountId: string): Promise<void> => {
  try {
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
    const response = config.requestHandler.handle(request as Parameters<RequestHandler['handle']>[0], {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    })
    // A custom request handler may ignore the signal.
    await within(TIMEOUT_MS, response, () => new Error('late'))
  } catch {
    // If the problem persists, the first request reports it.
  }
}

/** Resolves the endpoint as the SDK does for a command: custom, configured, account-based, FIPS or dual-stack. */
const resolveEndpoint = async (config: DynamoDBClient['config'], accountId: string): Promise<URL> => {
  const Endpoint = await customEndpoint(config)
  const AccountIdEndpointMode = await config.accountIdEndpointMode()
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseFIPS: await config.useFipsEndpoint(),
    UseDualStack: await config.useDualstackEndpoint(),
    AccountId: accountId,
    AccountIdEndpointMode,
    ...(Endpoint !== undefined && { Endpoint }),
  })
  return url
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
