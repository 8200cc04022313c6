/**
 * `npm run bench`: installs the peers and the packed package, and runs the benches. Exits with 1 if a bench or a check fails.
 *
 *   npm run bench -- warm cold   runs two benches
 *   npm run bench -- --short     checks only the counts, and measures no time
 *   npm run bench -- --write     also writes results/, docs/bench/ and docs/performance.md
 *   npm run bench -- --page      only writes docs/performance.md and its charts, from the results of earlier runs
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type BenchArguments, formatUsage, parseArguments } from './arguments.ts'
import type { Bench, BenchResult } from './bench.ts'
import { findBenchNames, loadBench } from './benches.ts'
import { renderSvg } from './charts.ts'
import { formatCheck, hasPassed } from './checks.ts'
import { checkTypes, installPackages } from './install.ts'
import { formatPage, type Section } from './page.ts'
import {
  createStoredResults,
  formatChartSource,
  getChartFile,
  ROOT,
  readResults,
  type StoredResults,
  writeResults,
} from './results.ts'
import { createTables, formatText } from './tables.ts'

/** Replaces the last line of the terminal. Without a terminal, such as in CI, prints nothing. */
const showProgress = (text: string): void => {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K${text}`)
}

const printResult = ({ rows, checks }: BenchResult, { columns }: Bench): void => {
  for (const table of createTables(rows, columns)) console.log(`\n${formatText(table)}`)
  if (rows.length > 0) console.log()
  for (const check of checks) console.log(formatCheck(check))
}

/** Draws the charts that are not up to date. */
const drawCharts = async ({ bench, results }: Section): Promise<void> => {
  for (const chart of bench.createCharts?.(results) ?? []) {
    const file = getChartFile(chart.name)
    const source = formatChartSource(chart)
    if (existsSync(file) && readFileSync(file, 'utf8').includes(source)) continue
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${await renderSvg(chart)}\n${source}\n`)
  }
}

/** Writes the page with a section for each bench that has results, and draws the charts. */
const writePage = async (): Promise<void> => {
  const sections: Section[] = []
  for (const name of findBenchNames()) {
    const results: StoredResults | undefined = readResults(name)
    if (results !== undefined) sections.push({ bench: await loadBench(name), results })
  }
  for (const section of sections) await drawCharts(section)
  writeFileSync(join(ROOT, 'docs/performance.md'), formatPage(sections))
}

/** Runs a bench and prints its result. Returns whether all checks passed. */
const runBench = async (name: string, { isShort, shouldWrite }: BenchArguments): Promise<boolean> => {
  const bench = await loadBench(name)
  console.log(`\n${bench.name}: ${bench.title}`)
  const start = performance.now()
  try {
    const result = await bench.run({ isShort, report: (text) => showProgress(`${name}: ${text}`) })
    showProgress('')
    const durationSeconds = (performance.now() - start) / 1000
    printResult(isShort ? { ...result, rows: [] } : result, bench)
    console.log(`${durationSeconds.toFixed(0)} s`)
    const isSuccessful = result.checks.every(hasPassed)
    if (shouldWrite && isSuccessful) {
      writeResults(name, createStoredResults(result, durationSeconds))
      // After each bench, so that Ctrl-C does not leave results that the page does not show.
      await writePage()
    }
    return isSuccessful
  } catch (error) {
    showProgress('')
    console.error('FAILED ', error)
    return false
  }
}

const main = async (): Promise<void> => {
  if (process.argv.includes('--help')) return console.log(formatUsage(findBenchNames()))
  const benchArguments = parseArguments(process.argv.slice(2), findBenchNames())
  if ('problems' in benchArguments) {
    for (const problem of benchArguments.problems) console.error(problem)
    process.exitCode = 2
    return
  }
  showProgress('building the package and installing it with its peers')
  await installPackages()
  showProgress('checking the types of the benches')
  if (benchArguments.isPageOnly) return writePage()
  let isSuccessful = checkTypes()
  for (const name of benchArguments.names)
    isSuccessful = (await runBench(name, benchArguments)) && isSuccessful
  if (!isSuccessful) process.exitCode = 1
}

await main()
