import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, expect, test } from '@jest/globals'
import { withSandbox } from './clients.ts'
import { parseEngineName } from './engine.ts'
import type { Sandbox } from './index.ts'
import { restrictToEngine } from './restrict-to-engine.ts'
import { createTwoAccounts, TABLE } from './two-accounts.ts'

const PORT_VARIABLE = 'SANDBOX_DYNAMODB_LOCAL_PORT'
const sharedPort = process.env[PORT_VARIABLE]
afterEach(() => {
  if (sharedPort) process.env[PORT_VARIABLE] = sharedPort
})

const PROGRAM = `
  import { startDynamodbLocal } from './dynamodb-local.ts'
  const { port } = await startDynamodbLocal()
  process.stdout.write(String(port))
  setInterval(() => {}, 1000)
`
const NODE_ARGUMENTS = ['--input-type=module', '--eval', PROGRAM]
const isReachable = (port: number) =>
  fetch(`http://127.0.0.1:${port}`).then(
    () => true,
    () => false,
  )

test('parseEngineName() refuses an unknown engine', () => {
  expect(parseEngineName('dynalite')).toBe('dynalite')
  expect(() => parseEngineName('dynamo')).toThrow('Set SANDBOX_ENGINE to dynalite or dynamodb-local')
})

test('startDynamodbLocal() names the required Java version if Java is missing', async () => {
  const running = promisify(execFile)(process.execPath, NODE_ARGUMENTS, {
    cwd: import.meta.dirname,
    env: { PATH: '' },
  })
  await expect(running).rejects.toMatchObject({
    stderr: expect.stringContaining('DynamoDB Local did not start. It needs Java 17 or newer'),
  })
})

restrictToEngine('dynamodb-local', 'it requires Java').describe('DynamoDB Local', () => {
  test('separates the data of accounts and sandboxes', async () => {
    const tables = createTwoAccounts()[1]?.tables ?? []
    const accounts = ['111111111111', '222222222222'].map((id) => ({ id, tables }))
    const countItems = async (id: string, sandbox: Sandbox) => {
      const { send } = sandbox.getAccount(id).engine
      return JSON.parse((await send('Scan', { TableName: TABLE })).body).Count
    }
    await withSandbox({ accounts }, async (first) => {
      await withSandbox({ accounts }, async (second) => {
        await first.getAccount('222222222222').seed(TABLE, [{ id: { S: '1' } }])
        expect(await countItems('222222222222', first)).toBe(1)
        expect(await countItems('111111111111', first)).toBe(0)
        expect(await countItems('222222222222', second)).toBe(0)
      })
    })
  })

  test('DynamoDB Local ends when the sandbox that started it closes', async () => {
    delete process.env[PORT_VARIABLE]
    let url = ''
    await withSandbox({ accounts: createTwoAccounts(), engine: 'dynamodb-local' }, async (sandbox) => {
      url = sandbox.getAccount('222222222222').engine.url
      await sandbox.getAccount('222222222222').seed(TABLE, [{ id: { S: '1' } }])
    })
    expect(url).not.toContain(String(sharedPort))
    expect(await isReachable(Number(new URL(url).port))).toBe(false)
  })

  test('DynamoDB Local ends when the process that started it is killed', async () => {
    const child = spawn(process.execPath, NODE_ARGUMENTS, { cwd: import.meta.dirname })
    const [port] = await once(child.stdout, 'data')
    expect(await isReachable(Number(port))).toBe(true)
    child.kill('SIGKILL')
    while (await isReachable(Number(port))) await setTimeout(50)
  })
})
