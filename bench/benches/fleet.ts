/** The STS calls of a fleet of execution environments, by simulation and by formula, against the quota of STS. */
import type { Bench, BenchResult, Chart, Check, Measurement, Unit } from '../bench.ts'
import { summarize } from '../statistics.ts'
import { findRefreshAges, predictRefreshesPerSecond, type RefreshAges } from './fleet/refresh-ages.ts'
import { type Fleet, type FleetResult, STS_REQUESTS_PER_SECOND, simulateFleet } from './fleet/simulate.ts'

const HOUR_SECONDS = 3600
/** With fewer sessions, the busiest minute can be more than twice the mean by chance. */
const MIN_SESSIONS_FOR_PEAK = 1000

type FleetSize = Omit<Fleet, 'hasJitter'>
const createFleet = (
  environments: number,
  tenants: number,
  invocationIntervalSeconds: number,
  hours = 4,
): FleetSize => ({
  environments,
  tenants,
  invocationIntervalSeconds,
  simulatedSeconds: hours * HOUR_SECONDS,
})

/** The fleet in the chart. */
const CHART_FLEET = createFleet(10_000, 1, 30)
const FLEETS: readonly FleetSize[] = [
  createFleet(1, 1, 30, 24),
  createFleet(10, 1, 30),
  createFleet(100, 1, 30),
  createFleet(1000, 1, 30),
  CHART_FLEET,
  createFleet(10_000, 1, 1),
  createFleet(1000, 10, 30),
  createFleet(10_000, 10, 30, 3),
  createFleet(300, 100, 30, 8),
  // STS throttles the first calls of this fleet.
  createFleet(10_000, 10, 1, 2),
  {
    ...createFleet(2000, 1, 30, 5),
    outage: { startSecond: 2 * HOUR_SECONDS, endSecond: 2 * HOUR_SECONDS + 12 * 60 },
  },
]
const SHORT_FLEETS: readonly FleetSize[] = [createFleet(1000, 1, 1), createFleet(100, 10, 30)]

interface Simulation {
  readonly fleet: Fleet
  readonly result: FleetResult
  readonly predictedRefreshesPerSecond: number
}

const simulateOne = async (fleet: Fleet): Promise<Simulation> => {
  const { later } = await findRefreshAges(fleet.hasJitter)
  return {
    fleet,
    result: await simulateFleet(fleet),
    predictedRefreshesPerSecond: predictRefreshesPerSecond(fleet, later),
  }
}

const formatCount = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
const formatFleet = ({ environments, tenants, invocationIntervalSeconds, outage }: FleetSize): string =>
  `${formatCount(environments, 'environment')}, ${formatCount(tenants, 'tenant')}, ` +
  `an invocation every ${invocationIntervalSeconds === 1 ? 'second' : `${invocationIntervalSeconds} s`}` +
  (outage === undefined ? '' : `, an outage of ${(outage.endSecond - outage.startSecond) / 60} minutes`)
const formatJitter = ({ hasJitter }: Fleet): string => (hasJitter ? 'with jitter' : 'without jitter')

/** How long environments send the refreshes that an outage has delayed: the longest pause after a failed call, and an invocation. */
const RECOVERY_MINUTES = 2
const isInRecovery = ({ outage }: Fleet, minute: number): boolean =>
  outage !== undefined && minute >= outage.endSecond / 60 && minute < outage.endSecond / 60 + RECOVERY_MINUTES

/** Returns the refreshes of the busiest minute in percent of the mean, in the recovery from an outage or in the remaining time. */
const getPeakPercent = (
  { fleet, result }: Pick<Simulation, 'fleet' | 'result'>,
  isRecovery = false,
): number => {
  const refreshes = result.refreshesPerMinute.filter(
    (_, minute) => isInRecovery(fleet, minute) === isRecovery,
  )
  return (Math.max(...refreshes) / 60 / result.meanRefreshesPerSecond) * 100
}

