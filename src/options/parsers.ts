/** Parsers that several options share. Lists and objects must be copies that `copyData` created. */
import { describe } from '../text.ts'
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

/** Returns the problem of a value that is not what was expected. It contains the type of the value, not the value. */
export const typeProblem = (expected: string, value: unknown): Problem => ({
  code: 'invalid-type',
  expected,
  actual: describe(value),
})

/** Reports that a value is not what was expected. The issue contains the type of the value, not the value. */
export const reportType = (report: Report, expected: string, value: unknown): undefined => {
  report(typeProblem(expected, value))
}

/** Creates a parser of the values in which `findProblem` finds no problem. It returns them unchanged. */
export const parserOf =
  <Value>(findProblem: (value: unknown) => Problem | undefined): Parser<Value> =>
  (value, report) => {
    const problem = findProblem(value)
    if (!problem) return value as Value
    report(problem)
    return undefined
  }

/** Creates a parser of the strings in which `findProblem` finds no problem. */
export const stringParser = (findProblem: (text: string) => Problem | undefined): Parser<string> =>
  parserOf((value) => (isString(value) ? findProblem(value) : typeProblem('a string', value)))

export const isString = (value: unknown): value is string => typeof value === 'string'

/** Converts a value for an issue: a string or a number stays unchanged, and any other value becomes its type. */
export const toReportable = (value: unknown): Reportable =>
  typeof value === 'string' || typeof value === 'number' ? value : { type: describe(value) }

/** Finds a problem with the length or the characters of a text. The problem never contains the whole text. */
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

export const textParser = (constraint: TextConstraint): Parser<string> =>
  stringParser((text) => findTextProblem(text, constraint))

export const parseBoolean: Parser<boolean> = parserOf((value) =>
  typeof value === 'boolean' ? undefined : typeProblem('a boolean', value),
)

export const integerParser = ({ min }: { readonly min: number }): Parser<number> =>
  parserOf((value) =>
    Number.isInteger(value) && Number(value) >= min
      ? undefined
      : { code: 'not-an-integer', min, value: toReportable(value) },
  )

const itemTypeProblem = (expected: string, item: unknown): Problem => ({
  code: 'invalid-type',
  expected,
  actual: `a list that contains ${describe(item)}`,
})

/** Creates a parser of lists of strings, which may be empty. `expected` is a phrase that describes the valid values. */
export const stringListParser = (expected: string): Parser<readonly string[]> =>
  parserOf((value) => {
    if (!Array.isArray(value)) return typeProblem(expected, value)
    const index = value.findIndex((item) => !isString(item))
    return index < 0 ? undefined : itemTypeProblem(expected, value[index])
  })

/** An attacker can send any number of invalid items, so the number of reported problems is limited. */
const MAX_PROBLEMS = 20

/** Creates a parser of nonempty lists of strings. `items` is a plural noun that describes the strings. */
export const listParser =
  (parseItem: Parser<string>, items: string): Parser<readonly string[]> =>
  (value, report) => {
    const expected = `a list of ${items}`
    if (!Array.isArray(value)) return reportType(report, expected, value)
    let problemCount = 0
    const add: Report = (problem) => {
      problemCount += 1
      report(problem)
    }
    if (value.length === 0) add({ code: 'empty' })
    for (const item of value) {
      if (problemCount >= MAX_PROBLEMS) break
      if (isString(item)) parseItem(item, add)
      else add(itemTypeProblem(expected, item))
    }
    return problemCount === 0 ? value : undefined
  }

/** Returns a report function that adds the property `path` of the option to each problem. */
export const reportAt =
  (report: Report, path: string): Report =>
  (problem) =>
    report({ ...problem, path })
