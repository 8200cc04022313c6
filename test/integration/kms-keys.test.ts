/**
 * Tables with a customer managed KMS key: which policies allow a session to use them, and what `check` says if they do not.
 *
 * The messages of IAM are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html. The message for a
 * key that cannot be accessed is from https://github.com/aws/aws-cdk/issues/10010, and the prefix "KMS key access denied error" before a
 * message of IAM is from https://github.com/kmesiab/concept-model-protein-classifier. AWS documents neither them nor the message for
 * a disabled key.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { crossAccountDynamo, type Scope, type SessionRequest } from 'middy-cross-account-dynamo'
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { type Sandbox, type SandboxKmsKey, startSandbox } from '../sandbox/index.ts'
import { createPolicy } from '../sandbox/policies.ts'
import {
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { runCommandLine } from '../unit/cli/command-line.ts'
import { createFunctionVariables, createLambdaContext, setEnvironment } from './lambda.ts'
import { injectDenial, runCheck } from './run-check.ts'

const KEY_ARN = `arn:aws:kms:us-east-1:${ACCOUNT_B}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const ITEM = { id: { S: '1' } }

/** The key of the table. Tests change it. */
let key: SandboxKmsKey
let sandbox: Sandbox

const createAccounts = () => {
  const [caller, target] = createTwoAccounts()
  const SSESpecification = { Enabled: true, SSEType: 'KMS' as const, KMSMasterKeyId: KEY_ARN }
  const tables = target?.tables?.map((table) => ({ ...table, SSESpecification }))
  return [caller, { ...target, tables, kmsKeys: { [KEY_ARN]: key } }] as Parameters<
    typeof startSandbox
  >[0]['accounts']
}

/** Attaches the policies that `crossAccountPolicies()` generates for the role, with or without the key. */
const setPolicies = (hasKey: boolean): void => {
  const { trustPolicy, permissionsPolicy } = crossAccountPolicies({
    roleArn: TARGET_ROLE_ARN,
    executionRoleArn: EXECUTION_ROLE_ARN,
    tables: [TABLE],
    access: 'read-write',
    region: 'us-east-1',
    externalId: EXTERNAL_ID,
    ...(hasKey && { kmsKeyArn: KEY_ARN }),
  })
  const role = sandbox.getRole(TARGET_ROLE_ARN)
  Object.assign(role, { trustPolicy, policies: [permissionsPolicy] })
}

const allowToKey = (roleArn: string) =>
  createPolicy({ Effect: 'Allow', Principal: { AWS: roleArn }, Action: 'kms:Decrypt', Resource: '*' })

/** Returns the item that a session with this scope reads. */
const readItem = async (scope?: Scope, TableName = TABLE) => {
  const dynamo = crossAccountDynamo(scope === undefined ? {} : { scope })
  const client = await dynamo.clientFor({ event: {}, context: createLambdaContext() })
  return (await client.send(new GetCommand({ TableName, Key: { id: '1' } }))).Item
}

const SCOPE: Scope = { tables: [TABLE], access: 'read' }
const SCOPE_WITH_KEY: Scope = { ...SCOPE, kmsKeyArn: KEY_ARN }
const CHECK_LINE = `check --table ${TABLE} --access GetItem`

beforeEach(async () => {
  key = {}
  sandbox = await startSandbox({ accounts: createAccounts() })
  await sandbox.getAccount(ACCOUNT_B).seed(TABLE, [ITEM])
  setEnvironment(createFunctionVariables(sandbox))
  setPolicies(true)
})
afterEach(() => sandbox.close())

