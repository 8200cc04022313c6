/** The ways to add a middleware to a handler, on the oldest and the newest supported version of middy. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import newestMiddy from '@middy/core'
import oldestMiddy from 'middy-6'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess()

beforeEach(async () => {
  await sandbox.clear()
  setEnvironment(await sandbox.createFunctionVariables())
})

for (const [packageName, middy] of [
  ['@middy/core', newestMiddy],
  ['middy-6', oldestMiddy as unknown as typeof newestMiddy],
] as const) {
  testCombination([packageName], 'gives the handler a client with `use()` before `handler()`', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new PutCommand({ TableName: 'MyTable', Item: { id: event.id } }))
        return (await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } })))
          .Item
      })
    assert.deepEqual(await handler({ id: packageName }, createLambdaContext()), { id: packageName })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.toSorted(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
  })
}
