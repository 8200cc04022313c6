/** Checks the links of the Markdown files in the repository, as GitHub follows them. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import GithubSlugger from 'github-slugger'
import MarkdownIt from 'markdown-it'
import { listCommittableFiles } from '../../scripts/git.ts'
import { ROOT } from '../navigation.ts'
import { findExternalLinkError, isExternalLink } from './external.ts'

type Token = ReturnType<MarkdownIt['parse']>[number]

interface MarkdownFile {
  readonly links: readonly string[]
  readonly anchors: ReadonlySet<string>
}

const markdown = new MarkdownIt({ html: true })

/** Returns the values of HTML attributes in the text. `srcset` contains one address here. */
const readAttributes = (html: string, names: string): string[] =>
  [...html.matchAll(new RegExp(`\\b(?:${names})="([^"]+)"`, 'g'))].map(([, value = '']) => value)

const flatten = (tokens: readonly Token[]): Token[] =>
  tokens.flatMap((token) => [token, ...flatten(token.children ?? [])])

const readLinks = (tokens: readonly Token[]): string[] =>
  tokens.flatMap((token) => {
    if (token.type === 'link_open') return [token.attrGet('href') ?? '']
    if (token.type === 'image') return [token.attrGet('src') ?? '']
    return /^html_/.test(token.type) ? readAttributes(token.content, 'href|src|srcset') : []
  })

const readAnchors = (tokens: readonly Token[]): ReadonlySet<string> => {
  const slugger = new GithubSlugger()
  const headings = tokens
    .filter((_, index) => tokens[index - 1]?.type === 'heading_open')
    .map(({ children }) =>
      slugger.slug(
        (children ?? [])
          .filter(({ type }) => type === 'text' || type === 'code_inline')
          .map(({ content }) => content)
          .join(''),
      ),
    )
  const html = tokens
    .filter(({ type }) => /^html_/.test(type))
    .flatMap(({ content }) => readAttributes(content, 'id|name'))
  return new Set([...headings, ...html])
}

const readMarkdown = (path: string): MarkdownFile => {
  const tokens = flatten(
    markdown.parse(readFileSync(join(ROOT, path), 'utf8').replace(/^---\n.*?\n---\n/s, ''), {}),
  )
  return { links: readLinks(tokens), anchors: readAnchors(tokens) }
}

/** Returns the Markdown files that git tracks or would add. The home page has links of the site. */
const listMarkdownFiles = (): readonly string[] =>
  listCommittableFiles(ROOT, '*.md').filter(
    (path) => path !== 'site/index.md' && !path.startsWith('docs/api/'),
  )

/** Returns a line for each link that leads to no file, to no heading, or to an address that is not valid. */
export const findRepositoryLinkErrors = (): readonly string[] => {
  const files = new Map(listMarkdownFiles().map((path) => [path, readMarkdown(path)]))
  const findError = (link: string, path: string): string | undefined => {
    if (isExternalLink(link)) return findExternalLinkError(link)
    const [target = '', anchor = ''] = decodeURI(link).split('#')
    const linked =
      target === '' ? path : relative(ROOT, join(ROOT, dirname(path), target)).replaceAll(sep, '/')
    if (!existsSync(join(ROOT, linked))) return 'leads to no file'
    if (anchor !== '' && linked.endsWith('.md') && !files.get(linked)?.anchors.has(anchor))
      return 'leads to no heading'
    return undefined
  }
  return [...files].flatMap(([path, { links }]) =>
    links.flatMap((link) => {
      const error = findError(link, path)
      return error === undefined ? [] : [`${path}: the link ${link} ${error}.`]
    }),
  )
}
