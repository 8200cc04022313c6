/** Runs command lines of the package in the process of the test. */
import { run } from '../../../src/cli/run.ts'

export interface CommandResult {
  /** The exit code. */
  readonly code: number
  /** The text on stdout. */
  readonly out: string
  /** The text on stderr. */
  readonly err: string
}

/** Runs a command line whose arguments are separated by spaces. */
export const runCommandLine = async (line: string, { colors = false } = {}): Promise<CommandResult> => {
  let out = ''
  let err = ''
  const code = await run(line.split(' ').filter(Boolean), {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    colors: { out: colors, err: colors },
  })
  return { code, out, err }
}
