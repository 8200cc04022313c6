/** The pages of the site in the order of the sidebar. Each Markdown file in docs/ belongs to one group. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')
/** The folder with the generated files, relative to the root. */
export const GENERATED = 'site/generated'

export interface Page {
  /** The name in the sidebar. */
  readonly text: string
  /** The Markdown file, relative to the root. */
  readonly file: string
  /** The address on the site, without `.html`. */
  readonly address: string
}

interface Group {
  readonly text: string
  readonly pages: readonly Page[]
}

/** A page of docs/, whose address is its name. */
const createDocsPage = (name: string, text: string): Page => ({
  text,
  file: `docs/${name}.md`,
  address: name,
})
/** A file elsewhere in the repository. */
const createPage = (path: string, address: string, text: string): Page => ({ text, file: path, address })
/** A page that TypeDoc generates. */
const createApiPage = (address: string, text: string): Page => ({
  text,
  file: `${GENERATED}/${address}.md`,
  address,
})

export const HOME: Page = createPage('site/index.md', 'index', 'Home')

export const GROUPS: readonly Group[] = [
  {
    text: 'Start',
    pages: [
      createPage('README.md', 'overview', 'Overview'),
      createDocsPage('getting-started', 'Get started'),
      createDocsPage('iam-setup', 'Configure both accounts'),
      createDocsPage('recipes', 'Recipes'),
      createDocsPage('migration', 'Migrate from other ways'),
    ],
  },
  {
    text: 'Build',
    pages: [
      createDocsPage('many-tenants', 'Serve many tenants'),
      createDocsPage('batches', 'Process batches'),
      createDocsPage('middy', 'Use other middlewares'),
      createDocsPage('libraries', 'Use DynamoDB libraries'),
      createDocsPage('bundlers', 'CommonJS and bundlers'),
      createDocsPage('observability', 'Log, trace and measure'),
    ],
  },
  {
    text: 'Test and deploy',
    pages: [
      createDocsPage('testing', 'Test your function'),
      createDocsPage('local-development', 'Develop locally'),
      createPage('examples/infrastructure/README.md', 'infrastructure', 'Deploy with CDK, SAM, Terraform'),
      createPage('terraform/README.md', 'terraform', 'Terraform modules'),
    ],
  },
  {
    text: 'Fix problems',
    pages: [createDocsPage('troubleshooting', 'Troubleshooting'), createDocsPage('messages', 'All messages')],
  },
  {
    text: 'Decide',
    pages: [
      createDocsPage('comparison', 'Comparison'),
      createDocsPage('security-model', 'Security model'),
      createDocsPage('reliability', 'Reliability'),
      createDocsPage('performance', 'Performance'),
      createDocsPage('ecosystem', 'Tested combinations'),
      createDocsPage('versions', 'Supported versions'),
    ],
  },
  {
    text: 'Reference',
    pages: [
      createDocsPage('options', 'Options'),
      createDocsPage('cli', 'Command line'),
      createApiPage('api/middleware', 'API: the middleware'),
      createApiPage('api/policies', 'API: /policies'),
      createApiPage('api/cdk', 'API: /cdk'),
      createPage('CHANGELOG.md', 'changelog', 'Changelog'),
    ],
  },
  {
    text: 'Contribute',
    pages: [
      createPage('CONTRIBUTING.md', 'contributing', 'Contributing'),
      createDocsPage('architecture', 'Architecture'),
      createDocsPage('mutation', 'Mutation tests'),
      createPage('SECURITY.md', 'security', 'Security policy'),
    ],
  },
]

export const PAGES: readonly Page[] = [HOME, ...GROUPS.flatMap(({ pages }) => pages)]

/** Returns a sentence for each page that does not exist, for each Markdown file in docs/ without a page, and for each address of two pages. */
export const findNavigationErrors = (): readonly string[] => {
  const files = PAGES.map((page) => page.file)
  const addresses = PAGES.map((page) => page.address)
  const missing = files
    .filter((path) => !existsSync(join(ROOT, path)))
    .map((path) => `site/navigation.ts lists ${path}, which does not exist.`)
  const unlisted = globSync('docs/*.md', { cwd: ROOT })
    .filter((path) => !files.includes(path))
    .map((path) => `${path} is not in site/navigation.ts. Add it to a group.`)
  const duplicates = addresses
    .filter((address, index) => addresses.indexOf(address) !== index)
    .map((address) => `site/navigation.ts has two pages with the address ${address}.`)
  return [...missing, ...unlisted, ...duplicates]
}

/** The address of the repository, such as `https://github.com/owner/name`, or `undefined` if package.json does not contain it. */
export const getRepositoryUrl = (): string | undefined => {
  const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const url: string | undefined = repository?.url ?? repository
  return url
    ?.replace(/^git\+/, '')
    .replace(/^github:/, 'https://github.com/')
    .replace(/\.git$/, '')
}

/** Returns the base path of the site with a slash at both ends. The variable `DOCS_BASE` sets it, as in `/name`. */
export const getBasePath = (): string => `/${process.env.DOCS_BASE ?? ''}/`.replace(/\/+/g, '/')
