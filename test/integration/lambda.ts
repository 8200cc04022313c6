/** The Lambda runtime of integration tests, and the time. */
import { jest } from '@jest/globals'

export * from '../lambda-runtime.ts'

/**
 * Advances `Date.now()` and stops it there until mocks are restored. The clock of the sandbox follows, because it reads
 * `Date.now()` too.
 */
export const advanceTime = (ms: number): void => {
  const nowMs = Date.now() + ms
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs)
}

/** Waits until no middleware is about to open a connection. A connection must not open after the end of the tests. */
export const waitForEarlyConnections = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))
