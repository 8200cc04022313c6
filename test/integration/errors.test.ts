/** What the person on call reads: each way to be refused, with the policies really that way. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import middy from '@middy/core'
import {
  type CrossAccountDynamoError,
  type CrossAccountDynamoOptions,
  crossAccountDynamo,
} from 'middy-cross-account-dynamo'
import { type PolicyDocument, type Sandbox, startSandbox } from '../sandbox/index.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
  textbook,
  UNTRUSTED_ROLE_ARN,
} from '../sandbox/textbook.ts'
import { FUNCTION_NAME, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

const CALLER = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`

let sandbox: Sandbox
const start = async (accounts = textbook(), roleArn = EXECUTION_ROLE_ARN) => {
  sandbox = await startSandbox({ accounts })
  setEnvironment(functionVariables(sandbox, roleArn))
}
beforeEach(() => start())
afterEach(() => sandbox.close())

/** The error of an invocation. */
const errorOf = async (options: CrossAccountDynamoOptions = {}): Promise<CrossAccountDynamoError> => {
  const handler = middy()
    .use(crossAccountDynamo({ ...options, disablePrefetch: true }))
    .handler(async () => 'no error')
  return handler({}, lambdaContext()).catch((error: unknown) => error)
}

/** The statements that are there to be pasted, by the account that they are for. */
const statementsOf = ({ message }: Error): Record<string, Record<string, unknown>[]> =>
  Object.fromEntries(
    message
      .split(/^- Account /m)
      .slice(1)
      .map((part) => [
        part.slice(0, 12),
        (part.match(/^ {4}[{[]\n[\s\S]*?^ {4}[}\]]$/gm) ?? []).flatMap((pasted) => JSON.parse(pasted)),
      ]),
  )

const documentOf = (...Statement: object[]): PolicyDocument =>
  ({ Version: '2012-10-17', Statement }) as PolicyDocument

