/** The conditions of a release. Each check returns the issues that it finds. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runGit } from '../git.ts'
import { findSection, isReleaseHeading } from './changelog.ts'
import type { AddressField, ReleaseIssue } from './issues.ts'

/** The fields of package.json that a release depends on. */
export interface Manifest extends Readonly<Partial<Record<AddressField, unknown>>> {
  readonly name: string
  readonly version: string
}

/** Returns the text of a file, or an empty string if the file is missing. */
export const readText = (root: string, file: string): string =>
  existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
export const readManifest = (root: string): Manifest => JSON.parse(readText(root, 'package.json')) as Manifest
export const toTag = ({ version }: Manifest): string => `v${version}`

const readUrl = (value: unknown): unknown => (value as { url?: unknown } | null)?.url
const isHttpsUrl = (value: unknown): boolean =>
  typeof value === 'string' && URL.parse(value)?.protocol === 'https:' && !/[<>\s]/.test(value)

/**
 * Whether an address has the form that npm requires. npm publishes with provenance only if `repository` is the repository of the
 * workflow, so it must be on GitHub, and in the form that npm does not rewrite.
 *
 * @see https://docs.npmjs.com/trusted-publishers
 * @see https://docs.npmjs.com/cli/configuring-npm/package-json#repository
 */
const ADDRESS_CHECKS: Readonly<Record<AddressField, (value: unknown) => boolean>> = {
  repository: (value) =>
    (value as { type?: unknown } | null)?.type === 'git' &&
    /^git\+https:\/\/github\.com\/[\w.-]+\/[\w.-]+\.git$/.test(String(readUrl(value))),
  homepage: isHttpsUrl,
  bugs: (value) => isHttpsUrl(readUrl(value)),
}
const ADDRESS_FIELDS = Object.keys(ADDRESS_CHECKS) as AddressField[]

const checkAddressForms = (manifest: Manifest): ReleaseIssue[] =>
  ADDRESS_FIELDS.flatMap((field): ReleaseIssue[] => {
    const value = manifest[field]
    if (value === undefined) return [{ code: 'address-missing', field }]
    return ADDRESS_CHECKS[field](value) ? [] : [{ code: 'address-invalid', field, value }]
  })

