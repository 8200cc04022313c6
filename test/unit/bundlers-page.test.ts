/** Compares the code in docs/bundlers.md with the files that the tests in test/ecosystem/bundlers run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/bundlers.md'), 'utf8')

/** The code blocks, each with the file in the comment before it. */
const blocks = [...page.matchAll(/(?:<!-- file: (\S+) -->\n)?```\w+\n(.*?)```/gs)].map(
  ([, file = '', code = '']) => ({ file, code }),
)

describe('docs/bundlers.md', () => {
  test('contains the files', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  test.each(blocks)('contains $file as the tests run it', ({ file, code }) => {
    expect(code).toBe(readFileSync(join(ROOT, 'test/ecosystem/bundlers/fixtures', file), 'utf8'))
  })
})
