/** The time from the start of a process to its first item, over TLS and with a distant STS and DynamoDB. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, BenchOptions, BenchResult, Chart, Check, Measurement } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { PEER_NAMES, type Peer } from '../peers.ts'
import { runInRounds } from '../rounds.ts'
import { summarize } from '../statistics.ts'
import { createBundles, type MainFields } from '../support/bundle.ts'
import { createCertificate } from '../support/certificate.ts'
import { startDelayingProxy } from '../support/delaying-proxy.ts'
import { ITEM_ID } from '../support/item.ts'
import { startBenchSandbox } from '../support/sandbox.ts'

const ROUNDS = 13
const ROUND_TRIPS_MS = [1, 2, 20, 80]
/** The round trips with which the settings of the bundler are compared. */
const BUNDLER_ROUND_TRIPS_MS = [2, 20]
const STS_RESPONSE_MS = 30
const PEERS = ['package', 'from-temporary-credentials', 'own-credentials'] as const satisfies readonly Peer[]

const WHOLE_PROCESS = 'whole process'
const AFTER_IMPORT = 'after import'
/** The rows that compare two cases in each round. */
const TO_PEER = `this package, in percent of ${PEER_NAMES['from-temporary-credentials']}`
const TO_DEFAULT = `this package, \`--main-fields=module,main\` in percent of the default`
const FLOOR = 'floor with a role (computed)'

interface Variant {
  readonly peer: (typeof PEERS)[number]
  readonly mainFields: MainFields
  readonly bundle: string
}
interface Case {
  readonly variant: Variant
  readonly roundTripMs: number
}
interface Sample {
  /** From the start of the process to the first item. */
  readonly wholeProcessMs: number
  /** From the end of the import to the first item. */
  readonly afterImportMs: number
}

const execute = promisify(execFile)

/** Runs a function in a new process. @throws if it does not return the item. */
const startFunction = async (bundle: string, env: NodeJS.ProcessEnv, id: string): Promise<Sample> => {
  const file = join(import.meta.dirname, 'cold/process.cjs')
  const startedAtNs = process.hrtime.bigint()
  const { stdout } = await execute(process.execPath, [file, bundle, JSON.stringify({ id })], { env })
  const { loadedAtNs, itemAtNs, item } = JSON.parse(stdout)
  if (item?.id !== id) throw new Error(`${bundle} returned ${JSON.stringify(item)} instead of the item.`)
  const toMs = (from: bigint): number => Number(BigInt(itemAtNs) - from) / 1e6
  return { wholeProcessMs: toMs(startedAtNs), afterImportMs: toMs(BigInt(loadedAtNs)) }
}

/** The sandbox behind two delaying proxies, and the bundles. */
const setUp = async () => {
  const { sandbox, variables, ownVariables } = await startBenchSandbox()
  const certificate = createCertificate()
  const sts = await startDelayingProxy(variables.AWS_ENDPOINT_URL_STS ?? '', certificate)
  const dynamodb = await startDelayingProxy(variables.AWS_ENDPOINT_URL_DYNAMODB ?? '', certificate)
  const bundles = createBundles()
  const addVariant = async (peer: Variant['peer'], mainFields: MainFields): Promise<Variant> => ({
    peer,
    mainFields,
    bundle: await bundles.add(join(import.meta.dirname, `../peers/${peer}.ts`), mainFields),
  })

  const run = ({ variant: { peer, bundle }, roundTripMs }: Case): Promise<Sample> => {
    for (const proxy of [sts, dynamodb]) proxy.setRoundTrip(roundTripMs)
    const env = {
      PATH: process.env.PATH,
      ...(peer === 'own-credentials' ? ownVariables : variables),
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      NODE_EXTRA_CA_CERTS: certificate.file,
    }
    return startFunction(bundle, env, ITEM_ID)
  }
  const close = async (): Promise<void> => {
    bundles.remove()
    certificate.remove()
    await Promise.all([sts.close(), dynamodb.close()])
    await sandbox.close()
  }
  return { sandbox, addVariant, run, close }
}
type Setup = Awaited<ReturnType<typeof setUp>>

