/** The promise IDs in SECURITY.md, and the test files that cite them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
const PROMISE_ID = /\b(?:EVENT|CODE|NET|IAM)-\d+\b/g

/** Returns the promise IDs in the first comment of a test file. */
const findCitedPromises = (file: string): string[] =>
  readFileSync(join(ROOT, 'test', file), 'utf8')
    .split('*/')[0]
    ?.match(PROMISE_ID) ?? []

test('test files cite each promise of SECURITY.md and no other promise', () => {
  const promised = new Set(
    readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').match(/(?<=- \*\*)[A-Z]+-\d+(?=\*\*)/g),
  )
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  const cited = new Set(files.filter((file) => file.endsWith('.test.ts')).flatMap(findCitedPromises))
  expect(promised.size).toBeGreaterThan(10)
  expect([...cited].sort()).toEqual([...promised].sort())
})
