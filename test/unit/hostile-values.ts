/** Arbitrary values whose properties, prototypes or lengths can make the code that reads them fail. */
import fc from 'fast-check'

const PROXY_TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const

const arbitraryPlainValue = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
})

const createRevokedProxy = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const createCyclicObject = (): object => {
  const value: Record<string, unknown> = { list: [] }
  value.self = value
  ;(value.list as unknown[]).push(value, value)
  return value
}

const createNestedValue = (depth: number): unknown => {
  let value: unknown = []
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value }
  return value
}

const createThrowing = (error: unknown) => (): never => {
  throw error
}

/** Values that are expensive to create, or that `fc.anything` does not create. */
const arbitrarySpecialValue = fc.constantFrom<CreateValue>(
  () => Symbol('symbol'),
  () => () => 'a function',
  () => class {},
  () => createRevokedProxy({}),
  () => createRevokedProxy([]),
  () => createRevokedProxy(() => {}),
  createCyclicObject,
  () => createNestedValue(10_000),
  () => new Array(1),
  () => new Array(2 ** 32 - 1),
  () => 'x'.repeat(2_000_000),
  () => ['x'.repeat(2_000_000)],
  () => Array.from({ length: 20_000 }, () => 'x'),
  () => Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key-${index}`, 'x'])),
  () => new (class extends Array<string> {})('Orders', 'Customers'),
  () => new String('Orders'),
  () => ({ toJSON: () => ({ Statement: [] }) }),
  () => Object.assign(new Error('an error'), { message: 7 }),
  () => Object.assign(new Error('an error'), { message: Symbol('message'), name: {}, stack: [] }),
)

/**
 * Creates a value. Arbitraries generate these functions instead of the values, because fast-check reads the properties of
 * generated values, which the values of this file do not support.
 */
export type CreateValue = () => unknown

/** Generates functions that create arbitrary values, including objects whose proxy traps throw and lists with a wrong length. */
export const hostileValues: fc.Arbitrary<CreateValue> = fc.oneof(
  arbitraryPlainValue.map((value) => () => value),
  arbitrarySpecialValue,
  fc.tuple(arbitraryPlainValue, arbitraryPlainValue, fc.subarray([...PROXY_TRAPS], { minLength: 1 })).map(
    ([target, error, traps]) =>
      () =>
        createProxyWithThrowingTraps(target, error, traps),
  ),
  arbitraryPlainValue.map((length) => () => createListWithLength(length)),
)

const createProxyWithThrowingTraps = (target: unknown, error: unknown, traps: readonly string[]): unknown =>
  typeof target === 'object' && target !== null
    ? new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, createThrowing(error)])))
    : target

const createListWithLength = (length: unknown): unknown =>
  new Proxy([], { get: (list, key) => (key === 'length' ? length : Reflect.get(list, key)) })

/** Defines getters on the object and returns it. */
export const defineGetters = (
  getters: readonly (readonly [string, CreateValue])[],
  object: object = {},
): object => {
  for (const [name, get] of getters)
    Object.defineProperty(object, name, { get, enumerable: true, configurable: true })
  return object
}

/**
 * Returns functions that return the value, throw it, return a promise that settles with it, or return an object with an
 * invalid `then`.
 */
export const createOutcomes = (value: unknown): readonly CreateValue[] => [
  () => value,
  createThrowing(value),
  async () => value,
  async () => createThrowing(value)(),
  // biome-ignore lint/suspicious/noThenProperty: the test needs an object with a then method
  () => ({ then: (fulfill: (value: unknown) => void) => fulfill(value) }),
  // biome-ignore lint/suspicious/noThenProperty: the test needs an object with a then method
  () => ({ then: createThrowing(value) }),
  () => defineGetters([['then', createThrowing(value)]]),
  () => ({
    // biome-ignore lint/suspicious/noThenProperty: the test needs an object with a then method
    then: (fulfill: (value: unknown) => void, reject: (reason: unknown) => void) => {
      fulfill(value)
      reject(value)
      fulfill('twice')
      throw value
    },
  }),
  () => Object.defineProperty(Promise.resolve(), 'then', { value: () => value }),
  () => Object.defineProperty(Promise.resolve('text'), 'constructor', { get: createThrowing(value) }),
  // biome-ignore lint/suspicious/noThenProperty: the test needs an object with a then method
  () => ({ then: () => value }),
  () => new Promise(() => {}),
]

/**
 * Returns a proxy that counts in `reads` how often each property is read. A value can differ between two reads, so the code
 * under test must read each property once.
 */
export const countReads = (value: unknown, reads: Map<string, number>, path = ''): unknown => {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get: (target, key) => {
      const propertyPath = `${path}.${String(key)}`
      reads.set(propertyPath, (reads.get(propertyPath) ?? 0) + 1)
      return countReads(Reflect.get(target, key), reads, propertyPath)
    },
  })
}
