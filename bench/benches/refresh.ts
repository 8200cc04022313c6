/** The latency of invocations across a refresh of the credentials, and away from it. */
import type { Bench, Check, Measurement } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { PEER_NAMES, type Peer } from '../peers.ts'
import { runInRounds } from '../rounds.ts'
import { getQuantile, summarize } from '../statistics.ts'
import { runChild } from '../support/child.ts'
import type { RefreshSample } from './refresh/process.ts'

const ROUNDS = 5
const REFRESHES = 10
const SHORT_REFRESHES = 3
const CONCURRENCY_LEVELS = [1, 8]
const PEERS: readonly Peer[] = ['package', 'from-temporary-credentials']

interface Case {
  readonly peer: Peer
  readonly concurrency: number
}

const measure = ({ peer, concurrency }: Case, refreshes: number): Promise<RefreshSample> =>
  runChild(`${import.meta.dirname}/refresh/process.ts`, {
    args: [peer, concurrency, refreshes].map(String),
  })

const QUANTILES = [
  ['median latency', 0.5],
  ['p99 latency', 0.99],
  ['maximum latency', 1],
] as const

const formatLoad = (concurrency: number): string =>
  concurrency === 1 ? 'one invocation at a time' : `${concurrency} invocations at a time`

const toRows = ({ peer, concurrency }: Case, samples: readonly RefreshSample[]): Measurement[] => {
  const load = formatLoad(concurrency)
  const windows = {
    'away from a refresh': 'awayFromRefreshMs',
    'across a refresh': 'acrossRefreshMs',
  } as const
  return QUANTILES.flatMap(([metric, part]) =>
    Object.entries(windows).map(([window, key]) => ({
      peer: `${PEER_NAMES[peer]}, ${load}`,
      case: window,
      metric,
      unit: 'ms' as const,
      ...summarize(samples.map((sample) => getQuantile(sample[key], part))),
    })),
  )
}

/** Compares the two kinds of windows of each process. */
const toRatioRow = ({ peer, concurrency }: Case, samples: readonly RefreshSample[]): Measurement => {
  const getRatio = ({ acrossRefreshMs, awayFromRefreshMs }: RefreshSample): number =>
    getQuantile(acrossRefreshMs, 0.99) / getQuantile(awayFromRefreshMs, 0.99)
  return {
    peer: `${PEER_NAMES[peer]}, ${formatLoad(concurrency)}`,
    case: 'across a refresh',
    metric: 'p99 latency, relative to away from a refresh',
    unit: '%',
    ...summarize(samples.map((sample) => getRatio(sample) * 100)),
  }
}

const runChecks = async (report: (progress: string) => void): Promise<Check[]> => {
  const checks: Check[] = []
  for (const concurrency of CONCURRENCY_LEVELS) {
    const load = formatLoad(concurrency)
    report(load)
    const { stsCalls, failed, waited } = await measure({ peer: 'package', concurrency }, SHORT_REFRESHES)
    checks.push(
      {
        name: `${load}, ${SHORT_REFRESHES} refreshes: STS calls`,
        actual: stsCalls,
        expected: SHORT_REFRESHES,
      },
      { name: `${load}: failed`, actual: failed, expected: 0 },
      { name: `${load}: waited for STS`, actual: waited, expected: 0 },
    )
  }
  return checks
}

const runRounds = async (report: (progress: string) => void): Promise<Measurement[]> => {
  const cases = CONCURRENCY_LEVELS.flatMap((concurrency) =>
    PEERS.map((peer): Case => ({ peer, concurrency })),
  )
  const samples = await runInRounds(cases, ROUNDS, (item) => measure(item, REFRESHES), report)
  return [
    ...cases.flatMap((item, index) => toRows(item, samples[index] ?? [])),
    ...cases.map((item, index) => toRatioRow(item, samples[index] ?? [])),
  ]
}

export const bench: Bench = {
  name: 'refresh',
  title: 'Latency across a refresh',
  description:
    `Each process invokes a handler that reads an item, without pauses, and refreshes its credentials ${REFRESHES} times. STS responds ` +
    'in 80 ms. The invocations in the 120 ms from the time at which a refresh is due are compared with those in 120 ms without a refresh. An invocation starts when the previous one ends.',
  columns: 'cases',
  run: async ({ isShort, report }) => {
    if (isShort) return { rows: [], checks: await runChecks(report) }
    return { rows: await runRounds(report), checks: [] }
  },
  createCharts: ({ rows }) => [
    createBarChart({
      name: 'refresh-p99',
      title: 'p99 latency of invocations',
      valueTitle: 'p99 latency in ms (lower is better)',
      rows: rows.filter(({ metric }) => metric === 'p99 latency'),
    }),
  ],
}
