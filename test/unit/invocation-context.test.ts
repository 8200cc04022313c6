/** Contexts that other code wrapped. Shows CODE-1 of SECURITY.md. */
import { expect, test } from '@jest/globals'
import { attachSessionClient } from '../../src/invocation-context.ts'

const CLIENT = { name: 'the client of this invocation' }

const attach = (context: object) => {
  const request = { context: context as never }
  attachSessionClient(request, 'dynamo', CLIENT)
  return request.context as Record<string, unknown>
}

test('the client is on a copy of a plain context, and the given context stays unchanged', () => {
  const context = { functionName: 'orders' }
  expect(attach(context)).toEqual({ functionName: 'orders', dynamo: CLIENT })
  expect(context).toEqual({ functionName: 'orders' })
})

test('a plain context with an accessor that throws is copied, too', () => {
  const context = Object.defineProperty({ functionName: 'orders' }, 'lazy', {
    get: () => {
      throw new Error('not yet')
    },
    enumerable: true,
  })
  const copy = attach(context)
  expect(copy.dynamo).toBe(CLIENT)
  expect(copy.functionName).toBe('orders')
  expect(() => copy.lazy).toThrow('not yet')
  expect(context).not.toHaveProperty('dynamo')
})
