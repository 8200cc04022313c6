import { describe, test } from '@jest/globals'
import { type EngineName, parseEngineName } from './engine.ts'

/**
 * Returns `describe` and `test` for tests that only one engine can run. With the other engine, Jest lists the tests as
 * skipped, with the reason in the title.
 */
export function restrictToEngine(engine: EngineName, reason: string) {
  const isSelected = parseEngineName() === engine
  const formatTitle = (title: string) => (isSelected ? title : `${title} [only on ${engine}: ${reason}]`)
  return {
    describe: (title: string, body: () => void) =>
      (isSelected ? describe : describe.skip)(formatTitle(title), body),
    test: (title: string, body: () => Promise<void>) =>
      (isSelected ? test : test.skip)(formatTitle(title), body),
  }
}
