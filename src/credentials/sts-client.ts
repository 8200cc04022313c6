/** The STS clients, one for each Region. */
import { type AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Configuration } from '../configuration/configuration.ts'
import { createRedactingHandler } from '../request-handler.ts'

/** An answer of AssumeRole has a few kilobytes. */
const MAX_ANSWER_BYTES = 2 ** 20
/** A healthy STS answers in well under a second, so a longer wait is a fault. In milliseconds. */
export const STS_LIMITS = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true }

/** Collects the caller's access key ID and session token from a request, so that an error never quotes them. */
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
  /** The client of a Region, created when it is first needed. All clients share one request handler. */
  readonly get: (region: string) => STSClient
  /**
   * Drops all clients after one whose caller's credentials have expired, so that the next ones read them again: the SDK
   * keeps those of the environment for the lifetime of a client. Returns `false` if the credentials are fixed.
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
      // Attempts are counted here, across Regions.
      maxAttempts: 1,
    })
    requestHandler ??= createRedactingHandler(client.config.requestHandler, MAX_ANSWER_BYTES)
    client.config.requestHandler = requestHandler
    clients.set(region, client)
    return client
  }

  return {
    get: (region) => clients.get(region) ?? create(region),
    renew: (region, expired) => {
      if (typeof stsClientOptions.credentials === 'object') return false
      // A concurrent call may have replaced them already.
      if (clients.get(region) === expired) clients.clear()
      return true
    },
  }
}
