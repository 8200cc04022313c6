/** Opens a connection to DynamoDB before the first request needs it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Deadline, patience, within } from '../deadline.ts'
import type { RequestHandler } from '../request-handler.ts'

/** An early connection is optional: if it takes longer than this, the first request opens its own. */
const TIMEOUT_MS = 1000

export interface WarmUp {
  /** Starts to open the connection, unless that has been done. */
  readonly start: () => void
  /** A promise until the connection is open or has failed, and `undefined` from then on. Never rejects. */
  readonly settled: (deadline?: Deadline) => Promise<void> | undefined
}

/** For a middleware that does not know the account, and so the endpoint, before the first invocation. */
export const NO_WARM_UP: WarmUp = { start: () => {}, settled: () => undefined }

/** Opens the connection once, at the first call of either method. */
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
      // A connection that is late is no reason to fail: the first request opens its own.
      return within(patience(deadline), Promise.resolve(opening), () => new Error('late')).catch(() => {})
    },
  }
}

/**
 * Sends an unsigned `GET /` to the endpoint that the requests of an account will go to, which DynamoDB answers with a
 * line of health. It is no command of the SDK, so tracers, mocks and the client's logger do not see it. Resolves within
 * a second, whether there is a connection or not.
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
    const answer = config.requestHandler.handle(request as Parameters<RequestHandler['handle']>[0], {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    })
    // A request handler of the user's own may ignore the signal.
    await within(TIMEOUT_MS, answer, () => new Error('late'))
  } catch {
    // The first request reports what is wrong, if it still is.
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

/** The endpoint of `awsClientOptions`, else that of `AWS_ENDPOINT_URL_DYNAMODB` or of the SDK's configuration files. */
const customEndpoint = async (config: DynamoDBClient['config']): Promise<string | undefined> => {
  const endpoint = await config.endpoint?.()
  if (endpoint === undefined)
    return config.ignoreConfiguredEndpointUrls ? undefined : config.serviceConfiguredEndpoint?.()
  const { protocol, hostname, port, path } = endpoint
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`
}
