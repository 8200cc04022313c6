import { describe, test } from '@jest/globals'
import { type EngineName, engineName } from './engine.ts'

/** For what only one engine can do: on the other, the tests are listed as skipped, with the reason. */
export function onlyOn(engine: EngineName, reason: string) {
  const isHere = engineName() === engine
  const titled = (title: string) => (isHere ? title : `${title} [only on ${engine}: ${reason}]`)
  return {
    describe: (title: string, body: () => void) => (isHere ? describe : describe.skip)(titled(title), body),
    test: (title: string, body: () => Promise<void>) => (isHere ? test : test.skip)(titled(title), body),
  }
}
