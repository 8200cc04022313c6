/** Checks the links of the built pages. VitePress does not check anchors, pictures and scripts. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { findExternalLinkError, isExternalLink } from './external.ts'

type Node = DefaultTreeAdapterTypes.Node

interface BuiltPage {
  readonly links: readonly string[]
  readonly anchors: ReadonlySet<string>
}

const LINK_ATTRIBUTES = ['href', 'src', 'srcset']

const readElements = (node: Node): DefaultTreeAdapterTypes.Element[] => [
  ...('attrs' in node ? [node] : []),
  ...('childNodes' in node ? node.childNodes.flatMap(readElements) : []),
]

const readPage = (path: string): BuiltPage => {
  const attributes = readElements(parse(readFileSync(path, 'utf8'))).flatMap(({ attrs }) => attrs)
  return {
    links: attributes.filter(({ name }) => LINK_ATTRIBUTES.includes(name)).map(({ value }) => value),
    anchors: new Set(
      attributes.filter(({ name }) => name === 'id' || name === 'name').map(({ value }) => value),
    ),
  }
}

/**
 * Returns a line for each link that leads to no file of the site, to no anchor, or to an address that is not valid.
 *
 * @param folder the folder with the built site
 * @param base the base path of the site
 */
export const findBuiltLinkErrors = (folder: string, base: string): readonly string[] => {
  const paths = globSync('**/*.html', { cwd: folder }).map((path) => path.replaceAll(sep, '/'))
  const pages = new Map(paths.map((path) => [path, readPage(join(folder, path))]))
  const findError = (link: string, page: string): string | undefined => {
    if (isExternalLink(link)) return link.startsWith('data:') ? undefined : findExternalLinkError(link)
    const { pathname, hash } = new URL(link, `https://site.invalid${base}${page}`)
    if (!pathname.startsWith(base)) return `is outside the base path ${base}`
    const target = decodeURI(pathname.slice(base.length)).replace(/^$|\/$/, '$&index.html')
    if (!existsSync(join(folder, target))) return 'leads to no file'
    const anchor = decodeURIComponent(hash.slice(1))
    if (anchor !== '' && !pages.get(target)?.anchors.has(anchor)) return 'leads to no anchor'
    return undefined
  }
  return [...pages].flatMap(([page, { links }]) =>
    [...new Set(links)].flatMap((link) => {
      const error = findError(link, page)
      return error === undefined ? [] : [`${page}: the link ${link} ${error}.`]
    }),
  )
}
