/** Telling values apart, and showing them in messages. */

/** Longer ones may be an attacker's, and a log is no place for them. */
const LONGEST_QUOTE = 1000

/** Characters that change what a line of a log looks like: controls, line ends, and the direction of writing. */
const MISLEADING = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** A text for messages: in quotes, its odd characters escaped, and cut when it is very long. */
export const quoted = (text: string): string => {
  const isLong = text.length > LONGEST_QUOTE
  const quote = JSON.stringify(isLong ? text.slice(0, LONGEST_QUOTE) : text).replace(MISLEADING, escaped)
  return isLong ? `${quote}…` : quote
}

/** A character as JSON escapes it. */
export const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A list for messages, each on a line of its own. */
export const bulleted = (lines: readonly string[]): string => lines.map((line) => `  - ${line}`).join('\n')

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
