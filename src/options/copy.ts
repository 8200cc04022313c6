/**
 * Copies option values and the return values of `session` functions. A getter or a proxy can return a different value on each access.
 * Therefore each property is read once, and only the copy is checked and used.
 */
import { describeType, isRecord, UnsupportedValue } from '../text.ts'
import { readThrown } from '../thrown.ts'

/** No valid value reaches these limits. AWS accepts 50 session tags, and session policies of 2,048 characters, which nest about 6 levels deep. */
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

/** A copy of a value, and its JSON. */
export interface DataAndJson {
  readonly data: unknown
  /** The JSON of the copy. `undefined` if two different copies could have the same JSON. */
  readonly json: string | undefined
}

/** Returns the same copy as {@link copyData}, with its JSON. Never throws. */
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
  if (!isRecord(value)) return new UnsupportedValue(describeType(value))
  try {
    return copyRecord(value, createBudget(), readProperty)
  } catch (error) {
    return new UnsupportedValue(describeUnreadable(error))
  }
}

/** The remaining size that a copy can have, and whether JSON represents the copy. Copying reduces the size. */
interface Budget {
  /** The remaining number of values and characters, which limits the time that a large value takes. */
  values: number
  characters: number
  /**
   * Whether JSON represents all values that have been copied so far. JSON cannot represent `undefined`, NaN or an
   * `UnsupportedValue`.
   */
  isJson: boolean
}

const createBudget = (): Budget => ({ values: MAX_VALUES, characters: MAX_CHARACTERS, isJson: true })

const isExhausted = ({ values, characters }: Budget): boolean => values < 0 || characters < 0

const copyValue = (value: unknown, depth: number, budget: Budget): unknown => {
  if (typeof value === 'string') {
    budget.characters -= value.length
    return isExhausted(budget) ? rejectValue(budget, TOO_LARGE) : value
  }
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
  if (typeof value === 'function') return rejectValue(budget, 'a function')
  if (typeof value !== 'object') {
    budget.isJson = false
    return value
  }
  if (depth === MAX_DEPTH) return rejectValue(budget, `a value nested more than ${MAX_DEPTH} levels deep`)
  // Check the limits before listing keys, because listing the keys of a large object takes time.
  if (isExhausted(budget)) return rejectValue(budget, TOO_LARGE)
  const copyProperty = (source: object, key: PropertyKey) =>
    copyValue(readProperty(source, key), depth + 1, budget)
  try {
    if (Array.isArray(value)) return copyList(value, budget, copyProperty)
    return isRecord(value)
      ? copyRecord(value, budget, copyProperty)
      : rejectValue(budget, describeType(value))
  } catch (error) {
    return rejectValue(budget, describeUnreadable(error))
  }
}

/** Returns the replacement for a value that is not copied. */
const rejectValue = (budget: Budget, description: string): UnsupportedValue => {
  budget.isJson = false
  return new UnsupportedValue(description)
}

type CopyProperty = (source: object, key: PropertyKey) => unknown

const copyList = (list: readonly unknown[], budget: Budget, copyProperty: CopyProperty): unknown => {
  // A proxy can return any value as its length.
  const length: unknown = list.length
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
    return rejectValue(budget, 'a list without a length')
  budget.values -= length
  if (isExhausted(budget)) return rejectValue(budget, TOO_LARGE)
  const copy: unknown[] = []
  for (let index = 0; index < length; index += 1) copy.push(copyProperty(list, index))
  return copy
}

const copyRecord = (record: object, budget: Budget, copyProperty: CopyProperty) => {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(record)) {
    budget.values -= 1
    budget.characters -= key.length
    if (isExhausted(budget)) return rejectValue(budget, TOO_LARGE)
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
