/** Prints what happens, step by step, and remembers whether it went as told. */
import { styleText } from 'node:util'

export interface Story {
  /** Prints a heading. */
  readonly chapter: (title: string) => void
  /** Prints a line of the step: what it is about, and what there is to say. */
  readonly line: (about: string, text: string) => void
  /** Prints whether something went as told. */
  readonly expect: (claim: string, holds: boolean) => void
  /** How many of the claims did not hold. */
  readonly failures: () => number
}

const INDENT = ' '.repeat(4)
const COLUMN = 16

/** `stream` gets colours only if it is a terminal, and NO_COLOR and FORCE_COLOR are heard. */
export const startStory = (stream: NodeJS.WriteStream = process.stdout): Story => {
  const print = (text: string): void => void stream.write(`${text}\n`)
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream })
  let failures = 0
  return {
    chapter: (title) => print(`\n${style('bold', title)}`),
    line: (about, text) => {
      const [first = '', ...rest] = text.split('\n')
      print(`${INDENT}${style('dim', about.padEnd(COLUMN))}${first}`)
      for (const each of rest) print(`${INDENT}${' '.repeat(COLUMN)}${each}`)
    },
    expect: (claim, holds) => {
      if (!holds) failures += 1
      print(`${INDENT}${holds ? style('green', 'as told') : style('red', 'NOT AS TOLD')}: ${claim}`)
    },
    failures: () => failures,
  }
}
