/** Wraps the SDK's request handlers, so that logging a client or an error does not expose credentials. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export type RequestHandler = DynamoDBClient['config']['requestHandler']

/**
 * Wraps a request handler in an object that does not expose it.
 *
 * The SDK attaches responses to its errors, and Node.js attaches requests, including their session tokens, to responses and
 * sockets. Logging a client or an error with all nested properties would therefore log credentials. For this reason, response
 * bodies become bytes instead of streams, and no property contains the wrapped handler.
 *
 * `handle` rejects if a response body is larger than `maxBodyBytes`, because it could exhaust the memory.
 *
 * Several clients can wrap the same handler. They share its connections, and no client can change or destroy the handler.
 */
export const createRedactingHandler = (
  wrappedHandler: RequestHandler,
  maxBodyBytes: number,
): RequestHandler => ({
  ...(wrappedHandler.metadata !== undefined && { metadata: { ...wrappedHandler.metadata } }),
  handle: async (request, options) => {
    const { response } = await wrappedHandler.handle(request, options)
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
    if (length > maxBodyBytes) throw new Error(`the response has more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
