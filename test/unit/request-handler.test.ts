/** The request handler that limits the size of responses. */
import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { createRedactingHandler, type RequestHandler } from '../../src/request-handler.ts'

/** Sends a request through a handler with a limit of 10 bytes. The response has these chunks. */
const requestChunks = (chunks: readonly string[]) => {
  const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  const innerHandler = { handle: async () => ({ response: { statusCode: 200, headers: {}, body } }) }
  const handler = createRedactingHandler(innerHandler as unknown as RequestHandler, 10)
  return handler.handle({} as never)
}

test('a response body within the limit is returned unchanged', async () => {
  const { response } = await requestChunks(['01234', '56789'])
  expect(Buffer.from(response.body).toString()).toBe('0123456789')
})

test('a request fails if the response body exceeds the limit', async () => {
  await expect(requestChunks(['01234', '567890'])).rejects.toThrow('10 bytes')
})
