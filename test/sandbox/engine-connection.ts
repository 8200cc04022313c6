import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Engine } from './engine.ts'

/** An engine that listens on loopback. */
export function connectEngine(port: number, accessKeyId: string, region: string): Engine {
  const agent = new Agent({ keepAlive: true })
  return {
    url: `http://127.0.0.1:${port}`,
    async send(operation, input) {
      const outgoing = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        agent,
        headers: headersOf(operation, `${accessKeyId}/20120810/${region}/dynamodb/aws4_request`),
      })
      outgoing.end(JSON.stringify(input))
      const [incoming] = await once(outgoing, 'response')
      let body = ''
      for await (const chunk of incoming.setEncoding('utf8')) body += chunk
      return { status: incoming.statusCode, body }
    },
    async close() {
      agent.destroy()
    },
  }
}

/** Engines want a signature to be there and do not check it. */
const headersOf = (operation: string, credential: string) => ({
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': `DynamoDB_20120810.${operation}`,
  'x-amz-date': '20120810T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`,
})
