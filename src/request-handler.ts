/** The SDK's request handler, contained: what it holds is not to be seen, and what it learns of the time is kept. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Clock } from './clock.ts'

export type RequestHandler = DynamoDBClient['config']['requestHandler']

/** What every request handler of the SDK is, whatever runtime it is typed for. */
interface HttpHandler {
  readonly metadata?: object
  handle(
    request: unknown,
    options?: object,
  ): Promise<{ response: { body?: unknown; headers?: Record<string, string> } }>
  destroy(): void
  updateHttpClientConfig(): void
  httpHandlerConfigs(): object
}

/**
 * Wraps a request handler in an object that exposes nothing. The SDK attaches responses to its errors, and Node.js
 * attaches requests to responses and sockets, session token included, so logging a client or an error deeply would log
 * credentials. Answers are passed on as bytes, and the handler itself is only reachable from the closure.
 *
 * Several clients may wrap one handler: they share its connections, and neither can change or destroy it for the others.
 */
export const contained = (requestHandler: RequestHandler, clock: Clock): RequestHandler => {
  const inner = requestHandler as unknown as HttpHandler
  const outer: HttpHandler = {
    ...(inner.metadata !== undefined && { metadata: { ...inner.metadata } }),
    handle: async (request, options) => {
      const sentAt = Date.now()
      const { response } = await inner.handle(request, options)
      clock.learn(response.headers, sentAt)
      response.body = await bytes(response.body)
      return { response }
    },
    destroy: () => {},
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  }
  return outer as unknown as RequestHandler
}

const bytes = async (body: unknown): Promise<unknown> => {
  if (typeof (body as AsyncIterable<Uint8Array> | undefined)?.[Symbol.asyncIterator] !== 'function')
    return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}
