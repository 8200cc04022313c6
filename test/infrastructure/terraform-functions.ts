/**
 * The functions of Terraform's language that the modules call.
 *
 * @see https://developer.hashicorp.com/terraform/language/functions
 */
import { isDeepStrictEqual } from 'node:util'

// biome-ignore lint/suspicious/noExplicitAny: Functions accept and return values of any type.
type Json = any

const requireText = (value: Json): string => {
  if (typeof value !== 'string') throw new Error(`Expected a string, but found ${JSON.stringify(value)}.`)
  return value
}

const requireList = (value: Json): Json[] => {
  if (!Array.isArray(value)) throw new Error(`Expected a list, but found ${JSON.stringify(value)}.`)
  return value
}

const requireObject = (value: Json): Record<string, Json> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`Expected an object or a map, but found ${JSON.stringify(value)}.`)
  return value
}

/** Terraform sorts the keys of objects and maps. */
const sortKeys = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sortKeys(value[key])]),
  )
}

const distinct = (list: Json): Json[] =>
  requireList(list).filter(
    (item, index) => list.findIndex((other: Json) => isDeepStrictEqual(other, item)) === index,
  )

const FUNCTIONS: Record<string, (...values: Json[]) => Json> = {
  alltrue: (list) => requireList(list).every((item) => item === true),
  compact: (list) => requireList(list).filter((item) => item !== null && item !== ''),
  concat: (...lists) => lists.flatMap(requireList),
  contains: (list, value) => requireList(list).some((item) => isDeepStrictEqual(item, value)),
  distinct,
  element: (list, index) => requireList(list)[index % list.length],
  flatten: (list) => requireList(list).flat(Number.POSITIVE_INFINITY),
  join: (separator, list) => requireList(list).map(requireText).join(separator),
  jsonencode: (value) => JSON.stringify(sortKeys(value)),
  keys: (map) => Object.keys(requireObject(map)).toSorted(),
  // Terraform counts characters and not UTF-16 code units.
  length: (value) =>
    typeof value === 'string'
      ? [...value].length
      : (Array.isArray(value) ? value : Object.keys(requireObject(value))).length,
  lower: (text) => requireText(text).toLowerCase(),
  merge: (...maps) => Object.assign({}, ...maps.map(requireObject)),
  regex: (pattern, text) => {
    const match = new RegExp(pattern, 'su').exec(requireText(text))
    if (match === null) throw new Error(`${JSON.stringify(text)} does not match ${pattern}.`)
    return match[0]
  },
  split: (separator, text) => requireText(text).split(separator),
  startswith: (text, prefix) => requireText(text).startsWith(requireText(prefix)),
  trimprefix: (text, prefix) => (requireText(text).startsWith(prefix) ? text.slice(prefix.length) : text),
  values: (map) =>
    Object.keys(requireObject(map))
      .toSorted()
      .map((key) => map[key]),
}

const succeeds = (getValue: () => Json): boolean => {
  try {
    getValue()
    return true
  } catch {
    return false
  }
}

/**
 * Calls a function of Terraform's language.
 *
 * @param parameters functions that return the values, because `can` and `try` handle the errors of their parameters
 */
export const callFunction = (name: string, parameters: readonly (() => Json)[]): Json => {
  if (name === 'can') return parameters.every(succeeds)
  if (name === 'try') return (parameters.find(succeeds) ?? parameters.at(-1))?.()
  const call = FUNCTIONS[name]
  if (call === undefined) throw new Error(`Add the function ${name} to terraform-functions.ts.`)
  return call(...parameters.map((getValue) => getValue()))
}