/** The expected calls of the first invocation. The middleware also sends `GET /` to open the connection early. */
const EXPECTED_CALLS: Readonly<Record<Variant['peer'], Readonly<Record<string, number>>>> = {
  package: { AssumeRole: 1, Health: 1, GetItem: 1 },
  'from-temporary-credentials': { AssumeRole: 1, Health: 0, GetItem: 1 },
  'own-credentials': { AssumeRole: 0, Health: 0, GetItem: 1 },
}

/** Runs a variant once, and counts its calls and connections. */
const checkVariant = async ({ sandbox, run }: Setup, variant: Variant): Promise<Check[]> => {
  await sandbox.clear()
  await run({ variant, roundTripMs: 1 })
  const [calls, connections] = [await sandbox.getCalls(), await sandbox.getConnections()]
  const expectedCalls = EXPECTED_CALLS[variant.peer]
  const toCheck = (name: string, actual: number, expected: number): Check => ({
    name: `${PEER_NAMES[variant.peer]}, main fields ${variant.mainFields}: ${name}`,
    actual,
    expected,
  })
  return [
    ...Object.entries(expectedCalls).map(([operation, expected]) =>
      toCheck(`${operation} calls`, calls.filter((call) => call.operation === operation).length, expected),
    ),
    toCheck(
      'all calls',
      calls.length,
      Object.values(expectedCalls).reduce((sum, count) => sum + count),
    ),
    toCheck('connections to STS', connections.sts, expectedCalls.AssumeRole ?? 0),
    toCheck('connections to DynamoDB', connections.dynamodb, 1),
  ]
}

const formatRoundTrip = (roundTripMs: number): string => `${roundTripMs} ms`
const formatPeer = ({ peer, mainFields }: Variant): string =>
  mainFields === 'module' ? `${PEER_NAMES[peer]}, \`--main-fields=module,main\`` : PEER_NAMES[peer]

const toRows = ({ variant, roundTripMs }: Case, samples: readonly Sample[]): Measurement[] => {
  const row = { peer: formatPeer(variant), case: formatRoundTrip(roundTripMs), unit: 'ms' as const }
  return [
    { ...row, metric: WHOLE_PROCESS, ...summarize(samples.map(({ wholeProcessMs }) => wholeProcessMs)) },
    { ...row, metric: AFTER_IMPORT, ...summarize(samples.map(({ afterImportMs }) => afterImportMs)) },
  ]
}

/** Compares two cases in each round, so that a change in the machine's speed does not affect the result. In percent of `base`. */
const toRatioRows = (
  peer: string,
  { roundTripMs }: Case,
  samples: readonly Sample[],
  base: readonly Sample[],
): Measurement[] => {
  const summarizeRatios = (read: (sample: Sample) => number) =>
    summarize(
      samples.map((sample, round) => {
        const baseSample = base[round]
        if (baseSample === undefined) throw new Error(`There is no sample to compare with ${peer}.`)
        return (read(sample) / read(baseSample)) * 100
      }),
    )
  const row = { peer, case: formatRoundTrip(roundTripMs), unit: '%' as const }
  return [
    { ...row, metric: WHOLE_PROCESS, ...summarizeRatios(({ wholeProcessMs }) => wholeProcessMs) },
    { ...row, metric: AFTER_IMPORT, ...summarizeRatios(({ afterImportMs }) => afterImportMs) },
  ]
}

/**
 * Adds what a role costs at least to the floor without one: the AssumeRole request, which takes one round trip and the time of STS.
 * The connections to STS and to DynamoDB can be opened at the same time.
 */
const toFloorRows = ({ roundTripMs }: Case, rows: readonly Measurement[]): Measurement[] => {
  const addedMs = roundTripMs + STS_RESPONSE_MS
  return rows.map(({ median, low, high, ...row }) => ({
    ...row,
    peer: FLOOR,
    median: median + addedMs,
    low: low + addedMs,
    high: high + addedMs,
  }))
}

