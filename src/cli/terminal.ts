/** The output streams of a command, and its exit codes. */
import { styleText } from 'node:util'
import { escapeLines } from '../text.ts'

export interface Terminal {
  readonly out: (text: string) => unknown
  readonly err: (text: string) => unknown
  /** Whether each stream has colors. The values can differ, because users can redirect only one of the streams to a file. */
  readonly colors: Readonly<Record<'out' | 'err', boolean>>
}

/**
 * The exit code of a command.
 *
 * - 0: success
 * - 1: `check` found a problem
 * - 2: usage error or invalid configuration
 * - 3: unexpected error, so that the command has no result
 */
export type ExitCode = 0 | 1 | 2 | 3

export type Style = Parameters<typeof styleText>[0]

/**
 * Escapes control characters, except line feeds, and adds a style if the stream has colors. Commands print each text with this function
 * or with `escapeLines`, because texts from AWS, file names and arguments can contain any character.
 */
export const applyStyle = (hasColors: boolean, style: Style, text: string): string =>
  hasColors ? styleText(style, escapeLines(text), { validateStream: false }) : escapeLines(text)
