import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { findDiagramFiles } from '../../site/diagrams/files.ts'

const FOLDER = join(import.meta.dirname, '../../docs/diagrams')

describe('the drawings in docs/diagrams', () => {
  const drawings = findDiagramFiles(FOLDER).flatMap((file) => file.drawings)

  test('are drawn from the current texts (npm run diagrams updates them)', () => {
    expect(drawings.filter(({ isUpToDate }) => !isUpToDate).map(({ name }) => name)).toEqual([])
  })

  test('all have a text', () => {
    const found = readdirSync(FOLDER).filter((name) => name.endsWith('.svg'))
    expect(found.sort()).toEqual(drawings.map(({ name }) => name).sort())
    expect(found.length).toBeGreaterThan(0)
  })
})
