/** Compares docs/reliability.md and docs/comparison.md with the sources of their figures. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ROOT, readPage } from '../../scripts/pages/parts.ts'
import { createLimitRows, generateFromSources, readFigure } from '../../scripts/pages/source-data.ts'

test.each(Object.entries(generateFromSources()))(
  'the generated parts of %s are up to date (npm run pages updates them)',
  (path, text) => expect(readPage(path)).toBe(text),
)

describe('docs/reliability.md', () => {
  const page = readPage('docs/reliability.md')
  /** The page without the generated parts. */
  const prose = page.replace(/<!-- generated.*?<!-- end -->/gs, '')

  test('each duration and each share in the text is one of the limits', () => {
    const findFigures = (text: string) =>
      text.match(/(?<![\d.])\d[\d,.]* ?(?:ms|s|seconds|minutes|hours?|%)(?!\w)/g) ?? []
    const limits = createLimitRows().flatMap(([, value]) => findFigures(value))
    const figures = findFigures(prose)
    expect(figures.length).toBeGreaterThan(10)
    for (const figure of figures) expect(limits).toContain(figure)
  })

  test.each([
    ['last minute', 'credentials/issued-credentials.ts EXPIRY_MARGIN_MS', 60_000],
    ['minus one minute', 'credentials/issued-credentials.ts EXPIRY_MARGIN_MS', 60_000],
    ['at most one second', 'credentials/session.ts MAX_WAIT_WITH_VALID_CREDENTIALS.maxMs', 1000],
    ['three attempts', 'credentials/assume-role.ts DEFAULT_MAX_ATTEMPTS', 3],
    ['older than five minutes', 'credentials/session.ts MIN_DENIED_AGE_MS', 300_000],
  ])('"%s" is %s', (words, reference, value) => {
    expect(prose).toContain(words)
    expect(readFigure(reference)).toBe(value)
  })

  test('a constant that does not exist is reported', () => {
    expect(() => readFigure('deadline.ts NO_SUCH_CONSTANT')).toThrow('does not define the number')
  })

  test('contains each diagram in both color schemes', () => {
    const names = [...page.matchAll(/diagrams\/([\w-]+)\.(dark|light)\.svg/g)]
    expect(names).toHaveLength(10)
    for (const [path] of names) expect(existsSync(join(ROOT, 'docs', path))).toBe(true)
    for (const [, name = ''] of names)
      expect(existsSync(join(ROOT, 'docs/diagrams', `${name}.mmd`))).toBe(true)
  })
})
