/** Parsers that several options share. Lists and objects must be copies that `copyData` created. */
import { describeType } from '../text.ts'
import type { Parser, Problem, Report } from './issue.ts'
import type { Reportable } from './messages.ts'

/** The constraints on a text. Lengths are in Unicode characters, as AWS counts them. */
export interface TextConstraint {
  readonly min: number
  readonly max: number
  /** Matches a character that is not allowed. */
  readonly invalid: RegExp
  /** A phrase that describes the allowed characters. */
  readonly allowed: string
  /** Matches a prefix that AWS reserves. */
  readonly reserved?: RegExp
}

/** Creates a problem that states the expected value and the actual type. The problem does not contain the value. */
export const createTypeProblem = (expected: string, value: unknown): Problem => ({
  code: 'invalid-type',
  expected,
  actual: describeType(value),
})

/** Reports the expected value and the actual type. The issue does not contain the value. */
export const reportTypeProblem = (report: Report, expected: string, value: unknown): undefined => {
  report(createTypeProblem(expected, value))
}

/** Creates a parser that returns a value unchanged if `findProblem` returns no problem. */
export const createParser =
  <Value>(findProblem: (value: unknown) => Problem | undefined): Parser<Value> =>
  (value, report) => {
    const problem = findProblem(value)
    if (!problem) return value as Value
    report(problem)
    return undefined
  }

/** Creates a parser that returns a string unchanged if `findProblem` returns no problem. */
export const createStringParser = (findProblem: (text: string) => Problem | undefined): Parser<string> =>
  createParser((value) => (isString(value) ? findProblem(value) : createTypeProblem('a string', value)))

export const isString = (value: unknown): value is string => typeof value === 'string'

/** Converts a value for an issue: a string or a number stays unchanged, and any other value becomes its type. */
export const toReportable = (value: unknown): Reportable =>
  typeof value === 'string' || typeof value === 'number' ? value : { type: describeType(value) }

/** Returns a problem if the length or a character of a text is invalid. The problem never contains the whole text. */
export const findTextProblem = (
  text: string,
  { min, max, invalid, allowed, reserved }: TextConstraint,
): Problem | undefined => {
  if (reserved?.test(text)) return { code: 'reserved-prefix' }
  // A character has at most two code units. Counting the characters of a very long text would take too long.
  const length = text.length > 2 * max ? text.length : [...text].length
  if (length < min || length > max) return { code: 'invalid-length', min, max, length }
  const character = invalid.exec(text)?.[0]
  return character === undefined ? undefined : { code: 'invalid-character', allowed, character }
}

export const createTextParser = (constraint: TextConstraint): Parser<string> =>
  createStringParser((text) => findTextProblem(text, constraint))

export const parseBoolean: Parser<boolean> = createParser((value) =>
  typeof value === 'boolean' ? undefined : createTypeProblem('a boolean', value),
)

export const createIntegerParser = ({ min }: { readonly min: number }): Parser<number> =>
  createParser((value) =>
    Number.isInteger(value) && Number(value) >= min
      ? undefined
      : { code: 'not-an-integer', min, value: toReportable(value) },
  )

const createItemTypeProblem = (expected: string, item: unknown): Problem => ({
  code: 'invalid-type',
  expected,
  actual: `a list that contains ${describeType(item)}`,
})

/** Creates a parser of lists of strings. A list may be empty. `expected` is a phrase that describes the valid values. */
export const createStringListParser = (expected: string): Parser<readonly string[]> =>
  createParser((value) => {
    if (!Array.isArray(value)) return createTypeProblem(expected, value)
    const index = value.findIndex((item) => !isString(item))
    return index < 0 ? undefined : createItemTypeProblem(expected, value[index])
  })

/** An attacker can send any number of invalid items, so the number of reported problems is limited. */
const MAX_PROBLEMS = 20

/** Creates a parser of nonempty lists of strings. `items` is a plural noun that describes the strings. */
export const createListParser =
  (parseItem: Parser<string>, items: string): Parser<readonly string[]> =>
  (value, report) => {
    const expected = `a list of ${items}`
    if (!Array.isArray(value)) return reportTypeProblem(report, expected, value)
    let problemCount = 0
    const add: Report = (problem) => {
      problemCount += 1
      report(problem)
    }
    if (value.length === 0) add({ code: 'empty' })
    for (const item of value) {
      if (problemCount >= MAX_PROBLEMS) break
      if (isString(item)) parseItem(item, add)
      else add(createItemTypeProblem(expected, item))
    }
    return problemCount === 0 ? value : undefined
  }

/** Creates a report function that adds the path of a property to each problem. */
export const createPathReport =
  (report: Report, path: string): Report =>
  (problem) =>
    report({ ...problem, path })
