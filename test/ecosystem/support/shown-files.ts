/** Compares the code blocks of a page of docs/ with the files that the tests run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the text of a page of docs/. */
export const readPage = (page: string): string =>
  readFileSync(join(import.meta.dirname, '../../../docs', page), 'utf8')

/**
 * Returns the code blocks of a page that follow a comment such as `<!-- file: vitest/handler.ts -->` or
 * `<!-- test/ecosystem/libraries/recipes/electrodb.ts -->`, by this path.
 */
export const findShownFiles = (page: string): ReadonlyMap<string, string> => {
  const blocks = readPage(page).matchAll(/<!-- (?:file: )?(\S+) -->\n```\w+\n(.*?)```/gs)
  return new Map([...blocks].map(([, file = '', code = '']) => [file, code]))
}
