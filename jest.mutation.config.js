import base from './jest.config.js'

/** The folders and files below `test/` that `scripts/test-mutation.ts` names for a part. */
const tests = (process.env.MUTATION_TESTS ?? 'unit').split(',')

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: tests.flatMap((path) => [
    `<rootDir>/test/${path}/**/*.test.ts`,
    `<rootDir>/test/${path}.test.ts`,
  ]),
  coverageThreshold: {},
}
