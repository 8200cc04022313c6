/** Runs programs that Ctrl-C does not reach, so that `cdk` does not end in the middle of a deletion. */
import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Ends the program with all its child processes. */
  readonly signal?: AbortSignal
  /** Called with all that the program writes. */
  readonly onOutput?: (text: string) => void
}

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
}

/** Runs a program until it ends. @throws if it cannot be started, or the reason of the signal. */
export const runProgram = async (
  file: string,
  args: readonly string[],
  { env = process.env, signal, onOutput }: CommandOptions = {},
): Promise<CommandResult> => {
  signal?.throwIfAborted()
  const program = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The terminal sends SIGINT only to the process group in the foreground.
    detached: true,
  })
  const endProgram = (): void => {
    if (program.pid === undefined) return
    try {
      process.kill(-program.pid, 'SIGTERM')
    } catch {
      // The program ended by itself.
    }
  }
  signal?.addEventListener('abort', endProgram)
  let stdout = ''
  program.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onOutput?.(text)
  })
  program.stderr.setEncoding('utf8').on('data', (text: string) => onOutput?.(text))
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      program.once('error', reject)
      program.once('close', resolve)
    })
    signal?.throwIfAborted()
    return { exitCode, stdout }
  } finally {
    signal?.removeEventListener('abort', endProgram)
  }
}

/** Runs a program. @throws if it ends with another exit code than 0. */
export const requireSuccess = async (
  file: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<void> => {
  const { exitCode } = await runProgram(file, args, options)
  if (exitCode !== 0) throw new Error(`${[file, ...args].join(' ')} ended with exit code ${exitCode}.`)
}
