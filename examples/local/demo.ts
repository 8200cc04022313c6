/** Prints the steps of the demo and checks what each step proves. */
import { styleText } from 'node:util'

export interface Demo {
  /** Prints the heading of a step, with its number, and what the step does. */
  readonly step: (title: string, description: string) => void
  /** Prints a labeled line. Further lines of the text are indented below it. */
  readonly detail: (label: string, text: string) => void
  /** Prints a claim, and whether it holds. */
  readonly check: (claim: string, holds: boolean) => void
  /** Prints how many checks failed, and returns that number. */
  readonly finish: () => number
}

const INDENT = ' '.repeat(4)
const LABEL_WIDTH = 18

/** Creates a demo that prints to a stream, in color if the stream is a terminal. NO_COLOR and FORCE_COLOR override that. */
export const createDemo = (stream: NodeJS.WriteStream = process.stdout): Demo => {
  const print = (text: string): void => void stream.write(`${text}\n`)
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream })
  let steps = 0
  let checks = 0
  let failures = 0
  const detail = (label: string, text: string): void => {
    const [first = '', ...rest] = text.split('\n')
    print(`${INDENT}${style('dim', label.padEnd(LABEL_WIDTH))}${first}`)
    for (const line of rest) print(`${INDENT}${' '.repeat(LABEL_WIDTH)}${line}`)
  }
  return {
    step: (title, description) => {
      steps += 1
      print(`\n${style('bold', `${steps}. ${title}`)}`)
      print(`${INDENT}${description}`)
    },
    detail,
    check: (claim, holds) => {
      checks += 1
      if (!holds) failures += 1
      print(`${INDENT}${holds ? style('green', 'ok') : style('red', 'FAILED')}: ${claim}`)
    },
    finish: () => {
      const result =
        failures === 0 ? `All ${checks} checks passed.` : `${failures} of ${checks} checks failed.`
      print(`\n${style('bold', result)}`)
      return failures
    },
  }
}
