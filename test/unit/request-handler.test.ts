/** The request handler that reads response bodies, limits their size, and does not expose the handler that it wraps. */
import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { createRedactingHandler, type RequestHandler } from '../../src/request-handler.ts'

/** Wraps a handler whose responses have this body, with a limit of 10 bytes. */
const wrapHandler = (body: unknown, properties = {}): RequestHandler => {
  const handle = async () => ({ response: { statusCode: 200, headers: {}, body } })
  return createRedactingHandler({ handle, ...properties } as unknown as RequestHandler, 10)
}

/** Sends a request whose response has these chunks. */
const requestChunks = (chunks: readonly string[]) =>
  wrapHandler(Readable.from(chunks.map((chunk) => Buffer.from(chunk)))).handle({} as never)

test('a response body within the limit is returned unchanged', async () => {
  const { response } = await requestChunks(['01234', '56789'])
  expect(Buffer.from(response.body).toString()).toBe('0123456789')
})

test('a request fails if the response body exceeds the limit', async () => {
  await expect(requestChunks(['01234', '567890'])).rejects.toThrow('10 bytes')
})

test.each([
  ['null', null],
  ['undefined', undefined],
  ['a string', '{"Item":{}}'],
  ['bytes', new Uint8Array([123, 125])],
  ['an object that is not a stream', { Item: {} }],
])('a response body that is %s is returned unchanged', async (_case, body) => {
  const { response } = await wrapHandler(body).handle({} as never)
  expect(response.body).toBe(body)
})

test('a handler has a copy of the metadata of the handler that it wraps', () => {
  const metadata = { handlerProtocol: 'http/1.1' }
  const handler = wrapHandler(null, { metadata })
  expect(handler.metadata).toEqual(metadata)
  expect(handler.metadata).not.toBe(metadata)
})

test('a handler has no metadata if the handler that it wraps has none', () => {
  expect(wrapHandler(null)).not.toHaveProperty('metadata')
})
