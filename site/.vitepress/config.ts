import { globSync } from 'node:fs'
import { slug } from 'github-slugger'
import { defineConfig } from 'vitepress'
import { GROUPS, getBasePath, getRepositoryUrl, PAGES, ROOT } from '../navigation.ts'
import { addCodeBreaks } from '../pages/code-breaks.ts'
import { addMermaidBlocks } from '../pages/mermaid-blocks.ts'
import { addSourceLinks } from '../pages/source-links.ts'

const repositoryUrl = getRepositoryUrl()
const base = getBasePath()
const pageFiles = new Set(PAGES.map(({ file }) => file))

export default defineConfig({
  title: 'middy-cross-account-dynamo',
  description: 'A DynamoDB client for a table in another AWS account, as a middy middleware',
  lang: 'en-US',
  base,
  // The pages are the Markdown files of the repository, so GitHub and the site show the same text.
  srcDir: ROOT,
  srcExclude: globSync('**/*.md', { cwd: ROOT, exclude: ['**/node_modules'] }).filter(
    (file) => !pageFiles.has(file),
  ),
  rewrites: Object.fromEntries(PAGES.map(({ file, address }) => [file, `${address}.md`])),
  outDir: 'dist',
  // The pictures follow the setting of the browser, so the pages must do so, too.
  appearance: 'force-auto',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}icon.svg` }]],
  markdown: {
    // Links to headings work on GitHub and on the site.
    anchor: { slugify: slug },
    config: (markdown) => {
      markdown.use(addSourceLinks)
      markdown.use(addMermaidBlocks)
      markdown.use(addCodeBreaks)
    },
  },
  themeConfig: {
    nav: [
      { text: 'Get started', link: '/getting-started' },
      { text: 'Options', link: '/options' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'API', link: '/api/middleware' },
      ...(repositoryUrl === undefined ? [] : [{ text: 'Source', link: repositoryUrl }]),
    ],
    sidebar: GROUPS.map(({ text, pages }) => ({
      text,
      items: pages.map(({ text, address }) => ({ text, link: `/${address}` })),
    })),
    outline: [2, 3],
    search: { provider: 'local' },
    externalLinkIcon: true,
  },
  vite: {
    publicDir: `${ROOT}/site/public`,
    plugins: [
      {
        name: 'external-vue',
        enforce: 'pre',
        // The pages are outside this folder, so Vite cannot find the packages that are installed here.
        resolveId: (id, _, { ssr }) =>
          ssr && /^vue(?:\/server-renderer)?$/.test(id) ? { id, external: true } : null,
      },
    ],
  },
})
