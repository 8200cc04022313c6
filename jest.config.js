/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Use all cores, because most tests wait for sockets.
  maxWorkers: '100%',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // `npm run test:long` runs these files.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/ecosystem/', '\\.long\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.stryker', '<rootDir>/test/ecosystem', '<rootDir>/dist'],
  moduleNameMapper: {
    '^middy-cross-account-dynamo$': '<rootDir>/src/index.ts',
    '^middy-cross-account-dynamo/cdk$': '<rootDir>/src/cdk/index.ts',
    '^middy-cross-account-dynamo/policies$': '<rootDir>/src/iam/index.ts',
  },
  // There is no `forceExit`: each test closes its connections and timers, or Jest does not exit.
  testTimeout: 15_000,
  // `npm run test:long` tests the CDK constructs, because it takes long to load the CDK.
  collectCoverageFrom: ['src/**/*.ts', '!src/cdk/**'],
  // Babel instruments only the files in `src`. V8's coverage slows down every module that a test file loads.
  coverageProvider: 'babel',
  coverageReporters: ['text', 'lcov'],
  coverageThreshold: { global: { branches: 95, functions: 95, lines: 95, statements: 95 } },
}
