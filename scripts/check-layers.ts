/**
 * Checks the imports of src/ by the rules of .dependency-cruiser.mjs, and that docs/architecture.md shows them as they are.
 * `--write` updates the page. Exit code 1 if a rule is broken or the page is outdated.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cruise, format, type ICruiseResult } from 'dependency-cruiser'
import configuration from '../.dependency-cruiser.mjs'
import { LAYERS } from './layers.mjs'

const PAGE = 'docs/architecture.md'
const START = '<!-- imports: written by npm run lint:layers -- --write -->'
const END = '<!-- end of imports -->'

const layerOf = (file: string): string | undefined =>
  LAYERS.find(({ paths }) => paths.some((path) => file.startsWith(path)))?.name

/** The imports between layers, as a Mermaid graph in which the number of imports labels each arrow. */
const drawImports = ({ modules }: ICruiseResult): string => {
  const counts = new Map<string, number>()
  for (const { source, dependencies } of modules) {
    const from = layerOf(source)
    for (const { resolved } of dependencies) {
      const to = layerOf(resolved)
      if (from === undefined || to === undefined || from === to) continue
      const arrow = `${from} -->|COUNT| ${to}`
      counts.set(arrow, (counts.get(arrow) ?? 0) + 1)
    }
  }
  const order = LAYERS.map(({ name }) => name)
  const rank = (arrow: string) => {
    const [from = '', to = ''] = arrow.split(' -->|COUNT| ')
    return order.indexOf(from) * order.length + order.indexOf(to)
  }
  const arrows = [...counts]
    .toSorted(([a], [b]) => rank(a) - rank(b))
    .map(([arrow, count]) => `  ${arrow.replace('COUNT', String(count))}`)
  return ['```mermaid', 'graph TD', ...arrows, '```'].join('\n')
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const { options, ...ruleSet } = configuration
const { output } = await cruise(['src'], { ...options, ruleSet, validate: true })
if (typeof output === 'string') throw new Error('dependency-cruiser returned text instead of a result')
console.log((await format(output, { outputType: 'err' })).output)

// With a parser that does not understand the files, dependency-cruiser finds nothing and reports no error.
const modules = output.modules.filter(({ source }) => source.startsWith('src/'))
const isComplete = modules.length >= files.length
if (!isComplete) console.error(`Only ${modules.length} of the ${files.length} files of src/ were read.`)

const page = readFileSync(PAGE, 'utf8')
const [before = '', rest = ''] = page.split(START)
const [, after = ''] = rest.split(END)
const updated = `${before}${START}\n${drawImports(output)}\n${END}${after}`
const isUpToDate = updated === page || process.argv.includes('--write')
if (process.argv.includes('--write')) writeFileSync(PAGE, updated)
else if (!isUpToDate) console.error(`${PAGE} is outdated: run npm run lint:layers -- --write`)

process.exitCode = output.summary.error === 0 && isComplete && isUpToDate ? 0 : 1
