/** The handlers of docs/migration.md, before and after. Both must send the same session parameters and read the same item. */
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import type { Call } from '../../sandbox/index.ts'
import { EXTERNAL_ID, TABLE, TARGET_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { createLibraryAccounts } from '../libraries/tenants.ts'
import { testCombination } from '../support/combination.ts'
import { importRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const MINUTE_MS = 60_000

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

const importHandler = async (name: string) => {
  setEnvironment(await sandbox.createFunctionVariables())
  Object.assign(process.env, { ROLE_ARN: TARGET_ROLE_ARN, EXTERNAL_ID })
  return (await importRecipe<Recipe>('migration', name)).handler
}

/** Runs a recipe, and returns what it returns and the calls that it sends, without the early connection to DynamoDB. */
const runRecipe = async (name: string, event: object) => {
  await sandbox.clear()
  const handler = await importHandler(name)
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

let rejectedTokens: Promise<void> | undefined
/** Makes DynamoDB reject all tokens that it has accepted so far. Tests share the handlers, so this happens once. */
const rejectTokens = async (): Promise<void> => {
  // This package replaces only credentials that are at least 30 seconds old.
  const nowMs = Date.now() + MINUTE_MS
  mock.method(Date, 'now', () => nowMs)
  await sandbox.advanceClock(MINUTE_MS)
  await sandbox.revokeSessions()
}

/** Invokes a recipe whose session token DynamoDB rejects. Returns the result, or the name of the error. */
const runWithRejectedToken = async (name: string, event: object): Promise<unknown> => {
  const handler = await importHandler(name)
  rejectedTokens ??= rejectTokens()
  await rejectedTokens
  return handler(event, createLambdaContext()).catch((error: Error) => error.name)
}

for (const [name, packages, replaced, result] of [
  ['assume-role-before', ['@aws-sdk/client-sts'], 'AssumeRole in the handler', item],
  ['middy-sts-before', ['@middy/sts', '@middy/core'], '`@middy/sts`', 'UnrecognizedClientException'],
  [
    'from-temporary-credentials-before',
    ['@aws-sdk/credential-providers'],
    '`fromTemporaryCredentials`',
    'UnrecognizedClientException',
  ],
] as const) {
  const outcome = typeof result === 'string' ? 'fails' : 'succeeds'
  testCombination(
    packages,
    `${outcome} with ${replaced} in the invocation after DynamoDB rejected the session token`,
    async () => assert.deepEqual(await runWithRejectedToken(name, item), result),
  )
}

testCombination(
  ['@middy/core'],
  'succeeds with this package in the invocation after DynamoDB rejected the session token',
  async () => assert.deepEqual(await runWithRejectedToken('assume-role-after', item), item),
)
