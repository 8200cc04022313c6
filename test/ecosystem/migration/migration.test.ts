/** The handlers of docs/migration.md, before and after. Both must send the same session parameters and read the same item. */
import assert from 'node:assert/strict'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import type { Call } from '../../sandbox/index.ts'
import { EXTERNAL_ID, TABLE, TARGET_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { createLibraryAccounts } from '../libraries/tenants.ts'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

/** The handler of a recipe. The recipes have different events. */
interface Recipe {
  readonly handler: (event: object, context: ReturnType<typeof createLambdaContext>) => Promise<unknown>
}

const sandbox = await startSandboxProcess({ accounts: createLibraryAccounts() })
setEnvironment(await sandbox.createFunctionVariables())
const [item, order] = [{ id: '1' }, { tenant: 'acme', order: '1' }]
await crossAccountDynamo().client.send(new PutCommand({ TableName: TABLE, Item: item }))
await crossAccountDynamo({ sessionTags: { TenantId: 'acme' } }).client.send(
  new PutCommand({ TableName: 'Orders', Item: order }),
)

/** The part of a call that the policies of both accounts and CloudTrail in account B see. */
const toObservedCall = ({ operation, principal, roleArn, sessionName, tags, hasExternalId }: Call) => ({
  operation,
  principal,
  roleArn,
  sessionName,
  tags,
  hasExternalId,
})

/** Runs a recipe, and returns what it returns and the calls that it sends, without the early connection to DynamoDB. */
const runRecipe = async (name: string, event: object) => {
  await sandbox.clear()
  setEnvironment(await sandbox.createFunctionVariables())
  Object.assign(process.env, { ROLE_ARN: TARGET_ROLE_ARN, EXTERNAL_ID })
  const { handler } = await importRecipe<Recipe>('migration', name)
  const result = await handler(event, createLambdaContext())
  const calls = (await sandbox.getCalls()).filter(({ operation }) => operation !== 'Health')
  return { result, calls: calls.map(toObservedCall) }
}

const MIGRATIONS = [
  ['assume-role', ['@aws-sdk/client-sts'], item, 'AssumeRole in the handler'],
  ['middy-sts', ['@middy/sts', '@middy/core'], item, '`@middy/sts` with a client in the handler'],
  ['from-temporary-credentials', ['@aws-sdk/credential-providers'], item, '`fromTemporaryCredentials`'],
  [
    'client-per-tenant',
    ['@aws-sdk/credential-providers'],
    order,
    '`fromTemporaryCredentials` with one client per tenant',
  ],
] as const

for (const [name, packages, event, replaced] of MIGRATIONS) {
  testCombination(packages, `sends the same session and the same request as ${replaced}`, async () => {
    const before = await runRecipe(`${name}-before`, event)
    const after = await runRecipe(`${name}-after`, event)
    assert.deepEqual(before.result, event)
    assert.deepEqual(
      before.calls.map(({ operation }) => operation),
      ['AssumeRole', 'GetItem'],
    )
    assert.deepEqual(after, before)
  })
}
