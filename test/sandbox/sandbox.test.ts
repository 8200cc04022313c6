import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from '@jest/globals'
import { withSandbox } from './clients.ts'
import type { Call } from './index.ts'
import { EXECUTION_ROLE_ARN, TABLE, TARGET_ROLE_ARN, textbook } from './textbook.ts'

const getItem = () => new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })

test('connections are counted, and kept alive', async () => {
  await withSandbox({ accounts: textbook() }, async (sandbox, clients) => {
    const credentials = await clients.assume()
    const one = clients.dynamodb(credentials)
    for (let n = 0; n < 5; n += 1) await one.send(getItem())
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 1 })
    await clients.dynamodb(credentials).send(getItem())
    expect(sandbox.connections).toEqual({ sts: 1, dynamodb: 2 })
    const ofItems = sandbox.calls.filter(({ operation }) => operation === 'GetItem')
    expect(ofItems.map(({ connection }) => connection)).toEqual([1, 1, 1, 1, 1, 2])

    sandbox.clear()
    expect(sandbox.calls).toEqual([])
    await one.send(getItem())
    expect(sandbox.connections).toEqual({ sts: 0, dynamodb: 0 })
    expect(sandbox.calls).toMatchObject([{ connection: 1 }])
  })
})

test('each call is logged once it is answered', async () => {
  const logged: Call[] = []
  await withSandbox({ accounts: textbook(), log: (call) => logged.push(call) }, async (sandbox, clients) => {
    await clients.assume()
    expect(logged).toMatchObject([{ operation: 'AssumeRole', status: 200 }])
    expect(logged).toEqual(sandbox.calls)
  })
})

test('a call tells what was asked, and whose signature it claims, also when a fault strikes it', async () => {
  await withSandbox({ accounts: textbook() }, async (sandbox, clients) => {
    const { accessKeyId, ...rest } = await clients.assume({
      Policy: '{"Version":"2012-10-17","Statement":[]}',
    })
    expect(sandbox.calls).toMatchObject([
      { issued: accessKeyId, input: { roleArn: TARGET_ROLE_ARN, roleSessionName: 'orders', policyArns: [] } },
    ])
    sandbox.faults.inject({ service: 'dynamodb', kind: 'reset' })
    await expect(clients.dynamodb({ accessKeyId, ...rest }).send(getItem())).rejects.toThrow()
    const struck = sandbox.calls.at(-1)
    expect(struck).toMatchObject({ accessKeyId, input: { TableName: TABLE, Key: { id: { S: '1' } } } })
    expect(struck).not.toHaveProperty('principal')
  })
})

test('the clock moves and comes back', async () => {
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

test('credentials come as the Lambda runtime gives them, and as an identity', async () => {
  await withSandbox({ accounts: textbook() }, async (sandbox) => {
    const env = sandbox.lambdaEnv(EXECUTION_ROLE_ARN, 'orders')
    expect(Object.keys(env)).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_LAMBDA_FUNCTION_NAME',
    ])
    expect(sandbox.credentials(TARGET_ROLE_ARN, 'me')).toMatchObject({
      accountId: '222222222222',
      arn: 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/me',
    })
    expect(() => sandbox.credentials('arn:aws:iam::222222222222:role/Nobody')).toThrow(/no role/)
  })
})

test('close() lets the process end, whatever is still open', async () => {
  const program = `
    import { startSandbox } from './index.ts'
    const sandbox = await startSandbox({ accounts: [] })
    const { AWS_ENDPOINT_URL_STS: sts, AWS_ENDPOINT_URL_DYNAMODB: dynamodb } = sandbox.env
    await fetch(dynamodb)
    sandbox.faults.inject({ service: 'sts', kind: 'silence' })
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
