/** Starts the sandbox in another process and calls its operations. For the tests in test/ecosystem/ and the benches. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { SandboxOptions } from '../../sandbox/index.ts'
import { createTwoAccounts } from '../../sandbox/two-accounts.ts'
import type { SandboxOperations, SandboxRequest, SandboxResponse } from './sandbox-process.ts'

/** The operations of the sandbox. Each call is a message to its process, so each returns a promise. */
export type SandboxProcess = {
  readonly [Name in keyof SandboxOperations]: (
    ...args: Parameters<SandboxOperations[Name]>
  ) => Promise<Awaited<ReturnType<SandboxOperations[Name]>>>
}

const OPERATIONS = [
  'createFunctionVariables',
  'getCalls',
  'getConnections',
  'injectFault',
  'advanceClock',
  'revokeSessions',
  'clear',
  'close',
] as const satisfies readonly (keyof SandboxOperations)[]

/**
 * Starts the sandbox, by default with the accounts of `createTwoAccounts()`. `close` ends its process.
 *
 * @throws if a policy of an account is invalid.
 */
export const forkSandbox = async (
  options: SandboxOptions = { accounts: createTwoAccounts() },
): Promise<SandboxProcess> => {
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = fork(join(import.meta.dirname, 'sandbox-process.ts'), {
    execArgv: ['--no-warnings'],
    serialization: 'advanced',
    env,
  })
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  child.on('message', (response: SandboxResponse) => {
    const { resolve, reject } = waiting.get(response.id) ?? {}
    waiting.delete(response.id)
    if ('error' in response) reject?.(new Error(response.error))
    else resolve?.(response.result)
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The process of the sandbox has ended.'))
  })

  let lastId = 0
  const call = (operation: SandboxRequest['operation'], args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1
      waiting.set(lastId, { resolve, reject })
      child.send({ id: lastId, operation, args })
    })

  await call('start', [options])
  const entries = OPERATIONS.map((name) => [name, (...args: unknown[]) => call(name, args)])
  const sandbox = Object.fromEntries(entries) as SandboxProcess
  return {
    ...sandbox,
    close: async () => {
      await sandbox.close()
      child.disconnect()
    },
  }
}
