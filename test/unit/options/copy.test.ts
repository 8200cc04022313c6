/** Copies of options and of values that a session function returns. */
import { describe, expect, test } from '@jest/globals'
import { copyData, copyProperties } from '../../../src/options/copy.ts'
import { describeType, UnsupportedValue } from '../../../src/text.ts'
import { defineGetters } from '../hostile-values.ts'

const createThrowing = (error: unknown) => (): never => {
  throw error
}

describe('copyData', () => {
  test('copyData copies plain data deeply', () => {
    const data = { text: 'a', list: [1, null, { yes: true }], nothing: undefined, big: 1n }
    const copy = copyData(data) as typeof data
    expect(copy).toEqual(data)
    expect(copy).not.toBe(data)
    expect(copy.list).not.toBe(data.list)
    expect(copy.list[2]).not.toBe(data.list[2])
  })

  test.each(['text', '', 7, Number.NaN, true, null, undefined, 1n, Symbol.iterator])(
    'copyData returns the primitive value %p',
    (value) => {
      expect(copyData(value)).toBe(value)
    },
  )

  test('copyData copies only own enumerable properties with string keys, including __proto__', () => {
    const data = Object.defineProperty(JSON.parse('{"__proto__":"x","toString":"y"}'), 'hidden', {
      value: 'z',
    })
    const copy = copyData(Object.assign(data, { [Symbol('key')]: 'symbol' }))
    expect(Reflect.ownKeys(copy as object)).toEqual(['__proto__', 'toString'])
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })

  test.each<[string, unknown, unknown]>([
    ['holes', new Array(2), [undefined, undefined]],
    ['a subclass of Array as its class', new (class extends Array<string> {})('a', 'b'), ['a', 'b']],
    ['additional properties', Object.assign(['a'], { more: 'b', toJSON: () => [] }), ['a']],
  ])('copyData returns a plain list for a list with %s', (_what, list, expected) => {
    const copy = copyData(list) as unknown[]
    expect(copy).toStrictEqual(expected)
    expect(Object.getPrototypeOf(copy)).toBe(Array.prototype)
    expect(Reflect.ownKeys(copy)).toEqual(Reflect.ownKeys(expected as unknown[]))
  })

  const revokedProxy = Proxy.revocable({}, {})
  revokedProxy.revoke()
  const cyclicObject: Record<string, unknown> = {}
  cyclicObject.self = cyclicObject
  const createListWithLength = (length: unknown) => new Proxy([], { get: () => length })
  const TOO_LARGE = 'a value that is too large (more than 10000 values or 100000 characters)'

  test.each<[string, unknown, string]>([
    ['a function', () => {}, 'a function'],
    ['a Map', new Map(), 'an object'],
    ['a Date', new Date(), 'an object'],
    ['a boxed string', Object('text'), 'an object'],
    ['an instance of a class', new (class {})(), 'an object'],
    [
      'a revoked proxy',
      revokedProxy.proxy,
      'a value that cannot be read (TypeError: "Cannot perform \'IsArray\' on a proxy that has been revoked")',
    ],
    ['a huge list', new Array(2 ** 32 - 1), TOO_LARGE],
    ['a huge string', 'x'.repeat(100_001), TOO_LARGE],
    ['a list whose length is a string', createListWithLength('1'), 'a list without a length'],
    ['a list whose length is negative', createListWithLength(-1), 'a list without a length'],
    ['a list whose length is not an integer', createListWithLength(0.5), 'a list without a length'],
    [
      'an object whose keys cannot be listed',
      new Proxy({}, { ownKeys: createThrowing(new TypeError('no')) }),
      'a value that cannot be read (TypeError: "no")',
    ],
  ])('copyData does not copy %s', (_what, value, description) => {
    for (const copy of [copyData(value), (copyData([value]) as unknown[])[0]]) {
      expect(UnsupportedValue.is(copy)).toBe(true)
      expect(describeType(copy)).toBe(description)
    }
  })

  test('copyData replaces only the property whose getter throws', () => {
    const copy = copyData(defineGetters([['bad', createThrowing('secret')]], { good: 'a' })) as Record<
      string,
      unknown
    >
    expect(copy.good).toBe('a')
    expect(describeType(copy.bad)).toBe('a value that cannot be read (a string)')
  })

  test('copyData stops at 32 levels if a value contains itself', () => {
    let copy = copyData(cyclicObject)
    for (let depth = 0; depth < 32; depth += 1) copy = (copy as typeof cyclicObject).self
    expect(describeType(copy)).toBe('a value nested more than 32 levels deep')
  })

  test('copyData limits the total number of values and characters', () => {
    const createList = (length: number, item: unknown) => Array.from({ length }, () => item)
    expect(copyData(createList(100, createList(99, 'a')))).toHaveLength(100)
    expect(describeType((copyData(createList(100, createList(100, 'a'))) as unknown[]).at(-1))).toBe(
      TOO_LARGE,
    )
    expect(describeType((copyData(createList(101, 'x'.repeat(1000))) as unknown[]).at(-1))).toBe(TOO_LARGE)
    expect(
      describeType(copyData(Object.fromEntries(createList(10_001, '').map((each, index) => [index, each])))),
    ).toBe(TOO_LARGE)
    expect(describeType(copyData({ ['x'.repeat(100_001)]: '' }))).toBe(TOO_LARGE)
  })
})

describe('copyProperties', () => {
  test('copyProperties keeps the same property values', () => {
    const value = new Map()
    const copy = copyProperties({ value })
    expect(copy).toHaveProperty('value', value)
  })

  test.each([
    [[], 'a list'],
    [new Map(), 'an object'],
    [null, 'null'],
    ['text', 'a string'],
    [new Proxy({}, { getPrototypeOf: createThrowing(new Error('no')) }), 'an object'],
    [
      new Proxy({}, { ownKeys: createThrowing(new Error('no')) }),
      'a value that cannot be read (Error: "no")',
    ],
  ])('copyProperties copies only plain objects: case %#', (value, description) => {
    const copy = copyProperties(value)
    expect(UnsupportedValue.is(copy)).toBe(true)
    expect(describeType(copy)).toBe(description)
  })
})
