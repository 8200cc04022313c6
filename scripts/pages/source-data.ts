/**
 * Generates the parts of the pages in docs/ that show data of the repository: the fault matrix, the limits of the session, and the
 * figures of the comparison. `npm run pages` writes them, and a test compares them.
 */
import { runInNewContext } from 'node:vm'
import { PEER_NAMES, type Peer } from '../../bench/peers.ts'
import { formatMarkdown, formatMeasurement } from '../../bench/tables.ts'
import { formatFaultMatrix } from '../../test/integration/fault-matrix.ts'
import { type Figure, findFigure, ONE_ROLE_PEERS, TENANT_PEERS } from './bench-figures.ts'
import { readPage, replaceParts } from './parts.ts'

/** Returns the constants that a file defines in one line, by name, such as `{ REFUSAL_MEMORY_MS: 5000 }`. */
const readConstants = (file: string): Readonly<Record<string, unknown>> => {
  const source = readPage(`src/${file}`)
  const definitions = source.matchAll(/^(?:export )?const ([A-Z][A-Z\d_]+) = ([\d{].*)$/gm)
  return Object.fromEntries(
    [...definitions].map(([, name = '', value = '']) => [name, runInNewContext(`(${value})`)]),
  )
}

const isNumber = (value: unknown): value is number => typeof value === 'number'

/** Returns a number of the source code, such as `deadline.ts RESERVE.maxMs`. @throws if the file does not define it. */
export const readFigure = (reference: string): number => {
  const [file = '', name = ''] = reference.split(' ')
  const [constant = '', property] = name.split('.')
  const value = readConstants(file)[constant]
  const figure = property === undefined ? value : Object(value)[property]
  if (!isNumber(figure)) throw new Error(`src/${file} does not define the number ${name}.`)
  return figure
}

export const formatMs = (ms: number): string => {
  if (ms < 1000) return `${ms} ms`
  if (ms <= 60_000) return `${ms / 1000} s`
  return ms < 3_600_000 ? `${ms / 60_000} minutes` : `${ms / 3_600_000} hour`
}
export const formatShare = (share: number): string => `${Math.round(share * 100)}%`

const readMs = (reference: string): string => formatMs(readFigure(reference))
const readShare = (reference: string): string => formatShare(readFigure(reference))

/** The limits that docs/reliability.md shows, as its rows. */
export const createLimitRows = (): readonly (readonly [limit: string, value: string])[] => {
  const attempts = readFigure('credentials/assume-role.ts DEFAULT_MAX_ATTEMPTS')
  const requestMs = readFigure('credentials/sts-client.ts STS_LIMITS.requestTimeout')
  const maxRetryDelayMs = readFigure('credentials/assume-role.ts RETRY_DELAY_MS.cap')
  const backOffMs = readFigure('credentials/assume-role-calls.ts BACK_OFF_MS.base')
  return [
    [
      'Refresh window, in which a refresh starts in the background',
      `\`refreshBeforeSeconds\`, which is ${readFigure('configuration/configuration.ts DEFAULT_REFRESH_BEFORE_SECONDS')} s by default, or half of \`durationSeconds\` if that is less. Each session extends it by a random share of up to ${readShare('credentials/session.ts MAX_JITTER_SHARE')}`,
    ],
    [
      'Earliest refresh of valid credentials',
      `after ${formatShare(readFigure('credentials/issued-credentials.ts MIN_REFRESH_AGE_SHARE'))} of their lifetime`,
    ],
    [
      'Remaining lifetime at which an invocation waits for new credentials',
      readMs('credentials/issued-credentials.ts EXPIRY_MARGIN_MS'),
    ],
    [
      'Wait of an invocation while the current credentials are valid',
      `at most ${readMs('credentials/session.ts MAX_WAIT_WITH_VALID_CREDENTIALS.maxMs')}, or ${readShare('credentials/session.ts MAX_WAIT_WITH_VALID_CREDENTIALS.share')} of the time that it can wait if that is less`,
    ],
    [
      'Time that an invocation can wait without valid credentials',
      `its remaining time, less a reserve of ${readMs('deadline.ts RESERVE.maxMs')} or ${readShare('deadline.ts RESERVE.share')}, whichever is less. If the context does not return the remaining time: ${readMs('deadline.ts DEFAULT_WAIT_BUDGET_MS')}`,
    ],
    ['Connection to STS', `at most ${readMs('credentials/sts-client.ts STS_LIMITS.connectionTimeout')}`],
    [
      'Request to STS',
      `at most ${formatMs(requestMs)}, or ${formatMs(requestMs / 2)} with two Regions in \`stsRegions\`, and ${formatMs(requestMs / attempts)} with more`,
    ],
    [
      'Attempts of an AssumeRole call',
      `${attempts}, or the number of \`stsRegions\` if that is greater. \`stsClientOptions.maxAttempts\` changes it`,
    ],
    [
      'Delay between attempts',
      `random, up to ${readMs('credentials/assume-role.ts RETRY_DELAY_MS.base')}. This limit doubles with each attempt in a Region, up to ${formatMs(maxRetryDelayMs)}. No delay before a Region with fewer attempts`,
    ],
    [
      'Duration after which an AssumeRole call counts as frozen',
      `${formatMs(attempts * (requestMs + maxRetryDelayMs))} with ${attempts} attempts`,
    ],
    [
      'Pause of a session after a failed refresh',
      `random, from ${formatMs(backOffMs)} to ${formatMs(2 * backOffMs)}. The upper limit doubles with each failure, up to ${readMs('credentials/assume-role-calls.ts BACK_OFF_MS.cap')}`,
    ],
    [
      'Pause of the refreshes of all sessions after `STS_THROTTLED`',
      readMs('credentials/assume-role-calls.ts THROTTLE_PAUSE_MS'),
    ],
    [
      'Time in which a session that STS refused does not call STS again',
      readMs('credentials/assume-role-calls.ts REFUSAL_MEMORY_MS'),
    ],
    [
      'Minimum age of credentials that are replaced because DynamoDB rejected them',
      readMs('credentials/session.ts MIN_REJECTED_AGE_MS'),
    ],
    [
      'Minimum age of credentials that are replaced because an identity-based policy explicitly denied a request, and minimum time between two such replacements',
      readMs('credentials/session.ts MIN_DENIED_AGE_MS'),
    ],
    [
      'Time in which the STS Region that succeeded last is tried first',
      readMs('credentials/assume-role.ts REGION_PREFERENCE_MS'),
    ],
    ['Wait for the early connection to DynamoDB', `at most ${readMs('dynamodb/warm-up.ts TIMEOUT_MS')}`],
  ]
}

const formatLimits = (): string =>
  formatMarkdown({ header: ['limit', 'value'], rows: createLimitRows() }, 'left')

/** One row of the comparison. */
interface ComparedMetric extends Figure {
  readonly title: string
  /** The ways that the bench does not measure. */
  readonly unmeasuredPeers?: readonly Peer[]
}

const COMPARED_METRICS: readonly ComparedMetric[] = [
  {
    title: '[Failed invocations](performance.md#six-hours-of-one-execution-environment) of 720 in six hours',
    bench: 'day',
    metric: 'failed invocations',
    case: /^no outage$/,
  },
  {
    title:
      '[Failed invocations](performance.md#six-hours-of-one-execution-environment) of 720, if STS is unavailable for 12 minutes at the worst time',
    bench: 'day',
    metric: 'failed invocations',
    case: /^STS outage/,
  },
  {
    title:
      '[Invocations that wait for STS](performance.md#six-hours-of-one-execution-environment), of 720 in six hours',
    bench: 'day',
    metric: 'waited for STS',
    case: /^no outage$/,
  },
  {
    title: '[STS calls](performance.md#six-hours-of-one-execution-environment) in six hours',
    bench: 'day',
    metric: 'STS calls',
    case: /^no outage$/,
  },
  {
    title: '[Connections to DynamoDB](performance.md#six-hours-of-one-execution-environment) in six hours',
    bench: 'day',
    metric: 'connections to DynamoDB',
    case: /^no outage$/,
  },
  {
    title: '[Time added to a warm invocation](performance.md#warm-invocations) of bare middy',
    bench: 'warm',
    metric: 'added time',
    case: /^context of Node\.js 24$/,
  },
  {
    title:
      '[Time from the start of the process to the first item](performance.md#cold-start), with a round trip of 20 ms',
    bench: 'cold',
    metric: 'whole process',
    case: /^20 ms$/,
    unmeasuredPeers: ['middy-sts', 'textbook'],
  },
]

const TENANT_METRICS: readonly ComparedMetric[] = [
  {
    title: '[Memory per tenant](performance.md#many-tenants-in-one-execution-environment), with 100 tenants',
    bench: 'tenants',
    metric: 'memory per tenant',
    case: /^100 tenants$/,
  },
  {
    title:
      '[New connections to DynamoDB](performance.md#many-tenants-in-one-execution-environment) for 100 new tenants',
    bench: 'tenants',
    metric: 'new connections to DynamoDB',
    case: /^100 tenants$/,
  },
  {
    title:
      '[Time to switch among warm tenants](performance.md#many-tenants-in-one-execution-environment), with 100 tenants',
    bench: 'tenants',
    metric: 'switch among warm tenants',
    case: /^100 tenants$/,
  },
]

const formatFigure = (metric: ComparedMetric, peer: Peer): string =>
  metric.unmeasuredPeers?.includes(peer) === true
    ? 'not measured'
    : formatMeasurement(findFigure(metric, PEER_NAMES[peer]))

const formatFigures = (metrics: readonly ComparedMetric[], peers: readonly Peer[]): string =>
  formatMarkdown({
    header: ['figure', ...peers.map((peer) => PEER_NAMES[peer])],
    rows: metrics.map((metric) => [metric.title, ...peers.map((peer) => formatFigure(metric, peer))]),
  })

/** Returns what the package adds to a function that already contains middy and the SDK clients. */
const formatAddedSize = (): string => {
  const format = (metric: string, peer: string, pattern: RegExp): string =>
    formatMeasurement(findFigure({ bench: 'import', metric, case: pattern }, peer))
  const difference = 'difference in each round'
  return formatMarkdown({
    header: ['what this package adds', 'figure'],
    rows: [
      ['own code in the bundle, minified', format('size', 'total', /^own code, minified$/)],
      [
        'size of the bundle, not minified, with all other code that it imports',
        format('size of the bundle', difference, /^default main fields$/),
      ],
      ['time to import the bundle', format('import', difference, /^default main fields$/)],
      [
        'time to create the clients and to start the prefetch',
        format('construction', difference, /^default main fields$/),
      ],
    ],
  })
}

/** The generated parts, by page and by the name in the comments around them. */
const PARTS: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/reliability.md': { 'fault matrix': formatFaultMatrix, limits: formatLimits },
  'docs/comparison.md': {
    figures: () => formatFigures(COMPARED_METRICS, ONE_ROLE_PEERS),
    'figures of tenants': () => formatFigures(TENANT_METRICS, TENANT_PEERS),
    'added size': formatAddedSize,
  },
}

/** Returns the text of each page by its path in the repository. */
export const generateFromSources = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(PARTS).map(([path, parts]) => [
      path,
      replaceParts(path, Object.fromEntries(Object.entries(parts).map(([name, format]) => [name, format()]))),
    ]),
  )
