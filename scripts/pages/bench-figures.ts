/** The figures of the stored benches that pages quote. */
import type { Measurement } from '../../bench/bench.ts'
import type { Peer } from '../../bench/peers.ts'
import { readResults, type StoredResults } from '../../bench/results.ts'

/** The ways to use one role. */
export const ONE_ROLE_PEERS: readonly Peer[] = [
  'package',
  'from-temporary-credentials',
  'middy-sts',
  'textbook',
]
/** The ways to use a session for each tenant. */
export const TENANT_PEERS: readonly Peer[] = ['package-tenants', 'client-per-tenant']

export interface Figure {
  readonly bench: string
  readonly metric: string
  /** Matches the cases of the bench, of which the largest figure is quoted. */
  readonly case: RegExp
}

/** @throws if the bench has no stored results. */
export const readBench = (bench: string): StoredResults => {
  const results = readResults(bench)
  if (results === undefined) throw new Error(`bench/results/${bench}.json is missing.`)
  return results
}

/** Returns the stored figure of a row of the bench, such as a peer. @throws if there is none. */
export const findFigure = ({ bench, metric, case: pattern }: Figure, peer: string): Measurement => {
  const [largest] = readBench(bench)
    .rows.filter((row) => row.peer === peer && row.metric === metric && pattern.test(row.case))
    .toSorted((a, b) => b.median - a.median)
  if (largest === undefined) throw new Error(`bench/results/${bench}.json has no ${metric} of ${peer}.`)
  return largest
}
