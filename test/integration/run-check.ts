/** Runs the command `check` on the sandbox, and reads its steps. */
import { expect } from '@jest/globals'
import type { Step } from '../../src/cli/report.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { runCommandLine } from '../unit/cli/command-line.ts'

/** Runs a command line with `--json`, and returns the exit code and the parsed output. */
export const runCheck = async (line: string) => {
  const { code, out, err } = await runCommandLine(`${line} --json`)
  expect(err).toBe('')
  const { ok, steps, note }: { ok: boolean; steps: Step[]; note?: string } = JSON.parse(out)
  expect(code).toBe(ok ? 0 : 1)
  return { code, note, steps, failed: steps.filter(({ outcome }) => outcome === 'failed') }
}

/** Returns the subject and the outcome of each step, such as `table Orders: ok`. */
export const formatOutcomes = (steps: readonly Step[]): string[] =>
  steps.map(({ subject, outcome }) => {
    if (subject.kind !== 'table') return `${subject.kind}: ${outcome}`
    const index = subject.index === undefined ? '' : `/${subject.index}`
    return `table ${subject.name}${index}: ${outcome}`
  })

/** Makes DynamoDB deny an operation with this message. */
export const injectDenial = (sandbox: Sandbox, operation: string, message: string): void => {
  sandbox.faults.inject({
    service: 'dynamodb',
    operation,
    kind: 'status',
    status: 400,
    code: 'com.amazon.coral.service#AccessDeniedException',
    message,
  })
}
