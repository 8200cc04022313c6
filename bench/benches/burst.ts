/** Bursts of concurrent invocations: the STS calls, and the invocations that wait for more than one call. */
import type { Bench, Check, Measurement } from '../bench.ts'
import { PEER_NAMES, type Peer } from '../peers.ts'
import { summarize } from '../statistics.ts'
import { runChild } from '../support/child.ts'
import type { BurstCounts, Phase } from './burst/process.ts'

const BURST_SIZES = [64, 512]
/** The number of tenants, and therefore of sessions. */
const TENANTS = { 'package-tenants': 8, 'client-per-tenant': 8 } as const satisfies Partial<
  Record<Peer, number>
>
const PEERS: readonly Peer[] = [
  'package',
  'from-temporary-credentials',
  'textbook',
  'package-tenants',
  'client-per-tenant',
]

interface Burst {
  readonly peer: Peer
  readonly size: number
  readonly sessions: number
  readonly counts: BurstCounts
}

const runBursts = async (peer: Peer, size: number): Promise<Burst[]> => {
  const sessions = (TENANTS as Partial<Record<Peer, number>>)[peer] ?? 1
  const phases = await runChild<BurstCounts[]>(`${import.meta.dirname}/burst/process.ts`, {
    args: [peer, String(size), String(sessions)],
  })
  return phases.map((counts) => ({ peer, size, sessions, counts }))
}

const isPackage = (peer: Peer): boolean => peer.startsWith('package')
const formatSessions = (sessions: number): string => (sessions === 1 ? '' : `, ${sessions} tenants`)

const toRows = ({ peer, size, sessions, counts }: Burst): Measurement[] => {
  const metrics: [metric: string, count: number][] = [['STS calls', counts.stsCalls]]
  // With the peers, the handler starts immediately and its first request waits.
  if (isPackage(peer))
    metrics.push(
      ['waited for the STS call', counts.waited],
      ['waited beyond the STS call', counts.waitedBeyondCall],
    )
  return metrics.map(([metric, count]) => ({
    peer: `${PEER_NAMES[peer]}${formatSessions(sessions)}, ${size} invocations`,
    case: counts.phase,
    metric,
    unit: 'count',
    ...summarize([count]),
  }))
}

/** The phases in which a session calls STS, and those in which invocations wait for that call. */
const CALLING_PHASES: readonly Phase[] = ['cold', 'refresh due', 'expired']
const WAITING_PHASES: readonly Phase[] = ['cold', 'expired']

const toChecks = ({ peer, size, sessions, counts }: Burst): Check[] => {
  const { phase, failed, stsCalls, waited, waitedBeyondCall } = counts
  const toCheck = (metric: string, actual: number, expected: number): Check => ({
    name: `${size} invocations${formatSessions(sessions)}, ${phase}: ${metric}`,
    actual,
    expected,
  })
  return isPackage(peer)
    ? [
        toCheck('STS calls', stsCalls, CALLING_PHASES.includes(phase) ? sessions : 0),
        toCheck('failed', failed, 0),
        toCheck('waited for the STS call', waited, WAITING_PHASES.includes(phase) ? size : 0),
        toCheck('waited beyond the STS call', waitedBeyondCall, 0),
      ]
    : []
}

export const bench: Bench = {
  name: 'burst',
  title: 'Bursts of concurrent invocations',
  description:
    'All invocations of a burst start at once in one execution environment. `cold` is before the first credentials, `warm` with ' +
    'valid credentials, `refresh due` 4 minutes before they expire, and `expired` an hour after the refreshed credentials. Invocations that need the ' +
    'same session wait for the same STS call, and their handlers start as soon as that call has settled. With the peers, handlers start ' +
    'immediately and their first request waits, so that waits are counted only for this package.',
  columns: 'cases',
  run: async ({ isShort, report }) => {
    const bursts: Burst[] = []
    for (const size of BURST_SIZES) {
      for (const peer of PEERS.filter((name) => !isShort || isPackage(name))) {
        report(`${size} invocations, ${peer}`)
        bursts.push(...(await runBursts(peer, size)))
      }
    }
    return { rows: bursts.flatMap(toRows), checks: bursts.flatMap(toChecks) }
  },
}