const toRows = ({ fleet, result, predictedRefreshesPerSecond }: Simulation): Measurement[] => {
  const { meanRefreshesPerSecond, maxCallsPerSecond, throttledCalls, failedInvocations } = result
  const metrics: [metric: string, unit: Unit, value: number][] = [
    ['refreshes per second', 'calls/s', meanRefreshesPerSecond],
    ['by the formula', 'calls/s', predictedRefreshesPerSecond],
    ['of the quota', '%', (meanRefreshesPerSecond / STS_REQUESTS_PER_SECOND) * 100],
    ['busiest second, with first calls', 'calls/s', maxCallsPerSecond],
    ['throttled calls', 'count', throttledCalls],
    ['failed invocations', 'count', failedInvocations],
  ]
  if (result.sessions >= MIN_SESSIONS_FOR_PEAK)
    metrics.push([
      'busiest minute of refreshes, relative to the mean',
      '%',
      getPeakPercent({ fleet, result }),
    ])
  if (fleet.outage !== undefined)
    metrics.push([
      `busiest of the ${RECOVERY_MINUTES} minutes after the outage`,
      '%',
      getPeakPercent({ fleet, result }, true),
    ])
  return metrics.map(([metric, unit, value]) => ({
    peer: formatFleet(fleet),
    case: formatJitter(fleet),
    metric,
    unit,
    ...summarize([value]),
  }))
}

const toChecks = ({ fleet, result, predictedRefreshesPerSecond }: Simulation): Check[] => {
  const deviation = Math.abs(result.meanRefreshesPerSecond / predictedRefreshesPerSecond - 1)
  const name = `${formatFleet(fleet)}, ${formatJitter(fleet)}`
  return [
    { name: `${name}: deviation from the formula in percent`, actual: deviation * 100, atMost: 3 },
    { name: `${name}: throttled calls`, actual: result.throttledCalls, expected: 0 },
    { name: `${name}: failed invocations`, actual: result.failedInvocations, expected: 0 },
  ]
}

/** Checks the ages at which credentials are refreshed, in seconds, as the description and docs/reliability.md state them. */
const checkRefreshAges = async (): Promise<Check[]> => {
  const { first, later } = await findRefreshAges(true)
  const toAgeChecks = (name: string, ages: RefreshAges, expected: RefreshAges): Check[] => [
    { name: `${name}: earliest refresh, in seconds`, actual: ages.earliest, expected: expected.earliest },
    { name: `${name}: latest refresh, in seconds`, actual: ages.latest, expected: expected.latest },
  ]
  return [
    // After 10% of the lifetime, rounded up to a second, and at the latest 900 seconds before the expiration.
    ...toAgeChecks('first credentials', first, { earliest: 361, latest: 2700 }),
    // The jitter extends the refresh window by up to 20%.
    ...toAgeChecks('later credentials', later, { earliest: 2520, latest: 2700 }),
  ]
}

/** Checks that refreshes are spread over time if the fleet is large enough. */
const checkPeak = ({ fleet, result }: Simulation): Check[] =>
  fleet.hasJitter && result.sessions >= MIN_SESSIONS_FOR_PEAK
    ? [
        {
          name: `${formatFleet(fleet)}: busiest minute of refreshes, in percent of the mean`,
          actual: getPeakPercent({ fleet, result }),
          atMost: 200,
        },
      ]
    : []

/** Returns the refreshes of each minute of the fleet in the chart, by `with jitter` and `without jitter`. */
const toSeries = (simulations: readonly Simulation[]): NonNullable<BenchResult['series']> =>
  Object.fromEntries(
    simulations
      .filter(({ fleet }) => formatFleet(fleet) === formatFleet(CHART_FLEET))
      .map(({ fleet, result }) => [formatJitter(fleet), result.refreshesPerMinute]),
  )

const CHART_TITLE = 'Refreshes per second of 10,000 execution environments that start together'

