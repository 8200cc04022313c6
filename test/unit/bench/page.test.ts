import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { findBenchNames, loadBench } from '../../../bench/benches.ts'
import { formatPage } from '../../../bench/page.ts'
import { formatChartSource, getChartFile, readResults } from '../../../bench/results.ts'

const readSections = () =>
  Promise.all(
    findBenchNames().map(async (name) => {
      const results = readResults(name)
      if (results === undefined)
        throw new Error(`${name} has no results. Run npm run bench -- --write ${name}.`)
      return { bench: await loadBench(name), results }
    }),
  )

test('docs/performance.md contains the stored results of each bench', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/performance.md'), 'utf8')
  // If only a text has changed, run npm run bench -- --page.
  expect(page).toBe(formatPage(await readSections()))
})

test('each chart in docs/bench/ is drawn from the stored results', async () => {
  for (const { bench, results } of await readSections()) {
    // If only the look of a chart has changed, run npm run bench -- --page.
    for (const chart of bench.createCharts?.(results) ?? [])
      expect(readFileSync(getChartFile(chart.name), 'utf8')).toContain(formatChartSource(chart))
  }
})
