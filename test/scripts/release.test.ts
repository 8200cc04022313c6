import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, test } from '@jest/globals'
import { runGit } from '../../scripts/git.ts'
import { findSection, isReleaseHeading } from '../../scripts/release/changelog.ts'
import { findIssues, findTestIssues } from '../../scripts/release/checks.ts'
import { formatIssue, type ReleaseIssue } from '../../scripts/release/issues.ts'
import { packPackage } from '../../scripts/release/pack.ts'
import { runRelease } from '../../scripts/release/release.ts'

type Manifest = Readonly<Record<string, unknown>>

/** A package.json that can be released. `prepack` builds one file, as that of this repository does. */
const MANIFEST: Manifest = {
  name: 'example-package',
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://github.com/example-org/example-package.git' },
  homepage: 'https://example-org.github.io/example-package/',
  bugs: { url: 'https://github.com/example-org/example-package/issues' },
  files: ['dist'],
  scripts: { prepack: 'mkdir dist && cp source.js dist/index.js' },
}
const CHANGELOG = `# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-30

### Fixed

- The cache.

## 1.2.2 - 2026-10-01

- Other notes.

[1.2.3]: https://github.com/example-org/example-package/releases/tag/v1.2.3
`
/** Succeeds, and leaves a file beside the repository, so that a test can see that it ran. */
const PASSING_SCRIPT = '#!/bin/sh\necho ran > "$PWD.ran"\n'

const FILES: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify(MANIFEST),
  'package-lock.json': JSON.stringify({ version: '1.2.3', packages: { '': { version: '1.2.3' } } }),
  'CHANGELOG.md': CHANGELOG,
  '.github/CODEOWNERS': '# Comment with a @<placeholder>\n* @example-org/maintainers\n',
  '.gitignore': 'dist/\n',
  '.ci/run': PASSING_SCRIPT,
  'source.js': 'committed\n',
}

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) {
    rmSync(root, { recursive: true })
    rmSync(`${root}.ran`, { force: true })
  }
})

const writeFiles = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
    if (file === '.ci/run') chmodSync(join(root, file), 0o755)
  }
}

/** The settings of git that commits and tags need, without those of the user, such as signatures. */
const GIT_CONFIG = `[user]
  name = Test
  email = test@example.com
[commit]
  gpgSign = false
[tag]
  gpgSign = false
`
/** Creates a repository that can be released, with these changes, and returns its folder. An empty text removes the file. */
const createRepository = (changes: Readonly<Record<string, string>> = {}): string => {
  const root = mkdtempSync(join(tmpdir(), 'release-test-'))
  roots.push(root)
  const files = Object.entries({ ...FILES, ...changes }).filter(([, text]) => text !== '')
  writeFiles(root, Object.fromEntries(files))
  runGit(root, 'init', '--quiet', '--initial-branch=main')
  appendFileSync(join(root, '.git/config'), GIT_CONFIG)
  runGit(root, 'add', '--all')
  runGit(root, 'commit', '--quiet', '--message', 'test: create a repository')
  return root
}
const withManifest = (changes: Manifest): Record<string, string> => ({
  'package.json': JSON.stringify({ ...MANIFEST, ...changes }),
})
const withChangelog = (from: string, to: string): Record<string, string> => ({
  'CHANGELOG.md': CHANGELOG.replace(from, to),
})

const run = (root: string, args: readonly string[] = [], environment: Record<string, string> = {}) => {
  const lines: string[] = []
  const errors: string[] = []
  const code = runRelease(args, {
    root,
    environment,
    output: { log: (line: string) => lines.push(line), error: (line: string) => errors.push(line) },
  })
  return { code, lines, errors }
}
const listTags = (root: string): string => runGit(root, 'tag', '--list')
const hasRunTests = (root: string): boolean => existsSync(`${root}.ran`)

