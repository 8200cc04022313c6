// The Jest of `cdk init` runs CommonJS tests. The package is an ES module, which Jest can require with its flag for ES modules.
const { CrossAccountDynamoRole } = require('middy-cross-account-dynamo/cdk')

test('the constructs can be required', () => {
  expect(typeof CrossAccountDynamoRole).toBe('function')
})
