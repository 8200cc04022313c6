/** Specifies charts for Vega-Lite, and draws them as SVG. */
import type { Config, TopLevelSpec } from 'vega-lite'
import type { Chart, Measurement } from './bench.ts'
import { getUnique } from './tables.ts'

/** The charts have their own background, so that they are readable on light and dark pages. */
const CONFIG: Config = {
  background: '#ffffff',
  padding: 16,
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: { labelColor: '#333333', titleColor: '#333333', gridColor: '#e5e7eb', labelLimit: 400 },
  legend: {
    labelColor: '#333333',
    orient: 'bottom',
    columns: 1,
    title: null,
    symbolOpacity: 1,
  },
  title: { color: '#111111', fontSize: 14, anchor: 'start' },
}

const SCALES = {
  linear: { type: 'linear' },
  // Values between -100 and 100 are drawn almost linearly, so that noise around zero does not look large.
  symlog: { type: 'symlog', constant: 100, nice: false },
} as const

const BAR_WIDTH = 28
/** The legend needs this width. */
const MIN_WIDTH = 420
/** The space between the groups of bars. */
const GROUP_GAP = 28

/** The width of a character of a label, with some space between two labels. */
const CHARACTER_WIDTH = 7

/** The colors of the peers that charts show. A peer whose name begins with a key has its color. This package is blue. */
const COLORS: readonly (readonly [name: string, colors: readonly string[]])[] = [
  ['this package', ['#1d4ed8', '#60a5fa']],
  ['fromTemporaryCredentials', ['#d97706', '#fbbf24']],
  ['@middy/sts', ['#b91c1c']],
  ['AssumeRole', ['#6b7280']],
  ['own credentials', ['#047857']],
  ['a middleware that compares', ['#047857']],
  ['middy and the SDK', ['#047857']],
]
const LINE_COLOR = '#111111'

/** Returns the colors of the peers, so that a peer has the same color in all charts. @throws if a peer has no color. */
const createColor = (peers: readonly string[], lines: readonly string[] = []) => {
  const range = peers.map((peer) => {
    const [name = '', colors = []] = COLORS.find(([prefix]) => peer.startsWith(prefix)) ?? []
    const color = colors[peers.filter((other) => other.startsWith(name)).indexOf(peer)]
    if (color === undefined) throw new Error(`charts.ts defines no color for ${peer}.`)
    return color
  })
  const scale = { domain: [...peers, ...lines], range: [...range, ...lines.map(() => LINE_COLOR)] }
  // Vega-Lite ignores the limit in the configuration of legends. 0 means no limit.
  return { field: 'peer', type: 'nominal' as const, scale, legend: { labelLimit: 0 } }
}

/** Charts show text, so the code marks of Markdown are removed. */
const toPlainText = (rows: readonly Measurement[]): Measurement[] =>
  rows.map((row) => ({ ...row, peer: row.peer.replaceAll('`', ''), case: row.case.replaceAll('`', '') }))

export interface BarChartOptions extends Pick<Chart, 'name' | 'title'> {
  /** The measurements of one metric. */
  readonly rows: readonly Measurement[]
  /** The title of the axis of the measurements, with the unit. */
  readonly valueTitle: string
  /** The scale of the axis. `symlog` shows values of different magnitudes, also negative ones. @default linear */
  readonly scale?: keyof typeof SCALES
  /** Lines across the bars of a case, such as the computed floor. The peer of each row names the line in the legend. */
  readonly lines?: readonly Measurement[]
}

/** Creates a chart with one group of bars for each case, one bar for each peer, and the confidence intervals. */
export const createBarChart = ({
  name,
  title,
  valueTitle,
  rows,
  scale = 'linear',
  lines = [],
}: BarChartOptions): Chart => {
  const [bars, lineRows] = [toPlainText(rows), toPlainText(lines)]
  const x = { field: 'case', type: 'nominal' as const, sort: null, title: null, axis: { labelAngle: 0 } }
  const peers = getUnique(bars.map(({ peer }) => peer))
  const xOffset = { field: 'peer', sort: peers }
  const cases = getUnique(bars.map((row) => row.case))
  const longestLabel = Math.max(...cases.map(({ length }) => length))
  const color = createColor(peers, getUnique(lineRows.map(({ peer }) => peer)))
  const y = { type: 'quantitative' as const, title: valueTitle, scale: SCALES[scale] }
  const specification: TopLevelSpec = {
    title,
    width: Math.max(
      MIN_WIDTH,
      cases.length * Math.max(peers.length * BAR_WIDTH + GROUP_GAP, longestLabel * CHARACTER_WIDTH),
    ),
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

/** Draws a chart as SVG. */
export const renderSvg = async ({ specification }: Chart): Promise<string> => {
  // Only this function needs the libraries, which are not installed when the unit tests load the benches.
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const { spec } = compile(specification as TopLevelSpec, { config: CONFIG })
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}
