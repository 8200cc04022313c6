/** Attaching clients to contexts of any form. Shows CODE-1 of SECURITY.md. */
import { describe, expect, test } from '@jest/globals'
import { CrossAccountDynamoError } from '../../src/errors.ts'
import { attachClient, attachSessionClient, detachClient } from '../../src/invocation-context.ts'

const CLIENT = { name: 'the client of this invocation' }
const OTHER_CLIENT = { name: 'the client of another invocation' }

/** Calls one of the functions, and returns the context that later middlewares and the handler receive. */
const attachWith =
  (attach: typeof attachClient) =>
  (context: object, client: object = CLIENT): Record<PropertyKey, unknown> => {
    const request = { context: context as never }
    attach(request, 'dynamo', client)
    return request.context
  }
const attachOwn = attachWith(attachSessionClient)
const attachShared = attachWith(attachClient)
const detach = attachWith((request, contextKey) => detachClient(request, contextKey))

/** Calls `attach`, which must fail. Returns the context that the error handlers of middy receive. */
const attachAndFail = (attach: typeof attachClient, context: object): Record<PropertyKey, unknown> => {
  const request = { context: context as never }
  let thrown: unknown
  try {
    attach(request, 'dynamo', CLIENT)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(CrossAccountDynamoError)
  expect(thrown).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/context\.dynamo.*clientFor.*contextKey/s),
  })
  return request.context
}

/** A context that cannot be copied, because its method reads a private field. */
class PrivateContext {
  readonly #remaining = 3000
  functionName = 'orders'
  dynamo?: unknown
  getRemainingTimeInMillis() {
    return this.#remaining
  }
}

/** Creates a context like that of Lambda's runtimes before Node.js 24. Returns it with the values that its setter received. */
const createRuntimeContext = (prototype: object | null = Object.prototype) => {
  const assigned: unknown[] = []
  const context: Record<PropertyKey, unknown> = Object.create(prototype)
  Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
    get: () => assigned.at(-1) ?? true,
    set: (value) => assigned.push(value),
    enumerable: true,
    configurable: true,
  })
  context.functionName = 'orders'
  return { context, assigned }
}

describe('the client of a session of one invocation', () => {
  test('is on a copy of a plain context, and the given context stays unchanged', () => {
    const context = { functionName: 'orders' }
    expect(attachOwn(context)).toEqual({ functionName: 'orders', dynamo: CLIENT })
    expect(context).toEqual({ functionName: 'orders' })
  })

  test('replaces the client of another invocation on the copy only', () => {
    for (const isFixed of [false, true]) {
      const context = Object.defineProperty({ functionName: 'orders' }, 'dynamo', {
        value: OTHER_CLIENT,
        enumerable: true,
        writable: !isFixed,
        configurable: !isFixed,
      })
      expect(attachOwn(context)).toEqual({ functionName: 'orders', dynamo: CLIENT })
      expect(context).toHaveProperty('dynamo', OTHER_CLIENT)
    }
  })

  test('is on a copy whose accessors still reach the runtime', () => {
    const { context, assigned } = createRuntimeContext()
    const copy = attachOwn(context)
    copy.callbackWaitsForEmptyEventLoop = false
    expect(assigned).toEqual([false])
    expect(copy).toMatchObject({ functionName: 'orders', dynamo: CLIENT })
    expect(context).not.toHaveProperty('dynamo')
  })

  test('is on a copy that contains the current value of an accessor without a setter', () => {
    const context = { functionName: 'orders' }
    for (const name of ['callbackWaitsForEmptyEventLoop', 'other'])
      Object.defineProperty(context, name, { get: () => false, enumerable: true })
    expect(Object.getOwnPropertyDescriptors(attachOwn(context))).toMatchObject({
      callbackWaitsForEmptyEventLoop: { value: false },
      other: { value: false },
    })
  })

  test('is on a copy with the symbols, the properties that are not enumerable and the prototype of the context', () => {
    const symbol = Symbol('trace')
    for (const prototype of [null, Object.prototype]) {
      const { context } = createRuntimeContext(prototype)
      context[symbol] = 'trace'
      Object.defineProperty(context, 'hidden', { value: 'hidden', configurable: true })
      Object.defineProperty(context, '__proto__', { value: 'text', enumerable: true, writable: true })
      const copy = attachOwn(context)
      expect(Object.getPrototypeOf(copy)).toBe(prototype)
      expect(new Set(Reflect.ownKeys(copy))).toEqual(new Set([...Reflect.ownKeys(context), 'dynamo']))
      expect(Object.getOwnPropertyDescriptors(copy)).toMatchObject({
        [symbol]: { value: 'trace', enumerable: true, writable: true },
        hidden: { value: 'hidden', enumerable: false },
        functionName: { value: 'orders', enumerable: true, writable: true, configurable: true },
      })
      expect(Object.getOwnPropertyDescriptor(copy, '__proto__')?.value).toBe('text')
    }
  })

  test('is on a copy of a context with an accessor that throws', () => {
    const context = Object.defineProperty({ functionName: 'orders' }, 'lazy', {
      get: () => {
        throw new Error('not yet')
      },
      enumerable: true,
    })
    const copy = attachOwn(context)
    expect(copy.dynamo).toBe(CLIENT)
    expect(copy.functionName).toBe('orders')
    expect(() => copy.lazy).toThrow('not yet')
    expect(context).not.toHaveProperty('dynamo')
  })

  test('is on the given context if that is an instance of a class', () => {
    const context = new PrivateContext()
    expect(attachOwn(context)).toBe(context)
    expect(context.dynamo).toBe(CLIENT)
    expect(attachOwn(context)).toBe(context)
  })

  test.each<[string, () => object]>([
    ['already holds another client', () => Object.assign(new PrivateContext(), { dynamo: OTHER_CLIENT })],
    ['is frozen', () => Object.freeze(new PrivateContext())],
    ['ignores assignments', () => new Proxy(new PrivateContext(), { set: () => true })],
    [
      'has an accessor that throws',
      () =>
        Object.defineProperty(new PrivateContext(), 'dynamo', {
          get: () => {
            throw new Error('no client')
          },
        }),
    ],
  ])('is refused if the context is an instance of a class and %s', (_, createContext) => {
    const view = attachAndFail(attachSessionClient, createContext())
    expect(view.dynamo).toBeUndefined()
    expect('dynamo' in view).toBe(false)
  })

  test('is refused if the prototype of the context cannot be read', () => {
    const context = new Proxy(Object.freeze({}), {
      getPrototypeOf: () => {
        throw new Error('no prototype')
      },
    })
    attachAndFail(attachSessionClient, context)
  })
})

