/** Compares the code in docs/bundlers.md with the files that the tests in test/ecosystem/bundlers run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { findShownFiles, readPage } from '../ecosystem/support/shown-files.ts'

const FIXTURES = join(import.meta.dirname, '../ecosystem/bundlers/fixtures')
const shownFiles = findShownFiles('bundlers.md')

describe('docs/bundlers.md', () => {
  test('names the file of each code block', () => {
    expect(shownFiles.size).toBeGreaterThan(0)
    expect(readPage('bundlers.md').match(/^```\w+$/gm)).toHaveLength(shownFiles.size)
  })

  test.each([...shownFiles])('contains %s as the tests run it', (file, code) => {
    expect(code).toBe(readFileSync(join(FIXTURES, file), 'utf8'))
  })
})
