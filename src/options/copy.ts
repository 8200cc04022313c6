/**
 * Copies of values from other code. A getter or a proxy can return another value each time, so each property is read once,
 * and the copy is checked and used.
 */

import { describe, isRecord, UnsupportedValue } from '../text.ts'
import { readThrown } from '../thrown.ts'

/** AWS accepts far less: 50 tags, or session policies of 2,048 characters, which nest about 6 levels deep. */
const MAX_DEPTH = 32
const MAX_VALUES = 10_000
const MAX_CHARACTERS = 100_000

/**
 * A copy of plain data: primitive values, and lists and plain objects of them. Anything else, and whatever cannot be read
 * or is too large, becomes an `UnsupportedValue`. Never throws.
 *
 * Plain objects are copied with their own enumerable properties that have string keys. Holes in lists become `undefined`.
 * Values that contain themselves end at the greatest depth.
 */
export const copyData = (value: unknown): unknown => copyValue(value, 0, createBudget())

/**
 * A copy of a plain object's own enumerable properties, with the values themselves. A property that cannot be read becomes
 * an `UnsupportedValue`, and so does the whole if it is not a plain object. Never throws.
 */
export const copyProperties = (value: unknown): Readonly<Record<string, unknown>> | UnsupportedValue => {
  if (!isRecord(value)) return new UnsupportedValue(describe(value))
  try {
    return copyRecord(value, createBudget(), readProperty)
  } catch (error) {
    return unreadable(error)
  }
}

/** How much can still be copied, so that large values do not take long. */
interface Budget {
  values: number
  characters: number
}

const createBudget = (): Budget => ({ values: MAX_VALUES, characters: MAX_CHARACTERS })

const isSpent = ({ values, characters }: Budget): boolean => values < 0 || characters < 0

const copyValue = (value: unknown, depth: number, budget: Budget): unknown => {
  if (typeof value === 'string') {
    budget.characters -= value.length
    return isSpent(budget) ? tooLarge() : value
  }
  if (typeof value === 'function') return new UnsupportedValue('a function')
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return new UnsupportedValue(`a value nested more than ${MAX_DEPTH} levels deep`)
  const copyProperty = (source: object, key: PropertyKey) =>
    copyValue(readProperty(source, key), depth + 1, budget)
  try {
    if (Array.isArray(value)) return copyList(value, budget, copyProperty)
    return isRecord(value) ? copyRecord(value, budget, copyProperty) : new UnsupportedValue(describe(value))
  } catch (error) {
    return unreadable(error)
  }
}

type CopyProperty = (source: object, key: PropertyKey) => unknown

const copyList = (list: readonly unknown[], budget: Budget, copyProperty: CopyProperty): unknown => {
  // The length of a proxy can be any value.
  const length: unknown = list.length
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
    return new UnsupportedValue('a list without a length')
  budget.values -= length
  if (isSpent(budget)) return tooLarge()
  const copy: unknown[] = []
  for (let index = 0; index < length; index += 1) copy.push(copyProperty(list, index))
  return copy
}

const copyRecord = (record: object, budget: Budget, copyProperty: CopyProperty) => {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(record)) {
    budget.values -= 1
    budget.characters -= key.length
    if (isSpent(budget)) return tooLarge()
    const value = copyProperty(record, key)
    // Assigning it would set the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true })
    else copy[key] = value
  }
  return copy
}

const readProperty = (source: object, key: PropertyKey): unknown => {
  try {
    return (source as Record<PropertyKey, unknown>)[key]
  } catch (error) {
    return unreadable(error)
  }
}

const tooLarge = () =>
  new UnsupportedValue(
    `a value that is too large (more than ${MAX_VALUES} values or ${MAX_CHARACTERS} characters)`,
  )

const unreadable = (thrown: unknown) =>
  new UnsupportedValue(`a value that cannot be read (${readThrown(thrown).description})`)
