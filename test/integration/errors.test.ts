/** The error of each way in which STS denies or rejects a call, with policies in the sandbox that cause it. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import middy from '@middy/core'
import {
  type CrossAccountDynamoError,
  type CrossAccountDynamoOptions,
  crossAccountDynamo,
} from 'middy-cross-account-dynamo'
import { EXTERNAL_ID_PLACEHOLDER } from '../../src/iam/advice.ts'
import { type PolicyDocument, type Sandbox, startSandbox } from '../sandbox/index.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
  UNTRUSTED_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { statementsIn } from '../statements.ts'
import { FUNCTION_NAME, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

const CALLER = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`

let sandbox: Sandbox
const start = async (accounts = createTwoAccounts(), roleArn = EXECUTION_ROLE_ARN) => {
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

/** The line that explains which policy denied the call. */
const adviceIn = ({ message }: Error): string => message.split('\n')[3] ?? ''
const accountsIn = (text: string): string[] =>
  [ACCOUNT_A, ACCOUNT_B].filter((account) => text.includes(account))

const documentOf = (...Statement: object[]): PolicyDocument =>
  ({ Version: '2012-10-17', Statement }) as PolicyDocument

describe('the error of a denied call', () => {
  test.each<[string, () => void | Promise<void>, CrossAccountDynamoOptions, string]>([
    [
      'no policy of the execution role allows it',
      () => {
        sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
      },
      {},
      'sts:AssumeRole',
    ],
    [
      'the trust policy names another caller',
      () => {
        const trust = JSON.stringify(sandbox.getRole(TARGET_ROLE_ARN).trustPolicy)
        sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = JSON.parse(
          trust.replace(EXECUTION_ROLE_ARN, UNTRUSTED_ROLE_ARN),
        )
      },
      {},
      'sts:AssumeRole',
    ],
    ['the external ID is another one', () => {}, { externalId: 'another-external-id' }, 'sts:AssumeRole'],
    [
      'the role does not exist',
      () => {},
      { roleArn: `arn:aws:iam::${ACCOUNT_B}:role/NoSuchRole` },
      'sts:AssumeRole',
    ],
    ['session tags are not allowed', () => {}, { sessionTags: { team: 'orders' } }, 'sts:TagSession'],
    ['a source identity is not allowed', () => {}, { sourceIdentity: 'alice' }, 'sts:SetSourceIdentity'],
  ])('contains the statements that both accounts need, if %s', async (_, arrange, options, action) => {
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
    const { [ACCOUNT_A]: caller, [ACCOUNT_B]: trust } = statementsIn(error.message)
    expect(caller).toMatchObject([{ Effect: 'Allow', Resource: roleArn }])
    expect(trust?.[0]).toMatchObject({
      Effect: 'Allow',
      Principal: { AWS: EXECUTION_ROLE_ARN },
      Action: 'sts:AssumeRole',
    })
    expect([caller?.[0]?.Action, ...(trust ?? []).map(({ Action }) => Action)].flat()).toContain(action)
  })

  test('contains statements that are enough for the call to succeed, and for no other session', async () => {
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = documentOf({
      Effect: 'Allow',
      Principal: { AWS: UNTRUSTED_ROLE_ARN },
      Action: 'sts:AssumeRole',
    })
    const options = {
      sessionTags: { team: 'orders', stage: 'test' },
      transitiveTagKeys: ['team'],
      sourceIdentity: 'alice',
    }
    const { message } = await errorOf(options)
    const { [ACCOUNT_A]: caller = [], [ACCOUNT_B]: trust = [] } = statementsIn(message)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [documentOf(...caller)]
    const pasted = JSON.stringify(trust).replace(EXTERNAL_ID_PLACEHOLDER, EXTERNAL_ID)
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = documentOf(...JSON.parse(pasted))
    expect(await errorOf(options)).toBe('no error')
    // The statements are no broader than the session.
    for (const other of [
      { sessionTags: { ...options.sessionTags, more: 'x' } },
      { externalId: 'another-external-id' },
    ])
      expect(await errorOf({ ...options, ...other })).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
  })

  test('names the policy and the account of an explicit deny by the organization', async () => {
    await sandbox.close()
    const deny = documentOf({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' })
    await start(
      createTwoAccounts().map((account) =>
        account.id === ACCOUNT_A ? { ...account, serviceControlPolicies: [deny] } : account,
      ),
    )
    const error = await errorOf()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
    const advice = adviceIn(error)
    expect(advice).toContain('service control policy')
    expect(accountsIn(advice)).toEqual([ACCOUNT_A])
  })

  test.each([
    ['identity-based policy', ACCOUNT_A],
    ['role trust policy', ACCOUNT_B],
  ])(
    'names the policy and the account if AWS reports that no %s allows the call: %s',
    async (policy, account) => {
      const message = `User: ${CALLER} is not authorized to perform: sts:AssumeRole on resource: ${TARGET_ROLE_ARN} because no ${policy} allows the sts:AssumeRole action`
      sandbox.faults.inject({ service: 'sts', kind: 'status', status: 403, code: 'AccessDenied', message })
      const advice = adviceIn(await errorOf())
      expect(advice).toContain(policy)
      expect(accountsIn(advice)).toEqual([account])
    },
  )
})

describe('the error of a rejected request', () => {
  test('names the options to change if the tags are too large together', async () => {
    await sandbox.close()
    await start(createTwoAccounts({ canTagSession: true }))
    // Text that cannot be compressed and is the same in each run.
    const word = (seed: number) =>
      [1, 2, 3]
        .map((part) => createHash('sha512').update(`${seed} ${part}`).digest('base64url'))
        .join('')
        .slice(0, 256)
    const sessionTags = Object.fromEntries(Array.from({ length: 50 }, (_, tag) => [`key-${tag}`, word(tag)]))
    const error = await errorOf({ sessionTags })
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
    expect(error.cause).toHaveProperty('name', expect.stringMatching(/^PackedPolicyTooLarge/))
    expect(error.message).toContain('scope')
  })

  test('names the option stsRegions if a Region is not enabled', async () => {
    const message = 'STS is not activated in this region for account:222222222222.'
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'RegionDisabledException',
      message,
    })
    const error = await errorOf()
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', cause: { name: 'RegionDisabledException' } })
    expect(error.message).toContain('stsRegions')
  })

  test('names the variables of the credentials if STS does not accept those of the function', async () => {
    process.env.AWS_SESSION_TOKEN = 'another token'
    const error = await errorOf()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(error.message).toContain('AWS_SESSION_TOKEN')
    expect(error.message).not.toContain('another token')
  })
})

test('the error of a call that cannot reach STS is about the network', async () => {
  process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:9'
  const error = await errorOf()
  expect(error).toMatchObject({ code: 'STS_UNAVAILABLE', statusCode: 503, retryable: true })
  expect(error.cause).toHaveProperty('message', expect.stringContaining('ECONNREFUSED 127.0.0.1:9'))
  expect(error.message).toContain('VPC')
})
