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
const docs = (name: string, text: string): Page => ({ text, file: `docs/${name}.md`, address: name })
/** A file elsewhere in the repository. */
const file = (path: string, address: string, text: string): Page => ({ text, file: path, address })
/** A page that TypeDoc generates. */
const api = (address: string, text: string): Page => ({ text, file: `${GENERATED}/${address}.md`, address })

export const HOME: Page = file('site/index.md', 'index', 'Home')

export const GROUPS: readonly Group[] = [
  {
    text: 'Start',
    pages: [
      file('README.md', 'overview', 'Overview'),
      docs('getting-started', 'Get started'),
      docs('iam-setup', 'Configure both accounts'),
      docs('recipes', 'Recipes'),
      docs('migration', 'Migrate from other ways'),
    ],
  },
  {
    text: 'Build',
    pages: [
      docs('many-tenants', 'Serve many tenants'),
      docs('batches', 'Process batches'),
      docs('middy', 'Use other middlewares'),
      docs('libraries', 'Use DynamoDB libraries'),
      docs('bundlers', 'CommonJS and bundlers'),
      docs('observability', 'Log, trace and measure'),
    ],
  },
  {
    text: 'Test and deploy',
    pages: [
      docs('testing', 'Test your function'),
      docs('local-development', 'Develop locally'),
      file('examples/infrastructure/README.md', 'infrastructure', 'Deploy with CDK, SAM, Terraform'),
      file('terraform/README.md', 'terraform', 'Terraform modules'),
    ],
  },
  {
    text: 'Fix problems',
    pages: [docs('troubleshooting', 'Troubleshooting'), docs('messages', 'All messages')],
  },
  {
    text: 'Decide',
    pages: [
      docs('comparison', 'Comparison'),
      docs('security-model', 'Security model'),
      docs('reliability', 'Reliability'),
      docs('performance', 'Performance'),
      docs('ecosystem', 'Tested combinations'),
      docs('versions', 'Supported versions'),
    ],
  },
  {
    text: 'Reference',
    pages: [
      docs('options', 'Options'),
      docs('cli', 'Command line'),
      api('api/middleware', 'API: the middleware'),
      api('api/policies', 'API: /policies'),
      api('api/cdk', 'API: /cdk'),
      file('CHANGELOG.md', 'changelog', 'Changelog'),
    ],
  },
  {
    text: 'Contribute',
    pages: [
      file('CONTRIBUTING.md', 'contributing', 'Contributing'),
      docs('architecture', 'Architecture'),
      docs('mutation', 'Mutation tests'),
      file('SECURITY.md', 'security', 'Security policy'),
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
