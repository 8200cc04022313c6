import { expect, jest, test } from '@jest/globals'
import { harmless } from '../../src/logger.ts'

test.each(['debug', 'info', 'warn', 'error'] as const)('%s is told, and may fail', (level) => {
  const tell = jest.fn()
  const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn(), [level]: tell }
  harmless(logger)[level]('message', { a: 1 })
  expect(tell).toHaveBeenCalledWith('message', { a: 1 })
  tell.mockImplementation(() => {
    throw new Error('full')
  })
  expect(() => harmless(logger)[level]('message', {})).not.toThrow()
})
