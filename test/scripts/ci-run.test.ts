import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
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

  it('has a command for every part that it lists', () => {
    const script = readFileSync(SCRIPT, 'utf8')
    const listedParts = /^parts=\((.+)\)$/m.exec(script)?.[1]?.split(' ')
    const partsWithCommand = [...script.matchAll(/^ {4}([a-z-]+)\)/gm)].map(([, part]) => part)
    expect(partsWithCommand).toEqual(listedParts)
  })
})
