/**
 * Changes the links of a page from the folders of the repository to the addresses of the site: a link to a Markdown file becomes a
 * link to its page, and a link to another file a link to the repository or, if the address of the repository is not known, text.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type MarkdownIt from 'markdown-it'
import { getRepositoryUrl, PAGES, ROOT } from '../navigation.ts'

interface Environment {
  readonly path: string
  /** The path in the repository, if the site has another one. */
  readonly realPath?: string
}

type Token = ReturnType<MarkdownIt['parse']>[number]

const EXTERNAL = /^(?:[a-z][a-z+.-]*:|\/\/|#|\/)/i
const addressByFile = new Map(PAGES.map(({ file, address }) => [file, address]))
const repositoryUrl = getRepositoryUrl()

/** @returns the link on the site, or `undefined` if the site has no such page and the address of the repository is not known. */
const toSiteLink = (link: string, folder: string): string | undefined => {
  if (EXTERNAL.test(link)) return link
  const [path = '', hash = ''] = link.split(/(?=#)/)
  const target = relative(ROOT, join(folder, decodeURI(path))).replaceAll(sep, '/')
  const address = addressByFile.get(target)
  if (address !== undefined) return `/${address}.md${hash}`
  if (repositoryUrl === undefined) return undefined
  const absolute = join(ROOT, target)
  const kind = existsSync(absolute) && statSync(absolute).isDirectory() ? 'tree' : 'blob'
  return `${repositoryUrl}/${kind}/main/${target}${hash}`
}

/** Changes the links, and removes those that have no target on the site. */
const changeLinks = (tokens: readonly Token[], folder: string): Token[] => {
  const isRemoved: boolean[] = []
  return tokens.filter((token) => {
    if (token.type === 'link_close') return !isRemoved.pop()
    if (token.type !== 'link_open') return true
    const link = toSiteLink(token.attrGet('href') ?? '', folder)
    if (link !== undefined) token.attrSet('href', link)
    isRemoved.push(link === undefined)
    return link !== undefined
  })
}

/** Vite only resolves paths that begin with a dot. */
const changeHtml = (html: string, folder: string): string =>
  html
    .replace(/\b(src|srcset)="([^"]+)"/g, (text, name, path) =>
      EXTERNAL.test(path) || path.startsWith('.') ? text : `${name}="./${path}"`,
    )
    .replace(/\bhref="([^"]+)"/g, (_, path) => {
      const link = toSiteLink(path, folder)?.replace(/\.md(?=#|$)/, '.html')
      return link === undefined ? '' : `href="${link}"`
    })

const changeToken = (token: Token, folder: string): void => {
  if (token.type === 'html_block' || token.type === 'html_inline')
    token.content = changeHtml(token.content, folder)
  if (token.children === null) return
  token.children = changeLinks(token.children, folder)
  for (const child of token.children) changeToken(child, folder)
}

/** A plugin of markdown-it. */
export const addSourceLinks = (markdown: MarkdownIt): void => {
  markdown.core.ruler.push('source-links', ({ tokens, env }) => {
    const { realPath, path }: Environment = env
    for (const token of tokens) changeToken(token, dirname(realPath ?? path))
  })
}
