/** Where a command writes to, and how it ends. */
import { styleText } from 'node:util'
import { escapeControls } from '../values.ts'

export interface Terminal {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
  /** Each stream by itself: one may go into a file. */
  readonly colours: Readonly<Record<'out' | 'err', boolean>>
}

/** 0: all is well. 1: there are findings. 2: wrong use, a configuration that cannot be right included. 3: it broke. */
export type ExitCode = 0 | 1 | 2 | 3

export type Style = Parameters<typeof styleText>[0]

/**
 * Text as it may be printed: control characters are escaped, except line ends. Everything that a command prints passes
 * through this function or through `styled`, since texts of AWS, file names and arguments can hold anything.
 */
export const printable = (text: string): string => text.split('\n').map(escapeControls).join('\n')

export const styled = (colours: boolean, style: Style, text: string): string =>
  colours ? styleText(style, printable(text), { validateStream: false }) : printable(text)
