/**
 * `npm run diagrams`: draws each diagram `docs/diagrams/NAME.mmd` that has changed as `NAME.light.svg` and `NAME.dark.svg`, and
 * deletes drawings without a diagram.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launchBrowser } from '../browser.ts'
import { findDiagramFiles } from './files.ts'
import { renderDiagram } from './render.ts'

const FOLDER = join(import.meta.dirname, '../../docs/diagrams')

const files = findDiagramFiles(FOLDER)
const expected = new Set(files.flatMap(({ drawings }) => drawings.map(({ name }) => name)))
for (const name of readdirSync(FOLDER)) {
  if (!name.endsWith('.svg') || expected.has(name)) continue
  rmSync(join(FOLDER, name))
  console.log(`deleted ${name}`)
}

const outdated = files.flatMap(({ name, drawings }) =>
  drawings.filter(({ isUpToDate }) => !isUpToDate).map((drawing) => ({ source: name, ...drawing })),
)
if (outdated.length === 0) console.log('All diagrams are up to date.')
else {
  const browser = await launchBrowser()
  try {
    for (const { source, name, theme } of outdated) {
      try {
        const svg = await renderDiagram(browser, readFileSync(join(FOLDER, source), 'utf8'), theme)
        writeFileSync(join(FOLDER, name), svg)
        console.log(`wrote ${name}`)
      } catch (error) {
        process.exitCode = 1
        console.error(`docs/diagrams/${source}: ${error instanceof Error ? error.message : error}`)
      }
    }
  } finally {
    await browser.close()
  }
}
