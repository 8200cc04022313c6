import base from './jest.config.js'

/**
 * Runs the tests that use the sandbox on AWS's DynamoDB Local, with one Java process for all test files.
 *
 * @type {import('jest').Config}
 */
export default {
  ...base,
  testMatch: ['<rootDir>/test/{sandbox,integration}/**/*.test.ts'],
  globalSetup: '<rootDir>/test/sandbox/dynamodb-local-setup.ts',
}
