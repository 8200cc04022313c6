/** Specifies charts for Vega-Lite, and draws them as SVG. */
import type { Config, TopLevelSpec } from 'vega-lite'
import type { Chart, Measurement } from './bench.ts'

/** The charts have their own background, so that they are readable on light and dark pages. */
const CONFIG: Config = {
  background: '#ffffff',
  padding: 16,
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: { labelColor: '#333333', titleColor: '#333333', gridColor: '#e5e7eb', labelLimit: 400 },
  legend: {
    labelColor: '#333333',
    labelLimit: 400,
    orient: 'bottom',
    columns: 1,
    title: null,
    symbolOpacity: 1,
  },
  title: { color: '#111111', fontSize: 14, anchor: 'start' },
}

const BAR_WIDTH = 28
/** The space between the groups of bars. */
const GROUP_GAP = 28

/** The width of a character of a label, with some space between two labels. */
const CHARACTER_WIDTH = 7

const PACKAGE_COLORS = ['#1d4ed8', '#60a5fa', '#93c5fd']
const PEER_COLORS = ['#d97706', '#b91c1c', '#6b7280', '#7c3aed', '#047857', '#db2777']

/** Returns the encoding of the colors: this package is blue in all charts, and lines across bars are black. */
const createColor = (peers: readonly string[], lines: readonly string[] = []) => {
  let [packages, others] = [0, 0]
  const range = peers.map((peer) =>
    peer.startsWith('this package') ? PACKAGE_COLORS[packages++ % 3] : PEER_COLORS[others++ % 6],
  )
  const scale = { domain: [...peers, ...lines], range: [...range, ...lines.map(() => '#111111')] as string[] }
  return { field: 'peer', type: 'nominal' as const, scale }
}

const getUnique = (values: readonly string[]): string[] => [...new Set(values)]
/** Charts show text, so the code marks of Markdown are removed. */
const toPlainText = (rows: readonly Measurement[]): Measurement[] =>
  rows.map((row) => ({ ...row, peer: row.peer.replaceAll('`', ''), case: row.case.replaceAll('`', '') }))

export interface ChartOptions extends Pick<Chart, 'name' | 'title'> {
  /** The measurements of one metric. */
  readonly rows: readonly Measurement[]
  /** The title of the axis of the measurements, with the unit. */
  readonly valueTitle: string
}

export interface BarChartOptions extends ChartOptions {
  /** Lines across the bars of a case, such as the computed floor. The peer of each row names the line in the legend. */
  readonly lines?: readonly Measurement[]
}

/** Creates a chart with one group of bars for each case, one bar for each peer, and the confidence intervals. */
export const createBarChart = ({ name, title, valueTitle, rows, lines = [] }: BarChartOptions): Chart => {
  const [bars, lineRows] = [toPlainText(rows), toPlainText(lines)]
  const x = { field: 'case', type: 'nominal' as const, sort: null, title: null, axis: { labelAngle: 0 } }
  const peers = getUnique(bars.map(({ peer }) => peer))
  const xOffset = { field: 'peer', sort: peers }
  const cases = getUnique(bars.map((row) => row.case))
  const longestLabel = Math.max(...cases.map(({ length }) => length))
  const color = createColor(peers, getUnique(lineRows.map(({ peer }) => peer)))
  const y = { type: 'quantitative' as const, title: valueTitle }
  const specification: TopLevelSpec = {
    title,
    width: cases.length * Math.max(peers.length * BAR_WIDTH + GROUP_GAP, longestLabel * CHARACTER_WIDTH),
    height: 260,
    layer: [
      {
        data: { values: bars },
        mark: 'bar',
        encoding: { x, xOffset, y: { ...y, field: 'median' }, color },
      },
      {
        data: { values: bars },
        mark: { type: 'rule', color: '#111111' },
        encoding: { x, xOffset, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      ...(lineRows.length === 0
        ? []
        : [
            {
              data: { values: lineRows },
              mark: { type: 'tick' as const, thickness: 2, bandSize: BAR_WIDTH * peers.length },
              encoding: { x, y: { ...y, field: 'median' }, color },
            },
          ]),
    ],
  }
  return { name, title, specification }
}

export interface LineChartOptions extends ChartOptions {
  /** The title of the horizontal axis. The cases must begin with its numbers, such as `20 ms`. */
  readonly caseTitle: string
  /** The scales. Use `log` for values of different magnitudes. @default linear */
  readonly scale?: 'linear' | 'log'
}

/** Creates a chart with one line for each peer, and a band for the confidence intervals. */
export const createLineChart = ({
  name,
  title,
  valueTitle,
  caseTitle,
  rows,
  scale = 'linear',
}: LineChartOptions): Chart => {
  const values = toPlainText(rows).map((row) => ({
    ...row,
    x: Number.parseFloat(row.case.replaceAll(',', '')),
  }))
  const x = { field: 'x', type: 'quantitative' as const, title: caseTitle, scale: { type: scale } }
  const y = { type: 'quantitative' as const, title: valueTitle, scale: { type: scale } }
  const color = createColor(getUnique(values.map(({ peer }) => peer)))
  const specification: TopLevelSpec = {
    title,
    data: { values },
    width: 560,
    height: 260,
    layer: [
      {
        mark: { type: 'area', opacity: 0.25 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      { mark: { type: 'line', point: true }, encoding: { x, y: { ...y, field: 'median' }, color } },
    ],
  }
  return { name, title, specification }
}

/** Draws a chart as SVG. */
export const renderSvg = async ({ specification }: Chart): Promise<string> => {
  // Only this function needs the libraries, which are not installed when the unit tests load the benches.
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const { spec } = compile(specification as TopLevelSpec, { config: CONFIG })
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}
