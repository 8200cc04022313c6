import base from './jest.config.js'

/** What runs on the sandbox, on AWS's own DynamoDB Local: one Java process for all of it. */
/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/test/{sandbox,integration}/**/*.test.ts'],
  globalSetup: '<rootDir>/test/sandbox/dynamodb-local-setup.ts',
}
