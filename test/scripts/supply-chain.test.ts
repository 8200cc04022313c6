import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, test } from '@jest/globals'
import { isAuditFailure, parseAudit } from '../../scripts/supply-chain/audit.ts'
import { classifyLicense, findLicenses, isLicenseFailure } from '../../scripts/supply-chain/licenses.ts'
import {
  findForeignPackages,
  findLockFiles,
  findShippedPackages,
  findUnverifiedPackages,
  type LockedPackage,
  readLockFile,
} from '../../scripts/supply-chain/lock-file.ts'
import { findUnpinnedActions, findWorkflows } from '../../scripts/supply-chain/workflows.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Creates a folder with these files, runs `body`, and removes the folder. */
const withFiles = (files: Readonly<Record<string, string>>, body: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), 'supply-chain-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    body(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('lock files', () => {
  it('finds the lock file of this project', () => {
    expect(findLockFiles(ROOT)).toContain('package-lock.json')
  })

  it('finds lock files outside node_modules in a folder without git', () => {
    const files = {
      'package-lock.json': '',
      'docs/site/package-lock.json': '',
      'docs/not-package-lock.json': '',
      'docs/node_modules/yaml/package-lock.json': '',
    }
    withFiles(files, (folder) => {
      expect(findLockFiles(folder)).toEqual(['docs/site/package-lock.json', 'package-lock.json'])
    })
  })

  it('refuses a lock file that lists no packages', () => {
    withFiles({ 'package-lock.json': '{ "lockfileVersion": 1, "dependencies": {} }' }, (folder) => {
      expect(() => readLockFile(join(folder, 'package-lock.json'))).toThrow('no packages')
    })
  })
})

describe('integrity and source', () => {
  it('finds packages without a SHA-512 hash, including optional packages', () => {
    const packages = {
      '': {},
      'node_modules/verified': { integrity: 'sha512-AAAA' },
      'node_modules/@biomejs/cli-darwin-arm64': { version: '2.6.8' },
      'node_modules/verified/node_modules/old': { integrity: 'sha1-AAAA' },
    }
    expect(findUnverifiedPackages(packages)).toEqual([
      'node_modules/@biomejs/cli-darwin-arm64',
      'node_modules/verified/node_modules/old',
    ])
  })

  it('accepts links, the targets of links, and bundled packages without a hash', () => {
    const packages = {
      '': {},
      '..': { version: '0.1.0' },
      'node_modules/linked': { link: true, resolved: '..' },
      'node_modules/bundling': { integrity: 'sha512-AAAA' },
      'node_modules/bundling/node_modules/bundled': { inBundle: true },
    }
    expect(findUnverifiedPackages(packages)).toEqual([])
  })

  it('finds packages that do not come from the default registry', () => {
    const packages = {
      '': {},
      'node_modules/a': {},
      'node_modules/c': { resolved: 'https://registry.example.com/c/-/c-1.0.0.tgz' },
      'node_modules/d': { resolved: 'git+ssh://git@github.com/d/d.git#0123456789' },
      'node_modules/e': { resolved: '..', link: true },
    }
    expect(findForeignPackages(packages)).toEqual(['node_modules/c', 'node_modules/d'])
  })
})

describe('shipped packages', () => {
  it('resolves dependencies and peer dependencies to the version that Node.js loads', () => {
    const packages = {
      '': { peerDependencies: { peer: '1' }, devDependencies: { tool: '1' } },
      'node_modules/peer': { dev: true, dependencies: { a: '1', b: '1' } },
      'node_modules/peer/node_modules/a': { dependencies: { b: '1' } },
      'node_modules/a': {},
      'node_modules/b': { dependencies: { peer: '1' } },
      'node_modules/tool': { dependencies: { a: '2' } },
    }
    expect([...findShippedPackages(packages)].sort()).toEqual([
      'node_modules/b',
      'node_modules/peer',
      'node_modules/peer/node_modules/a',
    ])
  })

  it('skips optional packages that are not installed, and refuses other missing packages', () => {
    const optional = {
      optionalDependencies: { a: '1' },
      peerDependencies: { b: '1' },
      peerDependenciesMeta: { b: { optional: true } },
    }
    expect(findShippedPackages({ '': optional }).size).toBe(0)
    expect(() => findShippedPackages({ '': { dependencies: { a: '1' } } })).toThrow('lacks a')
  })

  it('includes a linked folder but not its dependencies, which are in its own lock file', () => {
    const packages = {
      '': { dependencies: { linked: 'file:..' } },
      '..': { dependencies: { elsewhere: '1' } },
      'node_modules/linked': { link: true, resolved: '..' },
    }
    expect([...findShippedPackages(packages)]).toEqual(['node_modules/linked', '..'])
  })

  it('includes the peer dependencies of this project, which are also development dependencies', () => {
    const shipped = findShippedPackages(readLockFile(join(ROOT, 'package-lock.json')))
    expect(shipped).toContain('node_modules/@aws-sdk/client-sts')
    expect(shipped).toContain('node_modules/@middy/core')
    expect(shipped).not.toContain('node_modules/@cloud-copilot/iam-simulate')
  })
})

