/** Copies of values that other code made. */
import { describe, expect, test } from '@jest/globals'
import { copyData, copyProperties } from '../../../src/options/copy.ts'
import { describe as kindOf, UnsupportedValue } from '../../../src/text.ts'
import { withGetters } from '../hostile-values.ts'

const fail = (error: unknown) => (): never => {
  throw error
}

describe('copyData', () => {
  test('copies plain data deeply', () => {
    const data = { text: 'a', list: [1, null, { yes: true }], nothing: undefined, big: 1n }
    const copy = copyData(data) as typeof data
    expect(copy).toEqual(data)
    expect(copy).not.toBe(data)
    expect(copy.list).not.toBe(data.list)
    expect(copy.list[2]).not.toBe(data.list[2])
  })

  test.each(['text', '', 7, Number.NaN, true, null, undefined, 1n, Symbol.iterator])(
    'returns the primitive value %p',
    (value) => {
      expect(copyData(value)).toBe(value)
    },
  )

  test('takes only own enumerable properties with string keys, and makes __proto__ one', () => {
    const data = Object.defineProperty(JSON.parse('{"__proto__":"x","toString":"y"}'), 'hidden', {
      value: 'z',
    })
    const copy = copyData(Object.assign(data, { [Symbol('key')]: 'symbol' }))
    expect(Reflect.ownKeys(copy as object)).toEqual(['__proto__', 'toString'])
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })

  test.each<[string, unknown, unknown]>([
    ['holes', new Array(2), [undefined, undefined]],
    ['a subclass of Array', new (class extends Array<string> {})('a', 'b'), ['a', 'b']],
    ['properties beside its items', Object.assign(['a'], { more: 'b', toJSON: () => [] }), ['a']],
  ])('makes a plain list of a list with %s', (_what, list, expected) => {
    const copy = copyData(list) as unknown[]
    expect(copy).toStrictEqual(expected)
    expect(Object.getPrototypeOf(copy)).toBe(Array.prototype)
    expect(Reflect.ownKeys(copy)).toEqual(Reflect.ownKeys(expected as unknown[]))
  })

  const revocable = Proxy.revocable({}, {})
  revocable.revoke()
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  const lengthOf = (length: unknown) => new Proxy([], { get: () => length })
  const tooLarge = 'a value that is too large (more than 10000 values or 100000 characters)'

  test.each<[string, unknown, string]>([
    ['a function', () => {}, 'a function'],
    ['a Map', new Map(), 'an object'],
    ['a Date', new Date(), 'an object'],
    ['a boxed string', Object('text'), 'an object'],
    ['an instance of a class', new (class {})(), 'an object'],
    [
      'a revoked proxy',
      revocable.proxy,
      'a value that cannot be read (TypeError: "Cannot perform \'IsArray\' on a proxy that has been revoked")',
    ],
    ['a huge list', new Array(2 ** 32 - 1), tooLarge],
    ['a huge text', 'x'.repeat(100_001), tooLarge],
    ['a list whose length is text', lengthOf('1'), 'a list without a length'],
    ['a list whose length is negative', lengthOf(-1), 'a list without a length'],
    ['a list whose length is not whole', lengthOf(0.5), 'a list without a length'],
    [
      'an object whose keys cannot be listed',
      new Proxy({}, { ownKeys: fail(new TypeError('no')) }),
      'a value that cannot be read (TypeError: "no")',
    ],
  ])('does not copy %s', (_what, value, words) => {
    for (const copy of [copyData(value), (copyData([value]) as unknown[])[0]]) {
      expect(UnsupportedValue.is(copy)).toBe(true)
      expect(kindOf(copy)).toBe(words)
    }
  })

  test('replaces only the property whose getter throws', () => {
    const copy = copyData(withGetters([['bad', fail('secret')]], { good: 'a' })) as Record<string, unknown>
    expect(copy.good).toBe('a')
    expect(kindOf(copy.bad)).toBe('a value that cannot be read (a string)')
  })

  test('ends where a value contains itself', () => {
    let copy = copyData(cyclic)
    for (let depth = 0; depth < 32; depth += 1) copy = (copy as typeof cyclic).self
    expect(kindOf(copy)).toBe('a value nested more than 32 levels deep')
  })

  test('counts values and characters of the whole', () => {
    const list = (length: number, item: unknown) => Array.from({ length }, () => item)
    expect(copyData(list(100, list(99, 'a')))).toHaveLength(100)
    expect(kindOf((copyData(list(100, list(100, 'a'))) as unknown[]).at(-1))).toBe(tooLarge)
    expect(kindOf((copyData(list(101, 'x'.repeat(1000))) as unknown[]).at(-1))).toBe(tooLarge)
    expect(kindOf(copyData(Object.fromEntries(list(10_001, '').map((each, index) => [index, each]))))).toBe(
      tooLarge,
    )
    expect(kindOf(copyData({ ['x'.repeat(100_001)]: '' }))).toBe(tooLarge)
  })
})

describe('copyProperties', () => {
  test('keeps the values themselves', () => {
    const inner = new Map()
    const copy = copyProperties({ inner })
    expect(copy).toHaveProperty('inner', inner)
  })

  test.each([
    [[], 'a list'],
    [new Map(), 'an object'],
    [null, 'null'],
    ['text', 'a string'],
    [new Proxy({}, { getPrototypeOf: fail(new Error('no')) }), 'an object'],
    [new Proxy({}, { ownKeys: fail(new Error('no')) }), 'a value that cannot be read (Error: "no")'],
  ])('takes plain objects only, not %#', (value, words) => {
    const copy = copyProperties(value)
    expect(UnsupportedValue.is(copy)).toBe(true)
    expect(kindOf(copy)).toBe(words)
  })
})
