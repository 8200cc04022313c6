/** Describes values for messages. Functions that take an unknown value never throw. */

/** The text of a request can be megabytes long, and messages with it are logged. */
const MAX_QUOTED_CHARACTERS = 1000

/** The text, or its start with `…` if it is too long for a message. */
export const truncate = (text: string): string =>
  text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text

/** Controls, line ends and bidirectional controls: `JSON.stringify` leaves them, and they change the layout of a log. */
const MISLEADING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** A text for messages: in quotes, with control characters escaped, and truncated if it is long. */
export const quoted = (text: string): string => {
  const isLong = text.length > MAX_QUOTED_CHARACTERS
  const quote = JSON.stringify(isLong ? text.slice(0, MAX_QUOTED_CHARACTERS) : text).replace(
    MISLEADING,
    escaped,
  )
  return isLong ? `${quote}…` : quote
}

/** A character as JSON escapes it. */
export const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text with its control characters, line ends included, and its bidirectional controls escaped. */
export const escapeControls = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are escaped here
  text.replace(/[\u0000-\u001f]/g, escaped).replace(MISLEADING, escaped)

/** `a`, `a and b`, `a, b and c`. */
export const formatList = (items: readonly string[]): string =>
  [items.slice(0, -1).join(', '), items.at(-1)].filter(Boolean).join(' and ')

/** A list for messages, each on a line of its own. */
export const bulleted = (lines: readonly string[]): string => lines.map((line) => `  - ${line}`).join('\n')

/** A value for messages: a string or a number itself, anything else by its type. */
export const formatValue = (value: unknown): string =>
  typeof value === 'string' ? quoted(value) : typeof value === 'number' ? String(value) : describe(value)

/**
 * Stands in a copy for a value that is not plain data or that cannot be read. It is neither text, a number, a list nor a
 * plain object, so every check of a value refuses it.
 */
export class UnsupportedValue {
  readonly #description: string

  /** The description is the type of the value, as {@link describe} returns it. */
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

/** The type of a value, for messages that must not contain the value. */
export const describe = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (UnsupportedValue.is(value)) return value.description
  try {
    return Array.isArray(value) ? 'a list' : 'an object'
  } catch {
    // The type of a revoked proxy cannot be determined.
    return 'an object'
  }
}

/** Whether a value is a plain object of any realm. Lists, Maps and Dates are not. */
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
