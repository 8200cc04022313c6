/**
 * Copies values that other code provides. A getter or a proxy can return a different value on each access. Therefore each
 * property is read once, and only the copy is checked and used.
 */

import { describe, isRecord, UnsupportedValue } from '../text.ts'
import { readThrown } from '../thrown.ts'

/** AWS accepts far less: 50 session tags, or session policies of 2,048 characters, which nest about 6 levels deep. */
const MAX_DEPTH = 32
const MAX_VALUES = 10_000
const MAX_CHARACTERS = 100_000
const TOO_LARGE = `a value that is too large (more than ${MAX_VALUES} values or ${MAX_CHARACTERS} characters)`

/**
 * Returns a copy of plain data, which consists of primitive values, lists and plain objects. Any other value, an unreadable
 * value, and a value that is too large become an `UnsupportedValue`. Never throws.
 *
 * A copy of a plain object contains its own enumerable properties with string keys. Holes in lists become `undefined`. The
 * copy of a circular value ends at 32 levels.
 */
export const copyData = (value: unknown): unknown => copyValue(value, 0, createBudget())

/** A copy of a value, and its JSON if that represents the copy without loss, so that different copies have different JSON. */
export interface DataAndJson {
  readonly data: unknown
  readonly json: string | undefined
}

/** Returns a copy as {@link copyData} does, with its JSON. Never throws. */
export const copyDataAndJson = (value: unknown): DataAndJson => {
  const budget = createBudget()
  const data = copyValue(value, 0, budget)
  return { data, json: budget.isJson ? JSON.stringify(data) : undefined }
}

/**
 * Returns a shallow copy of a plain object's own enumerable properties with string keys. A property that cannot be read
 * becomes an `UnsupportedValue`. Returns an `UnsupportedValue` if the value is not a plain object or is too large. Never
 * throws.
 */
export const copyProperties = (value: unknown): Readonly<Record<string, unknown>> | UnsupportedValue => {
  if (!isRecord(value)) return new UnsupportedValue(describe(value))
  try {
    return copyRecord(value, createBudget(), readProperty)
  } catch (error) {
    return new UnsupportedValue(describeUnreadable(error))
  }
}

/** The state of a copy. */
interface Budget {
  /** The remaining number of values and characters to copy, which limits the time that a large value takes. */
  values: number
  characters: number
  /** Whether JSON represents each value so far. `false` for `undefined`, NaN, and values that are not copied. */
  isJson: boolean
}

const createBudget = (): Budget => ({ values: MAX_VALUES, characters: MAX_CHARACTERS, isJson: true })

const isSpent = ({ values, characters }: Budget): boolean => values < 0 || characters < 0

const copyValue = (value: unknown, depth: number, budget: Budget): unknown => {
  if (typeof value === 'string') {
    budget.characters -= value.length
    return isSpent(budget) ? unsupported(budget, TOO_LARGE) : value
  }
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
  if (typeof value === 'function') return unsupported(budget, 'a function')
  if (typeof value !== 'object') {
    budget.isJson = false
    return value
  }
  if (depth === MAX_DEPTH) return unsupported(budget, `a value nested more than ${MAX_DEPTH} levels deep`)
  const copyProperty = (source: object, key: PropertyKey) =>
    copyValue(readProperty(source, key), depth + 1, budget)
  try {
    if (Array.isArray(value)) return copyList(value, budget, copyProperty)
    return isRecord(value) ? copyRecord(value, budget, copyProperty) : unsupported(budget, describe(value))
  } catch (error) {
    return unsupported(budget, describeUnreadable(error))
  }
}

const unsupported = (budget: Budget, description: string): UnsupportedValue => {
  budget.isJson = false
  return new UnsupportedValue(description)
}

type CopyProperty = (source: object, key: PropertyKey) => unknown

const copyList = (list: readonly unknown[], budget: Budget, copyProperty: CopyProperty): unknown => {
  // A proxy can return any value as its length.
  const length: unknown = list.length
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
    return unsupported(budget, 'a list without a length')
  budget.values -= length
  if (isSpent(budget)) return unsupported(budget, TOO_LARGE)
  const copy: unknown[] = []
  for (let index = 0; index < length; index += 1) copy.push(copyProperty(list, index))
  return copy
}

const copyRecord = (record: object, budget: Budget, copyProperty: CopyProperty) => {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(record)) {
    budget.values -= 1
    budget.characters -= key.length
    if (isSpent(budget)) return unsupported(budget, TOO_LARGE)
    const value = copyProperty(record, key)
    // An assignment to `__proto__` would set the prototype instead of a property.
    if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true })
    else copy[key] = value
  }
  return copy
}

const readProperty = (source: object, key: PropertyKey): unknown => {
  try {
    return (source as Record<PropertyKey, unknown>)[key]
  } catch (error) {
    return new UnsupportedValue(describeUnreadable(error))
  }
}

const describeUnreadable = (thrown: unknown): string =>
  `a value that cannot be read (${readThrown(thrown).description})`
