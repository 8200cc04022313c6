/** Compares the counts of a run with the expected ones. */
import type { Check } from './bench.ts'

export const hasPassed = (check: Check): boolean =>
  'atMost' in check ? check.actual <= check.atMost : check.actual === check.expected

/** Returns the check as a line, such as `ok      connections to DynamoDB: 1`. */
export const formatCheck = (check: Check): string => {
  const actual = Number(check.actual.toFixed(2))
  const expected = 'atMost' in check ? `at most ${check.atMost}` : String(check.expected)
  return hasPassed(check)
    ? `ok      ${check.name}: ${actual}${'atMost' in check ? `, ${expected}` : ''}`
    : `FAILED  ${check.name}: expected ${expected}, but is ${actual}`
}
