/**
 * Freezes an execution environment as Lambda does between invocations. The tests suspend a process with SIGSTOP, advance its clock, and
 * resume it with SIGCONT.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../../sandbox/two-accounts.ts'
import { createFunctionVariables, waitUntil } from '../lambda.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let sandbox: Sandbox
let childProcess: ChildProcess | undefined
let directory: string
beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  directory = mkdtempSync(join(tmpdir(), 'freeze-'))
})
afterEach(async () => {
  childProcess?.kill('SIGKILL')
  await sandbox.close()
  rmSync(directory, { recursive: true })
})

const listCalls = (operation: string) => sandbox.calls.filter((call) => call.operation === operation)

/** Starts the execution environment and waits until the function is loaded. The prefetch may still be in flight. */
const startExecutionEnvironment = async () => {
  const clockFile = join(directory, 'clock')
  writeFileSync(clockFile, '0')
  const environmentProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'execution-environment.ts')],
    {
      env: { ...createFunctionVariables(sandbox), CLOCK_FILE: clockFile },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  childProcess = environmentProcess
  const lines = createInterface({ input: environmentProcess.stdout })[Symbol.asyncIterator]()
  const readOutcome = async (): Promise<string> => String((await lines.next()).value)
  const advanceClock = (ms: number) => {
    writeFileSync(clockFile, String(Number(readFileSync(clockFile, 'utf8')) + ms))
    sandbox.clock.advance(ms)
  }
  expect(await readOutcome()).toBe('loaded')
  return {
    advanceClock,
    /** Starts an invocation without waiting for its outcome. */
    startInvocation: () => void environmentProcess.stdin.write(`${TABLE}\n`),
    readOutcome,
    invoke: () => {
      environmentProcess.stdin.write(`${TABLE}\n`)
      return readOutcome()
    },
    /** Freezes the environment, calls `whileFrozen`, and resumes the environment after `durationMs` by its clock. */
    freeze: async (durationMs: number, whileFrozen: () => void | Promise<void> = () => {}) => {
      environmentProcess.kill('SIGSTOP')
      // SIGSTOP takes effect asynchronously. The kernel reports the state T when the process is suspended.
      await waitUntil(() => / T /.test(readFileSync(`/proc/${environmentProcess.pid}/stat`, 'utf8')))
      await whileFrozen()
      advanceClock(durationMs)
      environmentProcess.kill('SIGCONT')
    },
  }
}

test('assumes the role again if the credentials expire during a freeze', async () => {
  const { invoke, freeze } = await startExecutionEnvironment()
  expect(await invoke()).toBe('ok')
  await freeze(3 * HOUR_MS)
  expect(await invoke()).toBe('ok')
  expect(listCalls('GetItem').map(({ status }) => status)).toEqual([200, 200])
  expect(listCalls('AssumeRole')).toHaveLength(2)
})

test('recovers from a freeze during the AssumeRole call of an invocation', async () => {
  const { invoke, startInvocation, readOutcome, freeze, advanceClock } = await startExecutionEnvironment()
  expect(await invoke()).toBe('ok')
  advanceClock(2 * HOUR_MS)
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  startInvocation()
  await waitUntil(() => listCalls('AssumeRole').length === 2)
  await freeze(3 * HOUR_MS, () => sandbox.faults.clear())
  // The frozen invocation may succeed or fail, because Lambda would have stopped it.
  startInvocation()
  const outcomes = [await readOutcome(), await readOutcome()]
  expect(outcomes).toContain('ok')
  expect(await invoke()).toBe('ok')
})

test('recovers from a freeze during a background refresh', async () => {
  const { invoke, freeze, advanceClock } = await startExecutionEnvironment()
  expect(await invoke()).toBe('ok')
  advanceClock(50 * MINUTE_MS)
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  expect(await invoke()).toBe('ok')
  await waitUntil(() => listCalls('AssumeRole').length === 2)
  await freeze(3 * HOUR_MS, () => sandbox.faults.clear())
  expect(await invoke()).toBe('ok')
})

test('uses the response to a refresh that arrives during a freeze that is longer than the timeout of the request', async () => {
  const { invoke, freeze, advanceClock } = await startExecutionEnvironment()
  expect(await invoke()).toBe('ok')
  advanceClock(50 * MINUTE_MS)
  sandbox.faults.inject({ service: 'sts', kind: 'latency', ms: 80 })
  expect(await invoke()).toBe('ok')
  await freeze(0, () => setTimeout(3200))
  expect(await invoke()).toBe('ok')
  // Without new credentials, this invocation would refresh them again.
  advanceClock(8 * MINUTE_MS)
  expect(await invoke()).toBe('ok')
  expect(listCalls('AssumeRole').map(({ status }) => status)).toEqual([200, 200])
})

test('recovers from a freeze during the prefetch, hours before the first invocation', async () => {
  sandbox.faults.inject({ service: 'sts', kind: 'no-response' })
  const { invoke, freeze } = await startExecutionEnvironment()
  await waitUntil(() => listCalls('AssumeRole').length === 1)
  await freeze(5 * HOUR_MS, () => sandbox.faults.clear())
  expect(await invoke()).toBe('ok')
})

test('opens a new connection if DynamoDB closes the connection during a freeze', async () => {
  const { invoke, freeze } = await startExecutionEnvironment()
  expect(await invoke()).toBe('ok')
  await freeze(10 * MINUTE_MS, () => sandbox.closeConnections())
  expect(await invoke()).toBe('ok')
  expect(sandbox.connections.dynamodb).toBeGreaterThan(1)
})
