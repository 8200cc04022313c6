/** Opens each page of the built site in a wide and a narrow window, uses the navigation and the search, and takes screenshots. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page as BrowserPage } from 'playwright-core'
import { PAGES } from './navigation.ts'

const SCREENSHOTS = join(import.meta.dirname, 'screenshots')
const WIDE = { width: 1280, height: 900 }
const NARROW = { width: 390, height: 844 }
const WINDOWS = [
  { name: 'wide', viewport: WIDE, colorScheme: 'light' },
  { name: 'narrow', viewport: NARROW, colorScheme: 'light' },
  { name: 'dark', viewport: WIDE, colorScheme: 'dark' },
] as const
/** The pages that are also opened in a dark window: each kind of content, and the pages with pictures. */
const DARK_PAGES = ['index', 'overview', 'architecture', 'performance', 'messages', 'api/middleware']
/** Terms that readers search for, and the address of a page that the results must contain. */
const SEARCHES = [
  { term: 'externalId', address: 'options' },
  { term: 'ExpiredTokenException', address: 'troubleshooting' },
  { term: 'ASSUME_ROLE_DENIED', address: 'messages' },
  { term: 'fromTemporaryCredentials', address: 'migration' },
  { term: 'clientFor', address: 'api/middleware' },
  { term: 'esbuild', address: 'bundlers' },
  { term: 'ElectroDB', address: 'libraries' },
] as const
const PARALLEL_PAGES = 4

interface Layout {
  readonly headings: number
  readonly brokenImages: readonly string[]
  /** Elements that make the page wider than the window. */
  readonly wideElements: readonly string[]
}

/** Runs in the browser. */
const measureLayout = async (): Promise<Layout> => {
  const images = [...document.images]
  for (const image of images) image.loading = 'eager'
  await Promise.all(images.map((image) => image.decode().catch(() => {})))
  const { scrollWidth, clientWidth } = document.documentElement
  const describe = (element: Element) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`
  const isScrolling = (element: Element): boolean => {
    if (element === document.body) return false
    if (/auto|scroll|hidden/.test(getComputedStyle(element).overflowX)) return true
    return element.parentElement !== null && isScrolling(element.parentElement)
  }
  const wide = [...document.body.querySelectorAll('*')].filter(
    (element) => element.getBoundingClientRect().right > clientWidth + 1 && !isScrolling(element),
  )
  return {
    headings: document.querySelectorAll('h1').length,
    brokenImages: images.filter(({ naturalWidth }) => naturalWidth === 0).map(({ src }) => src),
    wideElements: scrollWidth > clientWidth ? wide.map(describe).slice(0, 3) : [],
  }
}

const findLayoutErrors = ({ headings, brokenImages, wideElements }: Layout): string[] => [
  ...(headings === 1 ? [] : [`has ${headings} h1 headings`]),
  ...brokenImages.map((source) => `does not show the picture ${source}`),
  ...wideElements.map((element) => `is wider than the window: ${element}`),
]

/** Records the errors that the browser reports while a page is open. */
const recordErrors = (page: BrowserPage): string[] => {
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      errors.push(`writes to the console: ${message.text()}`)
  })
  page.on('pageerror', (error) => errors.push(`throws ${error.message}`))
  page.on('requestfailed', (request) => errors.push(`cannot load ${request.url()}`))
  page.on('response', (response) => {
    if (response.status() >= 400) errors.push(`gets status ${response.status()} for ${response.url()}`)
  })
  return errors
}

/** Opens a new window, runs the test in it, and returns the errors with the name of the test. */
const runInWindow = async (
  browser: Browser,
  name: string,
  options: NonNullable<Parameters<Browser['newPage']>[0]>,
  test: (page: BrowserPage) => Promise<readonly string[]>,
): Promise<string[]> => {
  const page = await browser.newPage({ reducedMotion: 'reduce', ...options })
  const errors = recordErrors(page)
  try {
    return [...(await test(page)), ...errors].map((error) => `${name} ${error}.`)
  } catch (error) {
    return [...errors, `fails: ${error instanceof Error ? error.message : error}`].map(
      (text) => `${name} ${text}`,
    )
  } finally {
    await page.close()
  }
}

const testPage = async (page: BrowserPage, url: string, screenshot: string): Promise<string[]> => {
  const response = await page.goto(url, { waitUntil: 'networkidle' })
  const layout = await page.evaluate(measureLayout)
  await page.screenshot({ path: screenshot, fullPage: true })
  return [
    ...(response?.status() === 200 ? [] : [`has status ${response?.status()}`]),
    ...findLayoutErrors(layout),
  ]
}

/** Opens the page of the first button on the home page, and from there another page in the sidebar, which is a menu in a narrow window. */
const testNavigation = async (page: BrowserPage, url: string): Promise<string[]> => {
  await page.goto(url)
  await page.locator('.VPHero .action a').first().click()
  await page.waitForURL(/\.html$/)
  const target = PAGES.find(({ address }) => address === 'iam-setup')
  const isWide = (page.viewportSize()?.width ?? 0) > 960
  if (!isWide) await page.locator('.VPLocalNav .menu').click()
  await page
    .locator('.VPSidebar')
    .getByRole('link', { name: target?.text ?? '', exact: true })
    .click()
  await page.waitForURL(`${url}${target?.address}.html`)
  await page.locator('h1').waitFor()
  return []
}

const testSearch = async (
  page: BrowserPage,
  url: string,
  term: string,
  address: string,
): Promise<string[]> => {
  await page.goto(url)
  await page.locator('.VPNavBarSearch button').first().click()
  await page.locator('#localsearch-input').fill(term)
  const result = page.locator(`.VPLocalSearchBox .result[href*="/${address}.html"]`).first()
  await result.waitFor({ timeout: 10_000 })
  await result.click()
  await page.waitForURL((found) => found.pathname.endsWith(`/${address}.html`))
  const text = (await page.locator('main').textContent()) ?? ''
  return text.toLowerCase().includes(term.toLowerCase()) ? [] : [`opens a page without ${term}`]
}

/** @returns a sentence for each error. Writes a screenshot of each page to `site/screenshots/`. */
export const testPages = async (browser: Browser, url: string): Promise<readonly string[]> => {
  rmSync(SCREENSHOTS, { recursive: true, force: true })
  mkdirSync(SCREENSHOTS)
  const pageTests = WINDOWS.flatMap(({ name, ...options }) =>
    PAGES.filter(({ address }) => options.colorScheme === 'light' || DARK_PAGES.includes(address)).map(
      ({ address }) => {
        const pageUrl = address === 'index' ? url : `${url}${address}.html`
        const screenshot = join(SCREENSHOTS, `${address.replaceAll('/', '-')}.${name}.png`)
        return () =>
          runInWindow(browser, `${address} (${name})`, options, (page) => testPage(page, pageUrl, screenshot))
      },
    ),
  )
  const navigationTests = WINDOWS.slice(0, 2).map(
    ({ name, ...options }) =>
      () =>
        runInWindow(browser, `navigation (${name})`, options, (page) => testNavigation(page, url)),
  )
  const searchTests = SEARCHES.map(
    ({ term, address }) =>
      () =>
        runInWindow(browser, `search for ${term}`, {}, (page) => testSearch(page, url, term, address)),
  )
  const tests = [...pageTests, ...navigationTests, ...searchTests]
  const errors: string[] = []
  const runTests = async () => {
    for (let test = tests.pop(); test !== undefined; test = tests.pop()) errors.push(...(await test()))
  }
  await Promise.all(Array.from({ length: PARALLEL_PAGES }, runTests))
  return errors
}
