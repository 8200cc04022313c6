/** Creates the STS clients, one for each Region. */
import { type AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import { createRedactingHandler } from '../request-handler.ts'

/** The maximum size of a response, in bytes. A response of AssumeRole has a few kilobytes. */
const MAX_RESPONSE_BYTES = 2 ** 20
/** The timeouts of STS requests, in milliseconds. STS usually responds in less than a second. */
export const STS_LIMITS = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true }

/** When the command is sent, adds the caller's access key ID and session token to `secrets`. Error messages must not quote them. */
export const collectSecrets = (command: AssumeRoleCommand, secrets: string[]): void =>
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers = {} } = args.request as { readonly headers?: Readonly<Record<string, string>> }
      const { authorization = '', 'x-amz-security-token': token = '' } = headers
      const { accessKeyId = '' } = /Credential=(?<accessKeyId>\w+)/.exec(authorization)?.groups ?? {}
      secrets.push(token, accessKeyId)
      return next(args)
    },
    { step: 'deserialize', name: 'collectSecrets' },
  )

export interface StsClients {
  /** Returns the client of a Region. Creates it on first use. All clients share one request handler. */
  readonly get: (region: string) => STSClient
  /**
   * Discards all clients, so that the next client reads the caller's credentials again. Call it when STS reports that the
   * credentials of `expiredClient` have expired. The SDK keeps credentials from the environment for the lifetime of a client.
   *
   * Returns `false` if `stsClientOptions.credentials` is an object, because another client would use the same credentials.
   */
  readonly reloadCallerCredentials: (region: string, expiredClient: STSClient | undefined) => boolean
}

export const createStsClients = ({ stsClientOptions }: Configuration): StsClients => {
  const clients = new Map<string, STSClient>()
  let requestHandler: STSClient['config']['requestHandler'] | undefined

  const create = (region: string): STSClient => {
    const client = new STSClient({
      // createAssumeRoleFactory limits the duration of a request instead of the SDK, whose timeout ends when the headers of the response
      // arrive, and expires while Lambda freezes the environment.
      requestHandler: { connectionTimeout: STS_LIMITS.connectionTimeout },
      ...stsClientOptions,
      ...(requestHandler !== undefined && { requestHandler }),
      region,
      // createAssumeRoleFactory retries instead of the SDK, because its attempts can be in different Regions.
      maxAttempts: 1,
    })
    requestHandler ??= createRedactingHandler(client.config.requestHandler, MAX_RESPONSE_BYTES)
    client.config.requestHandler = requestHandler
    clients.set(region, client)
    return client
  }

  return {
    get: (region) => clients.get(region) ?? create(region),
    reloadCallerCredentials: (region, expiredClient) => {
      if (typeof stsClientOptions.credentials === 'object') return false
      // A concurrent call may already have replaced the clients.
      if (clients.get(region) === expiredClient) clients.clear()
      return true
    },
  }
}
