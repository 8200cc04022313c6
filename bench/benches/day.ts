/** Six hours of one execution environment on a moved clock, without and with an outage of STS. */
import type { Bench, Check, Measurement } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { PEER_NAMES, type Peer } from '../peers.ts'
import { summarize } from '../statistics.ts'
import { runChild } from '../support/child.ts'
import type { DayCounts } from './day/process.ts'

const HOURS = 6
const SHORT_HOURS = 2
const PEERS: readonly Peer[] = ['package', 'from-temporary-credentials', 'middy-sts', 'textbook']

interface Scenario {
  readonly name: string
  /** In minutes since the first invocation. */
  readonly outage?: readonly [start: number, end: number]
}
const SCENARIOS = {
  noOutage: { name: 'no outage' },
  // This package refreshes its credentials at minute 68.5.
  packageRefreshFails: { name: 'STS outage from minute 66 to 78', outage: [66, 78] },
  // fromTemporaryCredentials refreshes its credentials at minute 55.
  sdkRefreshFails: { name: 'STS outage from minute 50 to 62', outage: [50, 62] },
} as const satisfies Readonly<Record<string, Scenario>>

interface Day {
  readonly peer: Peer
  readonly scenario: Scenario
  readonly counts: DayCounts
}

const runDay = async (peer: Peer, scenario: Scenario, hours: number): Promise<Day> => {
  const args = [peer, hours, ...(scenario.outage ?? [])].map(String)
  return { peer, scenario, counts: await runChild(`${import.meta.dirname}/day/process.ts`, { args }) }
}

const METRICS: readonly (readonly [name: string, key: keyof DayCounts])[] = [
  ['failed invocations', 'failed'],
  ['waited for STS', 'waited'],
  ['STS calls', 'stsCalls'],
  ['connections to DynamoDB', 'dynamodbConnections'],
  ['connections to STS', 'stsConnections'],
]

const toRows = ({ peer, scenario, counts }: Day): Measurement[] =>
  METRICS.map(([metric, key]) => ({
    peer: PEER_NAMES[peer],
    case: scenario.name,
    metric,
    unit: 'count',
    ...summarize([counts[key]]),
  }))

/** Runs the days of these peers, one after the other. */
const runDaysOf = async (
  peers: readonly Peer[],
  hours: number,
  report: (progress: string) => void,
): Promise<Day[]> => {
  const days: Day[] = []
  for (const peer of peers) {
    for (const scenario of Object.values(SCENARIOS)) {
      report(`${peer}, ${scenario.name}`)
      days.push(await runDay(peer, scenario, hours))
    }
  }
  return days
}

/** Runs all days. The days of the textbook wait for STS most of the time, so they run at the same time as the others. */
const runAllDays = async (report: (progress: string) => void): Promise<Day[]> => {
  const textbookDays = Promise.all(
    Object.values(SCENARIOS).map((scenario) => runDay('textbook', scenario, HOURS)),
  )
  const others = PEERS.filter((peer) => peer !== 'textbook')
  const days = await runDaysOf(others, HOURS, report)
  report('textbook')
  return [...days, ...(await textbookDays)]
}

/**
 * The requests to STS: without failures, one for the prefetch and one for each refresh. With failures, also three for each refresh that
 * fails. They are the same in each run, because the random numbers are.
 */
const EXPECTED_CALLS = {
  [SHORT_HOURS]: { withoutFailures: 4, withFailures: 40 },
  [HOURS]: { withoutFailures: 9, withFailures: 45 },
} as const

const toChecks = (days: readonly Day[], hours: keyof typeof EXPECTED_CALLS): Check[] =>
  days
    .filter(({ peer }) => peer === 'package')
    .flatMap(({ scenario, counts }) => {
      const { withoutFailures, withFailures } = EXPECTED_CALLS[hours]
      const expectedCalls = scenario === SCENARIOS.packageRefreshFails ? withFailures : withoutFailures
      return [
        { metric: 'failed invocations', actual: counts.failed, expected: 0 },
        { metric: 'invocations that waited for STS', actual: counts.waited, expected: 1 },
        { metric: 'connections to DynamoDB', actual: counts.dynamodbConnections, expected: 1 },
        { metric: 'connections to STS', actual: counts.stsConnections, expected: 1 },
        { metric: 'STS calls', actual: counts.stsCalls, expected: expectedCalls },
      ].map(({ metric, ...check }) => ({ name: `${hours} h, ${scenario.name}: ${metric}`, ...check }))
    })

export const bench: Bench = {
  name: 'day',
  title: 'Six hours of one execution environment',
  description:
    'An invocation every 30 seconds for six hours, which are 720 invocations, on a moved clock. STS responds in 80 ms. During an ' +
    'outage, it responds to each request with an error. One outage includes minute 55, when `fromTemporaryCredentials` refreshes the ' +
    'credentials, and the other one includes the refresh of this package, at minute 68.5. This package chooses the time of the first refresh at ' +
    'random. The bench uses the middle of the possible times. During an outage, invocations call STS in the background, and use ' +
    'the valid credentials. The process runs until a refresh has ended. In Lambda, [it can be frozen before]' +
    '(reliability.md#the-environment-was-frozen).',
  columns: 'metrics',
  run: async ({ isShort, report }) => {
    if (isShort)
      return { rows: [], checks: toChecks(await runDaysOf(['package'], SHORT_HOURS, report), SHORT_HOURS) }
    const days = await runAllDays(report)
    return { rows: days.flatMap(toRows), checks: toChecks(days, HOURS) }
  },
  createCharts: ({ rows }) =>
    (['failed invocations', 'waited for STS'] as const).map((metric) =>
      createBarChart({
        name: `day-${metric.split(' ')[0]}`,
        title: `Of 720 invocations: ${metric}`,
        valueTitle: `${metric} (lower is better)`,
        rows: rows.filter((row) => row.metric === metric),
      }),
    ),
}
