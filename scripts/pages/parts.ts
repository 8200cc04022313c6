/** Reads pages and replaces their generated parts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** Reads a page. `path` is its path in the repository. */
export const readPage = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** The generated texts of a page, by the name in the comments around them. */
export type Parts = Readonly<Record<string, string>>

/**
 * Returns a page with the texts between `<!-- generated: <name> -->` and `<!-- end -->` replaced.
 *
 * @throws if the page does not have these comments.
 */
export const replaceParts = (path: string, parts: Parts): string =>
  Object.entries(parts).reduce((page, [name, text]) => {
    const pattern = new RegExp(`(?<=<!-- generated: ${name} -->\\n).*?(?=<!-- end -->)`, 's')
    if (!pattern.test(page)) throw new Error(`${path} has no comments around the part "${name}".`)
    return page.replace(pattern, () => `${text}\n`)
  }, readPage(path))
