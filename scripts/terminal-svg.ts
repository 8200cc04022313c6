// biome-ignore-all lint/suspicious/noControlCharactersInRegex: The regular expressions match terminal escape sequences.
/** Renders terminal output as SVG. */

const LINE_HEIGHT = 20
const CHARACTER_WIDTH = 8.4
const MARGIN = 20
const COLUMNS = 112

/** SVG attributes for the escape codes of `styleText`, for a dark background. */
const ATTRIBUTES_BY_CODE: Readonly<Record<string, string>> = {
  1: 'font-weight="bold"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#f2cc60"',
  36: 'fill="#79c0ff"',
}

const escapeXml = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? '')

/** Wraps a line at the last column, as a terminal does. Escape sequences have no width. */
const wrapLine = (line: string): string[] => {
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

/** Renders text with escape sequences as SVG. The same text always gives the same SVG. */
export const renderTerminalSvg = (title: string, text: string): string => {
  const rows = text.trimEnd().split('\n').flatMap(wrapLine)
  let attributes = ''
  const lines = rows.map((row, index) => {
    const spans = row.split(/(?=\u001b\[)/).map((part) => {
      const [, code, rest = part] = /^\u001b\[(\d+)m(.*)$/s.exec(part) ?? []
      if (code !== undefined) attributes = ATTRIBUTES_BY_CODE[code] ?? ''
      return rest === ''
        ? ''
        : attributes === ''
          ? escapeXml(rest)
          : `<tspan ${attributes}>${escapeXml(rest)}</tspan>`
    })
    return `    <text x="${MARGIN}" y="${MARGIN + LINE_HEIGHT * (index + 0.7)}">${spans.join('')}</text>`
  })
  const width = Math.ceil(2 * MARGIN + COLUMNS * CHARACTER_WIDTH)
  const height = 2 * MARGIN + rows.length * LINE_HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escapeXml(title)}</title>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
  <g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" style="white-space: pre" xml:space="preserve">
${lines.join('\n')}
  </g>
</svg>
`
}
