/** Tests the error for each reason why STS denies or rejects a call, with policies in the sandbox that cause it. */
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
import { parseStatements } from '../statements.ts'
import { createFunctionVariables, createLambdaContext, FUNCTION_NAME, setEnvironment } from './lambda.ts'

const CALLER = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`

let sandbox: Sandbox
const startWithAccounts = async (accounts = createTwoAccounts(), roleArn = EXECUTION_ROLE_ARN) => {
  sandbox = await startSandbox({ accounts })
  setEnvironment(createFunctionVariables(sandbox, roleArn))
}
beforeEach(() => startWithAccounts())
afterEach(() => sandbox.close())

/** Invokes a new handler, and returns the error, or `'no error'`. */
const getError = async (options: CrossAccountDynamoOptions = {}): Promise<CrossAccountDynamoError> => {
  const handler = middy()
    .use(crossAccountDynamo({ ...options, disablePrefetch: true }))
    .handler(async () => 'no error')
  return handler({}, createLambdaContext()).catch((error: unknown) => error)
}

/** Returns the line of the message that explains which policy denied the call. */
const getAdvice = ({ message }: Error): string => message.split('\n')[3] ?? ''
const findAccounts = (text: string): string[] =>
  [ACCOUNT_A, ACCOUNT_B].filter((account) => text.includes(account))

const createDocument = (...Statement: object[]): PolicyDocument =>
  ({ Version: '2012-10-17', Statement }) as PolicyDocument

describe('the error for a denied call', () => {
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
    ['the external ID is wrong', () => {}, { externalId: 'another-external-id' }, 'sts:AssumeRole'],
    [
      'the role does not exist',
      () => {},
      { roleArn: `arn:aws:iam::${ACCOUNT_B}:role/NoSuchRole` },
      'sts:AssumeRole',
    ],
    ['session tags are not allowed', () => {}, { sessionTags: { team: 'orders' } }, 'sts:TagSession'],
    ['a source identity is not allowed', () => {}, { sourceIdentity: 'alice' }, 'sts:SetSourceIdentity'],
  ])(
    'if %s, the error contains the statements that both accounts need',
    async (_, arrange, options, action) => {
      await arrange()
      const error = await getError(options)
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
      const { [ACCOUNT_A]: caller, [ACCOUNT_B]: trust } = parseStatements(error.message)
      expect(caller).toMatchObject([{ Effect: 'Allow', Resource: roleArn }])
      expect(trust?.[0]).toMatchObject({
        Effect: 'Allow',
        Principal: { AWS: EXECUTION_ROLE_ARN },
        Action: 'sts:AssumeRole',
      })
      expect([caller?.[0]?.Action, ...(trust ?? []).map(({ Action }) => Action)].flat()).toContain(action)
    },
  )

  test('the statements in the error allow the session, and no session with other tags or another external ID', async () => {
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createDocument({
      Effect: 'Allow',
      Principal: { AWS: UNTRUSTED_ROLE_ARN },
      Action: 'sts:AssumeRole',
    })
    const options = {
      sessionTags: { team: 'orders', stage: 'test' },
      transitiveTagKeys: ['team'],
      sourceIdentity: 'alice',
    }
    const { message } = await getError(options)
    const { [ACCOUNT_A]: caller = [], [ACCOUNT_B]: trust = [] } = parseStatements(message)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [createDocument(...caller)]
    const trustStatements = JSON.stringify(trust).replace(EXTERNAL_ID_PLACEHOLDER, EXTERNAL_ID)
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createDocument(...JSON.parse(trustStatements))
    expect(await getError(options)).toBe('no error')
    for (const otherOptions of [
      { sessionTags: { ...options.sessionTags, more: 'x' } },
      { externalId: 'another-external-id' },
    ])
      expect(await getError({ ...options, ...otherOptions })).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
  })

  test('the error for an explicit deny in a service control policy names the policy type and the account', async () => {
    await sandbox.close()
    const deny = createDocument({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' })
    await startWithAccounts(
      createTwoAccounts().map((account) =>
        account.id === ACCOUNT_A ? { ...account, serviceControlPolicies: [deny] } : account,
      ),
    )
    const error = await getError()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_DENIED')
    const advice = getAdvice(error)
    expect(advice).toContain('service control policy')
    expect(findAccounts(advice)).toEqual([ACCOUNT_A])
  })

  test.each([
    ['identity-based policy', ACCOUNT_A],
    ['role trust policy', ACCOUNT_B],
  ])(
    'if AWS reports that no %s allows the call, the error names that policy and account %s',
    async (policy, account) => {
      const message = `User: ${CALLER} is not authorized to perform: sts:AssumeRole on resource: ${TARGET_ROLE_ARN} because no ${policy} allows the sts:AssumeRole action`
      sandbox.faults.inject({ service: 'sts', kind: 'status', status: 403, code: 'AccessDenied', message })
      const advice = getAdvice(await getError())
      expect(advice).toContain(policy)
      expect(findAccounts(advice)).toEqual([account])
    },
  )
})

describe('the error for a rejected request', () => {
  test('if the session tags exceed the packed size limit, the error names the options to change', async () => {
    await sandbox.close()
    await startWithAccounts(createTwoAccounts({ canTagSession: true }))
    // The values cannot be compressed, and are the same in each run.
    const createTagValue = (seed: number) =>
      [1, 2, 3]
        .map((part) => createHash('sha512').update(`${seed} ${part}`).digest('base64url'))
        .join('')
        .slice(0, 256)
    const sessionTags = Object.fromEntries(
      Array.from({ length: 50 }, (_, tag) => [`key-${tag}`, createTagValue(tag)]),
    )
    const error = await getError({ sessionTags })
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
    expect(error.cause).toHaveProperty('name', expect.stringMatching(/^PackedPolicyTooLarge/))
    expect(error.message).toContain('scope')
  })

  test('if a Region is not enabled, the error names the option stsRegions', async () => {
    const message = 'STS is not activated in this region for account:222222222222.'
    sandbox.faults.inject({
      service: 'sts',
      kind: 'status',
      status: 403,
      code: 'RegionDisabledException',
      message,
    })
    const error = await getError()
    expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', cause: { name: 'RegionDisabledException' } })
    expect(error.message).toContain('stsRegions')
  })

  test('if STS does not accept the credentials of the function, the error names their environment variables', async () => {
    process.env.AWS_SESSION_TOKEN = 'another token'
    const error = await getError()
    expect(error).toHaveProperty('code', 'ASSUME_ROLE_REJECTED')
    expect(error.message).toContain('AWS_SESSION_TOKEN')
    expect(error.message).not.toContain('another token')
  })
})

test('if STS cannot be reached, the error names the network settings to check', async () => {
  process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:9'
  const error = await getError()
  expect(error).toMatchObject({ code: 'STS_UNAVAILABLE', statusCode: 503, retryable: true })
  expect(error.cause).toHaveProperty('message', expect.stringContaining('ECONNREFUSED 127.0.0.1:9'))
  expect(error.message).toContain('VPC')
})
