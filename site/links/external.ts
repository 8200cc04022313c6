/** Checks the form of links to other sites. It sends no requests. */

/** Addresses that only a reader's own machine has. */
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1)(?:[:/]|$)/

/** Returns what is wrong with the link, or `undefined`. */
export const findExternalLinkError = (link: string): string | undefined => {
  if (link.startsWith('mailto:') || LOOPBACK.test(link)) return undefined
  if (!URL.canParse(link) || /\s/.test(link)) return 'is not a valid URL'
  const { protocol, hostname, username } = new URL(link)
  if (protocol !== 'https:') return 'does not use https'
  if (!hostname.includes('.') || username !== '') return 'has no valid host name'
  return undefined
}

export const isExternalLink = (link: string): boolean => /^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link)
