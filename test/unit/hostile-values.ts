/** Arbitrary values that other code may hand over, made to break whatever reads them. */
import fc from 'fast-check'

const TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const

const plain = fc.anything({
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

const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const cyclic = (): object => {
  const value: Record<string, unknown> = { list: [] }
  value.self = value
  ;(value.list as unknown[]).push(value, value)
  return value
}

const nested = (depth: number): unknown => {
  let value: unknown = []
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value }
  return value
}

const fail = (error: unknown) => (): never => {
  throw error
}

/** Values that are fixed, because each is expensive or cannot be made by combining others. */
const special = fc.constantFrom<Make>(
  () => Symbol('symbol'),
  () => () => 'a function',
  () => class {},
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => {}),
  cyclic,
  () => nested(10_000),
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

/** Makes a value. fast-check looks into the values that it makes, which those of this file do not survive. */
export type Make = () => unknown

/** Any value, and objects whose traps, getters or lengths misbehave. */
export const hostileValues: fc.Arbitrary<Make> = fc.oneof(
  plain.map((value) => () => value),
  special,
  fc.tuple(plain, plain, fc.subarray([...TRAPS], { minLength: 1 })).map(
    ([target, error, traps]) =>
      () =>
        withFailingTraps(target, error, traps),
  ),
  plain.map((length) => () => withLength(length)),
)

const withFailingTraps = (target: unknown, error: unknown, traps: readonly string[]): unknown =>
  typeof target === 'object' && target !== null
    ? new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, fail(error)])))
    : target

const withLength = (length: unknown): unknown =>
  new Proxy([], { get: (list, key) => (key === 'length' ? length : Reflect.get(list, key)) })

/** An object that calls these functions when its properties are read. */
export const withGetters = (getters: readonly (readonly [string, Make])[], object: object = {}): object => {
  for (const [name, get] of getters)
    Object.defineProperty(object, name, { get, enumerable: true, configurable: true })
  return object
}

/** Ways in which a function gives a value: it returns, throws, or does so later, by promises and by worse. */
export const answersWith = (value: unknown): readonly Make[] => [
  () => value,
  fail(value),
  async () => value,
  async () => fail(value)(),
  // biome-ignore lint/suspicious/noThenProperty: thenables are what is tested
  () => ({ then: (fulfill: (value: unknown) => void) => fulfill(value) }),
  // biome-ignore lint/suspicious/noThenProperty: as above
  () => ({ then: fail(value) }),
  () => withGetters([['then', fail(value)]]),
  () => ({
    // biome-ignore lint/suspicious/noThenProperty: as above
    then: (fulfill: (value: unknown) => void, reject: (reason: unknown) => void) => {
      fulfill(value)
      reject(value)
      fulfill('twice')
      throw value
    },
  }),
  () => Object.defineProperty(Promise.resolve(), 'then', { value: () => value }),
  () => Object.defineProperty(Promise.resolve('text'), 'constructor', { get: fail(value) }),
  // biome-ignore lint/suspicious/noThenProperty: as above
  () => ({ then: () => value }),
  () => new Promise(() => {}),
]

/**
 * The same value, which notes each time that a property is read. Whatever is read twice could have answered differently.
 */
export const countReads = (value: unknown, reads: Map<string, number>, path = ''): unknown => {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get: (target, key) => {
      const name = `${path}.${String(key)}`
      reads.set(name, (reads.get(name) ?? 0) + 1)
      return countReads(Reflect.get(target, key), reads, name)
    },
  })
}
