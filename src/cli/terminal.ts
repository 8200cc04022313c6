/** Where a command writes to, and how it ends. */
import { styleText } from 'node:util'

export interface Terminal {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
  /** Each stream by itself: one may go into a file. */
  readonly colours: Readonly<Record<'out' | 'err', boolean>>
}

/** 0: all is well. 1: there are findings. 2: wrong use, a configuration that cannot be right included. 3: it broke. */
export type ExitCode = 0 | 1 | 2 | 3

export type Style = Parameters<typeof styleText>[0]

export const styled = (colours: boolean, style: Style, text: string): string =>
  colours ? styleText(style, text, { validateStream: false }) : text
