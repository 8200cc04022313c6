/** Writes docs/ecosystem.md from the results of the tests. */
import { formatMarkdown } from '../../bench/tables.ts'

/** A test that passed or was skipped. */
export interface Outcome {
  /** The folder of the test, which names the section. */
  readonly folder: string
  /** The name of the test: `<packages>: <behavior>`. */
  readonly name: string
  /** Why the test was skipped. */
  readonly skipReason?: string
}

interface LockedPackage {
  /** The real name, if package.json installs the package under another name. */
  readonly name?: string
  readonly version: string
}

const SECTIONS: Readonly<Record<string, string>> = {
  middy: 'middy',
  powertools: 'Powertools for AWS Lambda',
  observability: 'Tracers and loggers',
  libraries: 'Libraries on the client',
  migration: 'Migration from other ways',
  types: 'TypeScript',
  bundlers: 'Bundlers',
  runtimes: 'Runtimes',
  'unit-tests': 'Unit tests',
  local: 'Local development',
}

/** What was not tested, and why. */
const UNTESTED: Readonly<Record<string, string>> = {
  '`@middy/dynamodb`, `@middy/s3`, `@middy/kms`, `@middy/ws-router`, `@middy/event-batch-handler`':
    'the registry that this project is developed with does not contain them',
  '`@middy/sts` newer than 4.7.0':
    'the registry that this project is developed with does not contain newer versions',
  'SAM CLI and Serverless Framework':
    'they are not installed. The tests call esbuild with the options that they set',
  LocalStack: 'it needs Docker, which does not run where this project is developed',
}

/** What the tests name in place of a package of this folder. */
const WITHOUT_VERSION = new Set(['console', 'dynalite', 'DynamoDB Local', 'moto', 'node:diagnostics_channel'])

const HEAD = `# Tested combinations

<!-- Written by npm run test:ecosystem -- --write. Do not edit. -->

Each row is a test of the packed package with the real packages, against the sandbox or the server that the row names. Run all of them with
\`npm run test:ecosystem\`, or some with \`npm run test:ecosystem -- middy\`. The versions come from the lock file.

\`npm run test:matrix\` also runs a scenario on Node.js 22, 24 and 26, each with middy 6.0.0 and 7.9.2, and with the AWS SDK 3.910.0 and the
newest version at development.
`

/** Returns the page. Tests in one section keep the order in which they are in their file. */
export const formatPage = (outcomes: readonly Outcome[], lockFile: string): string => {
  const { packages } = JSON.parse(lockFile) as { packages: Readonly<Record<string, LockedPackage>> }
  const formatPackage = (installedName: string): string => {
    if (WITHOUT_VERSION.has(installedName)) return installedName
    const locked = packages[`node_modules/${installedName}`]
    if (locked === undefined)
      throw new Error(`package-lock.json of test/ecosystem does not contain ${installedName}.`)
    return `\`${locked.name ?? installedName}\` ${locked.version}`
  }
  const toRow = ({ name }: Outcome): string[] => {
    const end = name.indexOf(': ')
    const names = name.slice(0, end).split(', ')
    return [names.map(formatPackage).join('<br>'), name.slice(end + 2)]
  }
  const sections = Object.entries(SECTIONS).map(([folder, title]) => {
    const rows = outcomes.filter((outcome) => outcome.folder === folder).map(toRow)
    const table = formatMarkdown({ header: ['Packages', 'What the test shows'], rows }, 'left')
    return [`## ${title}`, '', table, ''].join('\n')
  })
  const untested = Object.entries(UNTESTED).map(([name, reason]) => `- ${name}: ${reason}`)
  return [HEAD, ...sections, '## Not tested', '', ...untested, ''].join('\n')
}
