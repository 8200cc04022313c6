import { openDynalite } from './dynalite-engine.ts'
import { startDynamodbLocal } from './dynamodb-local.ts'
import { connectEngine } from './engine-connection.ts'
import { createRandomId } from './random.ts'

/** Stores the items of one account. It does not authenticate or authorize requests, so only the sandbox and tests use it. */
export interface Engine {
  url: string
  /** Sends one request of DynamoDB's JSON protocol. */
  send(operation: string, input: unknown): Promise<{ status: number; body: string }>
  close(): Promise<void>
}

/** Opens an engine for each account of a sandbox. */
export interface EngineFactory {
  open(accountId: string, region: string): Promise<Engine>
  close(): Promise<void>
}

/** dynalite runs in this process and starts fast. DynamoDB Local requires Java and supports transactions and PartiQL. */
export type EngineName = 'dynalite' | 'dynamodb-local'

/**
 * Checks the name of an engine.
 *
 * @param name @default the environment variable `SANDBOX_ENGINE`, or dynalite
 * @throws if there is no engine with this name.
 */
export function parseEngineName(name = process.env.SANDBOX_ENGINE || 'dynalite'): EngineName {
  if (name === 'dynalite' || name === 'dynamodb-local') return name
  throw new Error(`There is no engine ${name}. Set SANDBOX_ENGINE to dynalite or dynamodb-local.`)
}

export const startEngines = async (name = parseEngineName()): Promise<EngineFactory> =>
  name === 'dynalite' ? { open: openDynalite, close: async () => {} } : startDynamodbLocalEngines()

/** Uses one process for all accounts. DynamoDB Local has a separate database for each access key and Region. */
async function startDynamodbLocalEngines(): Promise<EngineFactory> {
  // `npm run test:dynamodb-local` starts one process for all sandboxes. Other sandboxes start their own process.
  const sharedPort = process.env.SANDBOX_DYNAMODB_LOCAL_PORT
  const { port, close } = sharedPort
    ? { port: Number(sharedPort), close: async () => {} }
    : await startDynamodbLocal()
  return {
    async open(accountId, region) {
      // A random access key gives sandboxes with the same accounts separate databases.
      const { send, ...engine } = connectEngine(port, `${accountId}${createRandomId(12)}`, region)
      return {
        ...engine,
        async send(operation, input) {
          const { status, body } = await send(operation, input)
          return {
            status,
            body: body.replaceAll(LOCAL_ARN_PREFIX, `arn:aws:dynamodb:${region}:${accountId}:`),
          }
        },
      }
    },
    close,
  }
}

/** DynamoDB Local returns ARNs with this Region and account. */
const LOCAL_ARN_PREFIX = 'arn:aws:dynamodb:ddblocal:000000000000:'
