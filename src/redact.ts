/** Removes credentials from texts of AWS, of proxies and of the SDK before they are quoted. */
import { escapeControls } from './text.ts'

const NOT_SHOWN = '[not shown]'

/** Longer texts are cut: a message is no place for a page. */
const MAX_LENGTH = 2000

/** So many consecutive characters of a credential are a leak; fewer of them are of no use to anybody. */
const MIN_FRAGMENT = 10

/** The rest of a line after the name of a header that holds credentials or a signature. */
const CREDENTIAL_HEADER =
  /\b(?<header>x-amz-security-token|(?:proxy-)?authorization|set-cookie|cookie)(?<separator>["']?\s*[:=]).*/gi

/** ARNs and request IDs, which may look random and hold no credentials. No part of an ARN is longer than 64 characters. */
const IDENTIFIER =
  /\barn:aws[\w-]*(?::[\w*-]{0,64}){3}(?:[:/][\w,.@*$-]{1,64})+(?![\w+=])|\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/gi

/** What access key IDs, secret access keys and session tokens are made of, plain or URL-encoded. */
const RUN = new RegExp(`[A-Za-z0-9+/=%]{${MIN_FRAGMENT},}`, 'g')

/** Words in lower case or in camel case, such as `regular` or `CrossAccountDynamoRole`. Random text has no such shape. */
const WORDS = /^[a-z]*(?:I[dn](?![a-z])|[A-Z][a-z]{2,})*$/
/** Account IDs, and codes of Node.js such as `ECONNREFUSED`. */
const NUMBER_OR_CODE = /^(?:\d+|E[A-Z]{4,14})$/

/**
 * The text without anything that looks like a credential, whole or in part, without the values of headers that hold
 * credentials, and without any part of the given secrets. It is one line of at most 2000 characters.
 */
export const redact = (text: string, secrets: readonly string[] = []): string =>
  cut(escapeControls(hideCredentials(text, secrets)))

/** The same, with the control characters that the text contains. */
export const hideCredentials = (text: string, secrets: readonly string[] = []): string => {
  const withoutHeaders = cut(text).replace(CREDENTIAL_HEADER, `$<header>$<separator> ${NOT_SHOWN}`)
  return removeFragments(removeRuns(withoutHeaders), secrets)
}

const cut = (text: string): string => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text)

const isReadable = (run: string): boolean =>
  NUMBER_OR_CODE.test(run) ||
  run.split('/').every((word) => word === '' || (word.length > 2 && WORDS.test(word)))

const removeRuns = (text: string): string => {
  const hide = (part: string) => part.replace(RUN, (run) => (isReadable(run) ? run : NOT_SHOWN))
  const identifiers = text.match(IDENTIFIER) ?? []
  return text
    .split(IDENTIFIER)
    .map((part, index) => hide(part) + (identifiers[index] ?? ''))
    .join('')
}

/** Removes the parts of secrets that are left, such as in an ARN. */
const removeFragments = (text: string, secrets: readonly string[]): string => {
  const isHidden = new Uint8Array(text.length)
  for (let start = 0; start + MIN_FRAGMENT <= text.length; start += 1) {
    const end = start + MIN_FRAGMENT
    if (secrets.some((secret) => secret.includes(text.slice(start, end)))) isHidden.fill(1, start, end)
  }
  if (!isHidden.includes(1)) return text
  return text.replace(/[\s\S]/g, (character, index: number) =>
    isHidden[index] === 0 ? character : isHidden[index - 1] === 1 ? '' : NOT_SHOWN,
  )
}