describe('licenses', () => {
  test.each([
    ['MIT', 'permissive'],
    ['Apache-2.0 AND MIT', 'permissive'],
    ['(MIT OR GPL-3.0-or-later)', 'permissive'],
    ['MPL-2.0', 'weak copyleft'],
    ['Apache-2.0 WITH LLVM-exception', 'permissive'],
    ['GPL-3.0-only OR MPL-2.0', 'weak copyleft'],
    ['AGPL-3.0-or-later', 'copyleft'],
    ['LGPL-2.1', 'copyleft'],
    ['MIT AND GPL-2.0-only', 'copyleft'],
    ['GPL-2.0-only WITH Classpath-exception-2.0', 'copyleft'],
    ['(MIT AND (ISC OR GPL-3.0-only))', 'copyleft'],
    ['SEE LICENSE IN LICENSE.md', 'unknown'],
    ['UNLICENSED', 'unknown'],
    ['MITX', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('classifies %s as %s', (expression, kind) => {
    expect(classifyLicense(expression)).toBe(kind)
  })

  it('fails for shipped packages with a copyleft or unknown license, and reports other packages', () => {
    const packages: Record<string, LockedPackage> = {
      '': { license: 'GPL-3.0-only' },
      'node_modules/a': { license: 'MIT' },
      'node_modules/b': { license: 'AGPL-3.0-only' },
      'node_modules/c': {},
      'node_modules/d': { license: 'MPL-2.0' },
      'node_modules/e': { license: 'AGPL-3.0-only' },
    }
    const shipped = new Set(['node_modules/a', 'node_modules/b', 'node_modules/c', 'node_modules/d'])
    const findings = findLicenses(packages, shipped)
    expect(findings.map(({ name }) => name)).toEqual(['b', 'c', 'd', 'e'])
    expect(findings.filter(isLicenseFailure).map(({ name }) => name)).toEqual(['b', 'c'])
  })
})

describe('audit', () => {
  const advisory = (name: string, severity: string) => ({
    source: 1,
    name,
    severity,
    title: `Flaw in ${name}`,
    url: 'https://github.com/advisories/GHSA-xxxx-xxxx-xxxx',
  })
  const vulnerability = (name: string, severity: string) => ({
    name,
    severity,
    via: [advisory(name, severity)],
    nodes: [`node_modules/${name}`],
  })
  const shipped = new Set(['node_modules/high', 'node_modules/low', 'node_modules/dependent'])

  it('fails for high and critical advisories on shipped packages, and reports other advisories', () => {
    const vulnerabilities = {
      high: vulnerability('high', 'high'),
      low: vulnerability('low', 'low'),
      tool: vulnerability('tool', 'critical'),
      dependent: { severity: 'high', via: ['high'], nodes: ['node_modules/dependent'] },
    }
    const audit = parseAudit(JSON.stringify({ auditReportVersion: 2, vulnerabilities }), shipped)
    if ('reason' in audit) throw new Error(audit.reason)
    expect(audit.findings.map(({ name, isShipped }) => [name, isShipped])).toEqual([
      ['high', true],
      ['low', true],
      ['tool', false],
    ])
    expect(audit.findings.filter(isAuditFailure).map(({ name }) => name)).toEqual(['high'])
  })

  it('accepts an audit report without vulnerabilities', () => {
    const audit = parseAudit('{ "auditReportVersion": 2, "vulnerabilities": {} }', shipped)
    expect(audit).toEqual({ findings: [] })
  })

  test.each([
    [
      'the registry does not support audits',
      '{ "message": "405 Method Not Allowed", "statusCode": 405 }',
      /405/,
    ],
    ['npm prints nothing', '', /no report/],
    ['npm prints no JSON', '<html>', /no report/],
    ['npm prints null', 'null', /no report/],
  ])('returns the reason why the audit did not run if %s', (_, output, reason) => {
    expect(parseAudit(output, shipped)).toEqual({ reason: expect.stringMatching(reason) })
  })
})

describe('workflow actions', () => {
  it('finds the workflows, and the actions of the repository', () => {
    const files = {
      '.github/workflows/ci.yml': '',
      '.github/workflows/notes.md': '',
      '.github/actions/setup/action.yaml': '',
    }
    withFiles(files, (folder) => {
      expect(findWorkflows(folder)).toEqual(['.github/actions/setup/action.yaml', '.github/workflows/ci.yml'])
    })
  })

  it('finds actions without a commit or without a version comment', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567'
    const workflow = `
      - uses: actions/pinned@${commit} # v7.0.1
      - name: second
        uses: actions/tag@v7
      - uses: actions/short@${commit.slice(0, 7)} # v1
      - uses: actions/uncommented@${commit}
      - uses: ./.github/actions/local
      - uses: owner/repository/folder@${commit} # v2
      # uses: actions/comment@v1
      - { uses: actions/flow@v1 }
      - "uses": actions/quoted@main`
    expect(findUnpinnedActions(`steps:${workflow}`)).toEqual([
      'actions/tag@v7',
      `actions/short@${commit.slice(0, 7)} # v1`,
      `actions/uncommented@${commit}`,
      'actions/flow@v1',
      'actions/quoted@main',
    ])
  })
})