describe('the view of a context for error handlers', () => {
  const createView = () => {
    const context = Object.assign(new PrivateContext(), { dynamo: OTHER_CLIENT })
    return { context, view: attachAndFail(attachSessionClient, context) }
  }

  test('reads the other properties, and its methods can read private fields', () => {
    const { view } = createView()
    expect(view.functionName).toBe('orders')
    expect('functionName' in view).toBe(true)
    expect('other' in view).toBe(false)
    expect((view as unknown as PrivateContext).getRemainingTimeInMillis()).toBe(3000)
  })

  test('passes assignments to the context, except those to the context key', () => {
    const { context, view } = createView()
    view.functionName = 'renamed'
    expect(context.functionName).toBe('renamed')
    expect(() => {
      view.dynamo = CLIENT
    }).toThrow(TypeError)
    expect(context.dynamo).toBe(OTHER_CLIENT)
  })
})

describe('the client that all invocations share', () => {
  test('is on the given context', () => {
    const context = { functionName: 'orders' }
    expect(attachShared(context)).toBe(context)
    expect(context).toEqual({ functionName: 'orders', dynamo: CLIENT })
  })

  test('leaves a frozen context that already holds it unchanged', () => {
    const context = Object.freeze({ dynamo: CLIENT })
    expect(attachShared(context)).toBe(context)
  })

  test.each<[string, object]>([
    ['holds another value', { functionName: 'orders', dynamo: OTHER_CLIENT }],
    ['is frozen', Object.freeze({ functionName: 'orders' })],
    [
      'has an accessor at the key that throws',
      Object.defineProperty({ functionName: 'orders' }, 'dynamo', {
        get: () => {
          throw new Error('no client')
        },
        configurable: true,
      }),
    ],
    ['ignores assignments', new Proxy({ functionName: 'orders' }, { set: () => true })],
  ])('is on a copy if the given context %s', (_, context) => {
    const copy = attachShared(context)
    expect(copy).not.toBe(context)
    expect(copy).toEqual({ functionName: 'orders', dynamo: CLIENT })
  })

  test('is refused if the context is a frozen instance of a class', () => {
    expect(attachAndFail(attachClient, Object.freeze(new PrivateContext())).functionName).toBe('orders')
  })
})

describe('removing the client of another invocation', () => {
  test('keeps the context if it has no client', () => {
    const context = { functionName: 'orders' }
    expect(detach(context)).toBe(context)
  })

  test('replaces a plain context with a copy without the client', () => {
    const context = { functionName: 'orders', dynamo: OTHER_CLIENT }
    expect(detach(context)).toEqual({ functionName: 'orders' })
    expect(context.dynamo).toBe(OTHER_CLIENT)
  })

  test('replaces an instance of a class with a view without the client', () => {
    const context = Object.assign(new PrivateContext(), { dynamo: OTHER_CLIENT })
    const view = detach(context)
    expect(view.dynamo).toBeUndefined()
    expect((view as unknown as PrivateContext).getRemainingTimeInMillis()).toBe(3000)
    expect(context.dynamo).toBe(OTHER_CLIENT)
  })
})
