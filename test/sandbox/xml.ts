/** An element's content: text, or its children by name, in order. */
export type Xml = string | number | undefined | { [name: string]: Xml }

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeText = (text: string) => text.replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c)

/** Elements whose content is undefined are left out. */
export function xml(content: Xml): string {
  if (content === undefined) return ''
  if (typeof content !== 'object') return escapeText(String(content))
  return Object.entries(content)
    .filter(([, child]) => child !== undefined)
    .map(([name, child]) => `<${name}>${xml(child)}</${name.split(' ')[0]}>`)
    .join('')
}
