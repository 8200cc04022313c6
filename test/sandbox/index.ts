import type { Account, Role, SandboxAccount, SandboxRole } from './account.ts'
import { openAccount } from './account.ts'
import { checkPolicies } from './authorize.ts'
import type { Call } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { dynamodbService } from './dynamodb.ts'
import { type EngineName, startEngines } from './engine.ts'
import { createFaults, type Fault } from './faults.ts'
import { startFront } from './front.ts'
import { createSessions } from './sessions.ts'
import { stsService } from './sts.ts'

export type { PolicyDocument, SandboxAccount, SandboxRole } from './account.ts'
export type { Call } from './calls.ts'
export type { Fault } from './faults.ts'

/** Credentials in the SDK's shape, with the ARN of the session that they are of. */
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
  /** For `process.env`: the SDK's own variables, pointed at the sandbox. */
  env: Record<string, string>
  /** The variables in which the Lambda runtime hands a function its execution role's credentials. */
  lambdaEnv(roleArn: string, functionName?: string): Record<string, string>
  /** The same credentials as an identity for an SDK client. */
  credentials(roleArn: string, sessionName?: string, options?: CredentialsOptions): SandboxCredentials
  /** The role's own definition: what a test changes in it counts at once. */
  role(arn: string): SandboxRole
  account(id: string): Pick<Account, 'engine' | 'seed' | 'organizationId'>
  clock: Clock
  /** Grows by each request as it arrives. */
  calls: Call[]
  /** TCP connections accepted since the start or the last clear(). */
  readonly connections: { sts: number; dynamodb: number }
  faults: { inject(fault: Fault): () => void; clear(): void }
  /** Forgets calls, connection counts, faults and revocations; sessions, tables and roles stay. */
  clear(): void
  /** Makes a session's credentials invalid, or those of every session that AssumeRole gave out. */
  revoke(accessKeyId?: string): void
  /** Closes the connections that are open, as AWS does to those that have idled; new ones are taken. */
  disconnect(): void
  close(): Promise<void>
}

export interface SandboxSetup {
  accounts: SandboxAccount[]
  region?: string
  /** Default: what the variable SANDBOX_ENGINE says, or dynalite. */
  engine?: EngineName
  /** Called with each call once it is answered. */
  log?: (call: Call) => void
}

/** The Lambda service renews a function's credentials by replacing its environment, hours later. */
const LAMBDA_SECONDS = 12 * 3600

/** AWS, as far as this project needs it, on loopback: STS and DynamoDB over HTTP, any number of accounts behind them. */
export async function startSandbox({
  accounts: setups,
  region = 'us-east-1',
  engine,
  log,
}: SandboxSetup): Promise<Sandbox> {
  const clock = createClock()
  const faults = createFaults()
  const sessions = createSessions(clock)
  const calls: Call[] = []
  const accounts: Account[] = []
  const engines = await startEngines(engine)

  const context = { clock, faults, calls, log }
  const sts = await startFront(stsService({ accounts, sessions, clock }), context)
  const dynamodb = await startFront(dynamodbService({ accounts, sessions, clock, region }), context)
  const close = async () => {
    await Promise.all([sts.close(), dynamodb.close(), ...accounts.map((account) => account.close())])
    await engines.close()
  }
  try {
    for (const setup of setups) accounts.push(await openAccount(setup, region, engines))
    for (const account of accounts) await checkPolicies(account)
  } catch (error) {
    await close()
    throw error
  }

  const roleOf = (arn: string): Role => {
    const role = accounts.flatMap(({ roles }) => roles).find((one) => one.arn === arn)
    if (!role) throw new Error(`There is no role ${arn} in the sandbox`)
    return role
  }
  const credentials: Sandbox['credentials'] = (roleArn, name = 'fn', options = {}) => {
    const role = roleOf(roleArn)
    const session = sessions.issue({
      durationSeconds: LAMBDA_SECONDS,
      ...options,
      role,
      name,
      assumed: false,
    })
    const { accessKeyId, secretAccessKey, sessionToken, arn } = session
    const expiration = new Date(session.expiresAt)
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId: role.account.id, arn }
  }

  return {
    env: { AWS_ENDPOINT_URL_STS: sts.url, AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url, AWS_REGION: region },
    lambdaEnv(roleArn, functionName = 'fn') {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials(roleArn, functionName)
      return {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_LAMBDA_FUNCTION_NAME: functionName,
      }
    },
    credentials,
    role: (arn) => roleOf(arn).definition,
    account(id) {
      const account = accounts.find((one) => one.id === id)
      if (!account) throw new Error(`There is no account ${id} in the sandbox`)
      return account
    },
    clock,
    calls,
    get connections() {
      return { sts: sts.connections, dynamodb: dynamodb.connections }
    },
    faults,
    clear() {
      calls.length = 0
      sts.connections = 0
      dynamodb.connections = 0
      faults.clear()
      sessions.restore()
    },
    revoke: sessions.revoke,
    disconnect() {
      sts.disconnect()
      dynamodb.disconnect()
    },
    close,
  }
}
