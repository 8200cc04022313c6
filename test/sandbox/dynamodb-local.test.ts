import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, expect, test } from '@jest/globals'
import { withSandbox } from './clients.ts'
import { engineName } from './engine.ts'
import type { Sandbox } from './index.ts'
import { onlyOn } from './only-on.ts'
import { TABLE, textbook } from './textbook.ts'

const PORT = 'SANDBOX_DYNAMODB_LOCAL_PORT'
const shared = process.env[PORT]
afterEach(() => {
  if (shared) process.env[PORT] = shared
})

const program = `
  import { startDynamodbLocal } from './dynamodb-local.ts'
  const { port } = await startDynamodbLocal()
  process.stdout.write(String(port))
  setInterval(() => {}, 1000)
`
const ARGS = ['--input-type=module', '--eval', program]
const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}`).then(
    () => true,
    () => false,
  )

test('an engine that does not exist is an error', () => {
  expect(engineName('dynalite')).toBe('dynalite')
  expect(() => engineName('dynamo')).toThrow('SANDBOX_ENGINE is dynalite or dynamodb-local')
})

test('without Java, DynamoDB Local says what it needs', async () => {
  const running = promisify(execFile)(process.execPath, ARGS, { cwd: import.meta.dirname, env: { PATH: '' } })
  await expect(running).rejects.toMatchObject({
    stderr: expect.stringContaining('DynamoDB Local did not start. It needs Java 17 or newer'),
  })
})

onlyOn('dynamodb-local', 'it needs Java').describe('DynamoDB Local', () => {
  test('keeps accounts and sandboxes apart', async () => {
    const tables = textbook()[1]?.tables ?? []
    const accounts = ['111111111111', '222222222222'].map((id) => ({ id, tables }))
    const countOf = async (id: string, { account }: Sandbox) => {
      const { send } = account(id).engine
      return JSON.parse((await send('Scan', { TableName: TABLE })).body).Count
    }
    await withSandbox({ accounts }, async (one) => {
      await withSandbox({ accounts }, async (other) => {
        await one.account('222222222222').seed(TABLE, [{ id: { S: '1' } }])
        expect(await countOf('222222222222', one)).toBe(1)
        expect(await countOf('111111111111', one)).toBe(0)
        expect(await countOf('222222222222', other)).toBe(0)
      })
    })
  })

  test('ends with the sandbox that started it', async () => {
    delete process.env[PORT]
    let url = ''
    await withSandbox({ accounts: textbook(), engine: 'dynamodb-local' }, async (sandbox) => {
      url = sandbox.account('222222222222').engine.url
      await sandbox.account('222222222222').seed(TABLE, [{ id: { S: '1' } }])
    })
    expect(url).not.toContain(String(shared))
    expect(await answers(Number(new URL(url).port))).toBe(false)
  })

  test('ends with the process that started it, even if that is killed', async () => {
    const child = spawn(process.execPath, ARGS, { cwd: import.meta.dirname })
    const [port] = await once(child.stdout, 'data')
    expect(await answers(Number(port))).toBe(true)
    child.kill('SIGKILL')
    while (await answers(Number(port))) await setTimeout(50)
  })
})
