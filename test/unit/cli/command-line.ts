/** Runs commands in the test's process. */
import { run } from '../../../src/cli/run.ts'

export interface Answer {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line, whose words are separated by spaces. */
export const command = async (line: string, { colors = false } = {}): Promise<Answer> => {
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
