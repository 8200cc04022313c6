/** Where a command writes to, and its exit codes. */
import { styleText } from 'node:util'
import { escapeControls } from '../text.ts'

export interface Terminal {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
  /** Per stream, because only one of them may be redirected to a file. */
  readonly colors: Readonly<Record<'out' | 'err', boolean>>
}

/** 0: success. 1: findings. 2: usage error or invalid configuration. 3: unexpected error, so nothing was found out. */
export type ExitCode = 0 | 1 | 2 | 3

export type Style = Parameters<typeof styleText>[0]

/**
 * Escapes control characters except line ends. Everything that a command prints passes through this function or through
 * `styled`, because texts of AWS, file names and arguments can contain any character.
 */
export const printable = (text: string): string => text.split('\n').map(escapeControls).join('\n')

export const styled = (hasColors: boolean, style: Style, text: string): string =>
  hasColors ? styleText(style, printable(text), { validateStream: false }) : printable(text)
