import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from '@jest/globals'

const SCRIPT = join(import.meta.dirname, '../../.ci/run')

describe('.ci/run', () => {
  // Run a copy in a folder without package.json, where every part fails immediately. In this repository, `.ci/run test`
  // would run this test again.
  const folder = mkdtempSync(join(tmpdir(), 'ci-run-'))
  cpSync(SCRIPT, join(folder, '.ci/run'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const runScript = (...parts: string[]) => spawnSync(join(folder, '.ci/run'), parts, { encoding: 'utf8' })

  test.each([
    ['an unknown part', ['nonsense']],
    ['an empty part', ['']],
    ['two parts in one argument', ['types lint']],
    ['an unknown part after a known one', ['install', 'nonsense']],
  ])('refuses %s and lists the parts', (_, parts) => {
    const { status, stdout, stderr } = runScript(...parts)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^ {2}install$/m)
    expect(stderr).toMatch(/^ {2}supply-chain$/m)
  })

  test.each([
    ['one part', ['install']],
    ['several parts', ['install', 'types']],
    ['all parts', []],
  ])('stops at the first failing part when it runs %s, and prints the duration of the part', (_, parts) => {
    const { status, stdout } = runScript(...parts)
    expect(status).toBe(1)
    expect(stdout).toMatch(/\ninstall +\d+ s +failed\n$/)
  })

  it('runs several parts in the given order, and prints the duration of each part', () => {
    const project = mkdtempSync(join(tmpdir(), 'ci-run-project-'))
    cpSync(SCRIPT, join(project, '.ci/run'))
    const scripts = { types: 'echo "checked types"', lint: 'echo "checked lint"' }
    writeFileSync(join(project, 'package.json'), JSON.stringify({ scripts }))
    mkdirSync(join(project, 'scripts'))
    writeFileSync(join(project, 'scripts/install-if-needed.cjs'), '')
    mkdirSync(join(project, 'node_modules/.bin'), { recursive: true })
    symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'))
    const { status, stdout } = spawnSync(join(project, '.ci/run'), ['types', 'lint'], { encoding: 'utf8' })
    rmSync(project, { recursive: true })
    expect(status).toBe(0)
    expect(stdout.match(/^checked \w+$/gm)).toEqual(['checked types', 'checked lint'])
    expect(stdout).toMatch(/\ntypes +\d+ s\nlint +\d+ s\n$/)
  })

  it('has a command for every part that it lists', () => {
    const script = readFileSync(SCRIPT, 'utf8')
    const listedParts = /^parts=\((.+)\)$/m.exec(script)?.[1]?.split(' ')
    const partsWithCommand = [...script.matchAll(/^ {4}([a-z-]+)\)/gm)].map(([, part]) => part)
    expect(partsWithCommand).toEqual(listedParts)
  })
})
