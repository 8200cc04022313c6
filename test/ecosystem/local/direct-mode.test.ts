/** Direct mode where Lambda's variables are set: in a stage whose table is in the account of the function, and in SAM local. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { beforeEach } from 'node:test'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { CrossAccountDynamoError, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, FUNCTION_NAME, setEnvironment } from '../../lambda-runtime.ts'
import { allowStatement, createPolicy } from '../../sandbox/policies.ts'
import { ACCOUNT_A, createTwoAccounts, OTHER_TABLE, TABLE } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

/** A function and its tables in one account. The execution role can use one of the tables. */
const createOneAccount = () => {
  const [account, target] = createTwoAccounts()
  if (account === undefined) throw new Error('createTwoAccounts() must return two accounts.')
  const table = `arn:aws:dynamodb:us-east-1:${ACCOUNT_A}:table/${TABLE}`
  for (const role of account.roles ?? [])
    role.policies = [
      createPolicy(allowStatement(['dynamodb:GetItem', 'dynamodb:PutItem'], { Resource: table })),
    ]
  return [{ ...account, tables: target?.tables ?? [] }]
}

const sandbox = await startSandboxProcess({ accounts: createOneAccount() })

/** The variables that Lambda and the SAM CLI set, in addition to the Region, the credentials and the name of the function. */
const LAMBDA_VARIABLES = {
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
}

beforeEach(async () => {
  await sandbox.clear()
  setEnvironment({
    ...(await sandbox.createFunctionVariables()),
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'none',
    ...LAMBDA_VARIABLES,
  })
})

/** Creates a handler that writes an item and reads it. */
const createHandler = (options: { sessionTags?: Record<string, string> } = {}) =>
  middy()
    .use(crossAccountDynamo(options))
    .handler(async ({ TableName }: { TableName: string }, context) => {
      await context.dynamo.send(new PutCommand({ TableName, Item: { id: '123' } }))
      return (await context.dynamo.send(new GetCommand({ TableName, Key: { id: '123' } }))).Item
    })

const getSignedCalls = async () =>
  (await sandbox.getCalls()).filter(({ principal }) => principal !== undefined)

testCombination(
  ['@middy/core'],
  'uses the table of the function’s own account in a same-account stage, where IAM evaluates the policy of the execution role',
  async () => {
    const handler = createHandler()
    assert.deepEqual(await handler({ TableName: TABLE }, createLambdaContext()), { id: '123' })
    const principal = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
    assert.deepEqual(
      (await getSignedCalls()).map((call) => [call.service, call.operation, call.principal]),
      ['PutItem', 'GetItem'].map((operation) => ['dynamodb', operation, principal]),
    )
    await assert.rejects(handler({ TableName: OTHER_TABLE }, createLambdaContext()), {
      name: 'AccessDeniedException',
    })
    // Without a role, the tags would not restrict the client.
    assert.throws(
      () => createHandler({ sessionTags: { team: 'orders' } }),
      (error) => {
        assert.ok(error instanceof CrossAccountDynamoError)
        assert.equal(error.code, 'CONFIG_INVALID')
        assert.deepEqual(
          error.issues.map(({ code, option }) => [code, option]),
          [['not-in-direct-mode', 'sessionTags']],
        )
        return true
      },
    )
  },
)

testCombination(
  ['@middy/core'],
  'warns in direct mode with the variables of `sam local invoke`, instead of refusing session tags as in Lambda',
  async () => {
    process.env.AWS_SAM_LOCAL = 'true'
    const warned = once(process, 'warning')
    const handler = createHandler({ sessionTags: { team: 'orders' } })
    const [{ code }] = await warned
    assert.equal(code, 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE')
    assert.deepEqual(await handler({ TableName: TABLE }, createLambdaContext()), { id: '123' })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations, ['PutItem', 'GetItem'])
  },
)
