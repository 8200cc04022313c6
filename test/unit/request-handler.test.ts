import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { createRedactingHandler, type RequestHandler } from '../../src/request-handler.ts'

const answerWith = (chunks: readonly string[]) => {
  const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  const inner = { handle: async () => ({ response: { statusCode: 200, headers: {}, body } }) }
  const handler = createRedactingHandler(inner as unknown as RequestHandler, 10)
  return handler.handle({} as never)
}

test('passes an answer on as bytes', async () => {
  const { response } = await answerWith(['01234', '56789'])
  expect(Buffer.from(response.body).toString()).toBe('0123456789')
})

test('fails at the first chunk above the limit, and reads no further', async () => {
  await expect(answerWith(['01234', '567890'])).rejects.toThrow('10 bytes')
})
