/**
 * `npm run test:ecosystem`: installs the packages in package.json of this folder and the packed package, and tests them together.
 * Compares the results with docs/ecosystem.md.
 *
 *   npm run test:ecosystem -- middy     runs the test files whose path contains `middy`, and does not compare the page
 *   npm run test:ecosystem -- --write   updates the page
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { installPackedPackage, ROOT } from '../package/project.ts'
import { formatPage, type Outcome } from './page.ts'

const FOLDER = import.meta.dirname
const PAGE = join(ROOT, 'docs/ecosystem.md')
const PACKAGE = 'middy-cross-account-dynamo'
/** The limit for one test file, in milliseconds. */
const TIMEOUT_MS = 240_000

/** @throws if a package would be loaded from the dependencies of the root, which are not what this folder tests. */
const requireOwnDependencies = (): void => {
  for (const name of [PACKAGE, '@middy/core', '@aws-sdk/client-sts', '@aws-sdk/lib-dynamodb']) {
    const file = fileURLToPath(import.meta.resolve(name))
    if (!file.startsWith(join(FOLDER, 'node_modules')))
      throw new Error(`${name} is loaded from ${file}. Delete node_modules in test/ecosystem, and try again.`)
  }
}

/** Returns the tests in the files of a folder that passed or were skipped, or `undefined` if a test failed. */
const runFolder = async (folder: string, files: readonly string[]): Promise<Outcome[] | undefined> => {
  const outcomes: Outcome[] = []
  let hasFailed = false
  const stream = run({ files: files.map((file) => join(FOLDER, file)), concurrency: 2, timeout: TIMEOUT_MS })
  stream.on('test:fail', () => {
    hasFailed = true
  })
  stream.on('test:pass', ({ name, nesting, skip }) => {
    if (nesting === 0)
      outcomes.push({ folder, name, ...(skip !== undefined && { skipReason: String(skip) }) })
  })
  for await (const text of stream.compose(new spec())) process.stdout.write(text)
  return hasFailed ? undefined : outcomes
}

/** Runs all files, one folder at a time. Returns `undefined` if a test failed. */
const runTests = async (files: readonly string[]): Promise<Outcome[] | undefined> => {
  const outcomes: (Outcome[] | undefined)[] = []
  for (const [folder, filesOfFolder] of Map.groupBy(files, (file) => file.split(/[/\\]/)[0] ?? '')) {
    console.log(`\n${folder}`)
    outcomes.push(await runFolder(folder, filesOfFolder))
  }
  return outcomes.includes(undefined) ? undefined : outcomes.flatMap((list) => list ?? [])
}

const comparePage = (outcomes: readonly Outcome[], shouldWrite: boolean): void => {
  const skipped = outcomes.filter(({ skipReason }) => skipReason !== undefined)
  for (const { name, skipReason } of skipped) console.log(`Not run: ${name} (${skipReason})`)
  if (shouldWrite && skipped.length > 0) {
    process.exitCode = 1
    console.error(
      'docs/ecosystem.md is not written, because tests were not run. Install what they need, and try again.',
    )
    return
  }
  const page = formatPage(outcomes, readFileSync(join(FOLDER, 'package-lock.json'), 'utf8'))
  if (shouldWrite) writeFileSync(PAGE, page)
  if (readFileSync(PAGE, 'utf8') === page) return
  process.exitCode = 1
  console.error(
    'docs/ecosystem.md differs from the results. Run npm run test:ecosystem -- --write, and commit the page.',
  )
}

const args = process.argv.slice(2)
const filters = args.filter((arg) => arg !== '--write')
const files = globSync('*/**/*.test.ts', { cwd: FOLDER, exclude: ['**/node_modules', '**/fixtures'] })
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()
if (files.length === 0) {
  console.error(`No test file in test/ecosystem contains ${filters.join(' or ')} in its path.`)
  process.exit(2)
}

execFileSync(process.execPath, [join(ROOT, 'scripts/install-if-needed.cjs'), FOLDER], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
await installPackedPackage(FOLDER)
requireOwnDependencies()
const { status } = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', FOLDER],
  {
    stdio: 'inherit',
  },
)
if (status !== 0) process.exit(1)
const outcomes = await runTests(files)
if (outcomes === undefined) process.exitCode = 1
else if (filters.length === 0) comparePage(outcomes, args.includes('--write'))
