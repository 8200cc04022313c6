import { expect, jest, test } from '@jest/globals'
import { createSafeLogger } from '../../src/logger.ts'

test.each(['debug', 'info', 'warn', 'error'] as const)('%s is told, and may fail', (level) => {
  const tell = jest.fn()
  const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn(), [level]: tell }
  createSafeLogger(logger)[level]('message', { a: 1 })
  expect(tell).toHaveBeenCalledWith('message', { a: 1 })
  tell.mockImplementation(() => {
    throw new Error('full')
  })
  expect(() => createSafeLogger(logger)[level]('message', {})).not.toThrow()
})

test.each<[string, () => unknown]>([['rejects', async () => Promise.reject(new Error('full'))]])(
  'a method that %s causes no unhandled rejection',
  async (_what, log) => {
    const unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    const logger = { debug: log, info: log, warn: log, error: log }
    createSafeLogger(logger).warn('message', {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  },
)
