/** The STS call. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { assumeRoleError } from './errors.ts'
import type { Configuration } from './options.ts'
import { assumeRoleInput } from './session-identity.ts'

/** What one AssumeRole returned, in the SDK's words. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
  /** The target's account: the SDK sends requests to that account's own DynamoDB endpoint. */
  readonly accountId: string
}

/** Assumes the role once. Rejects with a `CrossAccountDynamoError`, and with nothing else. */
export type AssumeRole = () => Promise<Credentials>

/** A healthy STS answers in well under a second; whoever waits for longer waits for a fault. */
const CONNECTION_TIMEOUT_MS = 1000
const REQUEST_TIMEOUT_MS = 3000
const ATTEMPTS = 3

export const createAssumeRole = (configuration: Configuration): AssumeRole => {
  const { identity, accountId, stsRegion, stsClientOptions } = configuration
  const sts = new STSClient({
    region: stsRegion,
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...stsClientOptions,
  })
  const input = assumeRoleInput(identity)
  return async () => {
    try {
      const { Credentials: issued } = await sts.send(new AssumeRoleCommand(input))
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = issued ?? {}
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || !(Number(Expiration) > 0)) {
        throw new Error('the answer holds no complete credentials')
      }
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration as Date,
        accountId,
      }
    } catch (error) {
      throw assumeRoleError(error, identity)
    }
  }
}