const createCharts = ({ series = {} }: Pick<BenchResult, 'series'>): Chart[] => [
  {
    name: 'fleet-refreshes',
    title: CHART_TITLE,
    specification: {
      title: CHART_TITLE,
      width: 560,
      height: 260,
      data: {
        values: Object.entries(series).flatMap(([jitter, refreshesPerMinute]) =>
          refreshesPerMinute.map((refreshes, minute) => ({
            jitter,
            hours: minute / 60,
            refreshes: refreshes / 60,
          })),
        ),
      },
      mark: { type: 'line', interpolate: 'step-after' },
      encoding: {
        x: { field: 'hours', type: 'quantitative', title: 'hours since the start' },
        y: { field: 'refreshes', type: 'quantitative', title: 'refreshes per second' },
        // The line with jitter is drawn last, so that the other line does not hide it.
        order: { field: 'jitter', sort: 'descending' },
        color: {
          field: 'jitter',
          type: 'nominal',
          scale: { domain: ['without jitter', 'with jitter'], range: ['#d97706', '#1d4ed8'] },
        },
      },
    },
  },
]

export const bench: Bench = {
  name: 'fleet',
  title: 'STS calls of a fleet',
  description:
    'A simulation in virtual time with the sessions of this package. All environments start together, as fast as Lambda starts ' +
    'them: [1,000 in 10 seconds](https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html). Invocations arrive at random. ' +
    'Each tenant of an environment has its own session of one hour, whose refresh is due at the latest 15 minutes before it expires. STS accepts ' +
    '[600 requests per second](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html) from an account in a ' +
    'Region by default, and the simulation counts one request for each call.\n\n' +
    'Refreshes per second ≈ environments × sessions of each / (`durationSeconds` − refresh window + seconds between two invocations ' +
    'of a session). The refresh window is `refreshBeforeSeconds` plus 10%, the mean of the jitter. In addition, each session calls ' +
    'STS once when it starts, and refreshes its first credentials early, at a random age of 6 to 45 minutes, so that the fleet does ' +
    'not refresh at the same time. A session that is used for `t` minutes in this range therefore calls STS about 1 + (`t` − 6) / 39 ' +
    'times: 1.2 times in 15 minutes, and 2 times in 45 minutes. The same applies to a session that was evicted and returns. The rows without jitter show the same fleets without random times, which is not an option of the package.\n\n' +
    'In the fleet with 100,000 sessions and an invocation every second, the first calls exceed the quota within two minutes, so ' +
    'that invocations fail until STS has accepted them. Unlike the package, the simulation does not retry a throttled call. Such ' +
    'a fleet needs a higher quota, fewer tenants for each environment, or a slower start.\n\n' +
    'In the fleet with an outage, STS fails for 12 minutes, which the credentials survive. In the first two minutes after the outage, ' +
    'environments in the refresh window send the refreshes that were due. The column of the busiest minute does not contain these minutes: ' +
    'the next refreshes of these environments are spread at random again. Without jitter, no refresh is due during this outage.',
  columns: 'metrics',
  run: async ({ isShort, report }) => {
    const fleets = isShort ? SHORT_FLEETS : FLEETS
    const simulations: Simulation[] = []
    for (const [index, fleet] of fleets.entries()) {
      report(`fleet ${index + 1} of ${fleets.length}`)
      for (const hasJitter of [true, false]) simulations.push(await simulateOne({ ...fleet, hasJitter }))
    }
    return {
      rows: simulations.flatMap(toRows),
      checks: [
        ...(await checkRefreshAges()),
        // In a full run, a fleet is throttled, and small fleets deviate from the formula.
        ...(isShort ? simulations.flatMap(toChecks) : []),
        ...simulations.flatMap(checkPeak),
      ],
      ...(!isShort && { series: toSeries(simulations) }),
    }
  },
  createCharts,
}
