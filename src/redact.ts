/** Removes credentials from texts of AWS, proxies and the SDK before a message quotes them. */
import { escapeControls, truncate } from './text.ts'

/** Replaces text that a message must not contain. */
export const NOT_SHOWN = '[not shown]'

/** The maximum length of a text in a message, in characters. Longer texts, such as HTML pages of proxies, are truncated. */
const MAX_LENGTH = 2000

/** The minimum number of consecutive characters of a credential that are hidden. Shorter fragments cannot be misused. */
const MIN_FRAGMENT_LENGTH = 10

/** Matches a header that holds credentials or a signature: its name and the rest of the line. */
const CREDENTIAL_HEADER =
  /\b(?<header>x-amz-security-token|(?:proxy-)?authorization|set-cookie|cookie)(?<separator>["']?\s*[:=]).*/gi

/**
 * Matches ARNs, request IDs, IAM actions such as `dynamodb:PartiQLSelect` and names of exception classes, which may look random but
 * contain no credentials. Each
 * part of an ARN has at most 64 characters. An action has at most 30 letters, which is less than a secret access key has.
 */
const IDENTIFIER =
  /\barn:aws[\w-]*(?::[\w*-]{0,64}){3}(?:[:/][\w,.@*$-]{1,64})+(?![\w+=])|\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b|\b(?:dynamodb|kms|sts):[a-z]{3,30}\b(?![+/=%])|\bcom\.amazonaws(?:\.\w{1,30}){1,6}Exception\b/gi

/** Matches sequences that can be part of an access key ID, a secret access key or a session token, plain or URL-encoded. */
const POSSIBLE_CREDENTIAL = new RegExp(`[A-Za-z0-9+/=%]{${MIN_FRAGMENT_LENGTH},}`, 'g')

/** Matches words in lowercase or camel case, such as `regular` or `CrossAccountDynamoRole`. Random text does not match. */
const WORDS = /^[a-z]*(?:I[dn](?![a-z])|[A-Z][a-z]{2,})*$/
/** Matches account IDs, and error codes of Node.js such as `ECONNREFUSED`. */
const NUMBER_OR_CODE = /^(?:\d+|E[A-Z]{4,14})$/

/**
 * Returns the text with `[not shown]` in place of the following:
 *
 * - text that looks like all or part of a credential
 * - the values of headers that contain credentials
 * - every fragment of the secrets that has at least 10 characters
 *
 * Control characters are escaped, so the result is one line. It is truncated to 2000 characters.
 */
export const redact = (text: string, secrets: readonly string[] = []): string =>
  truncate(escapeControls(hideCredentials(text, secrets)), MAX_LENGTH)

/** Removes credentials as {@link redact} does, but does not escape control characters and line breaks. */
export const hideCredentials = (text: string, secrets: readonly string[] = []): string => {
  const withoutHeaders = truncate(text, MAX_LENGTH).replace(
    CREDENTIAL_HEADER,
    `$<header>$<separator> ${NOT_SHOWN}`,
  )
  return hideFragments(hidePossibleCredentials(withoutHeaders), secrets)
}

const isReadable = (text: string): boolean =>
  NUMBER_OR_CODE.test(text) ||
  text.split('/').every((word) => word === '' || (word.length > 2 && WORDS.test(word)))

/** Hides text that looks like a credential, except in ARNs and request IDs. */
const hidePossibleCredentials = (text: string): string => {
  const hide = (part: string) =>
    part.replace(POSSIBLE_CREDENTIAL, (found) => (isReadable(found) ? found : NOT_SHOWN))
  const identifiers = text.match(IDENTIFIER) ?? []
  return text
    .split(IDENTIFIER)
    .map((part, index) => hide(part) + (identifiers[index] ?? ''))
    .join('')
}

/** Hides fragments of the secrets that the patterns do not match, such as fragments inside an ARN. */
const hideFragments = (text: string, secrets: readonly string[]): string => {
  const isHidden = new Uint8Array(text.length)
  for (let start = 0; start + MIN_FRAGMENT_LENGTH <= text.length; start += 1) {
    const end = start + MIN_FRAGMENT_LENGTH
    if (secrets.some((secret) => secret.includes(text.slice(start, end)))) isHidden.fill(1, start, end)
  }
  if (!isHidden.includes(1)) return text
  return text.replace(/[\s\S]/g, (character, index: number) =>
    isHidden[index] === 0 ? character : isHidden[index - 1] === 1 ? '' : NOT_SHOWN,
  )
}