describe('with the default key policy', () => {
  test('the role can use the table if its policy allows the key', async () => {
    await expect(readItem()).resolves.toEqual({ id: '1' })
    expect((await runCheck(CHECK_LINE)).code).toBe(0)
  })

  test('the role cannot use the table if its policy does not allow the key, and check writes the statement', async () => {
    setPolicies(false)
    await expect(readItem()).rejects.toThrow(/kms:Decrypt/)
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ denied: ['GetItem'], add: [{ account: ACCOUNT_B }] }])
    sandbox.getRole(TARGET_ROLE_ARN).policies?.push(createPolicy(failed[0]?.add?.[0]?.statement ?? {}))
    expect((await runCheck(CHECK_LINE)).code).toBe(0)
    await expect(readItem()).resolves.toEqual({ id: '1' })
  })

  test('a scope without the key locks the session out, and check names the variable to set', async () => {
    await expect(readItem(SCOPE)).rejects.toThrow(/kms:Decrypt.*session policy/)
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = 'read'
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ denied: ['GetItem'], message: expect.stringContaining('_KMS_KEY_ARN') }])
    expect(failed[0]?.message).toContain(KEY_ARN)
    expect(failed[0]?.add).toBeUndefined()
    process.env.CROSS_ACCOUNT_DYNAMO_KMS_KEY_ARN = KEY_ARN
    expect((await runCheck(CHECK_LINE)).code).toBe(0)
  })

  test('a scope with the key allows the table', async () => {
    await expect(readItem(SCOPE_WITH_KEY)).resolves.toEqual({ id: '1' })
  })

  test('the statement for the key of one table does not allow the key for another table', async () => {
    const role = sandbox.getRole(TARGET_ROLE_ARN)
    role.policies?.push(createPolicy({ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: '*' }))
    await expect(readItem()).resolves.toEqual({ id: '1' })
    await expect(readItem(undefined, OTHER_TABLE)).rejects.toThrow(/kms:Decrypt/)
  })

  test.each(['service control policy', 'permissions boundary'])(
    'check offers no statement for the role if no %s allows the key',
    async (policy) => {
      const message = `KMS key access denied error: User: x is not authorized to perform: kms:Decrypt on resource: ${KEY_ARN} because no ${policy} allows the kms:Decrypt action`
      injectDenial(sandbox, 'GetItem', message)
      const { failed } = await runCheck(CHECK_LINE)
      expect(failed).toMatchObject([
        { message: expect.stringMatching(new RegExp(`No ${policy} allows .*KMS key`)) },
      ])
      expect(failed[0]?.add).toBeUndefined()
    },
  )

  test.each([KEY_ARN.replace('us-east-1', 'eu-west-1'), KEY_ARN.replace('arn:aws:', 'arn:aws-cn:')])(
    'check offers no statement for the key %s, which cannot be the key of the table',
    async (keyArn) => {
      injectDenial(
        sandbox,
        'GetItem',
        `User: x is not authorized to perform: kms:Decrypt on resource: ${keyArn} because no identity-based policy allows the kms:Decrypt action`,
      )
      const { failed } = await runCheck(CHECK_LINE)
      expect(failed).toMatchObject([{ message: expect.stringContaining('--kms-key-arn') }])
      expect(failed[0]?.add).toBeUndefined()
    },
  )

  test('a scope with the key does not extend the permissions of the role', async () => {
    setPolicies(false)
    await expect(readItem(SCOPE_WITH_KEY)).rejects.toThrow(/kms:Decrypt.*identity-based policy/)
  })

  test('a session function can return the key', async () => {
    const dynamo = crossAccountDynamo({
      session: ({ event }: SessionRequest<{ key: string }>) => ({
        scope: { ...SCOPE, kmsKeyArn: event.key },
      }),
    })
    const context = createLambdaContext()
    const client = await dynamo.clientFor({ event: { key: KEY_ARN }, context })
    const { Item } = await client.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
    expect(Item).toEqual({ id: '1' })
    for (const invalid of [`${KEY_ARN}*`, 'arn:aws:kms:us-east-1:222222222222:key/*', '', 'alias/orders'])
      await expect(dynamo.clientFor({ event: { key: invalid }, context })).rejects.toMatchObject({
        code: 'SESSION_IDENTITY_MISSING',
      })
    await expect(
      dynamo.clientFor({ event: { key: KEY_ARN.replace('us-east-1', 'eu-west-1') }, context }),
    ).rejects.toMatchObject({ issues: [{ option: 'scope', path: 'kmsKeyArn', code: 'key-elsewhere' }] })
  })
})

describe('with a key policy that names a role', () => {
  test('the role can use the table without a statement in its own policy if the key policy names it', async () => {
    setPolicies(false)
    key.policy = allowToKey(TARGET_ROLE_ARN)
    await expect(readItem()).resolves.toEqual({ id: '1' })
    await expect(readItem(SCOPE_WITH_KEY)).resolves.toEqual({ id: '1' })
    await expect(readItem(SCOPE)).rejects.toThrow(/kms:Decrypt/)
    Object.assign(process.env, { CROSS_ACCOUNT_DYNAMO_TABLES: TABLE, CROSS_ACCOUNT_DYNAMO_ACCESS: 'read' })
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ message: expect.stringMatching(/_KMS_KEY_ARN/) }])
  })

  test('the role cannot use the table if the key policy names another role, and check names the key policy', async () => {
    key.policy = allowToKey(`arn:aws:iam::${ACCOUNT_B}:role/OtherRole`)
    await expect(readItem()).rejects.toThrow(/kms:Decrypt/)
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([
      { denied: ['GetItem'], message: expect.stringMatching(/allow kms:Decrypt to .* in the key policy/) },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('check offers no statement if the key policy explicitly denies the role', async () => {
    key.policy = createPolicy({
      Effect: 'Deny',
      Principal: { AWS: TARGET_ROLE_ARN },
      Action: 'kms:Decrypt',
      Resource: '*',
    })
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ message: expect.stringMatching(/explicit deny in the key policy/) }])
    expect(failed[0]?.add).toBeUndefined()
  })
})

describe('a key that cannot be used', () => {
  test('check reports a disabled key without advice on policies', async () => {
    key.isDisabled = true
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ unclear: ['GetItem'], message: expect.stringMatching(/Enable the key/) }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('check lists what to examine if DynamoDB reports only that it cannot access the key', async () => {
    delete sandbox.getAccount(ACCOUNT_B).kmsKeys[KEY_ARN]
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([
      {
        denied: ['GetItem'],
        message: expect.stringMatching(/exists in us-east-1.*--kms-key-arn.*key policy/s),
      },
    ])
    expect(failed[0]?.message).not.toContain('_KMS_KEY_ARN')
  })
})

test('the policies command and the scope write the same statement', async () => {
  const { out } = await runCommandLine(
    `policies --json --table ${TABLE} --access read --execution-role-arn ${EXECUTION_ROLE_ARN} --kms-key-arn ${KEY_ARN}`,
  )
  const statement = JSON.parse(out).permissionsPolicy.Statement.at(-1)
  expect(statement).toMatchObject({
    Action: 'kms:Decrypt',
    Resource: KEY_ARN,
    Condition: {
      StringEquals: {
        'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com',
        'kms:EncryptionContext:aws:dynamodb:tableName': TABLE,
      },
    },
  })
  await readItem(SCOPE_WITH_KEY)
  const [assumeRole] = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
  const { policy = '' } = (assumeRole?.input ?? {}) as { policy?: string }
  expect(JSON.parse(policy).Statement.at(-1)).toEqual(statement)
})
