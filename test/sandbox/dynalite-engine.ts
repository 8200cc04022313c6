import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import dynalite from 'dynalite'
import type { Engine } from './engine.ts'
import { connectEngine } from './engine-connection.ts'

/** Starts dynalite in this process for one account. */
export async function openDynalite(accountId: string, region: string): Promise<Engine> {
  const server = createDynalite(accountId, region)
  // With a keep-alive timeout, the server could close a connection at the moment when a request reuses it.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const engine = connectEngine((server.address() as AddressInfo).port, accountId, region)
  return {
    ...engine,
    async close() {
      await engine.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Sets the environment variables from which dynalite reads the account and the Region of its ARNs when it starts. */
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
