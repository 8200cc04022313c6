/** The SDK's request handler, without access to what it holds. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Clock } from './clock.ts'

export type RequestHandler = DynamoDBClient['config']['requestHandler']

interface HttpResponse {
  body?: unknown
  readonly headers: Record<string, string>
}

/**
 * Wraps a request handler in an object that exposes nothing. The SDK attaches responses to its errors, and Node.js
 * attaches requests to responses and sockets, session token included, so logging a client or an error deeply would log
 * credentials. Answers are passed on as bytes, and the handler itself is only reachable from the closure.
 *
 * Several clients may wrap one handler: they share its connections, and neither can change or destroy it for the others.
 */
export const createRedactingHandler = (inner: RequestHandler, clock: Clock): RequestHandler => ({
  ...(inner.metadata !== undefined && { metadata: { ...inner.metadata } }),
  handle: async (request, options) => {
    const sentAt = Date.now()
    const { response } = await inner.handle(request, options)
    const { headers, body }: HttpResponse = response
    clock.learn(headers, sentAt)
    return { response: Object.assign(response, { body: await toBytes(body) }) }
  },
  destroy: () => {},
  updateHttpClientConfig: () => {},
  httpHandlerConfigs: () => ({}),
})

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

const toBytes = async (body: unknown): Promise<unknown> => {
  if (!isStream(body)) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}
