/** Shows code blocks with a Mermaid diagram as pictures, as GitHub does. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import MarkdownIt from 'markdown-it'
import type { Browser } from 'playwright-core'
import { renderDiagram } from '../diagrams/render.ts'
import { THEME_NAMES, type ThemeName } from '../diagrams/themes.ts'
import { GENERATED, PAGES, ROOT } from '../navigation.ts'

const FOLDER = join(ROOT, GENERATED, 'diagrams')

const toDrawingPath = (source: string, theme: ThemeName): string =>
  join(FOLDER, `${createHash('sha256').update(source).digest('hex').slice(0, 16)}.${theme}.svg`)

/** Draws the diagrams in the code blocks of all pages. */
export const drawMermaidBlocks = async (browser: Browser): Promise<void> => {
  mkdirSync(FOLDER, { recursive: true })
  const sources = PAGES.flatMap(({ file }) =>
    new MarkdownIt().parse(readFileSync(join(ROOT, file), 'utf8'), {}),
  )
    .filter(({ type, info }) => type === 'fence' && info.trim() === 'mermaid')
    .map(({ content }) => content)
  for (const source of sources)
    for (const theme of THEME_NAMES)
      writeFileSync(toDrawingPath(source, theme), await renderDiagram(browser, source, theme))
}

/** A plugin of markdown-it. */
export const addMermaidBlocks = (markdown: MarkdownIt): void => {
  const renderFence = markdown.renderer.rules.fence
  markdown.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info = '', content = '' } = tokens[index] ?? {}
    const folder = dirname(env.realPath ?? env.path)
    const toSource = (theme: ThemeName) => `./${relative(folder, toDrawingPath(content, theme))}`
    if (info.trim() === 'mermaid' && existsSync(toDrawingPath(content, 'light')))
      return `<picture><source media="(prefers-color-scheme: dark)" srcset="${toSource('dark')}"><img alt="Diagram" src="${toSource('light')}"></picture>`
    return renderFence?.(tokens, index, options, env, self) ?? ''
  }
}
