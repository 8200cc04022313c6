/** Lets the generator of the policies, which checks its options, handle values that are known only at deployment. */
import { Token } from 'aws-cdk-lib'

/** Placeholders for CDK tokens, and the tokens that replace them in the generated documents. */
export interface Placeholders {
  /** Returns a placeholder for a token, and any other text unchanged. `toPlaceholder` creates a valid value from a unique name. */
  readonly replaceToken: (value: string, toPlaceholder?: (name: string) => string) => string
  /** Returns a unique name. `toOriginals` receives it, and returns the original of each placeholder that contains it. */
  readonly add: (toOriginals: (name: string) => Readonly<Record<string, string>>) => string
  /** Returns a copy of a document or text in which the tokens are back. */
  readonly restore: <Document>(document: Document) => Document
}

/** @see https://docs.aws.amazon.com/cdk/v2/guide/tokens.html */
export const createPlaceholders = (): Placeholders => {
  const originals = new Map<string, string>()
  let count = 0

  const add: Placeholders['add'] = (toOriginals) => {
    count += 1
    // The number ends with a letter, so that no name is the beginning of another one.
    const name = `cdk-token-${count}x`
    for (const [placeholder, original] of Object.entries(toOriginals(name)))
      originals.set(placeholder, original)
    return name
  }
  const restoreText = (text: string): string => {
    let restored = text
    // In the order in which they were added: an ARN that contains a name comes before the name.
    for (const [placeholder, original] of originals)
      restored = restored.replaceAll(placeholder, () => original)
    return restored
  }
  const restore = <Document>(document: Document): Document => mapTexts(document, restoreText) as Document

  return {
    replaceToken: (value, toPlaceholder = (name) => name) =>
      Token.isUnresolved(value) ? toPlaceholder(add((name) => ({ [toPlaceholder(name)]: value }))) : value,
    add,
    restore,
  }
}

/** Returns a copy of plain data in which each text is the result of `map`. */
const mapTexts = (value: unknown, map: (text: string) => string): unknown => {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]))
}
