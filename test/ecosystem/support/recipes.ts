/** The recipes of a documentation page, which contains their code. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../../docs')
const CODE_BLOCK =
  /<!-- test\/ecosystem\/(?<folder>[\w-]+)\/recipes\/(?<name>[\w-]+)\.ts -->\n```ts\n(?<code>.*?)```/gs

/** Returns the code of each recipe in a page, by the name of its file without `.ts`. */
const readPage = (folder: string): ReadonlyMap<string, string> => {
  const page = readFileSync(join(DOCS, `${folder}.md`), 'utf8')
  const blocks = [...page.matchAll(CODE_BLOCK)].map(({ groups = {} }) => groups)
  const codeByRecipe = new Map(
    blocks
      .filter((block) => block.folder === folder)
      .map(({ name = '', code = '' }): [string, string] => [name, code]),
  )
  assert.equal(
    page.split('```ts\n').length - 1,
    codeByRecipe.size,
    'each code block must name its own recipe',
  )
  return codeByRecipe
}

/**
 * Returns a function that imports a recipe in `recipes/` of a folder. Set the environment variables of the function before you call it.
 * It throws if the code differs from that in the page, whose name is the name of the folder.
 */
export const createRecipeImporter =
  (folder: string) =>
  async <Module>(name: string): Promise<Module> => {
    const file = join(import.meta.dirname, '..', folder, 'recipes', `${name}.ts`)
    assert.equal(
      readPage(folder).get(name),
      readFileSync(file, 'utf8'),
      `docs/${folder}.md differs from ${name}.ts`,
    )
    return (await import(file)) as Module
  }
