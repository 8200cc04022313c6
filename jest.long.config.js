import base from './jest.config.js'

// `selectByRunLength()` reads this variable.
process.env.LONG_RUN = '1'

/**
 * Runs the tests that take long and rarely fail: the `.long.test.ts` files, and the files that use `selectByRunLength()`.
 *
 * @type {import('jest').Config}
 */
export default {
  ...base,
  testMatch: [
    '<rootDir>/test/**/*.long.test.ts',
    '<rootDir>/test/**/{day,hostile-values,isolation,policies,session.property,sts-responses}.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
}
