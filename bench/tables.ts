/** Arranges measurements in tables, for the terminal and for the page. */
import type { Bench, Measurement, Unit } from './bench.ts'

export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Rounds to three significant digits, or to an integer if the number is larger. */
const formatNumber = (value: number): string =>
  Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 })

const TIME_UNITS: readonly Unit[] = ['ns', 'µs', 'ms', 's']

/** Returns the unit of time in which the value is less than 1,000, and the number by which it divides values. */
const scaleTime = (unit: Unit, value: number): { readonly unit: Unit; readonly divisor: number } => {
  const index = TIME_UNITS.indexOf(unit)
  const larger = index === -1 ? undefined : TIME_UNITS[index + 1]
  if (larger === undefined || Math.abs(value) < 1000) return { unit, divisor: 1 }
  const scaled = scaleTime(larger, value / 1000)
  return { unit: scaled.unit, divisor: scaled.divisor * 1000 }
}

/** Returns the median and its confidence interval, such as `168 ms (165 to 171)`. */
export const formatMeasurement = ({ median, low, high, ...row }: Measurement): string => {
  const { unit, divisor } = scaleTime(row.unit, median)
  const [value, from, to] = [median, low, high].map((number) => formatNumber(number / divisor))
  const interval = from === to ? '' : ` (${from} to ${to})`
  return `${value}${unit === 'count' ? '' : ` ${unit}`}${interval}`
}

export const getUnique = (values: readonly string[]): string[] => [...new Set(values)]

/** Creates one table for each metric, with the cases as columns, or one table for each case, with the metrics as columns. */
export const createTables = (measurements: readonly Measurement[], columns: Bench['columns']): Table[] => {
  const [tableKey, columnKey] =
    columns === 'cases' ? (['metric', 'case'] as const) : (['case', 'metric'] as const)
  return getUnique(measurements.map((row) => row[tableKey])).map((title) => {
    const inTable = measurements.filter((row) => row[tableKey] === title)
    const columnNames = getUnique(inTable.map((row) => row[columnKey]))
    const formatCell = (peer: string, column: string): string => {
      const cell = inTable.find((row) => row.peer === peer && row[columnKey] === column)
      return cell === undefined ? '' : formatMeasurement(cell)
    }
    return {
      header: [title, ...columnNames],
      rows: getUnique(inTable.map(({ peer }) => peer)).map((peer) => [
        peer,
        ...columnNames.map((column) => formatCell(peer, column)),
      ]),
    }
  })
}

const formatMarkdownRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** Formats a table as Markdown. `alignment` is that of all columns but the first, which is aligned left. */
export const formatMarkdown = ({ header, rows }: Table, alignment: 'left' | 'right' = 'right'): string =>
  [
    formatMarkdownRow(header),
    formatMarkdownRow(header.map((_, index) => (index === 0 || alignment === 'left' ? '---' : '---:'))),
    ...rows.map(formatMarkdownRow),
  ].join('\n')

export const formatText = ({ header, rows }: Table): string => {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const formatLine = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
  const [first = '', ...others] = lines.map(formatLine)
  return [first, '-'.repeat(first.length), ...others].join('\n')
}
