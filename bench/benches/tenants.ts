/** What an additional tenant costs, with a session of this package and with one client of the SDK for each tenant. */
import type { Bench, Check, Measurement, Unit } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { PEER_NAMES } from '../peers.ts'
import { runInRounds } from '../rounds.ts'
import { summarize } from '../statistics.ts'
import { runChild } from '../support/child.ts'
import type { TenantsSample } from './tenants/process.ts'

const ROUNDS = 3
const TENANT_COUNTS = [1, 10, 100, 2000]
const SHORT_TENANT_COUNTS = [1, 50]
const PEERS = ['package-tenants', 'client-per-tenant'] as const
const MEMORY = 'memory per tenant'
const DYNAMODB_CONNECTIONS = 'new connections to DynamoDB'

interface Case {
  readonly peer: (typeof PEERS)[number]
  readonly tenants: number
}
interface Metric {
  readonly name: string
  readonly unit: Unit
  readonly read: (sample: TenantsSample, tenants: number) => number
}

const METRICS: readonly Metric[] = [
  { name: MEMORY, unit: 'KB', read: ({ bytesPerTenant }) => bytesPerTenant / 1024 },
  { name: DYNAMODB_CONNECTIONS, unit: 'count', read: (sample) => sample.dynamodbConnections },
  { name: 'new connections to STS', unit: 'count', read: (sample) => sample.stsConnections },
  { name: 'first item of a new tenant', unit: 'ms', read: (sample) => sample.firstItemMs },
  { name: 'switch among warm tenants', unit: 'µs', read: (sample) => sample.switchMicroseconds },
]

const measure = ({ peer, tenants }: Case): Promise<TenantsSample> =>
  runChild(`${import.meta.dirname}/tenants/process.ts`, {
    args: [peer, String(tenants)],
    execArgv: ['--expose-gc'],
  })

const formatTenants = (tenants: number): string =>
  tenants === 1 ? '1 tenant' : `${tenants.toLocaleString('en')} tenants`

const toRows = ({ peer, tenants }: Case, samples: readonly TenantsSample[]): Measurement[] =>
  // Code that is compiled during the measurement uses more memory than one tenant does.
  METRICS.filter(({ name }) => name !== MEMORY || tenants > 1).map(({ name, unit, read }) => ({
    peer: PEER_NAMES[peer],
    case: formatTenants(tenants),
    metric: name,
    unit,
    ...summarize(samples.map((sample) => read(sample, tenants))),
  }))

/** A tenant needs one STS call. With this package, it needs no connection of its own. */
const toChecks = ({ peer, tenants }: Case, [sample]: readonly TenantsSample[]): Check[] => {
  const connections = peer === 'package-tenants' ? 0 : tenants
  const toCheck = (name: string, actual = Number.NaN, expected = connections): Check => ({
    name: `${PEER_NAMES[peer]}, ${formatTenants(tenants)}: ${name}`,
    actual,
    expected,
  })
  return [
    toCheck('STS calls', sample?.stsCalls, tenants),
    toCheck('new connections to STS', sample?.stsConnections),
    toCheck('new connections to DynamoDB', sample?.dynamodbConnections),
  ]
}

export const bench: Bench = {
  name: 'tenants',
  title: 'Many tenants in one execution environment',
  description:
    'Each tenant has its own session and its own client. A new tenant costs memory, an STS call and, with a connection pool for each ' +
    'client, connections to STS and to DynamoDB. The first item of a new tenant includes its STS call, to which the server responds ' +
    'immediately. A switch is the time that an invocation of another warm tenant takes in addition to an invocation of bare middy. ' +
    'The option `maxSessions` is as large as the number of tenants. With its default, 100, the tenants beyond the 100 most recent ' +
    'ones call STS again. Connections are those in addition to the connections of earlier tenants.',
  columns: 'cases',
  run: async ({ isShort, report }) => {
    const cases = (isShort ? SHORT_TENANT_COUNTS : TENANT_COUNTS).flatMap((tenants) =>
      PEERS.map((peer): Case => ({ peer, tenants })),
    )
    const samples = await runInRounds(cases, isShort ? 1 : ROUNDS, measure, report)
    const rows = cases.flatMap((item, index) => toRows(item, samples[index] ?? []))
    const checks = cases.flatMap((item, index) => toChecks(item, samples[index] ?? []))
    return { rows, checks }
  },
  createCharts: ({ rows }) => [
    createBarChart({
      name: 'tenants-memory',
      title: 'Memory per tenant',
      valueTitle: 'KB per tenant (lower is better)',
      rows: rows.filter(({ metric }) => metric === MEMORY),
    }),
    createBarChart({
      name: 'tenants-connections',
      title: 'New connections to DynamoDB',
      valueTitle: 'connections (lower is better)',
      rows: rows.filter(({ metric }) => metric === DYNAMODB_CONNECTIONS),
    }),
  ],
}
