/** The demo that `npm start` runs: functions in account A use tables in account B, on the sandbox. */
import { isDeepStrictEqual } from 'node:util'
import { type Call, startSandbox } from '../../test/sandbox/index.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
  UNTRUSTED_ROLE_ARN,
} from '../../test/sandbox/two-accounts.ts'
import { createDemo } from './demo.ts'
import { demonstrateManyTenants } from './many-tenants.ts'
import { coldStart, type ExecutionEnvironment, type Outcome, toOutcome } from './runtime.ts'

const HANDLER = '../put-and-get/handler.ts'
const EVENT = { id: '123' }
const MINUTE_MS = 60_000

/** The function and the sandbox run in this process and read the same clock, which the demo can move forward. */
const readSystemClock = Date.now
let offsetMs = 0
Date.now = () => readSystemClock() + offsetMs

const demo = createDemo()
const sandbox = await startSandbox({ accounts: createTwoAccounts() })

const variablesWith = (changes: Record<string, string> = {}, executionRoleArn = EXECUTION_ROLE_ARN) => ({
  ...sandbox.env,
  ...sandbox.createLambdaEnvironment(executionRoleArn, 'put-and-get'),
  TABLE_NAME: TABLE,
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN,
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
  ...changes,
})

const printOutcome = ({ returned, error }: Outcome, maxLines: number): void => {
  if (error === undefined) {
    demo.detail('returned', JSON.stringify(returned))
    return
  }
  const lines = error.message.split('\n')
  demo.detail('threw', lines.slice(0, maxLines).join('\n'))
  if (lines.length > maxLines) demo.detail('', '… (the same advice as in the previous step, for this role)')
}

/** Invokes the function. Prints the outcome, with at most `maxLines` lines of an error, and the calls that AWS received. */
const invoke = async (environment: ExecutionEnvironment, maxLines = Number.POSITIVE_INFINITY) => {
  const outcome = await toOutcome(environment.invoke(EVENT))
  printOutcome(outcome, maxLines)
  const stsCalls = sandbox.calls.filter(({ service }) => service === 'sts').length
  const requests = sandbox.calls.filter(
    ({ service, operation }) => service === 'dynamodb' && operation !== 'Health',
  )
  const { sts, dynamodb } = sandbox.connections
  demo.detail('calls to STS', String(stsCalls))
  demo.detail('new connections', `${sts} to STS, ${dynamodb} to DynamoDB`)
  for (const [principal = 'an unknown caller', calls] of Map.groupBy(requests, (call) => call.principal))
    demo.detail(
      'DynamoDB received',
      `${calls.map(({ operation }) => operation).join(', ')} from ${principal}`,
    )
  sandbox.clear()
  return { ...outcome, stsCalls, requests, connections: { sts, dynamodb } }
}

/** Returns the access keys that signed the requests. */
const listAccessKeyIds = ({ requests }: { requests: readonly Call[] }) => [
  ...new Set(requests.map(({ accessKeyId }) => accessKeyId)),
]

const isRoleAssumed = (): boolean =>
  sandbox.calls.some(({ operation, status }) => operation === 'AssumeRole' && status === 200)

