/** The reasons that prevent a release, as data, and their texts. */

/** The fields of package.json that contain addresses. */
export type AddressField = 'repository' | 'homepage' | 'bugs'

export type ReleaseIssue =
  | { readonly code: 'address-missing'; readonly field: AddressField }
  | { readonly code: 'address-invalid'; readonly field: AddressField; readonly value: unknown }
  | { readonly code: 'address-differs'; readonly field: AddressField; readonly repository: string }
  | { readonly code: 'code-owners-missing' }
  | { readonly code: 'code-owners-placeholder'; readonly line: number }
  | { readonly code: 'working-tree-not-clean'; readonly files: readonly string[] }
  | { readonly code: 'not-on-main'; readonly branch: string }
  | { readonly code: 'behind-upstream'; readonly upstream: string; readonly missingCommits: number }
  | { readonly code: 'ahead-of-upstream'; readonly upstream: string; readonly localCommits: number }
  | { readonly code: 'tag-exists'; readonly tag: string }
  | { readonly code: 'changelog-version-missing'; readonly version: string }
  | { readonly code: 'changelog-heading-invalid'; readonly version: string; readonly heading: string }
  | { readonly code: 'changelog-version-empty'; readonly version: string }
  | { readonly code: 'changelog-unreleased-missing' }
  | { readonly code: 'changelog-unreleased-not-empty'; readonly version: string }
  | {
      readonly code: 'lock-file-version'
      readonly version: string
      readonly lockedVersions: readonly string[]
    }
  | { readonly code: 'checks-failed'; readonly exitCode: number | null }
  | { readonly code: 'commit-changed'; readonly checkedCommit: string }

/** The form of each address, as a value for package.json. */
const ADDRESS_FORMS: Readonly<Record<AddressField, string>> = {
  repository: '{ "type": "git", "url": "git+https://github.com/<owner>/<name>.git" }',
  homepage: '"https://…", the address of the documentation',
  bugs: '{ "url": "https://github.com/<owner>/<name>/issues" }',
}
/** The number of changed files that a text names. */
const MAX_NAMED_FILES = 5

const formatFiles = (files: readonly string[]): string =>
  files.length > MAX_NAMED_FILES
    ? `${files.slice(0, MAX_NAMED_FILES).join(', ')} and ${files.length - MAX_NAMED_FILES} more`
    : files.join(', ')

type Formatters = {
  readonly [Code in ReleaseIssue['code']]: (issue: Extract<ReleaseIssue, { code: Code }>) => string
}
const FORMATTERS: Formatters = {
  'address-missing': ({ field }) => `package.json: "${field}" is missing. Set it to ${ADDRESS_FORMS[field]}.`,
  'address-invalid': ({ field, value }) =>
    `package.json: "${field}" is ${JSON.stringify(value)}. Set it to ${ADDRESS_FORMS[field]}.`,
  'address-differs': ({ field, repository }) =>
    `package.json: "${field}" is not in the repository ${repository}. Correct "${field}" or "repository".`,
  'code-owners-missing': () =>
    '.github/CODEOWNERS: the file names no owner. Add a line such as "* @<organization>/<team>".',
  'code-owners-placeholder': ({ line }) =>
    `.github/CODEOWNERS:${line}: replace the placeholder with the maintainers, such as @<organization>/<team>.`,
  'working-tree-not-clean': ({ files }) =>
    `git: the working tree has changes (${formatFiles(files)}). Commit or remove them.`,
  'not-on-main': ({ branch }) =>
    `git: ${branch === '' ? 'no branch' : `the branch ${branch}`} is checked out. Run \`git switch main\`.`,
  'behind-upstream': ({ upstream, missingCommits }) =>
    `git: the branch lacks ${missingCommits} ${missingCommits === 1 ? 'commit' : 'commits'} of ${upstream}. Run \`git pull --rebase\`.`,
  'ahead-of-upstream': ({ upstream, localCommits }) =>
    `git: ${upstream} lacks ${localCommits} ${localCommits === 1 ? 'commit' : 'commits'} of the branch. Merge the changes with a pull request, and run \`git pull\`.`,
  'tag-exists': ({ tag }) =>
    `git: the tag ${tag} exists. Run \`npm version --no-git-tag-version <version>\` to set the next version in package.json.`,
  'changelog-version-missing': ({ version }) =>
    `CHANGELOG.md: there is no section for ${version}. Add the heading "## [${version}] - YYYY-MM-DD" below Unreleased.`,
  'changelog-heading-invalid': ({ version, heading }) =>
    `CHANGELOG.md: the heading is "## ${heading}". Change it to "## [${version}] - YYYY-MM-DD", with the date of the release.`,
  'changelog-version-empty': ({ version }) =>
    `CHANGELOG.md: the section of ${version} is empty. Describe what changes for users.`,
  'changelog-unreleased-missing': () =>
    'CHANGELOG.md: there is no section for unreleased changes. Add the heading "## [Unreleased]" above the versions.',
  'changelog-unreleased-not-empty': ({ version }) =>
    `CHANGELOG.md: the section Unreleased is not empty. Move its text to the section of ${version}.`,
  'lock-file-version': ({ version, lockedVersions }) =>
    `package-lock.json: the version is ${lockedVersions.join(' and ')}, but package.json has ${version}. Run \`npm install --package-lock-only\`.`,
  'checks-failed': ({ exitCode }) =>
    `.ci/run: ${exitCode === null ? 'the script could not run or was ended' : `it failed with exit code ${exitCode}`}. Correct the part that it names.`,
  'commit-changed': ({ checkedCommit }) =>
    `git: another commit was checked out while .ci/run tested ${checkedCommit.slice(0, 7)}. Run the command again.`,
}

/** Returns one line that says where the problem is, what it is, and what to do. */
export const formatIssue = (issue: ReleaseIssue): string =>
  (FORMATTERS[issue.code] as (issue: ReleaseIssue) => string)(issue)