describe('refused for want of permission: names the role, the caller, what was sent and both statements', () => {
  test.each<[string, () => void | Promise<void>, CrossAccountDynamoOptions, string]>([
    [
      'the function’s own policy does not allow it',
      () => {
        sandbox.role(EXECUTION_ROLE_ARN).policies = []
      },
      {},
      'sts:AssumeRole',
    ],
    [
      'the trust policy names another caller',
      () => {
        const trust = JSON.stringify(sandbox.role(TARGET_ROLE_ARN).trustPolicy)
        sandbox.role(TARGET_ROLE_ARN).trustPolicy = JSON.parse(
          trust.replace(EXECUTION_ROLE_ARN, UNTRUSTED_ROLE_ARN),
        )
      },
      {},
      'sts:AssumeRole',
    ],
    ['the external ID is another', () => {}, { externalId: 'another-external-id' }, 'sts:AssumeRole'],
    [
      'there is no such role',
      () => {},
      { roleArn: `arn:aws:iam::${ACCOUNT_B}:role/NoSuchRole` },
      'sts:AssumeRole',
    ],
    ['session tags are not allowed', () => {}, { sessionTags: { team: 'orders' } }, 'sts:TagSession'],
    ['a source identity is not allowed', () => {}, { sourceIdentity: 'alice' }, 'sts:SetSourceIdentity'],
  ])('%s', async (_what, arrange, options, action) => {
    await arrange()
    const error = await errorOf(options)
    const roleArn = options.roleArn ?? TARGET_ROLE_ARN
    expect(error).toMatchObject({
      code: 'ASSUME_ROLE_DENIED',
      statusCode: 500,
      retryable: false,
      expose: false,
    })
    expect(error.message).toContain(
      `User: ${CALLER} is not authorized to perform: ${action} on resource: ${roleArn}`,
    )
    expect(error.message).toContain(`AWS does not say which account refused ${action}`)
    expect(error.message).toMatch(/^Sent: .*an external ID/m)
    const { [ACCOUNT_A]: caller, [ACCOUNT_B]: trust } = statementsOf(error)
    expect(caller).toMatchObject([{ Effect: 'Allow', Resource: roleArn }])
    expect(trust?.[0]).toMatchObject({
      Effect: 'Allow',
      Principal: { AWS: EXECUTION_ROLE_ARN },
      Action: 'sts:AssumeRole',
    })
    expect([caller?.[0]?.Action, ...(trust ?? []).map(({ Action }) => Action)].flat()).toContain(action)
  })

  test('and the statements, once pasted, are enough', async () => {
    sandbox.role(EXECUTION_ROLE_ARN).policies = []
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = documentOf({
      Effect: 'Allow',
      Principal: { AWS: UNTRUSTED_ROLE_ARN },
      Action: 'sts:AssumeRole',
    })
    const options = { sessionTags: { team: 'orders' }, sourceIdentity: 'alice' }
    const { [ACCOUNT_A]: caller = [], [ACCOUNT_B]: trust = [] } = statementsOf(await errorOf(options))
    sandbox.role(EXECUTION_ROLE_ARN).policies = [documentOf(...caller)]
    const pasted = JSON.stringify(trust).replace('<the external ID that the function sends>', EXTERNAL_ID)
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = documentOf(...JSON.parse(pasted))
    expect(await errorOf(options)).toBe('no error')
  })

  test('an explicit deny of the organisation is another matter than a missing permission', async () => {
    await sandbox.close()
    const deny = documentOf({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' })
    await start(
      textbook().map((account) =>
        account.id === ACCOUNT_A ? { ...account, serviceControlPolicies: [deny] } : account,
      ),
    )
    const error = await errorOf()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
    expect(error.message).toContain(
      `An explicit deny in a service control policy forbids sts:AssumeRole, whatever else allows it: find that statement in account ${ACCOUNT_A}`,
    )
  })

  test.each([
    ['identity-based policy', ACCOUNT_A],
    ['role trust policy', ACCOUNT_B],
  ])('where AWS says that no %s allows it, the message says whose that is', async (policy, account) => {
    const message = `User: ${CALLER} is not authorized to perform: sts:AssumeRole on resource: ${TARGET_ROLE_ARN} because no ${policy} allows the sts:AssumeRole action`
    sandbox.faults.inject({ service: 'sts', kind: 'status', status: 403, code: 'AccessDenied', message })
    expect((await errorOf()).message).toContain(
      `no ${policy} allows sts:AssumeRole: that is for account ${account} to change`,
    )
  })
})

describe('refused for what was asked:', () => {
  test('tags that are too much together', async () => {
    await sandbox.close()
    await start(textbook({ sessionTags: true }))
    // What cannot be compressed, and is the same in each run.
    const word = (seed: number) =>
      [1, 2, 3]
        .map((part) => createHash('sha512').update(`${seed} ${part}`).digest('base64url'))
        .join('')
        .slice(0, 256)
    const sessionTags = Object.fromEntries(Array.from({ length: 50 }, (_, tag) => [`key-${tag}`, word(tag)]))
    const error = await errorOf({ sessionTags })
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
    expect(error.message).toContain('The session tags and session policies are too much together')
  })

  test('a Region that is not enabled', async () => {
    const message = 'STS is not activated in this region for account:222222222222.'
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'RegionDisabledException',
      message,
    })
    const error = await errorOf()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(error.message).toContain('name other Regions in stsRegions')
  })

  test('the function’s own credentials, when they are no good', async () => {
    process.env.AWS_SESSION_TOKEN = 'another token'
    const error = await errorOf()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(error.message).toContain('The role and its policies were not looked at')
  })
})

test('an STS that cannot be reached: what a function in a VPC needs', async () => {
  process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:9'
  const error = await errorOf()
  expect(error).toMatchObject({ code: 'STS_UNAVAILABLE', statusCode: 503, retryable: true })
  expect(error.message).toContain('connect ECONNREFUSED 127.0.0.1:9')
  expect(error.message).toContain('an interface endpoint for sts')
})
