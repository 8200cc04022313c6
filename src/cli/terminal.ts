/** Where a command writes to, and how it ends. */
import { styleText } from 'node:util'

export interface Terminal {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
  readonly colours: boolean
}

/** 0: all is well. 1: there are findings. 2: wrong use, a configuration that cannot be right included. */
export type ExitCode = 0 | 1 | 2

export type Style = Parameters<typeof styleText>[0]

export const styled = ({ colours }: Terminal, style: Style, text: string): string =>
  colours ? styleText(style, text, { validateStream: false }) : text
