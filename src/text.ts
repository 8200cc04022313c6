/** Formats texts and describes values for messages. Functions that take an unknown value never throw. */

/** The maximum length of a quoted text, in characters. Text from a request can be megabytes long, and messages are logged. */
const MAX_QUOTED_CHARACTERS = 1000

/** Returns the text, or its first `maxLength` characters with `…` if it is longer. */
export const truncate = (text: string, maxLength = MAX_QUOTED_CHARACTERS): string =>
  text.length > maxLength ? `${text.slice(0, maxLength)}…` : text

/** Matches control characters, line separators and bidirectional controls. They can change how a log is displayed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are escaped here
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Formats a text for messages: quoted, with control characters escaped, and truncated to 1000 characters. */
export const quote = (text: string): string => {
  const start = text.slice(0, MAX_QUOTED_CHARACTERS)
  return escapeControls(JSON.stringify(start)) + (start === text ? '' : '…')
}

/** Returns the JSON escape sequence of a character. */
export const toEscapeSequence = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Escapes control characters, including line breaks, and bidirectional controls in a text. */
export const escapeControls = (text: string): string => text.replace(CONTROLS, toEscapeSequence)

/** Escapes control characters and bidirectional controls in each line of a text, so that only its own line breaks remain. */
export const escapeLines = (text: string): string => text.split('\n').map(escapeControls).join('\n')

/** Formats a list: `a`, `a and b`, `a, b and c`. */
export const formatList = (items: readonly string[]): string =>
  [items.slice(0, -1).join(', '), items.at(-1)].filter(Boolean).join(' and ')

/** Formats a bulleted list for messages, one item per line. */
export const formatBullets = (lines: readonly string[]): string =>
  lines.map((line) => `  - ${line}`).join('\n')

/**
 * A placeholder for a value that is not plain data or that cannot be read. It is not a string, a number, a list or a plain object,
 * so all parsers reject it.
 */
export class UnsupportedValue {
  readonly #description: string

  /** @param description the type of the value, as {@link describeType} returns it */
  constructor(description: string) {
    this.#description = description
  }

  get description(): string {
    return this.#description
  }

  /** Returns whether a value is an `UnsupportedValue`. Unlike `instanceof`, this check does not run the traps of a proxy. */
  static is(value: unknown): value is UnsupportedValue {
    return typeof value === 'object' && value !== null && #description in value
  }
}

/** Returns the type of a value, such as `a number` or `a list`, for messages that must not contain the value itself. */
export const describeType = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (UnsupportedValue.is(value)) return value.description
  try {
    return Array.isArray(value) ? 'a list' : 'an object'
  } catch {
    // Array.isArray throws for a revoked proxy.
    return 'an object'
  }
}

/**
 * Returns whether a prototype is `null` or the `Object.prototype` of any realm. A copy of an object with another prototype could
 * lose properties that the object inherits.
 */
export const isPlainPrototype = (prototype: object | null): boolean =>
  prototype === null ||
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))

/** Returns whether a value is a plain object of any realm. Lists, Maps and Dates are not plain objects. */
export const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  try {
    return isPlainPrototype(Object.getPrototypeOf(value))
  } catch {
    return false
  }
}
