/** The main job on the sandbox: what `npm start` runs. */
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
import { coldStart, type ExecutionEnvironment } from './runtime.ts'
import { startStory } from './story.ts'
import { tellOfTenants } from './tenants.ts'

const HANDLER = '../put-and-get/handler.ts'
const EVENT = { id: '123' }
const MINUTE = 60_000

/** The one clock of the story: the function and the sandbox live in this process, and both read it. */
const realNow = Date.now
let ahead = 0
Date.now = () => realNow() + ahead

const story = startStory()
const sandbox = await startSandbox({ accounts: createTwoAccounts() })

const variables = (more: Record<string, string> = {}, roleArn = EXECUTION_ROLE_ARN) => ({
  ...sandbox.env,
  ...sandbox.createLambdaEnvironment(roleArn, 'put-and-get'),
  TABLE_NAME: TABLE,
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN,
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
  ...more,
})

/** Invokes the function and tells what it returned, or the first `lines` of its error, and what AWS saw of it. */
const invoke = async (environment: ExecutionEnvironment, lines = Number.POSITIVE_INFINITY) => {
  const outcome = await environment.invoke(EVENT).then(
    (returned) => ({ returned, error: undefined }),
    (error: Error & { code?: string }) => ({ returned: undefined, error }),
  )
  if (outcome.error === undefined) story.line('returned', JSON.stringify(outcome.returned))
  else {
    const said = outcome.error.message.split('\n')
    story.line('threw', said.slice(0, lines).join('\n'))
    if (said.length > lines) story.line('', '... and the same advice as above, with this role’s name')
  }
  const stsCalls = sandbox.calls.filter(({ service }) => service === 'sts').length
  const requests = sandbox.calls.filter(
    ({ service, operation }) => service === 'dynamodb' && operation !== 'Health',
  )
  const { sts, dynamodb } = sandbox.connections
  story.line('STS calls', String(stsCalls))
  story.line('new connections', `${sts} to STS, ${dynamodb} to DynamoDB`)
  for (const principal of new Set(requests.map((call) => call.principal ?? 'nobody'))) {
    const operations = requests
      .filter((call) => (call.principal ?? 'nobody') === principal)
      .map((call) => call.operation)
    story.line('DynamoDB saw', `${operations.join(', ')} by ${principal}`)
  }
  const connections = { sts, dynamodb }
  sandbox.clear()
  return { ...outcome, stsCalls, requests, connections }
}

/** Whose credentials signed the requests. */
const keysOf = ({ requests }: { requests: readonly Call[] }) => [
  ...new Set(requests.map(({ accessKeyId }) => accessKeyId)),
]

try {
  story.chapter('Two accounts')
  story.line(`A ${ACCOUNT_A}`, `runs the Lambda function put-and-get as ${EXECUTION_ROLE_ARN}`)
  story.line(`B ${ACCOUNT_B}`, `owns the table ${TABLE}, and trusts that one role, with an external ID,`)
  story.line('', `to assume ${TARGET_ROLE_ARN}`)

  story.chapter('1. A cold start: the function puts the item and gets it back')
  const environment = await coldStart(HANDLER, variables())
  // What INIT is for: the role is assumed before there is an event.
  const isAssumed = () =>
    sandbox.calls.some(({ operation, status }) => operation === 'AssumeRole' && status === 200)
  for (let waited = 0; waited < 2000 && !isAssumed(); waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  const prefetched = isAssumed()
  const cold = await invoke(environment)
  story.expect('the role was assumed before the invocation came', prefetched)
  story.expect('account B stored the item and returned it', isDeepStrictEqual(cold.returned, EVENT))
  story.expect(
    'one AssumeRole and one connection to DynamoDB were enough',
    cold.stsCalls === 1 && cold.connections.dynamodb === 1,
  )
  const seen = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/put-and-get`
  story.expect(
    'account B sees its own role, under the function’s name',
    cold.requests.length === 2 && cold.requests.every(({ principal }) => principal === seen),
  )

  story.chapter('2. A warm invocation')
  const warm = await invoke(environment)
  story.expect(
    'it cost nothing but its own two requests',
    isDeepStrictEqual(warm.returned, EVENT) && warm.stsCalls === 0,
  )
  story.expect('over the connection that was there', warm.connections.dynamodb === 0)

  story.chapter('3. An hour later')
  ahead += 60 * MINUTE
  const later = await invoke(environment)
  story.expect(
    'the credentials had ended; the function got new ones and the same client went on',
    isDeepStrictEqual(later.returned, EVENT) && later.stsCalls === 1,
  )

  story.chapter('4. Fifty minutes later, with an STS that takes its time')
  ahead += 50 * MINUTE
  sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: 500 })
  const early = await invoke(environment)
  story.expect(
    'it asked for new credentials and did not wait for them: its requests still bore the old ones',
    isDeepStrictEqual(early.returned, EVENT) &&
      isDeepStrictEqual(keysOf(early), keysOf(later)) &&
      early.stsCalls === 1,
  )

  story.chapter('5. A wrong external ID')
  const wrongId = await invoke(
    await coldStart(HANDLER, variables({ CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'another-external-id' })),
  )
  story.expect(
    'STS refused, and DynamoDB was never asked',
    wrongId.error?.code === 'ASSUME_ROLE_DENIED' && wrongId.requests.length === 0,
  )

  story.chapter('6. A role that account B does not trust')
  const untrusted = await invoke(await coldStart(HANDLER, variables({}, UNTRUSTED_ROLE_ARN)), 2)
  story.expect(
    'STS refused, and DynamoDB was never asked',
    untrusted.error?.code === 'ASSUME_ROLE_DENIED' && untrusted.requests.length === 0,
  )

  story.chapter('7. A table that the role has no permission for')
  const otherTable = await invoke(await coldStart(HANDLER, variables({ TABLE_NAME: OTHER_TABLE })))
  story.expect(
    'DynamoDB refused, and its own error reached the handler',
    otherTable.error?.name === 'AccessDeniedException',
  )

  story.chapter('8. A role ARN that is not one, and a misspelled variable')
  const invalid = await coldStart(
    HANDLER,
    variables({
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: `${TARGET_ROLE_ARN} `,
      CROSS_ACCOUNT_DYNAMO_EXTERNALID: EXTERNAL_ID,
    }),
  ).catch((error: Error & { code?: string }) => error)
  if (invalid instanceof Error) story.line('threw', invalid.message)
  story.expect(
    'both were told at once, when the function was loaded, without a call to AWS',
    invalid instanceof Error && invalid.code === 'CONFIG_INVALID' && sandbox.calls.length === 0,
  )

  await tellOfTenants(story, 9)
} finally {
  await sandbox.close()
}

const failures = story.failures()
story.chapter(failures === 0 ? 'Everything went as told.' : `${failures} of the steps did not go as told.`)
process.exitCode = failures === 0 ? 0 : 1
