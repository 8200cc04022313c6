/** What `check` finds: as steps for JSON, or as text. */
import type { Addition } from '../iam/advice.ts'
import { printable, type Style, styled, type Terminal } from './terminal.ts'

export type Outcome = 'ok' | 'failed' | 'note'

/** What a step is about. The name of a table can be any of the kinds, so it is kept apart. */
export type Subject =
  | { readonly kind: 'credentials' | 'sts' | 'role' | 'session' | 'tables' }
  | { readonly kind: 'table'; readonly name: string }

export interface Step {
  readonly subject: Subject
  readonly outcome: Outcome
  readonly message: string
  /** The actions on a table that the step is about, by what was found. */
  readonly allowed?: readonly string[]
  readonly denied?: readonly string[]
  readonly unclear?: readonly string[]
  /** The statements to add. */
  readonly add?: readonly Addition[]
}

const STYLES: Readonly<Record<Outcome, Style>> = { ok: 'green', failed: 'red', note: 'yellow' }

const formatSubject = (subject: Subject): string => {
  if (subject.kind === 'table') return `table ${subject.name}`
  return subject.kind === 'sts' ? 'STS' : subject.kind
}

/** A step as lines for the terminal. */
export const formatStep = (
  { subject, outcome, message, add = [] }: Step,
  { colors: { out } }: Terminal,
): string => {
  const [first = '', ...others] = message.split('\n')
  const label = styled(out, STYLES[outcome], outcome.padEnd(6))
  const name = styled(out, 'bold', `${formatSubject(subject)}:`)
  const advice = add.flatMap(({ account, to, statement }) => [
    `Account ${account}: add this to ${to}.`,
    ...JSON.stringify(statement, undefined, 2).split('\n'),
  ])
  const details = [...others, ...advice].map((line) => `       ${printable(line)}`.trimEnd())
  return [`${label} ${name} ${printable(first)}`, ...details].join('\n')
}
