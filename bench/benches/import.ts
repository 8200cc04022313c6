/** What the package adds to a bundle, to the import, and to the INIT phase. */
import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, BenchOptions, BenchResult, Measurement, Unit } from '../bench.ts'
import { createBarChart } from '../charts.ts'
import { MAXIMUM_KB, measureBundle } from '../measure-bundle.ts'
import { runInRounds } from '../rounds.ts'
import { summarize } from '../statistics.ts'
import { createBundles, type MainFields } from '../support/bundle.ts'

const ROUNDS = 25
const SDK = 'middy and the SDK clients'
const PACKAGE = 'this package, middy and the SDK clients'
const DIFFERENCE = 'difference in each round'
const OWN_CODE = 'own code, minified'
const FILES = [
  [SDK, 'sdk.ts'],
  [PACKAGE, 'package.ts'],
] as const

interface Variant {
  readonly peer: typeof SDK | typeof PACKAGE
  readonly mainFields: MainFields
  readonly bundle: string
}
interface Sample {
  readonly importMs: number
  readonly constructMs: number
}

const execute = promisify(execFile)

const importBundle = async ({ bundle }: Variant): Promise<Sample> => {
  const env = {
    PATH: process.env.PATH,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'ASIA0000000000000000',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    // No service listens at this address. The process ends before it connects.
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
    CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id',
  }
  const file = join(import.meta.dirname, 'import/process.cjs')
  const { stdout } = await execute(process.execPath, [file, bundle], { env })
  return JSON.parse(stdout)
}

const formatCase = (mainFields: MainFields): string =>
  mainFields === 'module' ? '`--main-fields=module,main`' : 'default main fields'

/** Returns the rows of both peers, and of the difference in each round. */
const toRows = (
  mainFields: MainFields,
  metric: string,
  unit: Unit,
  samples: Readonly<Record<Variant['peer'], readonly number[]>>,
): Measurement[] => {
  const row = { case: formatCase(mainFields), metric, unit }
  const differences = samples[PACKAGE].map((value, round) => value - (samples[SDK][round] ?? Number.NaN))
  return [
    { ...row, peer: SDK, ...summarize(samples[SDK]) },
    { ...row, peer: PACKAGE, ...summarize(samples[PACKAGE]) },
    { ...row, peer: DIFFERENCE, ...summarize(differences) },
  ]
}

const measureTimes = async (report: BenchOptions['report']): Promise<Measurement[]> => {
  const bundles = createBundles()
  try {
    const variants: Variant[] = []
    for (const mainFields of ['default', 'module'] as const)
      for (const [peer, file] of FILES)
        variants.push({
          peer,
          mainFields,
          bundle: await bundles.add(join(import.meta.dirname, 'import', file), mainFields),
        })
    const samples = await runInRounds(variants, ROUNDS, importBundle, report)
    return (['default', 'module'] as const).flatMap((mainFields) => {
      const select = (read: (sample: Sample, variant: Variant) => number) => {
        const readPeer = (peer: Variant['peer']): number[] => {
          const index = variants.findIndex((each) => each.peer === peer && each.mainFields === mainFields)
          return (samples[index] ?? []).map((sample) => read(sample, variants[index] as Variant))
        }
        return { [SDK]: readPeer(SDK), [PACKAGE]: readPeer(PACKAGE) }
      }
      return [
        ...toRows(
          mainFields,
          'size of the bundle',
          'KB',
          select((_, { bundle }) => statSync(bundle).size / 1000),
        ),
        ...toRows(
          mainFields,
          'import',
          'ms',
          select(({ importMs }) => importMs),
        ),
        ...toRows(
          mainFields,
          'construction',
          'ms',
          select(({ constructMs }) => constructMs),
        ),
      ]
    })
  } finally {
    bundles.remove()
  }
}

const run = async ({ isShort, report }: BenchOptions): Promise<BenchResult> => {
  const { totalBytes, folders } = await measureBundle()
  const checks = [
    { name: 'bytes of own code in a minified bundle', actual: totalBytes, atMost: MAXIMUM_KB * 1000 },
  ]
  if (isShort) return { rows: [], checks }
  const sizes = [['total', totalBytes] as const, ...folders]
    .filter(([, bytes]) => bytes > 0)
    .map(
      ([peer, bytes]): Measurement => ({
        peer,
        case: OWN_CODE,
        metric: 'size',
        unit: 'KB',
        ...summarize([bytes / 1000]),
      }),
    )
  const times = await measureTimes(report)
  return { rows: [...times, ...sizes], checks }
}

export const bench: Bench = {
  name: 'import',
  title: 'Size, import and construction',
  description:
    'What this package adds to a function that already contains middy, `@aws-sdk/client-sts` and the DynamoDB packages: the size of the ' +
    'bundle, the time to import it in a new process, and the time of `crossAccountDynamo()`, which creates the clients and starts the ' +
    'prefetch. Without this package, the construction is that of one `STSClient` and one `DynamoDBDocumentClient`. Bundles are not ' +
    'minified, except to measure the own code.',
  columns: 'metrics',
  run,
  createCharts: ({ rows }) => [
    createBarChart({
      name: 'import',
      title: 'Time to import a bundle, with and without this package',
      valueTitle: 'ms (median, 95% interval, lower is better)',
      rows: rows.filter(({ metric, peer }) => metric === 'import' && peer !== DIFFERENCE),
    }),
  ],
}
