/** Compares docs/security-model.md with the promises in SECURITY.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

test('docs/security-model.md explains each promise of SECURITY.md, and no other', () => {
  const promised = readText('SECURITY.md').match(/(?<=- \*\*)[A-Z]+-\d+(?=\*\*)/g) ?? []
  const rows = readText('docs/security-model.md').match(/^\| .*\|$/gm) ?? []
  const explained = rows.flatMap((row) => row.match(/\b[A-Z]+-\d+\b/g) ?? [])
  expect(promised.length).toBeGreaterThan(10)
  expect(explained.toSorted()).toEqual(promised.toSorted())
})