/** Returns `owner/name` if an address is in a repository on GitHub. GitHub ignores the case. */
const findRepository = (url: unknown): string | undefined =>
  /^(?:git\+)?https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?(?:[/?#]|$)/
    .exec(String(url))?.[1]
    ?.toLowerCase()

/** Finds addresses on GitHub that are in another repository, as after a copy or a renamed repository. Other hosts are allowed. */
const checkAddressRepositories = ({ repository, homepage, bugs }: Manifest): ReleaseIssue[] => {
  const expected = findRepository(readUrl(repository))
  if (expected === undefined) return []
  const urls: [AddressField, unknown][] = [
    ['homepage', homepage],
    ['bugs', readUrl(bugs)],
  ]
  return urls
    .filter(([, url]) => (findRepository(url) ?? expected) !== expected)
    .map(([field]) => ({ code: 'address-differs', field, repository: expected }))
}

/** Angle brackets are not allowed in the names of users and teams, so no owner looks like a placeholder. */
const PLACEHOLDER = /@<[^>]*>/

const checkCodeOwners = (codeOwners: string): ReleaseIssue[] => {
  const lines = codeOwners.split('\n').map((text, index) => ({ text, line: index + 1 }))
  const rules = lines.filter(({ text }) => /^[^#].*@/.test(text))
  if (rules.length === 0) return [{ code: 'code-owners-missing' }]
  return rules
    .filter(({ text }) => PLACEHOLDER.test(text))
    .map(({ line }) => ({ code: 'code-owners-placeholder', line }))
}

const checkWorkingTree = (root: string): ReleaseIssue[] => {
  // With `-z`, git does not quote file names. A renamed file is listed as two files.
  const files = runGit(root, 'status', '--porcelain', '-z', '--no-renames')
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.slice(3))
  return files.length === 0 ? [] : [{ code: 'working-tree-not-clean', files }]
}

const checkBranch = (root: string): ReleaseIssue[] => {
  const branch = runGit(root, 'branch', '--show-current')
  return branch === 'main' ? [] : [{ code: 'not-on-main', branch }]
}

/**
 * Compares the branch with its upstream as of the last fetch, if it has one. A release has no commits that are not pushed, because
 * commits reach the branch `main` only with a pull request.
 */
const checkUpstream = (root: string): ReleaseIssue[] => {
  const ref = runGit(root, 'rev-parse', '--symbolic-full-name', 'HEAD')
  const upstream = runGit(root, 'for-each-ref', '--format=%(upstream:short)', ref)
  // git keeps the name of an upstream that was deleted.
  if (upstream === '' || runGit(root, 'for-each-ref', '--format=%(upstream:track)', ref) === '[gone]')
    return []
  const countCommits = (range: string): number => Number(runGit(root, 'rev-list', '--count', range))
  const missingCommits = countCommits(`HEAD..${upstream}`)
  const localCommits = countCommits(`${upstream}..HEAD`)
  return [
    ...(missingCommits === 0 ? [] : [{ code: 'behind-upstream' as const, upstream, missingCommits }]),
    ...(localCommits === 0 ? [] : [{ code: 'ahead-of-upstream' as const, upstream, localCommits }]),
  ]
}

const checkTag = (root: string, tag: string): ReleaseIssue[] =>
  runGit(root, 'tag', '--list', tag) === '' ? [] : [{ code: 'tag-exists', tag }]

const checkVersionSection = (changelog: string, version: string): ReleaseIssue[] => {
  const section = findSection(changelog, version)
  if (section === undefined) return [{ code: 'changelog-version-missing', version }]
  const issues: ReleaseIssue[] = []
  if (!isReleaseHeading(section, version))
    issues.push({ code: 'changelog-heading-invalid', version, heading: section.heading })
  if (section.text === '') issues.push({ code: 'changelog-version-empty', version })
  return issues
}

const checkUnreleasedSection = (changelog: string, version: string): ReleaseIssue[] => {
  const section = findSection(changelog, 'Unreleased')
  if (section === undefined) return [{ code: 'changelog-unreleased-missing' }]
  return section.text === '' ? [] : [{ code: 'changelog-unreleased-not-empty', version }]
}

const checkLockFile = (lockFile: string, version: string): ReleaseIssue[] => {
  const lock = JSON.parse(lockFile || '{}') as {
    version?: string
    packages?: Record<string, { version?: string }>
  }
  const lockedVersions = new Set([lock.version, lock.packages?.['']?.version])
  return lockedVersions.size === 1 && lockedVersions.has(version)
    ? []
    : [
        {
          code: 'lock-file-version',
          version,
          lockedVersions: [...lockedVersions].map((locked) => locked ?? 'missing'),
        },
      ]
}

/** Returns all issues that are found without running the tests. */
export const findIssues = (root: string): ReleaseIssue[] => {
  const manifest = readManifest(root)
  const changelog = readText(root, 'CHANGELOG.md')
  return [
    ...checkAddressForms(manifest),
    ...checkAddressRepositories(manifest),
    ...checkCodeOwners(readText(root, '.github/CODEOWNERS')),
    ...checkWorkingTree(root),
    ...checkBranch(root),
    ...checkUpstream(root),
    ...checkTag(root, toTag(manifest)),
    ...checkVersionSection(changelog, manifest.version),
    ...checkUnreleasedSection(changelog, manifest.version),
    ...checkLockFile(readText(root, 'package-lock.json'), manifest.version),
  ]
}

/**
 * Runs `.ci/run` on the commit that is checked out, and prints its output. Also returns an issue if another commit, or a change, was
 * in the working tree at the end, because then the tests were not run on what is released.
 */
export const findTestIssues = (root: string): ReleaseIssue[] => {
  const checkedCommit = runGit(root, 'rev-parse', 'HEAD')
  const { status } = spawnSync(join(root, '.ci/run'), { cwd: root, stdio: 'inherit' })
  if (status !== 0) return [{ code: 'checks-failed', exitCode: status }]
  if (runGit(root, 'rev-parse', 'HEAD') !== checkedCommit) return [{ code: 'commit-changed', checkedCommit }]
  return checkWorkingTree(root)
}
