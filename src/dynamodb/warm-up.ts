/** Opens a connection to DynamoDB before the first request needs it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Deadline, getWaitBudgetMs, withTimeout } from '../deadline.ts'
import type { RequestHandler } from '../request-handler.ts'

/** The timeout of the request that opens the connection, in milliseconds. After a timeout, the first request opens a connection itself. */
const TIMEOUT_MS = 1000
/**
 * The longest delay of a connection that opens during an AssumeRole call, in milliseconds. The first request waits for STS, so the
 * code that opens the connection must not delay the code that sends the request to STS.
 */
const STS_HEAD_START_MS = 40

export interface WarmUp {
  /**
   * Opens the connection, once: during the AssumeRole call `stsCall`, or immediately if there is none. If the warm-up is for another
   * account, does nothing.
   */
  readonly start: (accountId: string | undefined, stsCall?: Promise<void>) => void
  /**
   * Waits until the connection is open or has failed. Returns `undefined` if no connection to this account's endpoint is being
   * opened. Otherwise returns a promise that resolves within the deadline and never rejects.
   */
  readonly waitUntilSettled: (accountId: string | undefined, deadline?: Deadline) => Promise<void> | undefined
}

/** A warm-up that does nothing. It is used if the account, which determines the endpoint, is not known before an invocation. */
export const NO_WARM_UP: WarmUp = { start: () => {}, waitUntilSettled: () => undefined }

/**
 * Creates a warm-up that opens one connection.
 *
 * @param client the client whose endpoint and request handler are used
 * @param accountId the account of the requests. If it is omitted, the account of the client's credentials is used
 */
export const createWarmUp = (client: Pick<DynamoDBClient, 'config'>, accountId?: string): WarmUp => {
  let isStarted = false
  let pendingConnection: Promise<void> | undefined
  return {
    start: (requestedAccountId, stsCall) => {
      if (isStarted || requestedAccountId !== accountId) return
      isStarted = true
      const open = async (): Promise<void> => {
        // Read the configuration now, because environment variables can change during the delay, for example in tests.
        const endpoint = resolveEndpoint(client.config, accountId)
        // It can reject during the delay. openConnection() handles the rejection.
        endpoint.catch(() => {})
        if (stsCall !== undefined) await resolveWithin(STS_HEAD_START_MS, stsCall)
        await resolveWithin(TIMEOUT_MS, openConnection(client.config.requestHandler, endpoint))
      }
      pendingConnection = open().then(() => {
        pendingConnection = undefined
      })
    },
    waitUntilSettled: (requestedAccountId, deadline) =>
      pendingConnection !== undefined && requestedAccountId === accountId
        ? resolveWithin(getWaitBudgetMs(deadline), pendingConnection)
        : undefined,
  }
}

/** Resolves when the promise settles, or after `timeoutMs` milliseconds. Never rejects. */
const resolveWithin = (timeoutMs: number, promise: Promise<void>): Promise<void> =>
  withTimeout(promise, timeoutMs, () => new Error('timeout')).catch(() => {})

/**
 * Sends an unsigned `GET /` to the endpoint of an account's requests. DynamoDB responds with a one-line health status.
 * The request is not a command of the SDK, so tracers, mocks and the client's logger do not record it. A failure is not
 * reported here. If the problem persists, the first request to DynamoDB reports it.
 */
const openConnection = async (requestHandler: RequestHandler, endpoint: Promise<URL>): Promise<void> => {
  const { protocol, hostname, port, host } = await endpoint
  const request = {
    method: 'GET',
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: '/',
    query: {},
    headers: { host },
  }
  await requestHandler.handle(request as Parameters<RequestHandler['handle']>[0], {
    abortSignal: AbortSignal.timeout(TIMEOUT_MS),
  })
}

/**
 * Resolves the endpoint as the SDK does for a command: custom, configured, account-based, FIPS or dual-stack.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-account-endpoints.html
 */
const resolveEndpoint = async (config: DynamoDBClient['config'], accountId?: string): Promise<URL> => {
  const Endpoint = await findCustomEndpoint(config)
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

/** Returns the account of the client's credentials. Without an account, the SDK uses the Regional endpoint. */
const findAccountId = async (config: DynamoDBClient['config']): Promise<string | undefined> => {
  try {
    return (await config.credentials()).accountId
  } catch {
    return undefined
  }
}

/**
 * Returns the endpoint of `awsClientOptions`. If it is not set, returns the endpoint of `AWS_ENDPOINT_URL_DYNAMODB`,
 * `AWS_ENDPOINT_URL` or the SDK's configuration files, or `undefined` if none is set.
 */
const findCustomEndpoint = async (config: DynamoDBClient['config']): Promise<string | undefined> => {
  const endpoint = await config.endpoint?.()
  if (endpoint === undefined)
    return config.ignoreConfiguredEndpointUrls ? undefined : config.serviceConfiguredEndpoint?.()
  const { protocol, hostname, port, path } = endpoint
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`
}
