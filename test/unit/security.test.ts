import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
const PROMISE = /\b(?:EVENT|CODE|NET|IAM)-\d+\b/g

/** The promises that a comment at the start of a test file says it shows. */
const promisesIn = (file: string): string[] =>
  readFileSync(join(ROOT, 'test', file), 'utf8')
    .split('*/')[0]
    ?.match(PROMISE) ?? []

test('each promise of SECURITY.md is cited by a test file, and no other is', () => {
  const promised = new Set(
    readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').match(/(?<=- \*\*)[A-Z]+-\d+(?=\*\*)/g),
  )
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  const cited = new Set(files.filter((file) => file.endsWith('.test.ts')).flatMap(promisesIn))
  expect(promised.size).toBeGreaterThan(10)
  expect([...cited].sort()).toEqual([...promised].sort())
})
