/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The tests wait for sockets more than they compute.
  maxWorkers: '100%',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // `npm run test:long` runs these.
  testPathIgnorePatterns: ['/node_modules/', '\\.long\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.stryker', '<rootDir>/dist'],
  moduleNameMapper: {
    '^middy-cross-account-dynamo$': '<rootDir>/src/index.ts',
    '^middy-cross-account-dynamo/policies$': '<rootDir>/src/iam/index.ts',
  },
  // The connections and timers of a test are its own to close: a test that leaves one hangs here.
  testTimeout: 15_000,
  collectCoverageFrom: ['src/**/*.ts'],
  // It instruments the files in src only. V8's coverage slows down every module that a test file loads.
  coverageProvider: 'babel',
  coverageReporters: ['text', 'lcov'],
  coverageThreshold: { global: { branches: 95, functions: 95, lines: 95, statements: 95 } },
}
