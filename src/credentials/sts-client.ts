/** Creates the STS clients, one for each Region. */
import { type AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import { createRedactingHandler } from '../request-handler.ts'

/** The maximum size of a response, in bytes. A response of AssumeRole has a few kilobytes. */
const MAX_RESPONSE_BYTES = 2 ** 20
/** The timeouts of STS requests, in milliseconds. STS normally responds in well under a second. */
export const STS_LIMITS = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true }

/** Adds the caller's access key ID and session token to `secrets` when a request is sent. Errors must not quote them. */
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
  /** Returns the client of a Region, and creates it on first use. All clients share one request handler. */
  readonly get: (region: string) => STSClient
  /**
   * Discards all clients after the caller's credentials of one client have expired, so that new clients read the
   * credentials again. The SDK keeps credentials from the environment for the lifetime of a client. Returns `false` if
   * `stsClientOptions.credentials` are static.
   */
  readonly renew: (region: string, expired: STSClient | undefined) => boolean
}

export const createStsClients = ({ stsClientOptions }: Configuration): StsClients => {
  const clients = new Map<string, STSClient>()
  let requestHandler: STSClient['config']['requestHandler'] | undefined

  const create = (region: string): STSClient => {
    const client = new STSClient({
      requestHandler: STS_LIMITS,
      ...stsClientOptions,
      ...(requestHandler !== undefined && { requestHandler }),
      region,
      // The AssumeRole call itself retries, across Regions.
      maxAttempts: 1,
    })
    requestHandler ??= createRedactingHandler(client.config.requestHandler, MAX_RESPONSE_BYTES)
    client.config.requestHandler = requestHandler
    clients.set(region, client)
    return client
  }

  return {
    get: (region) => clients.get(region) ?? create(region),
    renew: (region, expired) => {
      if (typeof stsClientOptions.credentials === 'object') return false
      // A concurrent call may already have replaced the clients.
      if (clients.get(region) === expired) clients.clear()
      return true
    },
  }
}
