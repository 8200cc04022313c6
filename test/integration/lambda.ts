/** The Lambda runtime of integration tests, and the time. */
import { jest } from '@jest/globals'
import { setEnvironment as setVariables } from '../lambda-runtime.ts'

export * from '../lambda-runtime.ts'

/**
 * Replaces the function's environment variables. Call it before `crossAccountDynamo()`, which reads them. Until mocks are restored,
 * random numbers are 0, so that each refresh starts as late as possible, 15 minutes before the expiration by default.
 */
export const setEnvironment = (variables: Readonly<Record<string, string>>): void => {
  jest.spyOn(Math, 'random').mockReturnValue(0)
  setVariables(variables)
}

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
