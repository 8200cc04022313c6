/** Sentry's SDK for Lambda around a middy handler. The test records its envelopes, so nothing is sent. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { UNTRUSTED_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { getRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { type FunctionProcess, startFunction } from './function.ts'

/** An envelope: its header, and items with a header and a payload each. */
type Envelope = readonly [object, readonly (readonly [{ readonly type: string }, Payload])[]]
interface Payload {
  readonly transaction?: string
  readonly exception?: { readonly values: readonly { readonly type: string; readonly value: string }[] }
}

const sandbox = await startSandboxProcess()
beforeEach(() => sandbox.clear())

const startMonitoredFunction = (env: Readonly<Record<string, string>>): Promise<FunctionProcess> =>
  startFunction({
    file: getRecipe('observability', 'sentry'),
    env: { ...env, LAMBDA_TASK_ROOT: '/var/task' },
    nodeOptions: ['--import', './observability/fixtures/sentry.mjs'],
  })

const readPayloads = (recorded: unknown, type: string): Payload[] =>
  (recorded as Envelope[]).flatMap(([, items]) =>
    items.filter(([header]) => header.type === type).map(([, payload]) => payload),
  )

/** @throws if what Sentry recorded contains credentials of the function or of a session. */
const assertNoCredentials = async (
  recorded: unknown,
  env: Readonly<Record<string, string>>,
): Promise<void> => {
  const text = JSON.stringify(recorded)
  const issued = (await sandbox.getCalls()).map(({ issuedAccessKeyId }) => issuedAccessKeyId)
  for (const credential of [
    env.AWS_ACCESS_KEY_ID,
    env.AWS_SECRET_ACCESS_KEY,
    env.AWS_SESSION_TOKEN,
    env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID,
    ...issued,
  ])
    assert.ok(credential === undefined || !text.includes(credential))
}

testCombination(
  ['@sentry/aws-serverless'],
  'records the requests of the handler, and no request that the function does not send',
  async () => {
    const env = await sandbox.createFunctionVariables()
    const lambda = await startMonitoredFunction(env)
    const { result, recorded } = await lambda.invoke({ event: { id: '1' } })
    assert.deepEqual(result, { id: '1' })
    const transactions = readPayloads(recorded, 'transaction').map(({ transaction }) => transaction)
    assert.deepEqual(transactions.toSorted(), ['DynamoDB.GetItem', 'DynamoDB.PutItem', 'STS.AssumeRole'])
    assert.deepEqual(readPayloads(recorded, 'event'), [])
    await assertNoCredentials(recorded, env)
  },
)

testCombination(
  ['@sentry/aws-serverless'],
  'reports an error of AssumeRole, without credentials',
  async () => {
    const env = await sandbox.createFunctionVariables(UNTRUSTED_ROLE_ARN)
    const lambda = await startMonitoredFunction(env)
    const { failure, recorded } = await lambda.invoke({ event: { id: '2' } })
    assert.deepEqual(failure, { name: 'CrossAccountDynamoError', code: 'ASSUME_ROLE_DENIED' })
    const [event, ...otherEvents] = readPayloads(recorded, 'event')
    assert.deepEqual(otherEvents, [])
    // The last value is the error, and the others are its causes.
    const error = event?.exception?.values.at(-1)
    assert.equal(error?.type, 'CrossAccountDynamoError')
    assert.match(error?.value ?? '', /^ASSUME_ROLE_DENIED: /)
    await assertNoCredentials(recorded, env)
  },
)
