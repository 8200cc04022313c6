import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from '@jest/globals'
import { withSandbox } from './clients.ts'
import type { Call } from './index.ts'
import { createTwoAccounts, EXECUTION_ROLE_ARN, TABLE, TARGET_ROLE_ARN } from './two-accounts.ts'

const createGetItemCommand = () => new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })

test('counts connections and keeps them alive', async () => {
  await withSandbox({ accounts: createTwoAccounts() }, async (sandbox, clients) => {
    const credentials = await clients.assumeRole()
    const client = clients.createDynamoDBClient(credentials)
    for (let n = 0; n < 5; n += 1) await client.send(createGetItemCommand())
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    await clients.createDynamoDBClient(credentials).send(createGetItemCommand())
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 2 })
    const getItemCalls = sandbox.calls.filter(({ operation }) => operation === 'GetItem')
    expect(getItemCalls.map(({ connectionNumber }) => connectionNumber)).toEqual([1, 1, 1, 1, 1, 2])

    sandbox.clear()
    expect(sandbox.calls).toEqual([])
    await client.send(createGetItemCommand())
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 0 })
    expect(sandbox.calls).toMatchObject([{ connectionNumber: 1 }])
  })
})

test('logs each call when its response is complete', async () => {
  const logged: Call[] = []
  await withSandbox(
    { accounts: createTwoAccounts(), log: (call) => logged.push(call) },
    async (sandbox, clients) => {
      await clients.assumeRole()
      expect(logged).toMatchObject([{ operation: 'AssumeRole', status: 200 }])
      expect(logged).toEqual(sandbox.calls)
    },
  )
})

test('records the input and the access key of a call, even if a fault affects it', async () => {
  await withSandbox({ accounts: createTwoAccounts() }, async (sandbox, clients) => {
    const { accessKeyId, ...rest } = await clients.assumeRole({
      Policy: '{"Version":"2012-10-17","Statement":[]}',
    })
    expect(sandbox.calls).toMatchObject([
      {
        issuedAccessKeyId: accessKeyId,
        input: { roleArn: TARGET_ROLE_ARN, roleSessionName: 'orders', policyArns: [] },
      },
    ])
    sandbox.faults.inject({ service: 'dynamodb', kind: 'reset' })
    await expect(
      clients.createDynamoDBClient({ accessKeyId, ...rest }).send(createGetItemCommand()),
    ).rejects.toThrow()
    const failedCall = sandbox.calls.at(-1)
    expect(failedCall).toMatchObject({ accessKeyId, input: { TableName: TABLE, Key: { id: { S: '1' } } } })
    expect(failedCall).not.toHaveProperty('principal')
  })
})

test('sets, advances and resets the clock', async () => {
  await withSandbox({ accounts: [] }, async (sandbox) => {
    const { clock } = sandbox
    clock.set(Date.UTC(2030, 0, 1))
    clock.advance(60_000)
    expect(new Date(clock.now()).toISOString()).toMatch(/^2030-01-01T00:01:0/)
    const { headers } = await fetch(sandbox.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
    expect(headers.get('date')).toMatch(/^Tue, 01 Jan 2030 00:01:0/)
    clock.reset()
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
  })
})

test('issues credentials as Lambda environment variables and as credentials for SDK clients', async () => {
  await withSandbox({ accounts: createTwoAccounts() }, async (sandbox) => {
    const environment = sandbox.createLambdaEnvironment(EXECUTION_ROLE_ARN, 'orders')
    expect(Object.keys(environment)).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_LAMBDA_FUNCTION_NAME',
    ])
    expect(sandbox.issueCredentials(TARGET_ROLE_ARN, 'me')).toMatchObject({
      accountId: '222222222222',
      arn: 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/me',
    })
    expect(() => sandbox.issueCredentials('arn:aws:iam::222222222222:role/MissingRole')).toThrow(/no role/)
  })
})

test('close() lets the process end, even with open requests and connections', async () => {
  const program = `
    import { startSandbox } from './index.ts'
    const sandbox = await startSandbox({ accounts: [] })
    const { AWS_ENDPOINT_URL_STS: sts, AWS_ENDPOINT_URL_DYNAMODB: dynamodb } = sandbox.env
    await fetch(dynamodb)
    sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
    sandbox.faults.inject({ service: 'dynamodb', kind: 'latency', ms: 3_600_000 })
    const pending = [sts, dynamodb].map((url) => fetch(url).catch(() => 'broken'))
    while (sandbox.calls.length < 3) await new Promise(setImmediate)
    await sandbox.close()
    console.log(await Promise.all(pending))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { PATH: process.env.PATH },
    timeout: 10_000,
  })
  expect(stdout).toBe("[ 'broken', 'broken' ]\n")
})
