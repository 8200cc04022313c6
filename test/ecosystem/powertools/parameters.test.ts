/** Powertools Parameters: the external ID in Parameter Store, and parameters in a table of the other account. */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeEach } from 'node:test'
import { DynamoDBProvider } from '@aws-lambda-powertools/parameters/dynamodb'
import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { SSMClient } from '@aws-sdk/client-ssm'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { EXTERNAL_ID, TARGET_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startHttpServer } from '../support/http-server.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const EXTERNAL_ID_PARAMETER = '/orders/external-id'

const sandbox = await startSandboxProcess()

/** The names of the parameters that Parameter Store was asked for. */
const requestedNames: string[] = []
const endpoint = await startHttpServer(async (request: IncomingMessage, response) => {
  const { Name } = JSON.parse(await text(request)) as { Name: string }
  requestedNames.push(Name)
  const Value = Name === EXTERNAL_ID_PARAMETER ? EXTERNAL_ID : 'another-external-id'
  response.setHeader('content-type', 'application/x-amz-json-1.1')
  response.end(JSON.stringify({ Parameter: { Name, Value, Type: 'SecureString', Version: 1 } }))
})

const createProvider = (): SSMProvider => {
  return new SSMProvider({ awsSdkV3Client: new SSMClient({ endpoint }) })
}

beforeEach(async () => {
  await sandbox.clear()
  requestedNames.length = 0
  const { CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: _, ...variables } = await sandbox.createFunctionVariables()
  setEnvironment(variables)
})

testCombination(
  ['@aws-lambda-powertools/parameters', '@aws-sdk/client-ssm'],
  'reads the external ID from Parameter Store at module scope, and assumes the role with it in the INIT phase',
  async () => {
    const provider = createProvider()
    const dynamo = crossAccountDynamo({
      externalId: (await provider.get(EXTERNAL_ID_PARAMETER, { decrypt: true })) ?? '',
    })
    await dynamo.ready()
    const handler = middy()
      .use(dynamo)
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
      })
    await handler({ id: '1' }, createLambdaContext())
    await handler({ id: '2' }, createLambdaContext())
    assert.deepEqual(requestedNames, [EXTERNAL_ID_PARAMETER])
    const calls = await sandbox.getCalls()
    assert.deepEqual(
      calls
        .filter(({ operation }) => operation === 'AssumeRole')
        .map(({ status, hasExternalId }) => ({ status, hasExternalId })),
      [{ status: 200, hasExternalId: true }],
    )
    assert.equal(calls.filter(({ operation, status }) => operation === 'GetItem' && status === 200).length, 2)
  },
)

testCombination(
  ['@aws-lambda-powertools/parameters', '@aws-sdk/client-ssm'],
  'reads the external ID in the `session` function, from the cache of Parameters in later invocations',
  async () => {
    const provider = createProvider()
    const handler = middy()
      .use(
        crossAccountDynamo({
          session: async () => ({
            roleArn: TARGET_ROLE_ARN,
            externalId: (await provider.get(EXTERNAL_ID_PARAMETER, { decrypt: true, maxAge: 300 })) ?? '',
          }),
        }),
      )
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))
      })
    await handler({ id: '1' }, createLambdaContext())
    await handler({ id: '2' }, createLambdaContext())
    assert.deepEqual(requestedNames, [EXTERNAL_ID_PARAMETER])
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(
      operations.filter((operation) => operation !== 'Health'),
      ['AssumeRole', 'GetItem', 'GetItem'],
    )
  },
)

testCombination(
  ['@aws-lambda-powertools/parameters', '@aws-sdk/client-dynamodb'],
  'reads parameters from a table of the other account with `middleware.client` as `awsSdkV3Client` of `DynamoDBProvider`',
  async () => {
    const dynamo = crossAccountDynamo({ documentClient: false, externalId: EXTERNAL_ID })
    const provider = new DynamoDBProvider({ tableName: 'MyTable', awsSdkV3Client: dynamo.client })
    const handler = middy()
      .use(dynamo)
      .handler(async () => provider.get('greeting'))
    await dynamo.client.send(
      new PutItemCommand({ TableName: 'MyTable', Item: { id: { S: 'greeting' }, value: { S: 'hello' } } }),
    )
    assert.equal(await handler({}, createLambdaContext()), 'hello')
    assert.equal(await handler({}, createLambdaContext()), 'hello')
    const gets = (await sandbox.getCalls()).filter(({ operation }) => operation === 'GetItem')
    assert.equal(gets.length, 1)
    assert.partialDeepStrictEqual(gets[0], { accountId: '222222222222', status: 200 })
  },
)
