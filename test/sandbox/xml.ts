/** The content of an element: text, or child elements by name. */
export type Xml = string | number | undefined | { [name: string]: Xml }

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)

/** Formats content as XML. Omits elements whose content is undefined. */
export function formatXml(content: Xml): string {
  if (content === undefined) return ''
  if (typeof content !== 'object') return escapeXml(String(content))
  return Object.entries(content)
    .filter(([, child]) => child !== undefined)
    .map(([name, child]) => `<${name}>${formatXml(child)}</${name.split(' ')[0]}>`)
    .join('')
}
