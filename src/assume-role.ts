/** The STS call: attempts, Regions, tracing. */
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Clock } from './clock.ts'
import {
  assumeRoleError,
  type CrossAccountDynamoError,
  isCallerExpired,
  isRefusedByRegion,
  isWorthAnotherAttempt,
} from './errors.ts'
import { parseRoleArn } from './limits.ts'
import type { Configuration } from './options.ts'
import { createRedactingHandler } from './request-handler.ts'
import { assumeRoleInput, type SessionIdentity } from './session-identity.ts'

/** What one AssumeRole returned, in the SDK's words. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
  /** The target's account: the SDK sends requests to that account's own DynamoDB endpoint. */
  readonly accountId: string
}

/**
 * Why the role is assumed: before the first invocation, in it, ahead of the expiration, near or past it, because
 * DynamoDB rejected the token, or because a policy explicitly denied a request of an older session.
 */
export type AssumeRoleReason = 'prefetch' | 'first' | 'refresh' | 'expired' | 'rejected' | 'denied'

/**
 * Assumes the role, in up to three attempts. Rejects with a `CrossAccountDynamoError`, and with nothing else; aborting
 * the signal makes it give up.
 */
export type AssumeRole = (reason: AssumeRoleReason, signal: AbortSignal) => Promise<Credentials>

/** A healthy STS answers in well under a second; whoever waits for longer waits for a fault. */
export const STS_LIMITS = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true }
const ATTEMPTS = 3
/** Full jitter between attempts: at most so much for the first pause, twice as much for each next. */
const PAUSE_MS = { first: 100, most: 1000 }
/** How long the Region that worked goes first: for the next refresh at least, which comes within the hour. */
const PREFERENCE_MS = 60 * 60_000

/** What subscribers of the tracing channel `middy-cross-account-dynamo:assume-role` are told. */
export interface AssumeRoleTrace {
  readonly reason: AssumeRoleReason
  readonly roleArn: string
  /** Region of the last attempt. */
  region?: string
  attempts: number
  /** Until the end, in milliseconds. */
  durationMs?: number
  /** When the new credentials expire. */
  expiration?: Date
}

const channel = tracingChannel<'middy-cross-account-dynamo:assume-role', AssumeRoleTrace>(
  'middy-cross-account-dynamo:assume-role',
)

/** As many as `stsClientOptions.maxAttempts` says, and one for each Region at least. */
const attemptsOf = ({ stsRegions, stsClientOptions: { maxAttempts } }: Configuration): number =>
  Math.max(Number.isInteger(maxAttempts) ? Number(maxAttempts) : ATTEMPTS, stsRegions.length)

/** How long an AssumeRole takes at most, with all its attempts and pauses, in milliseconds. */
export const longestFlight = (configuration: Configuration): number =>
  attemptsOf(configuration) * (STS_LIMITS.requestTimeout + PAUSE_MS.most)

/** Makes the calls for sessions of any identity, over one connection pool; what one learns of Regions holds for all. */
export const createAssumeRole = (
  configuration: Configuration,
  clock: Clock,
): ((identity: SessionIdentity) => AssumeRole) => {
  const { contextKey, stsRegions } = configuration
  const attempts = attemptsOf(configuration)
  // With another Region to go to, a silent one is waited for less, so that both fit into an invocation's time.
  const requestTimeout = STS_LIMITS.requestTimeout / Math.min(stsRegions.length, ATTEMPTS)
  const clients = createStsClients(configuration, clock)
  let preferred = { region: stsRegions[0], until: 0 }

  /** One request to one Region. */
  const attempt = async (
    identity: SessionIdentity,
    client: STSClient,
    signal: AbortSignal,
    secrets: string[],
  ): Promise<Credentials> => {
    const command = new AssumeRoleCommand(assumeRoleInput(identity))
    collectSecrets(command, secrets)
    // The SDK's own time limits end with the head of the answer; this one covers its body.
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)])
    const { Credentials: issued } = await client.send(command, { abortSignal })
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = issued ?? {}
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !(Number(Expiration) > 0)) {
      throw new Error('the answer holds no complete credentials')
    }
    if (Number(Expiration) <= clock.now()) throw new Error('the answer holds credentials that have expired')
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration as Date,
      accountId: parseRoleArn(identity.roleArn).accountId,
    }
  }

  const assume = async (
    identity: SessionIdentity,
    signal: AbortSignal,
    trace: AssumeRoleTrace,
  ): Promise<Credentials> => {
    const first = Date.now() < preferred.until ? preferred.region : stsRegions[0]
    const queue = stsRegions
      .toSorted((a, b) => Number(b === first) - Number(a === first))
      .map((region) => ({ region, asked: 0 }))
    let failure: CrossAccountDynamoError | undefined
    let hasRenewed = false
    for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
      const { region } = current
      current.asked += 1
      trace.region = region
      trace.attempts += 1
      const secrets: string[] = []
      let client: STSClient | undefined
      try {
        client = clients.get(region)
        const credentials = await attempt(identity, client, signal, secrets)
        preferred = { region, until: Date.now() + PREFERENCE_MS }
        return credentials
      } catch (error) {
        const isRefused = isRefusedByRegion(error)
        // What a Region that works reports says more than what one reports that is not enabled.
        if (failure === undefined || !isRefused)
          failure = assumeRoleError(error, identity, { region, contextKey, secrets })
        const shouldRenew = !hasRenewed && isCallerExpired(error) && clients.renew(region, client)
        if (trace.attempts >= attempts || signal.aborted) break
        if (shouldRenew) {
          hasRenewed = true
          queue.unshift(current)
          continue
        }
        if (isWorthAnotherAttempt(error)) queue.push(current)
        else if (!isRefused) break
        // The next Region at once; the same one after a pause.
        if ((queue[0]?.asked ?? 0) >= current.asked)
          await sleep(Math.random() * Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** (current.asked - 1)))
      }
    }
    throw failure
  }

  return (identity) => async (reason, signal) => {
    const trace: AssumeRoleTrace = { reason, roleArn: identity.roleArn, attempts: 0 }
    const startedAt = Date.now()
    let credentials: Credentials | undefined
    // What the traced function returns is told to subscribers: so it returns nothing.
    await channel.tracePromise(async () => {
      try {
        credentials = await assume(identity, signal, trace)
        trace.expiration = credentials.expiration
      } finally {
        trace.durationMs = Date.now() - startedAt
      }
    }, trace)
    return credentials as unknown as Credentials
  }
}

/** Collects what a request tells of the credentials that sign it, so that none of it is quoted from the answer. */
const collectSecrets = (command: AssumeRoleCommand, secrets: string[]): void =>
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

interface StsClients {
  /** The client of a Region, made when it is first needed. All clients share one request handler. */
  readonly get: (region: string) => STSClient
  /**
   * Drops all clients after one whose caller's credentials have expired, so that the next ones read them again: the SDK keeps
   * those of the environment for the life of a client. Returns `false` if the credentials are fixed.
   */
  readonly renew: (region: string, expired: STSClient | undefined) => boolean
}

const createStsClients = ({ stsClientOptions }: Configuration, clock: Clock): StsClients => {
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
    requestHandler ??= createRedactingHandler(client.config.requestHandler, clock)
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
