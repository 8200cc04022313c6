/** What `check` found, step by step: for people, or as JSON. */
import { type Style, styled, type Terminal } from './terminal.ts'

export type Outcome = 'ok' | 'failed' | 'note'

export interface Step {
  /** What was looked at: `credentials`, `STS`, `role`, `session`, or a table. */
  readonly subject: string
  readonly outcome: Outcome
  readonly message: string
  /** What to add, and to which account. */
  readonly add?: { readonly account: string; readonly to: string; readonly statement: object }
}

const STYLES: Readonly<Record<Outcome, Style>> = { ok: 'green', failed: 'red', note: 'yellow' }

/** As a person reads it. */
export const told = ({ subject, outcome, message, add }: Step, terminal: Terminal): string => {
  const [first, ...more] = message.split('\n')
  const head = `${styled(terminal, STYLES[outcome], outcome.padEnd(6))} ${styled(terminal, 'bold', `${subject}:`)} ${first}`
  const advice =
    add === undefined
      ? []
      : [
          `Account ${add.account}, ${add.to}, add:`,
          ...JSON.stringify(add.statement, undefined, 2).split('\n'),
        ]
  return [head, ...[...more, ...advice].map((line) => `       ${line}`.trimEnd())].join('\n')
}
