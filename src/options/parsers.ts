/** Parsers of values that options have in common. Lists and objects must be copies, see `copyData`. */
import { describe } from '../text.ts'
import type { Parser, Problem, Report } from './issue.ts'
import type { Reportable } from './messages.ts'

/** What text may be. Lengths are in characters, as AWS counts them. */
export interface TextConstraint {
  readonly min: number
  readonly max: number
  /** Matches a character that is not allowed. */
  readonly invalid: RegExp
  /** The allowed characters, in words. */
  readonly allowed: string
}

/** Reports with the value's type that it is not what was expected. */
export const reportType = (report: Report, expected: string, value: unknown): undefined => {
  report({ code: 'invalid-type', expected, actual: describe(value) })
}

/** Reports with the type of an item that a list is not what was expected. */
export const reportItemType = (report: Report, expected: string, item: unknown): undefined => {
  report({ code: 'invalid-type', expected, actual: `a list that contains ${describe(item)}` })
}

export const isString = (value: unknown): value is string => typeof value === 'string'

/** A value as an issue may hold it: a string or a number itself, anything else by its type. */
export const toReportable = (value: unknown): Reportable =>
  typeof value === 'string' || typeof value === 'number' ? value : { type: describe(value) }

/** What is wrong with the length and the characters of a text. The text itself is never part of the answer. */
export const findTextProblem = (
  text: string,
  { min, max, invalid, allowed }: TextConstraint,
): Problem | undefined => {
  // A character has two code units at most. A text that is much too long is not counted, because that takes time.
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

/** A list that is not empty, each item of which the parser takes. `items` says in the plural what they are. */
export const listParser =
  <Item>(parseItem: Parser<Item>, items: string): Parser<readonly Item[]> =>
  (value, report) => {
    if (!Array.isArray(value)) return reportType(report, `a list of ${items}`, value)
    if (value.length === 0) {
      report({ code: 'empty' })
      return undefined
    }
    const parsed: Item[] = []
    let invalid = 0
    for (const item of value) {
      const result = parseItem(item, report)
      if (result !== undefined) parsed.push(result)
      else invalid += 1
      // Data that an attacker made up may have any number of invalid items.
      if (invalid === MAX_INVALID_ITEMS) break
    }
    return invalid === 0 ? parsed : undefined
  }

/** A list of strings, which may be empty. `expected` says in words what may be given. */
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

/** Reports under a part of the option. */
export const reportAt =
  (report: Report, path: string): Report =>
  (problem) =>
    report({ ...problem, path })
