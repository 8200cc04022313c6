/** The stored results of a bench, in `results/`. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import type { BenchResult, Chart, Check, Measurement } from './bench.ts'

const FOLDER = import.meta.dirname
export const ROOT = join(FOLDER, '..')

export interface StoredResults {
  /** The date of the run, such as `2026-03-31`. */
  readonly date: string
  readonly durationSeconds: number
  readonly machine: {
    readonly processor: string
    readonly cores: number
    readonly memoryGb: number
    readonly system: string
  }
  readonly nodeVersion: string
  /** The versions of the packages, by name. */
  readonly packages: Readonly<Record<string, string>>
  readonly rows: readonly Measurement[]
  readonly checks: readonly Check[]
  readonly series?: Readonly<Record<string, readonly number[]>>
}

const readVersion = (name: string): string =>
  JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')).version

const readPackageVersions = (): Record<string, string> => {
  const { devDependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'))
  const names = [
    'middy-cross-account-dynamo',
    ...Object.keys(devDependencies).filter((name) => !/^@types|^vega/.test(name)),
  ]
  return Object.fromEntries(names.map((name) => [name, readVersion(name)]))
}

/** Rounds to five significant digits, which is more than the measurements are good for. */
const round = (value: number): number => Number(value.toPrecision(5))

export const createStoredResults = (
  { rows, checks, series }: BenchResult,
  durationSeconds: number,
): StoredResults => ({
  date: new Date().toISOString().slice(0, 10),
  durationSeconds: Math.round(durationSeconds),
  machine: {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  },
  nodeVersion: process.versions.node,
  packages: readPackageVersions(),
  rows: rows.map((row) => ({
    ...row,
    median: round(row.median),
    low: round(row.low),
    high: round(row.high),
  })),
  checks,
  ...(series !== undefined && { series }),
})

const getFile = (benchName: string): string => join(FOLDER, 'results', `${benchName}.json`)

/** Returns the results of the last run with `--write`, or `undefined` if there was none. */
export const readResults = (benchName: string): StoredResults | undefined =>
  existsSync(getFile(benchName)) ? JSON.parse(readFileSync(getFile(benchName), 'utf8')) : undefined

export const writeResults = (benchName: string, results: StoredResults): void => {
  mkdirSync(join(FOLDER, 'results'), { recursive: true })
  writeFileSync(getFile(benchName), `${JSON.stringify(results, undefined, 2)}\n`)
}

export const getChartFile = (chartName: string): string => join(ROOT, 'docs/bench', `${chartName}.svg`)

/** Returns the comment in a drawing that identifies the chart, so that a test can compare both. */
export const formatChartSource = ({ specification }: Chart): string =>
  `<!-- SHA-256 of the specification: ${createHash('sha256').update(JSON.stringify(specification)).digest('hex')} -->`
