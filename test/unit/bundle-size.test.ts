import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { MAXIMUM_KB, measureBundle } from '../../bench/measure-bundle.ts'

test('adds as much to a bundle as the documentation says', async () => {
  const { totalBytes } = await measureBundle()
  expect(Math.ceil(totalBytes / 1000)).toBe(MAXIMUM_KB)
  const page = readFileSync(join(import.meta.dirname, '../../docs/bundlers.md'), 'utf8')
  expect(page).toContain(`adds ${MAXIMUM_KB} KB to a minified bundle`)
})
