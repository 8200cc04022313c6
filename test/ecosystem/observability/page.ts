/** The recipes of docs/observability.md. The tests start each one as a function. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../../../docs/observability.md')
const CODE_BLOCK =
  /<!-- (?<file>test\/ecosystem\/observability\/recipes\/[\w-]+\.ts) -->\n```ts\n(?<code>.*?)```/gs

/**
 * Returns the file of a recipe, relative to `test/ecosystem`.
 *
 * @throws if its code differs from that in the page, or if a code block of the page is not a recipe.
 */
export const getRecipe = (name: string): string => {
  const page = readFileSync(PAGE, 'utf8')
  const blocks = [...page.matchAll(CODE_BLOCK)].map(({ groups = {} }) => groups)
  assert.equal(page.split('```ts\n').length - 1, blocks.length, 'each code block must name its recipe')
  const file = `observability/recipes/${name}.ts`
  const block = blocks.find((candidate) => candidate.file === `test/ecosystem/${file}`)
  const code = readFileSync(join(import.meta.dirname, '..', file), 'utf8')
  assert.equal(block?.code, code, `docs/observability.md differs from ${file}`)
  return file
}
