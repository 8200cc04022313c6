/**
 * `npm run lint:layers`: checks the imports in src/ against the rules in .dependency-cruiser.mjs, and compares them with the
 * diagram in docs/architecture.md. With `--write`, updates the diagram.
 *
 * Exit code 1: an import breaks a rule, or the diagram is outdated.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cruise, format, type ICruiseResult } from 'dependency-cruiser'
import configuration from '../.dependency-cruiser.mjs'
import { LAYERS } from './layers.mjs'

const PAGE = 'docs/architecture.md'
const DIAGRAM_START = '<!-- imports: written by npm run lint:layers -- --write -->'
const DIAGRAM_END = '<!-- end of imports -->'

const getLayer = (file: string): string | undefined =>
  LAYERS.find(({ paths }) => paths.some((path) => file.startsWith(path)))?.name

/** Returns a Mermaid graph of the imports between layers. The label of an arrow is the number of imports. */
const drawImports = ({ modules }: ICruiseResult): string => {
  const countByArrow = new Map<string, number>()
  for (const { source, dependencies } of modules) {
    const from = getLayer(source)
    for (const { resolved } of dependencies) {
      const to = getLayer(resolved)
      if (from === undefined || to === undefined || from === to) continue
      const arrow = `${from} -->|COUNT| ${to}`
      countByArrow.set(arrow, (countByArrow.get(arrow) ?? 0) + 1)
    }
  }
  const layerNames = LAYERS.map(({ name }) => name)
  const getSortKey = (arrow: string) => {
    const [from = '', to = ''] = arrow.split(' -->|COUNT| ')
    return layerNames.indexOf(from) * layerNames.length + layerNames.indexOf(to)
  }
  const arrows = [...countByArrow]
    .toSorted(([a], [b]) => getSortKey(a) - getSortKey(b))
    .map(([arrow, count]) => `  ${arrow.replace('COUNT', String(count))}`)
  return ['```mermaid', 'graph TD', ...arrows, '```'].join('\n')
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const { options, ...ruleSet } = configuration
const { output } = await cruise(['src'], { ...options, ruleSet, validate: true })
if (typeof output === 'string')
  throw new Error(
    'dependency-cruiser returned text instead of an object. Remove outputType from its options.',
  )
console.log((await format(output, { outputType: 'err' })).output)

// If dependency-cruiser cannot parse TypeScript, it finds no modules and reports no error.
const modules = output.modules.filter(({ source }) => source.startsWith('src/'))
const isComplete = modules.length >= files.length
if (!isComplete)
  console.error(`dependency-cruiser read only ${modules.length} of the ${files.length} files in src/.`)

const page = readFileSync(PAGE, 'utf8')
const [before = '', rest = ''] = page.split(DIAGRAM_START)
const [, after = ''] = rest.split(DIAGRAM_END)
const updatedPage = `${before}${DIAGRAM_START}\n${drawImports(output)}\n${DIAGRAM_END}${after}`
const isUpToDate = updatedPage === page || process.argv.includes('--write')
if (process.argv.includes('--write')) writeFileSync(PAGE, updatedPage)
else if (!isUpToDate) console.error(`${PAGE} is outdated. Run npm run lint:layers -- --write.`)

process.exitCode = output.summary.error === 0 && isComplete && isUpToDate ? 0 : 1