describe('conditions of a release', () => {
  it('finds no issue in a repository that can be released', () => {
    expect(findIssues(createRepository())).toEqual([])
  })

  test.each<[string, Record<string, string>, ReleaseIssue[]]>([
    [
      'missing addresses',
      withManifest({ repository: undefined, homepage: undefined, bugs: undefined }),
      [
        { code: 'address-missing', field: 'repository' },
        { code: 'address-missing', field: 'homepage' },
        { code: 'address-missing', field: 'bugs' },
      ],
    ],
    [
      'addresses of another form',
      withManifest({ repository: 'example-org/example-package', homepage: 'http://example.com', bugs: {} }),
      [
        { code: 'address-invalid', field: 'repository', value: 'example-org/example-package' },
        { code: 'address-invalid', field: 'homepage', value: 'http://example.com' },
        { code: 'address-invalid', field: 'bugs', value: {} },
      ],
    ],
    [
      'addresses with the placeholders of the advice',
      withManifest({
        repository: { type: 'git', url: 'git+https://github.com/<owner>/<name>.git' },
        bugs: { url: 'https://github.com/<owner>/<name>/issues' },
      }),
      [
        {
          code: 'address-invalid',
          field: 'repository',
          value: { type: 'git', url: 'git+https://github.com/<owner>/<name>.git' },
        },
        {
          code: 'address-invalid',
          field: 'bugs',
          value: { url: 'https://github.com/<owner>/<name>/issues' },
        },
      ],
    ],
    [
      'null as an address',
      withManifest({ repository: null }),
      [{ code: 'address-invalid', field: 'repository', value: null }],
    ],
    ['a missing CODEOWNERS', { '.github/CODEOWNERS': '' }, [{ code: 'code-owners-missing' }]],
    [
      'CODEOWNERS with comments only',
      { '.github/CODEOWNERS': '# * @example-org\n' },
      [{ code: 'code-owners-missing' }],
    ],
    [
      'a placeholder in CODEOWNERS',
      { '.github/CODEOWNERS': '# Owners\n* @example-org\n/src @example-org @<owner>\n' },
      [{ code: 'code-owners-placeholder', line: 3 }],
    ],
    [
      'a version that the changelog does not have',
      withChangelog('[1.2.3] - ', '[1.2.30] - '),
      [{ code: 'changelog-version-missing', version: '1.2.3' }],
    ],
    [
      'a missing changelog',
      { 'CHANGELOG.md': '' },
      [{ code: 'changelog-version-missing', version: '1.2.3' }, { code: 'changelog-unreleased-missing' }],
    ],
    [
      'a version without a date',
      withChangelog('[1.2.3] - 2026-11-30', '[1.2.3]'),
      [{ code: 'changelog-heading-invalid', version: '1.2.3', heading: '[1.2.3]' }],
    ],
    [
      'a version without notes',
      withChangelog('### Fixed\n\n- The cache.\n', ''),
      [{ code: 'changelog-version-empty', version: '1.2.3' }],
    ],
    [
      'text below Unreleased',
      withChangelog('## [Unreleased]\n', '## [Unreleased]\n\n- Not released.\n'),
      [{ code: 'changelog-unreleased-not-empty', version: '1.2.3' }],
    ],
    [
      'a changelog without Unreleased',
      withChangelog('## [Unreleased]\n', ''),
      [{ code: 'changelog-unreleased-missing' }],
    ],
    [
      'a lock file of another version',
      { 'package-lock.json': '{"version":"1.2.3","packages":{"":{"version":"1.2.2"}}}' },
      [{ code: 'lock-file-version', version: '1.2.3', lockedVersions: ['1.2.3', '1.2.2'] }],
    ],
    [
      'an empty lock file',
      { 'package-lock.json': '' },
      [{ code: 'lock-file-version', version: '1.2.3', lockedVersions: ['missing'] }],
    ],
  ])('finds %s', (_, changes, issues) => {
    expect(findIssues(createRepository(changes))).toEqual(issues)
  })

  it('finds changed, deleted and new files in the working tree', () => {
    const root = createRepository()
    writeFiles(root, { 'source.js': 'changed\n', 'new file.js': '' })
    rmSync(join(root, '.gitignore'))
    expect(findIssues(root)).toEqual([
      { code: 'working-tree-not-clean', files: ['.gitignore', 'source.js', 'new file.js'] },
    ])
  })

  it('finds another branch and an existing tag', () => {
    const root = createRepository()
    runGit(root, 'tag', 'v1.2.3')
    runGit(root, 'switch', '--quiet', '--create', 'topic')
    expect(findIssues(root)).toEqual([
      { code: 'not-on-main', branch: 'topic' },
      { code: 'tag-exists', tag: 'v1.2.3' },
    ])
  })

  it('finds commits that are not pushed, and commits that are not pulled', () => {
    const root = createRepository()
    // Different messages, because two equal commits in one second are one commit.
    const commit = (message: string) =>
      runGit(root, 'commit', '--quiet', '--allow-empty', '--message', message)
    runGit(root, 'branch', 'upstream-main')
    runGit(root, 'branch', '--quiet', '--set-upstream-to=upstream-main')
    expect(findIssues(root)).toEqual([])
    commit('not pushed')
    const ahead = { code: 'ahead-of-upstream', upstream: 'upstream-main', localCommits: 1 }
    expect(findIssues(root)).toEqual([ahead])
    runGit(root, 'switch', '--quiet', 'upstream-main')
    commit('not pulled')
    runGit(root, 'switch', '--quiet', 'main')
    expect(findIssues(root)).toEqual([
      { code: 'behind-upstream', upstream: 'upstream-main', missingCommits: 1 },
      ahead,
    ])
    runGit(root, 'branch', '--quiet', '-D', 'upstream-main')
    expect(findIssues(root)).toEqual([])
  })

  it.each<[string, Manifest, string[]]>([
    [
      'bugs in another repository',
      { bugs: { url: 'https://github.com/other/example-package/issues' } },
      ['bugs'],
    ],
    [
      'a homepage in another repository',
      { homepage: 'https://github.com/example-org/other#readme' },
      ['homepage'],
    ],
    ['no issue for another case', { homepage: 'https://github.com/Example-Org/example-package#readme' }, []],
    ['no issue for another host', { bugs: { url: 'https://issues.example.com/' } }, []],
  ])('finds %s', (_, changes, fields) => {
    expect(findIssues(createRepository(withManifest(changes)))).toEqual(
      fields.map((field) => ({ code: 'address-differs', field, repository: 'example-org/example-package' })),
    )
  })

  it('finds a detached HEAD', () => {
    const root = createRepository()
    runGit(root, 'checkout', '--quiet', '--detach')
    expect(findIssues(root)).toEqual([{ code: 'not-on-main', branch: '' }])
  })

  it('formats each issue as one line', () => {
    const root = createRepository({
      ...withManifest({ repository: undefined, homepage: 'http://example.com', bugs: {} }),
      '.github/CODEOWNERS': '* @<owner>\n',
      'CHANGELOG.md': '',
      'package-lock.json': '',
    })
    writeFiles(root, Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`${index}.js`, 'new'])))
    const texts = findIssues(root).map(formatIssue)
    expect(texts).toHaveLength(8)
    for (const text of texts) expect(text).toMatch(/^(?:[\w./-]+(?::\d+)?|git): \S.+\.$/)
    expect(texts[4]).toContain('(0.js, 1.js, 2.js, 3.js, 4.js and 2 more)')
  })
})

