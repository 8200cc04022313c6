/** What the middleware adds to a warm invocation. */
import { join } from 'node:path'
import type { Bench, BenchOptions, BenchResult, Check, Measurement, Unit } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { PEER_NAMES, type Peer } from '../peers.ts'
import { runInRounds } from '../rounds.ts'
import { summarize } from '../statistics.ts'
import { runChild } from '../support/child.ts'
import { type BenchSandbox, startBenchSandbox } from '../support/sandbox.ts'
import type { WarmSample } from './warm/process.ts'

/** The processes for each case. */
const PROCESSES = 6

interface Case {
  readonly peer: Peer
  readonly context: keyof typeof CONTEXTS
}
const CONTEXTS = {
  plain: 'context of Node.js 24',
  accessor: 'context of Node.js 22',
} as const

const CASES: readonly Case[] = [
  { peer: 'package', context: 'plain' },
  { peer: 'package-tenants', context: 'plain' },
  { peer: 'clock-middleware', context: 'plain' },
  { peer: 'from-temporary-credentials', context: 'plain' },
  { peer: 'client-per-tenant', context: 'plain' },
  { peer: 'middy-sts', context: 'plain' },
  { peer: 'textbook', context: 'plain' },
  { peer: 'package', context: 'accessor' },
  { peer: 'package-tenants', context: 'accessor' },
]
/** These peers create clients in each invocation, so that their rounds have fewer invocations. */
const SLOW_PEERS: readonly Peer[] = ['middy-sts', 'textbook']

const METRICS: readonly (readonly [metric: string, unit: Unit, read: (sample: WarmSample) => number])[] = [
  ['added time', 'ns', ({ addedNs }) => addedNs],
  ['allocated', 'bytes', ({ addedBytes }) => addedBytes],
  ['surviving', 'bytes', ({ survivingBytes }) => survivingBytes],
  ['promises', 'count', ({ promises }) => promises],
]

interface Effort {
  readonly rounds: number
  readonly invocations: number
}
const getEffort = (peer: Peer): Effort =>
  SLOW_PEERS.includes(peer) ? { rounds: 10, invocations: 5 } : { rounds: 121, invocations: 500 }

const measure = (
  { peer, context }: Case,
  env: Readonly<Record<string, string>>,
  { rounds, invocations }: Effort,
): Promise<WarmSample> =>
  runChild(join(import.meta.dirname, 'warm/process.ts'), {
    args: [peer, context, String(rounds), String(invocations)],
    execArgv: ['--expose-gc'],
    env,
  })

const toRows = ({ peer, context }: Case, samples: readonly WarmSample[]): Measurement[] =>
  METRICS.map(([metric, unit, read]) => ({
    peer: PEER_NAMES[peer],
    case: CONTEXTS[context],
    metric,
    unit,
    ...summarize(samples.map(read)),
  }))

/** Invokes this package 200 times, and counts. The sessions are opened by the first invocations, one for each of 10 tenants. */
const checkPackage = async (setup: BenchSandbox, item: Case): Promise<Check[]> => {
  await setup.sandbox.clear()
  const sample = await measure(item, setup.variables, { rounds: 1, invocations: 200 })
  const calls = await setup.sandbox.getCalls()
  const sessions = item.peer === 'package' ? 1 : 10
  const toName = (name: string): string => `${PEER_NAMES[item.peer]}, ${CONTEXTS[item.context]}: ${name}`
  return [
    { name: toName('added promises per invocation'), actual: sample.promises, expected: 0 },
    {
      name: toName('STS calls'),
      actual: calls.filter(({ service }) => service === 'sts').length,
      expected: sessions,
    },
    // A session keeps the latest context, to read the remaining time if DynamoDB rejects the token.
    { name: toName('contexts that are not collected'), actual: sample.survivingContexts, atMost: sessions },
  ]
}

const run = async ({ isShort, report }: BenchOptions): Promise<BenchResult> => {
  const setup = await startBenchSandbox()
  try {
    const checks: Check[] = []
    for (const item of CASES.filter(({ peer }) => peer.startsWith('package')))
      checks.push(...(await checkPackage(setup, item)))
    if (isShort) return { rows: [], checks }
    const runCase = (item: Case) => measure(item, setup.variables, getEffort(item.peer))
    const samples = await runInRounds(CASES, PROCESSES, runCase, report)
    const rows = CASES.flatMap((item, index) => toRows(item, samples[index] ?? []))
    return { rows, checks }
  } finally {
    await setup.sandbox.close()
  }
}

export const bench: Bench = {
  name: 'warm',
  title: 'Warm invocations',
  description:
    'What a warm invocation adds to one of bare middy, without a request to DynamoDB: time, allocated memory, memory that the garbage ' +
    'collector does not free, and promises. With a `session` function or one client per tenant, the invocations are of 10 tenants in turn. ' +
    'Each process measures one peer and bare middy in alternation. The context of Node.js 22 has an accessor, which makes it slower to copy. Both run on the Node.js version below.',
  columns: 'metrics',
  run,
  createCharts: ({ rows }) => [
    createBarChart({
      name: 'warm',
      title: 'Time added to a warm invocation, context of Node.js 24',
      valueTitle: 'added ns (lower is better)',
      scale: 'symlog',
      rows: rows.filter((row) => row.metric === 'added time' && row.case === CONTEXTS.plain),
    }),
  ],
}