const createCharts = ({ rows }: Pick<BenchResult, 'rows'>): Chart[] => {
  const withDefaults = rows.filter(({ peer, unit }) => unit === 'ms' && !peer.includes('--main-fields'))
  const createChart = (name: string, metric: string): Chart =>
    createBarChart({
      name,
      title: `Time to the first item, ${metric}, by the round trip to AWS`,
      valueTitle: 'ms (median, 95% interval, lower is better)',
      rows: withDefaults.filter((row) => row.metric === metric && row.peer !== FLOOR),
      lines: withDefaults.filter((row) => row.metric === metric && row.peer === FLOOR),
    })
  return [createChart('cold-whole-process', WHOLE_PROCESS), createChart('cold-after-import', AFTER_IMPORT)]
}

/** Compares this package with `fromTemporaryCredentials`, and the settings of the bundler with each other. */
const compareCases = (
  cases: readonly Case[],
  samples: readonly (readonly Sample[])[],
): readonly Measurement[] => {
  const findSamples = (peer: Variant['peer'], mainFields: MainFields, roundTripMs: number) =>
    samples[
      cases.findIndex(
        ({ variant, ...item }) =>
          variant.peer === peer && variant.mainFields === mainFields && item.roundTripMs === roundTripMs,
      )
    ] ?? []
  return cases.flatMap((item, index) => {
    const { variant, roundTripMs } = item
    if (variant.peer !== 'package') return []
    const ofCase = samples[index] ?? []
    return variant.mainFields === 'default'
      ? toRatioRows(TO_PEER, item, ofCase, findSamples('from-temporary-credentials', 'default', roundTripMs))
      : toRatioRows(TO_DEFAULT, item, ofCase, findSamples('package', 'default', roundTripMs))
  })
}

const measure = async (setup: Setup, variants: readonly Variant[], report: BenchOptions['report']) => {
  await setup.sandbox.injectFault({ service: 'sts', kind: 'latency', ms: STS_RESPONSE_MS })
  const cases = ROUND_TRIPS_MS.flatMap((roundTripMs) =>
    variants
      .filter(({ mainFields }) => mainFields === 'default' || BUNDLER_ROUND_TRIPS_MS.includes(roundTripMs))
      .map((variant): Case => ({ variant, roundTripMs })),
  )
  const samples = await runInRounds(cases, ROUNDS, setup.run, report)
  const times = cases.flatMap((item, index) => {
    const rows = toRows(item, samples[index] ?? [])
    const isFloor = item.variant.peer === 'own-credentials' && item.variant.mainFields === 'default'
    return isFloor ? [...rows, ...toFloorRows(item, rows)] : rows
  })
  return [...times, ...compareCases(cases, samples)]
}

const run = async ({ isShort, report }: BenchOptions): Promise<BenchResult> => {
  const setup = await setUp()
  try {
    report('bundling')
    const variants: Variant[] = []
    for (const mainFields of ['default', 'module'] as const)
      for (const peer of PEERS) variants.push(await setup.addVariant(peer, mainFields))
    const checks: Check[] = []
    for (const variant of variants) checks.push(...(await checkVariant(setup, variant)))
    if (isShort) return { rows: [], checks }
    const rows = await measure(setup, variants, report)
    return { rows, checks }
  } finally {
    await setup.close()
  }
}

export const bench: Bench = {
  name: 'cold',
  title: 'Cold start',
  description:
    'The time from the start of the process, and from the end of the import, to the first item in account B. Functions are bundled with ' +
    'esbuild, and call STS and DynamoDB over TLS through a proxy that delays each direction. A new connection costs two round trips, and ' +
    `a request one. STS responds after another ${STS_RESPONSE_MS} ms. The floor without a role has access to the table with its own ` +
    'credentials. The computed floor adds one round trip and the time of STS, because the connections can be opened at the same time. It ' +
    'is an estimate, which the package can undercut where the code of the SDK runs while STS responds. The rows with ' +
    '`--main-fields=module,main` show what this setting of the bundler saves. The rows in percent compare two cases in each round. The ' +
    'advantage of this package is the time for connections, so it grows with the round trip. In the Region of STS and of the table, ' +
    'the whole process takes about as long as with `fromTemporaryCredentials`.',
  columns: 'cases',
  run,
  createCharts,
}
