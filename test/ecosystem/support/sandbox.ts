/** Starts the sandbox in another process, and stops it after the tests. */
import { after } from 'node:test'
import { forkSandbox, type SandboxProcess } from './fork-sandbox.ts'

export type { SandboxProcess } from './fork-sandbox.ts'

/**
 * Starts the sandbox as `forkSandbox` does. It stops when the tests of the file have ended.
 *
 * @throws if a policy of an account is invalid.
 */
export const startSandboxProcess = async (
  ...options: Parameters<typeof forkSandbox>
): Promise<SandboxProcess> => {
  const sandbox = await forkSandbox(...options)
  after(() => sandbox.close())
  return sandbox
}
