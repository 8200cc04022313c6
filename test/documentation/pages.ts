/** Reads the code blocks of the documentation. */
import { globSync } from 'node:fs'
import { sep } from 'node:path'
import { ROOT, readPage } from '../../scripts/pages/parts.ts'

export { ROOT, readPage }

/** A fenced code block of a Markdown file. */
export interface CodeBlock {
  /** The place, such as `docs/middy.md:20`. */
  readonly place: string
  readonly language: string
  readonly code: string
  /** The text of the HTML comment on the line above the block, such as `file: handler.ts`. */
  readonly comment: string | undefined
}

const OTHER_PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/infrastructure/README.md',
  'site/index.md',
  'terraform/README.md',
]

/** The Markdown files whose code blocks are tested, relative to the root. */
export const listPages = (): readonly string[] => [
  ...OTHER_PAGES,
  ...globSync('docs/*.md', { cwd: ROOT }).map((path) => path.replaceAll(sep, '/')),
]

/** Returns the code blocks of a Markdown text. A block in a list is returned without the indentation of its fence. */
export const findCodeBlocks = (text: string, path: string): readonly CodeBlock[] =>
  [...text.matchAll(/(?:^ *<!-- ([^\n]*?) -->\n)?^( *)(?:>? ?)(`{3,})([^\n`]*)\n(.*?)^ *>? ?\3 *$/gms)].map(
    (match) => {
      const [, comment, indentation = '', , info = '', code = ''] = match
      const fence = match[0].indexOf('```') + match.index
      return {
        place: `${path}:${text.slice(0, fence).split('\n').length}`,
        language: info.trim().split(/\s/)[0] ?? '',
        code: code.replace(new RegExp(`^ {0,${indentation.length}}`, 'gm'), ''),
        comment,
      }
    },
  )

/** The code blocks of all pages. */
export const readCodeBlocks = (): readonly CodeBlock[] =>
  listPages().flatMap((page) => findCodeBlocks(readPage(page), page))

/** Returns the code blocks in the doc comments of `src/`. */
export const readDocComments = (): readonly CodeBlock[] =>
  globSync('src/**/*.ts', { cwd: ROOT }).flatMap((path) =>
    findCodeBlocks(readPage(path).replace(/^ *\* ?/gm, ''), path),
  )
