/**
 * The sandbox in a process of its own, so that a tracer that patches Node.js's modules in the test does not trace the sandbox, and so
 * that a bench does not measure it. `forkSandbox()` starts it. Each message names an operation, and the answer has the same `id`.
 */
import { createFunctionVariables } from '../../lambda-runtime.ts'
import { type Fault, type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/index.ts'

const createOperations = (sandbox: Sandbox) => ({
  createFunctionVariables: (roleArn?: string) => createFunctionVariables(sandbox, roleArn),
  getCalls: () => sandbox.calls,
  getConnections: () => sandbox.connections,
  injectFault: (fault: Exclude<Fault, { kind: 'rewrite' }>): void => {
    sandbox.faults.inject(fault)
  },
  advanceClock: (ms: number) => sandbox.clock.advance(ms),
  revokeSessions: () => sandbox.revokeSessions(),
  clear: () => sandbox.clear(),
  close: () => sandbox.close(),
})

export type SandboxOperations = ReturnType<typeof createOperations>

/** What the test sends: first `start` with the options of the sandbox, then operations. */
export type SandboxRequest =
  | { readonly id: number; readonly operation: 'start'; readonly args: readonly [SandboxOptions] }
  | { readonly id: number; readonly operation: keyof SandboxOperations; readonly args: readonly unknown[] }
export type SandboxResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

let operations: SandboxOperations | undefined

const run = async (request: SandboxRequest): Promise<unknown> => {
  if (request.operation === 'start') {
    operations = createOperations(await startSandbox(request.args[0]))
    return undefined
  }
  if (operations === undefined) throw new Error('The sandbox is not started.')
  const operation = operations[request.operation] as (...args: readonly unknown[]) => unknown
  return operation(...request.args)
}

process.on('message', async (request: SandboxRequest) => {
  const respond = (response: SandboxResponse) => process.send?.(response)
  try {
    respond({ id: request.id, result: await run(request) })
  } catch (error) {
    respond({
      id: request.id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
})
// The process that started this one ended without closing the sandbox.
process.on('disconnect', () => process.exit())
