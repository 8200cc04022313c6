/** What `check` found, step by step: for people, or as JSON. */
import { printable, type Style, styled, type Terminal } from './terminal.ts'

export type Outcome = 'ok' | 'failed' | 'note'

/** What to add to a policy, and in which account: a statement, or a list of them, as `Statement` takes both. */
export interface Addition {
  readonly account: string
  /** The policy. */
  readonly to: string
  readonly statement: object
}

export interface Step {
  /** What was looked at: `credentials`, `STS`, `role`, `session`, or a table. */
  readonly subject: string
  readonly outcome: Outcome
  readonly message: string
  /** The actions on a table that this is about, under what was found of them. */
  readonly allowed?: readonly string[]
  readonly denied?: readonly string[]
  readonly unclear?: readonly string[]
  readonly add?: readonly Addition[]
}

const STYLES: Readonly<Record<Outcome, Style>> = { ok: 'green', failed: 'red', note: 'yellow' }

/** As a person reads it. */
export const told = (
  { subject, outcome, message, add = [] }: Step,
  { colours: { out } }: Terminal,
): string => {
  const [first = '', ...more] = message.split('\n')
  const head = `${styled(out, STYLES[outcome], outcome.padEnd(6))} ${styled(out, 'bold', `${subject}:`)} ${printable(first)}`
  const advice = add.flatMap(({ account, to, statement }) => [
    `Account ${account}, ${to}, add:`,
    ...JSON.stringify(statement, undefined, 2).split('\n'),
  ])
  return [head, ...[...more, ...advice].map((line) => `       ${printable(line)}`.trimEnd())].join('\n')
}
