/** The command `npm run release`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runGit } from '../git.ts'
import { findSection } from './changelog.ts'
import { findIssues, findTestIssues, type Manifest, readManifest, readText, toTag } from './checks.ts'
import { formatIssue, type ReleaseIssue } from './issues.ts'
import { packPackage } from './pack.ts'

const USAGE = `Usage: npm run release [-- --dry-run]

Checks whether the version in package.json can be released, runs .ci/run, and creates the tag of the version. It does not push the tag,
and does not publish the package.

  --dry-run  also prints the release notes and the files of the package, and does not create the tag`

export interface ReleaseOptions {
  /** The folder of the repository. */
  readonly root: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly output: Pick<Console, 'log' | 'error'>
}

const printPreview = (manifest: Manifest, { root, output }: ReleaseOptions): void => {
  const notes = findSection(readText(root, 'CHANGELOG.md'), manifest.version)?.text ?? ''
  output.log(`Release notes of ${manifest.version}, from CHANGELOG.md:\n`)
  output.log(notes === '' ? '(none)' : notes)
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  try {
    const { files } = packPackage(root, folder)
    output.log(`\n${files.length} files in the package:\n`)
    output.log(files.map((file) => `  ${file}`).join('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const printRefusal = (
  { version }: Manifest,
  issues: readonly ReleaseIssue[],
  output: ReleaseOptions['output'],
): void => {
  output.error(`\nVersion ${version} cannot be released:`)
  for (const issue of issues) output.error(`- ${formatIssue(issue)}`)
}

/** Returns whether the tag must not be created, or `undefined` if an argument is unknown. */
const parseDryRun = (
  args: readonly string[],
  environment: ReleaseOptions['environment'],
): boolean | undefined => {
  if (args.some((arg) => arg !== '--dry-run')) return undefined
  // Without `--`, npm does not pass the flag to the script, and sets this variable.
  return args.length > 0 || environment.npm_config_dry_run === 'true'
}

/** Runs the command and returns its exit code: 0, 1 if the version cannot be released, or 2 if an argument is unknown. */
export const runRelease = (args: readonly string[], options: ReleaseOptions): 0 | 1 | 2 => {
  const { root, environment, output } = options
  const isDryRun = parseDryRun(args, environment)
  if (isDryRun === undefined) {
    output.error(USAGE)
    return 2
  }
  const manifest = readManifest(root)
  if (isDryRun) printPreview(manifest, options)

  const issues = findIssues(root)
  // The tests take many minutes, so they run only if nothing else prevents the release.
  const allIssues = issues.length > 0 ? issues : findTestIssues(root)
  if (allIssues.length > 0) {
    printRefusal(manifest, allIssues, output)
    if (issues.length > 0) output.error('.ci/run was not run. It runs when these problems are solved.')
    return 1
  }

  const tag = toTag(manifest)
  if (isDryRun) {
    output.log(
      `\nVersion ${manifest.version} can be released. This was a dry run, so the tag ${tag} was not created.`,
    )
    return 0
  }
  runGit(root, 'tag', '--annotate', tag, '--message', `${manifest.name} ${manifest.version}`)
  output.log(`\nCreated the tag ${tag}. To publish, push it. The release workflow publishes the package:\n`)
  output.log(`  git push origin ${tag}`)
  return 0
}
