import type { Account, Role, SandboxAccount, SandboxRole } from './account.ts'
import { openAccount } from './account.ts'
import { checkPolicies } from './authorize.ts'
import type { Call } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { createDynamoDBHandler } from './dynamodb.ts'
import { type EngineName, startEngines } from './engine.ts'
import { createFaults, type Fault } from './faults.ts'
import { startServiceServer } from './http-server.ts'
import { createSessionRegistry } from './sessions.ts'
import { createStsHandler } from './sts.ts'

export type { PolicyDocument, SandboxAccount, SandboxKmsKey, SandboxRole } from './account.ts'
export type { Call } from './calls.ts'
export type { Fault } from './faults.ts'

/** Credentials in the shape of the SDK, with the ARN of the session. */
export interface SandboxCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  expiration: Date
  accountId: string
  arn: string
}

export interface CredentialsOptions {
  durationSeconds?: number
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string
}

export interface Sandbox {
  /** Variables for `process.env` that make the SDK send its requests to the sandbox. */
  env: Record<string, string>
  /** Issues credentials for a role and returns the variables in which the Lambda runtime passes them to a function. */
  createLambdaEnvironment(roleArn: string, functionName?: string): Record<string, string>
  /** Issues credentials for a role, for use in an SDK client. */
  issueCredentials(roleArn: string, sessionName?: string, options?: CredentialsOptions): SandboxCredentials
  /** Returns the definition of a role. Changes that a test makes to it apply to the next request. */
  getRole(arn: string): SandboxRole
  getAccount(id: string): Pick<Account, 'engine' | 'kmsKeys' | 'seed' | 'organizationId'>
  clock: Clock
  /** The requests since the start or the last `clear()`, in the order in which they arrived. */
  calls: Call[]
  /** The number of TCP connections that each service accepted since the start or the last `clear()`. */
  readonly connections: { sts: number; dynamodb: number }
  faults: { inject(fault: Fault): () => void; clear(): void }
  /** Resets calls, connection counts, faults and revocations. Sessions, tables and roles remain. */
  clear(): void
  /** Makes the credentials with this access key invalid. Without one, revokes every session that AssumeRole issued. */
  revokeSessions(accessKeyId?: string): void
  /** Closes all open connections, as AWS closes idle connections. The services continue to accept new connections. */
  closeConnections(): void
  close(): Promise<void>
}

export interface SandboxOptions {
  accounts: SandboxAccount[]
  /** @default us-east-1 */
  region?: string
  /** Other Regions in which the tables exist. @default none */
  otherRegions?: readonly string[]
  /** @default the engine in the environment variable `SANDBOX_ENGINE`, or dynalite */
  engine?: EngineName
  /** Called with each call when its response is complete. */
  log?: (call: Call) => void
}

/** How long the credentials of a function are valid. Lambda replaces them by starting a new execution environment. */
const LAMBDA_CREDENTIALS_SECONDS = 12 * 3600

/**
 * Starts STS and DynamoDB over HTTP on loopback for any number of accounts. They implement the parts of AWS that this
 * project uses.
 *
 * @throws if a policy of an account is invalid or the engine does not start.
 */
export async function startSandbox({
  accounts: accountDefinitions,
  region = 'us-east-1',
  otherRegions = [],
  engine,
  log,
}: SandboxOptions): Promise<Sandbox> {
  const clock = createClock()
  const faults = createFaults()
  const sessions = createSessionRegistry(clock)
  const calls: Call[] = []
  const accounts: Account[] = []
  const engines = await startEngines(engine)

  const options = { clock, faults, calls, log }
  const sts = await startServiceServer(createStsHandler({ accounts, sessions, clock }), options)
  const dynamodb = await startServiceServer(
    createDynamoDBHandler({ accounts, sessions, clock, regions: [region, ...otherRegions] }),
    options,
  )
  const close = async () => {
    await Promise.all([sts.close(), dynamodb.close(), ...accounts.map((account) => account.close())])
    await engines.close()
  }
  try {
    for (const definition of accountDefinitions) accounts.push(await openAccount(definition, region, engines))
    for (const account of accounts) await checkPolicies(account)
  } catch (error) {
    await close()
    throw error
  }

  const findRole = (arn: string): Role => {
    const role = accounts.flatMap(({ roles }) => roles).find((candidate) => candidate.arn === arn)
    if (!role) throw new Error(`The sandbox has no role ${arn}. Add it to the accounts of startSandbox().`)
    return role
  }
  const issueCredentials: Sandbox['issueCredentials'] = (roleArn, name = 'fn', credentialsOptions = {}) => {
    const role = findRole(roleArn)
    const session = sessions.issue({
      durationSeconds: LAMBDA_CREDENTIALS_SECONDS,
      ...credentialsOptions,
      role,
      name,
      isAssumed: false,
    })
    const { accessKeyId, secretAccessKey, sessionToken, arn } = session
    const expiration = new Date(session.expiresAtMs)
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId: role.account.id, arn }
  }

  return {
    env: { AWS_ENDPOINT_URL_STS: sts.url, AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url, AWS_REGION: region },
    createLambdaEnvironment(roleArn, functionName = 'fn') {
      const { accessKeyId, secretAccessKey, sessionToken } = issueCredentials(roleArn, functionName)
      return {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_LAMBDA_FUNCTION_NAME: functionName,
      }
    },
    issueCredentials,
    getRole: (arn) => findRole(arn).definition,
    getAccount(id) {
      const account = accounts.find((candidate) => candidate.id === id)
      if (!account)
        throw new Error(`The sandbox has no account ${id}. Add it to the accounts of startSandbox().`)
      return account
    },
    clock,
    calls,
    get connections() {
      return { sts: sts.connectionCount, dynamodb: dynamodb.connectionCount }
    },
    faults,
    clear() {
      calls.length = 0
      sts.connectionCount = 0
      dynamodb.connectionCount = 0
      faults.clear()
      sessions.clearRevocations()
    },
    revokeSessions: sessions.revoke,
    closeConnections() {
      sts.closeConnections()
      dynamodb.closeConnections()
    },
    close,
  }
}
