/** "Revoke active sessions" in account B: the IAM console adds a policy that denies sessions issued before. Shows IAM-1 and IAM-2 of SECURITY.md. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy, createRevokeSessionsPolicy } from '../sandbox/policies.ts'
import { createTwoAccounts, EXTERNAL_ID, TABLE, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { eventually, functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const MINUTE = 60_000

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  setEnvironment(functionVariables(sandbox))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})

const get = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
const startHandler = async () => {
  const middleware = crossAccountDynamo({ scope: { tables: [TABLE], access: 'read' } })
  await middleware.ready()
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, { dynamo }) => dynamo.send(get))
  return () => handler({}, lambdaContext())
}
const count = (operation: string) => sandbox.calls.filter((call) => call.operation === operation).length
const attach = (document: ReturnType<typeof createPolicy>) =>
  sandbox.getRole(TARGET_ROLE_ARN).policies?.push(document)

test('a refresh asks for the same as the first call', async () => {
  const invoke = await startHandler()
  travel(50 * MINUTE)
  await invoke()
  await eventually(() => count('AssumeRole') === 2)
  const [first, second] = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
  expect(second?.input).toEqual(first?.input)
})

describe('after "Revoke active sessions"', () => {
  test('a warm environment assumes the role again, and its invocation succeeds', async () => {
    const invoke = await startHandler()
    await invoke()
    travel(10 * MINUTE)
    attach(createRevokeSessionsPolicy(Date.now()))
    const results = await Promise.all([invoke(), invoke(), invoke()])
    for (const result of results) expect(result.$metadata.httpStatusCode).toBe(200)
    expect(count('AssumeRole')).toBe(2)
    // One before, three that were denied, three that ran again.
    expect(count('GetItem')).toBe(7)
    await invoke()
    expect(count('AssumeRole')).toBe(2)
    expect(count('GetItem')).toBe(8)
    // A second call asks for no more than the first.
    const [first, second] = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
    expect(second?.input).toEqual(first?.input)
    expect(first?.input).toMatchObject({ externalId: EXTERNAL_ID, policy: expect.any(String) })
  })

  test('a role that may no longer be assumed fails with the error of DynamoDB, and the session stays as it was', async () => {
    const invoke = await startHandler()
    travel(10 * MINUTE)
    attach(createRevokeSessionsPolicy(Date.now()))
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(
      allowStatement('sts:AssumeRole', { Principal: { AWS: 'arn:aws:iam::999999999999:root' } }),
    )
    await expect(invoke()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(invoke()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect(count('AssumeRole')).toBe(2)
  })
})

test('a request that a policy denies to every session costs one AssumeRole call in five minutes', async () => {
  const deny = { Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: '*' } as const
  attach({ Version: '2012-10-17', Statement: [deny] })
  const middleware = crossAccountDynamo()
  const client = await middleware.clientFor({ event: {}, context: lambdaContext() })
  const put = () => client.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } }))
  for (let minute = 0; minute <= 10; minute += 1) {
    travel(minute === 0 ? 0 : MINUTE)
    await expect(put()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await client.send(get)
  }
  // At the start, in minute 5 and in minute 10.
  expect(count('AssumeRole')).toBe(3)
})

test('a request that no policy allows is not worth an AssumeRole call', async () => {
  const middleware = crossAccountDynamo({ scope: { tables: [TABLE], access: 'read' } })
  const client = await middleware.clientFor({ event: {}, context: lambdaContext() })
  travel(10 * MINUTE)
  const put = client.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } }))
  await expect(put).rejects.toMatchObject({ name: 'AccessDeniedException' })
  expect(count('AssumeRole')).toBe(1)
  expect(count('PutItem')).toBe(1)
})
