import base from './jest.config.js'

// `scripts/test-mutation.ts` sets this variable to the folders and files below `test/` that cover one part of `src/`.
const testPaths = (process.env.MUTATION_TESTS ?? 'unit').split(',')

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: testPaths.flatMap((path) => [
    `<rootDir>/test/${path}/**/*.test.ts`,
    `<rootDir>/test/${path}.test.ts`,
  ]),
  coverageThreshold: {},
}
