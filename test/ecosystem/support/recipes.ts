/** The recipes of the documentation pages, which contain their code. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findShownFiles, readPage } from './shown-files.ts'

const FOLDER = join(import.meta.dirname, '..')

/**
 * Returns the file of a recipe in `recipes/` of a folder, relative to `test/ecosystem`. The page has the name of the folder.
 *
 * @throws if the code differs from that in the page, or if a code block of the page does not name its own recipe.
 */
export const getRecipe = (folder: string, name: string): string => {
  const page = `${folder}.md`
  const file = `${folder}/recipes/${name}.ts`
  const shown = findShownFiles(page)
  const recipes = [...shown.keys()].filter((path) => path.startsWith(`test/ecosystem/${folder}/recipes/`))
  assert.equal(
    readPage(page).split('```ts\n').length - 1,
    recipes.length,
    'each code block must name its own recipe',
  )
  const code = readFileSync(join(FOLDER, file), 'utf8')
  assert.equal(shown.get(`test/ecosystem/${file}`), code, `docs/${page} differs from ${file}`)
  return file
}

/** Imports a recipe. Set the environment variables of the function before you call it. It throws as `getRecipe()` does. */
export const importRecipe = async <Module>(folder: string, name: string): Promise<Module> =>
  (await import(join(FOLDER, getRecipe(folder, name)))) as Module