describe('tests before a release', () => {
  test.each<[string, string, ReleaseIssue['code'][]]>([
    ['no issue if .ci/run succeeds', PASSING_SCRIPT, []],
    ['a failure of .ci/run', '#!/bin/sh\nexit 3\n', ['checks-failed']],
    ['that .ci/run changed a file', '#!/bin/sh\necho > source.js\n', ['working-tree-not-clean']],
    [
      'that another commit is checked out at the end',
      '#!/bin/sh\ngit commit --quiet --allow-empty --message next\n',
      ['commit-changed'],
    ],
  ])('finds %s', (_, script, codes) => {
    const root = createRepository({ '.ci/run': script })
    expect(findTestIssues(root).map(({ code }) => code)).toEqual(codes)
  })

  it('finds a missing .ci/run', () => {
    expect(findTestIssues(createRepository({ '.ci/run': '' }))).toEqual([
      { code: 'checks-failed', exitCode: null },
    ])
  })
})

describe('npm run release', () => {
  it('creates an annotated tag, and prints the command that pushes it', () => {
    const root = createRepository()
    const { code, lines, errors } = run(root)
    expect({ code, errors }).toEqual({ code: 0, errors: [] })
    expect(hasRunTests(root)).toBe(true)
    expect(runGit(root, 'cat-file', '-t', 'v1.2.3')).toBe('tag')
    expect(runGit(root, 'rev-parse', 'v1.2.3^{commit}')).toBe(runGit(root, 'rev-parse', 'HEAD'))
    expect(lines).toContain('  git push origin v1.2.3')
  })

  it('lists all issues, does not run .ci/run, and creates no tag', () => {
    const root = createRepository({
      ...withManifest({ bugs: undefined }),
      '.github/CODEOWNERS': '* @<owner>\n',
      'package-lock.json': '',
    })
    const { code, errors } = run(root)
    expect(code).toBe(1)
    expect(errors.filter((line) => line.startsWith('- '))).toEqual(
      findIssues(root).map((issue) => `- ${formatIssue(issue)}`),
    )
    expect(findIssues(root)).toHaveLength(3)
    expect(hasRunTests(root)).toBe(false)
    expect(listTags(root)).toBe('')
  })

  it('creates no tag if .ci/run fails', () => {
    const root = createRepository({ '.ci/run': '#!/bin/sh\nexit 3\n' })
    expect(run(root).code).toBe(1)
    expect(listTags(root)).toBe('')
  })

  test.each<[string, string[], Record<string, string>]>([
    ['--dry-run', ['--dry-run'], {}],
    ['--dry-run without `--` before it', [], { npm_config_dry_run: 'true' }],
  ])('with %s, prints the notes and the files, and changes nothing', (_, args, environment) => {
    const root = createRepository()
    const { code, lines } = run(root, args, environment)
    expect(code).toBe(0)
    expect(lines).toContain('### Fixed\n\n- The cache.')
    expect(lines).toContain('  dist/index.js\n  package.json')
    expect(hasRunTests(root)).toBe(true)
    expect(listTags(root)).toBe('')
    expect(runGit(root, 'status', '--porcelain', '--ignored')).toBe('')
  })

  test.each([['--dry'], ['now'], ['--dry-run=false']])('refuses the argument %s', (argument) => {
    const { code, lines, errors } = run('no-such-folder', ['--dry-run', argument])
    expect({ code, lines }).toEqual({ code: 2, lines: [] })
    expect(errors[0]).toMatch(/^Usage: npm run release/)
  })
})

