/** What each file in `benches/` exports as `bench`, and what a run of it returns. */
import type { Summary } from './statistics.ts'

export type Unit = 'count' | 'ns' | 'µs' | 'ms' | 's' | 'bytes' | 'KB' | 'calls/s' | '%'

/** The samples of one metric, as one row of the results. */
export interface Measurement extends Summary {
  /** What is measured: this package, a peer, or the floor, such as `fromTemporaryCredentials`. */
  readonly peer: string
  /** The conditions, such as `20 ms round trip`. */
  readonly case: string
  /** What the number means, such as `waited` or `time to the first item`. */
  readonly metric: string
  readonly unit: Unit
}

/** A count that each run must reproduce, on any machine. */
export type Check = { readonly name: string; readonly actual: number } & (
  | { readonly expected: number }
  | { readonly atMost: number }
)

export interface Chart {
  /** The name of the file in `docs/bench/`, without `.svg`. */
  readonly name: string
  /** What the chart shows, as the alternative text of the picture. */
  readonly title: string
  /** The specification for Vega-Lite, a `TopLevelSpec`. `createBarChart` in charts.ts returns one. */
  readonly specification: object
}

export interface BenchResult {
  readonly rows: readonly Measurement[]
  readonly checks: readonly Check[]
  /** Values that only a chart shows, such as one for each minute of a simulation, by name. */
  readonly series?: Readonly<Record<string, readonly number[]>>
}

export interface BenchOptions {
  /** Whether to run only what the checks need, and to measure no time. `rows` are then ignored. */
  readonly isShort: boolean
  /** Shows the progress, such as `round 3 of 15`, on the terminal. */
  readonly report: (progress: string) => void
}

export interface Bench {
  /** The name on the command line, and of the results and the section. One lowercase word. */
  readonly name: string
  /** The heading of the section in docs/performance.md. */
  readonly title: string
  /** The first paragraph of the section, as Markdown: what the bench measures, and what the figures mean. */
  readonly description: string
  /** What the columns of the tables are. With `cases`, each metric has its own table. With `metrics`, each case has. */
  readonly columns: 'cases' | 'metrics'
  readonly run: (options: BenchOptions) => Promise<BenchResult>
  /** Creates the charts of the section from the stored results. */
  readonly createCharts?: (results: Pick<BenchResult, 'rows' | 'series'>) => Chart[]
}
