import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, test } from '@jest/globals'
import { parse } from 'yaml'
import { findLockFiles } from '../../scripts/supply-chain/lock-file.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Job {
  readonly name: string
  readonly environment?: string
  readonly needs?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly { readonly name?: string; readonly run?: string; readonly uses?: string }[]
  readonly strategy?: { readonly matrix: { readonly include: readonly { parts: string; node: number }[] } }
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const readWorkflow = (name: string): Workflow => parse(readText(`.github/workflows/${name}.yml`))

const { version } = JSON.parse(readText('package.json')) as { readonly version: string }

describe('ci.yml', () => {
  const entries = readWorkflow('ci').jobs.run?.strategy?.matrix.include ?? []

  it('the CI workflow runs each part of .ci/run', () => {
    const parts = /^parts=\((.+)\)$/m.exec(readText('.ci/run'))?.[1]?.split(' ') ?? []
    // Each job installs the dependencies before its first part.
    const expected = parts.filter((part) => part !== 'install')
    const actual = new Set(entries.flatMap((entry) => entry.parts.split(' ')))
    expect([...actual].sort()).toEqual(expected.sort())
  })

  it('runs the unit tests on each supported version of Node.js, and the other parts once', () => {
    const nodes = entries.filter(({ parts }) => parts === 'test').map(({ node }) => node)
    expect(nodes).toEqual([22, 24])
    const others = entries.flatMap(({ parts }) => parts.split(' ')).filter((part) => part !== 'test')
    expect(others).toHaveLength(new Set(others).size)
  })
})

