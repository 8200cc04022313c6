/** A command as it is typed, and what it answered. */
import { run } from '../../../src/cli/run.ts'

export interface Answer {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command in this process; words are separated by spaces. */
export const command = async (line: string, { colours = false } = {}): Promise<Answer> => {
  let out = ''
  let err = ''
  const code = await run(line.split(' ').filter(Boolean), {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    colours: { out: colours, err: colours },
  })
  return { code, out, err }
}
