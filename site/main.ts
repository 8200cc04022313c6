/**
 * `npm run docs`: builds the documentation site, checks its links and those of the Markdown files, and tests each page in headless
 * Chromium. `npm run docs -- --serve` then serves the site on this machine until Ctrl-C.
 *
 * Exit code 1: TypeDoc has a warning, a page is missing or in no group of the navigation, a link leads nowhere, or a page is broken.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { build } from 'vitepress'
import { generateApiReference } from './api.ts'
import { launchBrowser } from './browser.ts'
import { testPages } from './browser-test.ts'
import { findBuiltLinkErrors } from './links/built-pages.ts'
import { findRepositoryLinkErrors } from './links/repository.ts'
import { findNavigationErrors, getBasePath, PAGES } from './navigation.ts'
import { drawMermaidBlocks } from './pages/mermaid-blocks.ts'
import { serveSite } from './server.ts'

const FOLDER = import.meta.dirname
const DIST = join(FOLDER, 'dist')

/** Ends the process if there are errors. */
const stopOnErrors = (errors: readonly string[]): void => {
  for (const error of errors) console.error(error)
  if (errors.length > 0) process.exit(1)
}

const { status } = spawnSync(
  process.execPath,
  [join(FOLDER, 'node_modules/typescript/bin/tsc'), '-p', FOLDER],
  {
    stdio: 'inherit',
  },
)
if (status !== 0) process.exit(1)
await generateApiReference()
stopOnErrors(findNavigationErrors())
stopOnErrors(findRepositoryLinkErrors())
console.log('The links of the Markdown files are valid.')

const browser = await launchBrowser()
try {
  await drawMermaidBlocks(browser)
  await build(FOLDER)
  stopOnErrors(findBuiltLinkErrors(DIST, getBasePath()))
  console.log('The links of the site are valid.')
  const site = await serveSite(DIST, getBasePath())
  try {
    stopOnErrors(await testPages(browser, site.url))
    console.log(`The ${PAGES.length} pages work. Screenshots: site/screenshots/`)
    if (process.argv.includes('--serve')) {
      console.log(`The site is at ${site.url}. Stop it with Ctrl-C.`)
      await new Promise(() => {})
    }
  } finally {
    await site.close()
  }
} finally {
  await browser.close()
}