describe('release.yml', () => {
  const release = readWorkflow('release')
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  beforeEach(() => {
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
    for (const file of ['package.json', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(folder, file))
  })

  /** Runs a step in the folder as GitHub does, for the tag. */
  const runStep = (job: string, name: string, tag: string, variables: Record<string, string> = {}) => {
    const script = release.jobs[job]?.steps.find((step) => step.name === name)?.run
    if (script === undefined) throw new Error(`release.yml has no step '${name}'`)
    const env = { PATH: process.env.PATH, GITHUB_REF_NAME: tag, ...variables }
    return spawnSync('/bin/bash', ['-eo', 'pipefail', '-c', script], { cwd: folder, encoding: 'utf8', env })
  }

  const COMPARE = 'Compare the tag with the version in package.json'
  const EXTRACT = 'Extract the notes from the changelog'
  const CHECK_NPM = 'Check that npm supports trusted publishing'

  it('accepts the tag of the version in package.json', () => {
    expect(runStep('check', COMPARE, `v${version}`)).toMatchObject({ status: 0, stdout: '' })
  })

  test.each(['v0.0.1', `${version}`, `v${version}-rc.1`])('refuses the tag %s', (tag) => {
    const { status, stdout } = runStep('check', COMPARE, tag)
    expect(status).toBe(1)
    expect(stdout).toContain(`::error::The tag is ${tag}, but the version in package.json is ${version}.`)
  })

  it('uses the section of the version in the changelog as notes', () => {
    expect(runStep('pack', EXTRACT, `v${version}`)).toMatchObject({ status: 0, stdout: '' })
    const notes = readFileSync(join(folder, 'release/notes.md'), 'utf8')
    const changelog = readText('CHANGELOG.md')
    expect(notes.trim()).not.toBe('')
    expect(changelog).toContain(`\n## [${version}] - ${/\d{4}-\d{2}-\d{2}/.exec(changelog)?.[0]}\n${notes}`)
    expect(notes).not.toMatch(/^## /m)
  })

  test.each([
    ['no section', '# Changelog\n\n## [Unreleased]\n\n- A change.\n'],
    [
      'an empty section',
      '# Changelog\n\n## [1.2.3] - 2026-01-01\n\n## [1.2.2] - 2026-01-01\n\n- A change.\n',
    ],
    ['only the section of a similar version', '# Changelog\n\n## [1.2.30] - 2026-01-01\n\n- A change.\n'],
  ])('refuses a changelog with %s', (_, changelog) => {
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
    const { status, stdout } = runStep('pack', EXTRACT, 'v1.2.3')
    expect(status).toBe(1)
    expect(stdout).toContain("::error::CHANGELOG.md has no section '## [1.2.3]'")
  })

  test.each([
    ['10.9.4', 1],
    ['11.5.0', 1],
    ['11.5.1', 0],
    ['11.10.0', 0],
    ['12.0.0', 0],
  ])('with npm %s, ends the check of npm with %i', (npmVersion, status) => {
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho ${npmVersion}\n`, { mode: 0o755 })
    const PATH = `${folder}:${process.env.PATH}`
    expect(runStep('publish', CHECK_NPM, 'v1.2.3', { PATH }).status).toBe(status)
  })

  it('stores no secret, and gives each permission to one job', () => {
    expect(readText('.github/workflows/release.yml')).not.toContain('secrets.')
    expect(release.permissions).toEqual({ contents: 'read' })
    const permissions = Object.entries(release.jobs).map(([name, job]) => [name, job.permissions])
    expect(Object.fromEntries(permissions)).toEqual({
      check: undefined,
      pack: undefined,
      publish: { 'id-token': 'write' },
      release: { actions: 'write', contents: 'write' },
    })
  })

  describe('the commit of a tag', () => {
    const FIND = 'Find the commit of the tag in the default branch'
    const git = (...args: string[]) =>
      spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: folder })
    const findCommit = () => runStep('check', FIND, 'v1.2.3', { DEFAULT_BRANCH: 'main' })
    beforeEach(() => {
      git('init', '--initial-branch=main')
      git('commit', '--allow-empty', '--message=released')
      git('commit', '--allow-empty', '--message=newer')
      git('update-ref', 'refs/remotes/origin/main', 'main')
    })

    it('accepts a tag whose commit is in the default branch', () => {
      git('checkout', 'main~1')
      expect(findCommit()).toMatchObject({ status: 0, stdout: '' })
    })

    it('refuses a tag whose commit is not in the default branch, even if a tag has the name of the branch', () => {
      git('checkout', '-b', 'other', 'main~1')
      git('commit', '--allow-empty', '--message=unmerged')
      git('tag', 'origin/main')
      const { status, stdout } = findCommit()
      expect(status).toBe(1)
      expect(stdout).toContain('::error::The commit of v1.2.3 is not in the branch main.')
    })
  })

  it('packs a new checkout after the checks, without install scripts', () => {
    const commands = release.jobs.pack?.steps.map(({ run }) => run) ?? []
    expect(release.jobs.check?.steps.map(({ run }) => run)).toContain('.ci/run')
    expect(release.jobs.pack?.needs).toBe('check')
    expect(release.jobs.pack?.steps[0]?.uses).toMatch(/^actions\/checkout@/)
    expect(commands.slice(-3, -1)).toEqual(['npm ci --ignore-scripts', 'npm pack --pack-destination release'])
  })

  it('publishes from the environment npm, in a job that runs no code of the repository', () => {
    const { environment, needs, steps = [] } = release.jobs.publish ?? {}
    expect({ environment, needs }).toEqual({ environment: 'npm', needs: 'pack' })
    const actions = steps.flatMap(({ uses }) => uses?.split('@')[0] ?? [])
    expect(actions).toEqual(['actions/setup-node', 'actions/download-artifact'])
    const commands = steps.filter(({ name }) => name !== CHECK_NPM).flatMap(({ run }) => run ?? [])
    expect(commands).toEqual(['npm publish --provenance ./release/*.tgz'])
  })

  it('creates the GitHub release only after the package is published', () => {
    expect(release.jobs.release?.needs).toBe('publish')
  })
})

describe('dependabot.yml', () => {
  interface Update {
    readonly 'package-ecosystem': string
    readonly directory?: string
    readonly directories?: readonly string[]
  }
  const { updates } = parse(readText('.github/dependabot.yml')) as { readonly updates: readonly Update[] }

  it('Dependabot updates each folder with a package-lock.json', () => {
    const folders = findLockFiles(ROOT).map((path) => join('/', dirname(path)))
    const actual = updates
      .filter((update) => update['package-ecosystem'] === 'npm')
      .flatMap(({ directory, directories = [] }) => (directory === undefined ? directories : [directory]))
    expect(actual.toSorted()).toEqual(folders.sort())
  })

  it('Dependabot updates the actions of the workflows', () => {
    expect(updates).toContainEqual(
      expect.objectContaining({ 'package-ecosystem': 'github-actions', directory: '/' }),
    )
  })
})

describe('bug.yml', () => {
  interface Field {
    readonly id?: string
    readonly attributes: { readonly options?: readonly string[] }
  }
  it('lists the codes of CrossAccountDynamoError', () => {
    const { body } = parse(readText('.github/ISSUE_TEMPLATE/bug.yml')) as { readonly body: readonly Field[] }
    const options = body.find(({ id }) => id === 'code')?.attributes.options ?? []
    const type = /type CrossAccountDynamoErrorCode =([^/]+)/.exec(readText('src/errors.ts'))?.[1] ?? ''
    const codes = [...type.matchAll(/'(\w+)'/g)].map(([, code]) => code)
    expect(options.slice(1)).toEqual(codes)
  })
})
