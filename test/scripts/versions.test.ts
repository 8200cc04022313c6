import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
const readText = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

interface Manifest {
  readonly engines: { readonly node: string }
  readonly peerDependencies: Readonly<Record<string, string>>
}
const { engines, peerDependencies } = JSON.parse(readText('package.json')) as Manifest

/** Returns the cells of each row of a table, which begins with this header. */
const readTable = (header: string): string[][] => {
  const [, table = ''] = readText('docs/versions.md').split(`| ${header} |`)
  const rows = table.split('\n\n')[0]?.split('\n').slice(2) ?? []
  return rows.map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(1, -1),
  )
}

describe('docs/versions.md', () => {
  it('lists the minimum and the major versions that package.json allows', () => {
    const ranges = Object.entries(peerDependencies).map(([name, range]) => {
      const minimums = range.split(' || ').map((part) => part.replace('^', ''))
      return [name, minimums[0], minimums.map((version) => version.split('.')[0]).join(', ')]
    })
    const byName = (rows: readonly (readonly (string | undefined)[])[]) => [...rows].sort()
    expect(byName(readTable('package | minimum version | supported major versions'))).toEqual(byName(ranges))
  })

  it('lists the Node.js versions that npm run test:matrix tests, beginning with the minimum in package.json', () => {
    const table = readTable(
      'Node.js | end of life | Lambda runtime | deprecated by Lambda | creation of functions blocked | updates of functions blocked',
    )
    const listed = table.map(([version]) => version)
    const [, versions = ''] = /NODE_VERSIONS = \[(.+)\]/.exec(readText('test/matrix/run.ts')) ?? []
    expect(listed).toEqual([...versions.matchAll(/'(\d+)\./g)].map(([, major]) => major))
    expect(engines.node).toBe(`>=${listed[0]}`)
  })
})
