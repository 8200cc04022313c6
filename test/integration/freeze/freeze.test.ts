/** Really frozen: a process is stopped with SIGSTOP and goes on with SIGCONT, hours later by its clock. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../../sandbox/two-accounts.ts'
import { eventually, functionVariables } from '../lambda.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let sandbox: Sandbox
let child: ChildProcess | undefined
let folder: string
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  folder = mkdtempSync(join(tmpdir(), 'freeze-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await sandbox.close()
  rmSync(folder, { recursive: true })
})

const calls = (operation: string) => sandbox.calls.filter((call) => call.operation === operation)

/** Starts the environment; it is loaded, but its prefetch may be under way. */
const startEnvironment = async () => {
  const clockFile = join(folder, 'clock')
  writeFileSync(clockFile, '0')
  const started = spawn(process.execPath, [join(import.meta.dirname, 'environment.ts')], {
    env: { ...functionVariables(sandbox), CLOCK_FILE: clockFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child = started
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => String((await lines.next()).value)
  const travel = (ms: number) => {
    writeFileSync(clockFile, String(Number(readFileSync(clockFile, 'utf8')) + ms))
    sandbox.clock.advance(ms)
  }
  expect(await answer()).toBe('loaded')
  return {
    travel,
    /** Sends an invocation without waiting for its end. */
    send: () => void started.stdin.write(`${TABLE}\n`),
    answer,
    invoke: () => {
      started.stdin.write(`${TABLE}\n`)
      return answer()
    },
    /** Freezes it, lets something happen, and thaws it so much later. */
    freeze: async (ms: number, meanwhile: () => void = () => {}) => {
      started.kill('SIGSTOP')
      // Stopped, and not about to be: the kernel says so.
      await eventually(() => / T /.test(readFileSync(`/proc/${started.pid}/stat`, 'utf8')))
      meanwhile()
      travel(ms)
      started.kill('SIGCONT')
    },
  }
}

test('idle, with credentials that were good and have ended when it wakes', async () => {
  const { invoke, freeze } = await startEnvironment()
  expect(await invoke()).toBe('ok')
  await freeze(3 * HOUR)
  expect(await invoke()).toBe('ok')
  expect(calls('GetItem').map(({ status }) => status)).toEqual([200, 200])
  expect(calls('AssumeRole')).toHaveLength(2)
})

test('with the AssumeRole of an invocation in flight', async () => {
  const { invoke, send, answer, freeze, travel } = await startEnvironment()
  expect(await invoke()).toBe('ok')
  travel(2 * HOUR)
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  send()
  await eventually(() => calls('AssumeRole').length === 2)
  await freeze(3 * HOUR, () => sandbox.faults.clear())
  // The one that was frozen ends either way; Lambda would have ended it.
  send()
  const answers = [await answer(), await answer()]
  expect(answers).toContain('ok')
  expect(await invoke()).toBe('ok')
})

test('with a background refresh in flight', async () => {
  const { invoke, freeze, travel } = await startEnvironment()
  expect(await invoke()).toBe('ok')
  travel(50 * MINUTE)
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  expect(await invoke()).toBe('ok')
  await eventually(() => calls('AssumeRole').length === 2)
  await freeze(3 * HOUR, () => sandbox.faults.clear())
  expect(await invoke()).toBe('ok')
})

test('with the prefetch in flight right after INIT, hours before the first invocation', async () => {
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  const { invoke, freeze } = await startEnvironment()
  await eventually(() => calls('AssumeRole').length === 1)
  await freeze(5 * HOUR, () => sandbox.faults.clear())
  expect(await invoke()).toBe('ok')
})

test('with a connection to DynamoDB that is kept alive, and closed meanwhile', async () => {
  const { invoke, freeze } = await startEnvironment()
  expect(await invoke()).toBe('ok')
  await freeze(10 * MINUTE, () => sandbox.closeConnections())
  expect(await invoke()).toBe('ok')
  expect(sandbox.connections.dynamodb).toBeGreaterThan(1)
})
