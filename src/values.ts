/** Telling values apart, and showing them in messages. */

/** Longer ones may be an attacker's, and a log is no place for them. */
const LONGEST_QUOTE = 1000

/** A text for messages: in quotes, its odd characters escaped, and cut when it is very long. */
export const quoted = (text: string): string =>
  text.length > LONGEST_QUOTE ? `${JSON.stringify(text.slice(0, LONGEST_QUOTE))}…` : JSON.stringify(text)

/** A value for messages: itself if it is short and plain, else its kind. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? quoted(value) : typeof value === 'number' ? String(value) : describe(value)

/** A value's kind, for messages that must not show the value itself. */
export const describe = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** A plain object, of this realm or another: not a list, a Map or a Date, whose entries would go unseen. */
export const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
