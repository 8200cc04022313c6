/** Wraps the SDK's request handlers so that logging a client or an error cannot expose credentials. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export type RequestHandler = DynamoDBClient['config']['requestHandler']

/**
 * Wraps a request handler in an object that does not expose it. The SDK attaches responses to its errors, and Node.js
 * attaches requests, including their session tokens, to responses and sockets. Logging a client or an error with all
 * nested properties would therefore log credentials. Response bodies become bytes instead of streams, and only the
 * closure holds the wrapped handler.
 *
 * `handle` rejects if a response body is larger than `maxBodyBytes`, because it would exhaust the memory.
 *
 * Several clients can wrap the same handler. They share its connections, and no client can change or destroy it.
 */
export const createRedactingHandler = (inner: RequestHandler, maxBodyBytes: number): RequestHandler => ({
  ...(inner.metadata !== undefined && { metadata: { ...inner.metadata } }),
  handle: async (request, options) => {
    const { response } = await inner.handle(request, options)
    return { response: Object.assign(response, { body: await toBytes(response.body, maxBodyBytes) }) }
  },
  destroy: () => {},
  updateHttpClientConfig: () => {},
  httpHandlerConfigs: () => ({}),
})

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

const toBytes = async (body: unknown, maxBodyBytes: number): Promise<unknown> => {
  if (!isStream(body)) return body
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBodyBytes) throw new Error(`the answer has more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
