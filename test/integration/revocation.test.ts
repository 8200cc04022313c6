/**
 * Tests "Revoke active sessions" in account B, with which the IAM console adds a policy that denies sessions issued before that
 * moment. Shows IAM-1 and IAM-2 of SECURITY.md.
 */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy, createRevokeSessionsPolicy } from '../sandbox/policies.ts'
import { createTwoAccounts, EXTERNAL_ID, TABLE, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  setEnvironment(createFunctionVariables(sandbox))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})

const getCommand = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
const startHandler = async () => {
  const middleware = crossAccountDynamo({ scope: { tables: [TABLE], access: 'read' } })
  await middleware.ready()
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, { dynamo }) => dynamo.send(getCommand))
  return () => handler({}, createLambdaContext())
}
const countCalls = (operation: string) => sandbox.calls.filter((call) => call.operation === operation).length
const addToTargetRole = (document: ReturnType<typeof createPolicy>) =>
  sandbox.getRole(TARGET_ROLE_ARN).policies?.push(document)

test('a refresh sends the same AssumeRole parameters as the first call', async () => {
  const invoke = await startHandler()
  advanceTime(50 * MINUTE_MS)
  await invoke()
  await waitUntil(() => countCalls('AssumeRole') === 2)
  const [first, second] = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
  expect(second?.input).toEqual(first?.input)
})

describe('after sessions are revoked', () => {
  test('after sessions are revoked, a warm environment assumes the role again and its invocations succeed', async () => {
    const invoke = await startHandler()
    await invoke()
    advanceTime(10 * MINUTE_MS)
    addToTargetRole(createRevokeSessionsPolicy(Date.now()))
    const results = await Promise.all([invoke(), invoke(), invoke()])
    for (const result of results) expect(result.$metadata.httpStatusCode).toBe(200)
    expect(countCalls('AssumeRole')).toBe(2)
    // One request before, three that were denied, and three that were sent again.
    expect(countCalls('GetItem')).toBe(7)
    await invoke()
    expect(countCalls('AssumeRole')).toBe(2)
    expect(countCalls('GetItem')).toBe(8)
    // The second call sends the same parameters as the first.
    const [first, second] = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
    expect(second?.input).toEqual(first?.input)
    expect(first?.input).toMatchObject({ externalId: EXTERNAL_ID, policy: expect.any(String) })
  })

  test('after sessions are revoked, requests fail with the error of DynamoDB if the role can no longer be assumed', async () => {
    const invoke = await startHandler()
    advanceTime(10 * MINUTE_MS)
    addToTargetRole(createRevokeSessionsPolicy(Date.now()))
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(
      allowStatement('sts:AssumeRole', { Principal: { AWS: 'arn:aws:iam::999999999999:root' } }),
    )
    await expect(invoke()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(invoke()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect(countCalls('AssumeRole')).toBe(2)
  })
})

test('a request that a policy explicitly denies causes at most one AssumeRole call in five minutes', async () => {
  const deny = { Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: '*' } as const
  addToTargetRole({ Version: '2012-10-17', Statement: [deny] })
  const middleware = crossAccountDynamo()
  const client = await middleware.clientFor({ event: {}, context: createLambdaContext() })
  const putItem = () => client.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } }))
  for (let minute = 0; minute <= 10; minute += 1) {
    advanceTime(minute === 0 ? 0 : MINUTE_MS)
    await expect(putItem()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await client.send(getCommand)
  }
  // The role is assumed at the start, in minute 5 and in minute 10.
  expect(countCalls('AssumeRole')).toBe(3)
})

test('a request that no policy allows causes no AssumeRole call', async () => {
  const middleware = crossAccountDynamo({ scope: { tables: [TABLE], access: 'read' } })
  const client = await middleware.clientFor({ event: {}, context: createLambdaContext() })
  advanceTime(10 * MINUTE_MS)
  const put = client.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } }))
  await expect(put).rejects.toMatchObject({ name: 'AccessDeniedException' })
  expect(countCalls('AssumeRole')).toBe(1)
  expect(countCalls('PutItem')).toBe(1)
})