/** Waits for at most two seconds until the role is assumed. Returns whether it is. */
const waitForPrefetch = async (): Promise<boolean> => {
  for (let waitedMs = 0; waitedMs < 2000 && !isRoleAssumed(); waitedMs += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  return isRoleAssumed()
}

try {
  console.log('\nThe demo runs on a sandbox with two AWS accounts on this machine:')
  demo.detail(
    `A ${ACCOUNT_A}`,
    `has the Lambda function put-and-get. Its execution role is ${EXECUTION_ROLE_ARN}.`,
  )
  demo.detail(`B ${ACCOUNT_B}`, `has the table ${TABLE} and the role ${TARGET_ROLE_ARN}.`)
  demo.detail('', 'The role trusts only that execution role, and requires an external ID.')

  demo.step(
    'A cold start',
    'The function is loaded. The first invocation puts an item into the table and gets it back.',
  )
  const environment = await coldStart(HANDLER, variablesWith())
  const isPrefetched = await waitForPrefetch()
  const cold = await invoke(environment)
  demo.check('the role was assumed while the function was loaded, before the invocation', isPrefetched)
  demo.check('account B stored the item and returned it', isDeepStrictEqual(cold.returned, EVENT))
  demo.check(
    'there was one AssumeRole call and one connection to DynamoDB',
    cold.stsCalls === 1 && cold.connections.dynamodb === 1,
  )
  const sessionArn = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/put-and-get`
  demo.check(
    "account B saw a session of its own role, with the function's name as the session name",
    cold.requests.length === 2 && cold.requests.every(({ principal }) => principal === sessionArn),
  )

  demo.step('A warm invocation', 'The same execution environment is invoked again.')
  const warm = await invoke(environment)
  demo.check('there was no call to STS', isDeepStrictEqual(warm.returned, EVENT) && warm.stsCalls === 0)
  demo.check('the requests used the existing connection', warm.connections.dynamodb === 0)

  demo.step(
    'An invocation after one hour',
    'The clock moves forward by 60 minutes, so the credentials have expired.',
  )
  offsetMs += 60 * MINUTE_MS
  const afterExpiration = await invoke(environment)
  demo.check(
    'the middleware assumed the role again, and the invocation succeeded',
    isDeepStrictEqual(afterExpiration.returned, EVENT) && afterExpiration.stsCalls === 1,
  )

  demo.step(
    'A refresh in the background',
    'The clock moves forward by 50 minutes, so the credentials are valid for 10 more minutes. The refresh window is the last 15 minutes. STS takes 500 ms to answer.',
  )
  offsetMs += 50 * MINUTE_MS
  sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: 500 })
  const duringRefresh = await invoke(environment)
  demo.check(
    'the invocation started a refresh and did not wait for it: its requests used the current credentials',
    isDeepStrictEqual(duringRefresh.returned, EVENT) &&
      isDeepStrictEqual(listAccessKeyIds(duringRefresh), listAccessKeyIds(afterExpiration)) &&
      duringRefresh.stsCalls === 1,
  )

  demo.step(
    'A wrong external ID',
    'Another execution environment sends an external ID that the trust policy does not allow.',
  )
  const wrongExternalId = await invoke(
    await coldStart(HANDLER, variablesWith({ CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'another-external-id' })),
  )
  demo.check(
    'STS denied AssumeRole, and DynamoDB received no request on the connection that was opened early',
    wrongExternalId.error?.code === 'ASSUME_ROLE_DENIED' && wrongExternalId.requests.length === 0,
  )

  demo.step('An execution role that account B does not trust', 'The function runs as UntrustedRole.')
  const untrusted = await invoke(await coldStart(HANDLER, variablesWith({}, UNTRUSTED_ROLE_ARN)), 2)
  demo.check(
    'STS denied AssumeRole, and DynamoDB received no request on the connection that was opened early',
    untrusted.error?.code === 'ASSUME_ROLE_DENIED' && untrusted.requests.length === 0,
  )

  demo.step('A table that the role has no permission for', `The function uses the table ${OTHER_TABLE}.`)
  const otherTable = await invoke(await coldStart(HANDLER, variablesWith({ TABLE_NAME: OTHER_TABLE })))
  demo.check(
    "DynamoDB denied the request, and the handler got DynamoDB's own error",
    otherTable.error?.name === 'AccessDeniedException',
  )

  demo.step(
    'An invalid configuration',
    'The role ARN ends with a space, and the name of a variable is misspelled.',
  )
  const invalid = await toOutcome(
    coldStart(
      HANDLER,
      variablesWith({
        CROSS_ACCOUNT_DYNAMO_ROLE_ARN: `${TARGET_ROLE_ARN} `,
        CROSS_ACCOUNT_DYNAMO_EXTERNALID: EXTERNAL_ID,
      }),
    ),
  )
  printOutcome(invalid, Number.POSITIVE_INFINITY)
  demo.check(
    'one error reported both problems when the function was loaded, without a call to AWS',
    invalid.error?.code === 'CONFIG_INVALID' && sandbox.calls.length === 0,
  )

  await demonstrateManyTenants(demo)
} finally {
  await sandbox.close()
}

if (demo.finish() > 0) process.exitCode = 1
