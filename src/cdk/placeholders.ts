/** Lets the generator of the policies, which checks its options, handle values that are known only at deployment. */
import { randomUUID } from 'node:crypto'
import { Token } from 'aws-cdk-lib'

/** Placeholders for CDK tokens, and the tokens that replace them in the generated documents. */
export interface Placeholders {
  /** Returns a placeholder for a token, and any other text unchanged. `toPlaceholder` creates a valid value from a unique name. */
  readonly replaceToken: (value: string, toPlaceholder?: (name: string) => string) => string
  /** Adds a placeholder, which `restore` replaces by the original. */
  readonly add: (placeholder: string, original: string) => void
  /** Returns a copy of a document in which the originals are back. */
  readonly restore: <Document>(document: Document) => Document
}

/** @see https://docs.aws.amazon.com/cdk/v2/guide/tokens.html */
export const createPlaceholders = (): Placeholders => {
  const originals = new Map<string, string>()
  // A random name, so that no value that a user chooses contains a placeholder. It does not remain in the documents.
  const prefix = `cdk-token-${randomUUID().slice(0, 13)}`

  const add = (placeholder: string, original: string): void => {
    originals.set(placeholder, original)
  }
  const replaceToken: Placeholders['replaceToken'] = (value, toPlaceholder = (name) => name) => {
    if (!Token.isUnresolved(value)) return value
    // The name ends with a letter, so that no name is the beginning of another one.
    const placeholder = toPlaceholder(`${prefix}-${originals.size}x`)
    add(placeholder, value)
    return placeholder
  }
  const restore: Placeholders['restore'] = (document) => {
    if (originals.size === 0) return document
    // A single pass, so that no original is searched for other placeholders.
    const pattern = new RegExp([...originals.keys()].map(escapeRegExp).join('|'), 'g')
    const restoreText = (text: string): string =>
      text.replace(pattern, (found) => originals.get(found) ?? found)
    return mapTexts(document, restoreText) as typeof document
  }
  return { replaceToken, add, restore }
}

/** Escapes the characters of an ARN that have a meaning in a regular expression. */
const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Returns a copy of plain data in which each text is the result of `map`. */
const mapTexts = (value: unknown, map: (text: string) => string): unknown => {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]))
}
