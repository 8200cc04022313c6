import base from './jest.config.js'

/** The test files that read it run more cases. */
process.env.LONG_RUN = '1'

/** What takes long and rarely fails: the `.long.test.ts` files, and the files that use `inLongRun()`. */
/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: [
    '<rootDir>/test/**/*.long.test.ts',
    '<rootDir>/test/**/{day,isolation,policies,session.property}.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
}
