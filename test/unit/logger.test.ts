/** The logger that the package uses: errors of the user's logger have no effect. */
import { expect, jest, test } from '@jest/globals'
import { createSafeLogger } from '../../src/logger.ts'

test.each(['debug', 'info', 'warn', 'error'] as const)(
  '%s calls the user’s logger and ignores its errors',
  (level) => {
    const log = jest.fn()
    const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn(), [level]: log }
    createSafeLogger(logger)[level]('message', { a: 1 })
    expect(log).toHaveBeenCalledWith('message', { a: 1 })
    log.mockImplementation(() => {
      throw new Error('full')
    })
    expect(() => createSafeLogger(logger)[level]('message', {})).not.toThrow()
  },
)

test.each<[string, () => unknown]>([['rejects', async () => Promise.reject(new Error('full'))]])(
  'a logger method that %s causes no unhandled rejection',
  async (_what, log) => {
    const onUnhandledRejection = jest.fn()
    process.on('unhandledRejection', onUnhandledRejection)
    const logger = { debug: log, info: log, warn: log, error: log }
    createSafeLogger(logger).warn('message', {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', onUnhandledRejection)
    expect(onUnhandledRejection).not.toHaveBeenCalled()
  },
)
