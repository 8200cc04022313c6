import { openDynalite } from './dynalite-engine.ts'
import { startDynamodbLocal } from './dynamodb-local.ts'
import { connectEngine } from './engine-connection.ts'
import { randomId } from './random.ts'

/** Where an account's items are stored. It checks nothing: whoever talks to it has passed the front, or is a test. */
export interface Engine {
  url: string
  /** One call of DynamoDB's JSON protocol. */
  send(operation: string, input: unknown): Promise<{ status: number; body: string }>
  close(): Promise<void>
}

/** Gives each account of a sandbox an engine of its own. */
export interface Engines {
  open(accountId: string, region: string): Promise<Engine>
  close(): Promise<void>
}

/** dynalite is embedded and fast; DynamoDB Local is AWS's own, needs Java, and knows transactions and PartiQL. */
export type EngineName = 'dynalite' | 'dynamodb-local'

/** What `SANDBOX_ENGINE` says; a word that is no engine must not silently be dynalite. */
export function engineName(name = process.env.SANDBOX_ENGINE || 'dynalite'): EngineName {
  if (name === 'dynalite' || name === 'dynamodb-local') return name
  throw new Error(`There is no engine ${name}: SANDBOX_ENGINE is dynalite or dynamodb-local`)
}

export const startEngines = async (name = engineName()): Promise<Engines> =>
  name === 'dynalite' ? { open: openDynalite, close: async () => {} } : startDatabases()

/** One process for all accounts: DynamoDB Local has a database for each access key and Region. */
async function startDatabases(): Promise<Engines> {
  // One that serves many sandboxes, such as that of test:dynamodb-local; without it, the sandbox has its own.
  const shared = process.env.SANDBOX_DYNAMODB_LOCAL_PORT
  const { port, close } = shared
    ? { port: Number(shared), close: async () => {} }
    : await startDynamodbLocal()
  return {
    async open(accountId, region) {
      // Never used again, so that sandboxes with the same accounts have nothing in common.
      const { send, ...engine } = connectEngine(port, `${accountId}${randomId(12)}`, region)
      return {
        ...engine,
        async send(operation, input) {
          const { status, body } = await send(operation, input)
          return { status, body: body.replaceAll(LOCAL_ARN, `arn:aws:dynamodb:${region}:${accountId}:`) }
        },
      }
    },
    close,
  }
}

/** DynamoDB Local's ARNs name neither the account nor the Region. */
const LOCAL_ARN = 'arn:aws:dynamodb:ddblocal:000000000000:'
