import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Engine } from './engine.ts'

/** Connects to an engine that listens on loopback. */
export function connectEngine(port: number, accessKeyId: string, region: string): Engine {
  const agent = new Agent({ keepAlive: true })
  return {
    url: `http://127.0.0.1:${port}`,
    async send(operation, input) {
      const clientRequest = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        agent,
        headers: createHeaders(operation, `${accessKeyId}/20120810/${region}/dynamodb/aws4_request`),
      })
      clientRequest.end(JSON.stringify(input))
      const [response] = await once(clientRequest, 'response')
      let body = ''
      for await (const chunk of response.setEncoding('utf8')) body += chunk
      return { status: response.statusCode, body }
    },
    async close() {
      agent.destroy()
    },
  }
}

/** Engines require an Authorization header but do not check the signature. */
const createHeaders = (operation: string, credential: string) => ({
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': `DynamoDB_20120810.${operation}`,
  'x-amz-date': '20120810T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`,
})
