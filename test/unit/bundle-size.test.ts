import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { MAXIMUM_KB, measureBundle } from '../../bench/measure-bundle.ts'

test('adds no more to a bundle than the documentation says', async () => {
  const { totalBytes } = await measureBundle()
  expect(totalBytes).toBeGreaterThan(0)
  expect(totalBytes).toBeLessThanOrEqual(MAXIMUM_KB * 1000)
  const page = readFileSync(join(import.meta.dirname, '../../docs/bundlers.md'), 'utf8')
  expect(page).toContain(`adds ${MAXIMUM_KB} KB to a minified bundle`)
})
