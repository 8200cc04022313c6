/** Telling values apart, and showing them in messages. Every function here takes any value and never throws. */

/** Longer ones may be an attacker's, and a log is no place for them. */
const LONGEST_QUOTE = 1000

/** Characters that JSON leaves and that change what a line of a log looks like: controls, line ends, and writing direction. */
const MISLEADING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** A text for messages: in quotes, its odd characters escaped, and cut when it is very long. */
export const quoted = (text: string): string => {
  const isLong = text.length > LONGEST_QUOTE
  const quote = JSON.stringify(isLong ? text.slice(0, LONGEST_QUOTE) : text).replace(MISLEADING, escaped)
  return isLong ? `${quote}…` : quote
}

/** A character as JSON escapes it. */
export const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text with its control characters, line ends included, and its bidirectional controls escaped. */
export const escapeControls = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
  text.replace(/[\u0000-\u001f]/g, escaped).replace(MISLEADING, escaped)

/** A list for messages, each on a line of its own. */
export const bulleted = (lines: readonly string[]): string => lines.map((line) => `  - ${line}`).join('\n')

/** A value for messages: itself if it is short and plain, else its kind. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? quoted(value) : typeof value === 'number' ? String(value) : describe(value)

/**
 * Stands in a copy for a value that is not plain data or that cannot be read. It is neither text, a number, a list nor a
 * plain object, so every check of a value refuses it.
 */
export class UnsupportedValue {
  readonly #description: string

  /** The description says what the value is, as {@link describe} does. */
  constructor(description: string) {
    this.#description = description
  }

  get description(): string {
    return this.#description
  }

  /** Unlike `instanceof`, this runs no code of a proxy. */
  static is(value: unknown): value is UnsupportedValue {
    return typeof value === 'object' && value !== null && #description in value
  }
}

/** A value's kind, for messages that must not show the value itself. */
export const describe = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (UnsupportedValue.is(value)) return value.description
  try {
    return Array.isArray(value) ? 'a list' : 'an object'
  } catch {
    // A revoked proxy does not tell which it was.
    return 'an object'
  }
}

/** A plain object, of this realm or another: not a list, a Map or a Date, whose entries would go unseen. */
export const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  try {
    if (Array.isArray(value)) return false
    const prototype = Object.getPrototypeOf(value)
    return prototype === null || Object.getPrototypeOf(prototype) === null
  } catch {
    return false
  }
}
