import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import dynalite from 'dynalite'
import type { Engine } from './engine.ts'
import { connectEngine } from './engine-connection.ts'

/** A dynalite in this process, for one account. */
export async function openDynalite(accountId: string, region: string): Promise<Engine> {
  const server = createDynalite(accountId, region)
  // A connection must not be closed in the moment when it is used again.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const engine = connectEngine((server.address() as AddressInfo).port, accountId, region)
  return {
    ...engine,
    async close() {
      await engine.close()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** dynalite takes the account and Region of its ARNs from the environment, at the moment when it is made. */
function createDynalite(accountId: string, region: string) {
  const { AWS_ACCOUNT_ID, AWS_REGION } = process.env
  Object.assign(process.env, { AWS_ACCOUNT_ID: accountId, AWS_REGION: region })
  try {
    return dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  } finally {
    for (const [name, value] of Object.entries({ AWS_ACCOUNT_ID, AWS_REGION })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