describe('release notes', () => {
  it('contain the text of one version, without the definitions of links', () => {
    expect(findSection(CHANGELOG, '1.2.3')?.text).toBe('### Fixed\n\n- The cache.')
    expect(findSection(CHANGELOG, '1.2.2')?.text).toBe('- Other notes.')
  })

  test.each([
    ['[1.2.3] - 2026-11-30', true],
    ['[1.2.3] - 2026-02-30', false],
    ['[1.2.3] - 2026-13-01', false],
    ['[1.2.3] - YYYY-MM-DD', false],
    ['[1.2.3] - 2026-11-30 (withdrawn)', false],
    ['1.2.3 - 2026-11-30', false],
  ])('have a heading with a date: %s is %p', (heading, expected) => {
    expect(isReleaseHeading({ heading, text: '' }, '1.2.3')).toBe(expected)
  })
})

describe('npm pack from a clean clone', () => {
  const pack = (root: string) => {
    const folder = join(root, 'tarball')
    mkdirSync(folder)
    return packPackage(root, folder)
  }
  const readPacked = (tarball: string, file: string): string =>
    execFileSync('tar', ['-xzOf', tarball, `package/${file}`], { encoding: 'utf8' })

  it('builds the package, and ignores an old build', () => {
    const root = createRepository()
    writeFiles(root, { 'dist/old.js': 'old' })
    const { tarball, files } = pack(root)
    expect(files).toEqual(['dist/index.js', 'package.json'])
    expect(readPacked(tarball, 'dist/index.js')).toBe('committed\n')
    expect(readFileSync(join(root, 'dist/old.js'), 'utf8')).toBe('old')
  })

  it('contains uncommitted changes, and no deleted files', () => {
    const root = createRepository({ 'deleted.js': 'deleted\n', ...withManifest({ files: ['dist', '*.js'] }) })
    writeFiles(root, { 'source.js': 'changed\n', 'new.js': 'new\n' })
    rmSync(join(root, 'deleted.js'))
    const { tarball, files } = pack(root)
    expect(files).toEqual(['dist/index.js', 'new.js', 'package.json', 'source.js'])
    expect(readPacked(tarball, 'dist/index.js')).toBe('changed\n')
  })

  it('fails if the build fails', () => {
    expect(() => pack(createRepository(withManifest({ scripts: { prepack: 'exit 1' } })))).toThrow(/npm pack/)
  })
})
