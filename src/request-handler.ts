/** The SDK's request handler, without access to what it holds. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export type RequestHandler = DynamoDBClient['config']['requestHandler']

/**
 * Wraps a request handler in an object that exposes nothing. The SDK attaches responses to its errors, and Node.js
 * attaches requests to responses and sockets, session token included, so logging a client or an error deeply would log
 * credentials. Answers are passed on as bytes, and the handler itself is only reachable from the closure.
 *
 * An answer that is larger than `maxBodyBytes` is an error, because it would fill the memory.
 *
 * Several clients may wrap one handler: they share its connections, and neither can change or destroy it for the others.
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
