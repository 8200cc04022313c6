import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import dynalite from 'dynalite'

/** Where an account's items are stored. It checks nothing: whoever talks to it has passed the front, or is a test. */
export interface Engine {
  url: string
  /** One call of DynamoDB's JSON protocol. */
  send(operation: string, input: unknown): Promise<{ status: number; body: string }>
  close(): Promise<void>
}

export async function startEngine(accountId: string, region: string): Promise<Engine> {
  const server = createDynalite(accountId, region)
  // A connection must not be closed in the moment when it is used again.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })

  return {
    url: `http://127.0.0.1:${port}`,
    async send(operation, input) {
      const outgoing = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        agent,
        headers: headersOf(operation),
      })
      outgoing.end(JSON.stringify(input))
      const [incoming] = await once(outgoing, 'response')
      let body = ''
      for await (const chunk of incoming.setEncoding('utf8')) body += chunk
      return { status: incoming.statusCode, body }
    },
    async close() {
      agent.destroy()
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

/** Engines want a signature to be there and do not read it. */
const headersOf = (operation: string) => ({
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': `DynamoDB_20120810.${operation}`,
  'x-amz-date': '20120810T000000Z',
  authorization: 'AWS4-HMAC-SHA256 Credential=sandbox, SignedHeaders=host, Signature=none',
})
