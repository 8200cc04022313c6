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
}

/** Reports that a value is not what was expected. The issue contains the type of the value, not the value. */
export const reportType = (report: Report, expected: string, value: unknown): undefined => {
  report({ code: 'invalid-type', expected, actual: describe(value) })
}

/** Reports that a list is not what was expected. The issue contains the type of the item, not the item. */
export const reportItemType = (report: Report, expected: string, item: unknown): undefined => {
  report({ code: 'invalid-type', expected, actual: `a list that contains ${describe(item)}` })
}

export const isString = (value: unknown): value is string => typeof value === 'string'

/** Converts a value for an issue: a string or a number stays unchanged, and any other value becomes its type. */
export const toReportable = (value: unknown): Reportable =>
  typeof value === 'string' || typeof value === 'number' ? value : { type: describe(value) }

/** Finds a problem with the length or the characters of a text. The problem never contains the whole text. */
export const findTextProblem = (
  text: string,
  { min, max, invalid, allowed }: TextConstraint,
): Problem | undefined => {
  // A character has at most two code units. Counting the characters of a very long text would take too long.
  const length = text.length > 2 * max ? text.length : [...text].length
  if (length < min || length > max) return { code: 'invalid-length', min, max, length }
  const character = invalid.exec(text)?.[0]
  return character === undefined ? undefined : { code: 'invalid-character', allowed, character }
}

export const textParser =
  (constraint: TextConstraint): Parser<string> =>
  (value, report) => {
    if (!isString(value)) return reportType(report, 'a string', value)
    const problem = findTextProblem(value, constraint)
    if (problem === undefined) return value
    report(problem)
    return undefined
  }

export const parseBoolean: Parser<boolean> = (value, report) =>
  typeof value === 'boolean' ? value : reportType(report, 'a boolean', value)

export const integerParser =
  ({ min }: { readonly min: number }): Parser<number> =>
  (value, report) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value
    report({ code: 'not-an-integer', min, value: toReportable(value) })
    return undefined
  }

const MAX_INVALID_ITEMS = 20

/** Creates a parser of nonempty lists whose items `parseItem` accepts. `items` is a plural noun that describes the items. */
export const listParser =
  <Item>(parseItem: Parser<Item>, items: string): Parser<readonly Item[]> =>
  (value, report) => {
    if (!Array.isArray(value)) return reportType(report, `a list of ${items}`, value)
    if (value.length === 0) {
      report({ code: 'empty' })
      return undefined
    }
    const parsed: Item[] = []
    let invalidCount = 0
    for (const item of value) {
      const result = parseItem(item, report)
      if (result !== undefined) parsed.push(result)
      else invalidCount += 1
      // An attacker can send any number of invalid items, so the number of reported problems is limited.
      if (invalidCount === MAX_INVALID_ITEMS) break
    }
    return invalidCount === 0 ? parsed : undefined
  }

/** Creates a parser of lists of strings, which may be empty. `expected` is a phrase that describes the valid values. */
export const stringListParser =
  (expected: string): Parser<readonly string[]> =>
  (value, report) => {
    if (!Array.isArray(value)) return reportType(report, expected, value)
    const strings = value.filter(isString)
    if (strings.length === value.length) return strings
    return reportItemType(
      report,
      expected,
      value.find((item) => !isString(item)),
    )
  }

/** Returns a report function that adds the property `path` of the option to each problem. */
export const reportAt =
  (report: Report, path: string): Report =>
  (problem) =>
    report({ ...problem, path })
