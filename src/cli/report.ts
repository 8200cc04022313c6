/** The steps that `check` reports, as data for JSON and as text for the terminal. */
import type { Addition } from '../iam/advice.ts'
import { escapeLines } from '../text.ts'
import { applyStyle, type Style, type Terminal } from './terminal.ts'

export type Outcome = 'ok' | 'failed' | 'note'

/** The subject of a step. A table can have the name of one of the kinds, such as `session`. Therefore its name is a separate property. */
export type Subject =
  | { readonly kind: 'credentials' | 'sts' | 'role' | 'session' | 'tables' }
  | {
      readonly kind: 'table'
      readonly name: string
      /** The name of the index, or `*` for all indexes. */
      readonly index?: string
    }

/** One result of `check`. */
export interface Step {
  readonly subject: Subject
  readonly outcome: Outcome
  readonly message: string
  /** The actions on a table that are allowed, denied, or not known to be either. */
  readonly allowed?: readonly string[]
  readonly denied?: readonly string[]
  readonly unclear?: readonly string[]
  /** The statements that the user should add to policies. */
  readonly add?: readonly Addition[]
}

const STYLES: Readonly<Record<Outcome, Style>> = { ok: 'green', failed: 'red', note: 'yellow' }

const formatSubject = (subject: Subject): string => {
  if (subject.kind === 'table')
    return subject.index === undefined
      ? `table ${subject.name}`
      : `table ${subject.name}, ${subject.index === '*' ? 'all indexes' : `index ${subject.index}`}`
  return subject.kind === 'sts' ? 'STS' : subject.kind
}

/** Returns the lines that show a step on the terminal. */
export const formatStep = (
  { subject, outcome, message, add = [] }: Step,
  { colors: { out } }: Terminal,
): string => {
  const [first = '', ...others] = message.split('\n')
  const label = applyStyle(out, STYLES[outcome], outcome.padEnd(6))
  const name = applyStyle(out, 'bold', `${formatSubject(subject)}:`)
  const advice = add.flatMap(({ account, to, statement }) => [
    `Account ${account}: add this to ${to}.`,
    ...JSON.stringify(statement, undefined, 2).split('\n'),
  ])
  const details = [...others, ...advice].map((line) => `       ${escapeLines(line)}`.trimEnd())
  return [`${label} ${name} ${escapeLines(first)}`, ...details].join('\n')
}
