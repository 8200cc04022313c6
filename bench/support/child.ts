/** Runs a measurement in a process of its own, so that it shares no memory, JIT compiler or modules with other measurements. */
import { fork } from 'node:child_process'

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly execArgv?: readonly string[]
  /** The environment variables in addition to those that this process has. `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Runs a file, and resolves to the first message that it sends to this process.
 *
 * @throws if the process ends without a message.
 */
export const runChild = <Message>(
  file: string,
  { args = [], execArgv = [], env = {} }: ChildOptions = {},
): Promise<Message> => {
  const child = fork(file, [...args], { execArgv: [...execArgv], env: { ...process.env, ...env } })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Message))
    child.once('exit', (code) =>
      reject(new Error(`${file} ended with exit code ${code} and sent no message.`)),
    )
  })
}
