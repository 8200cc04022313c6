// biome-ignore-all lint/suspicious/noControlCharactersInRegex: escape sequences are what this reads
/** What a terminal shows, as a picture. */

const LINE = 20
const CHARACTER = 8.4
const MARGIN = 20
const COLUMNS = 112

/** The colors of `styleText`, on a dark ground. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight="bold"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#f2cc60"',
  36: 'fill="#79c0ff"',
}

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? '')

/** Breaks a line as a terminal does; escape sequences take no room. */
const wrapped = (line: string): string[] => {
  const rows = ['']
  let column = 0
  for (const [part = ''] of line.matchAll(/\u001b\[\d+m|./gu)) {
    if (!part.startsWith('\u001b')) column += 1
    if (column > COLUMNS) {
      rows.push('')
      column = 1
    }
    rows[rows.length - 1] += part
  }
  return rows
}

/** The text of a terminal, escape sequences included, as SVG: always the same for the same text. */
export const svgOf = (title: string, text: string): string => {
  const rows = text.trimEnd().split('\n').flatMap(wrapped)
  let style = ''
  const lines = rows.map((row, index) => {
    const spans = row.split(/(?=\u001b\[)/).map((part) => {
      const [, code, rest = part] = /^\u001b\[(\d+)m(.*)$/s.exec(part) ?? []
      if (code !== undefined) style = STYLES[code] ?? ''
      return rest === '' ? '' : style === '' ? escaped(rest) : `<tspan ${style}>${escaped(rest)}</tspan>`
    })
    return `    <text x="${MARGIN}" y="${MARGIN + LINE * (index + 0.7)}">${spans.join('')}</text>`
  })
  const width = Math.ceil(2 * MARGIN + COLUMNS * CHARACTER)
  const height = 2 * MARGIN + rows.length * LINE
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escaped(title)}</title>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
  <g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" style="white-space: pre" xml:space="preserve">
${lines.join('\n')}
  </g>
</svg>
`
}
