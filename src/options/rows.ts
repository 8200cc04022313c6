/** Reads options. A row describes one option. If an option is not set, its value comes from its environment variables. */
import { describeType, UnsupportedValue } from '../text.ts'
import { copyData, copyProperties } from './copy.ts'
import type { Issue, Parser, Report } from './issue.ts'
import { findNearestName } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** An environment variable of an option. */
export interface Variable {
  /** The part of the variable's name after the prefix and an underscore. */
  readonly suffix: string
  /** The property of the option that the variable sets. If there is no `property`, the variable sets the whole option. */
  readonly property?: string
  /** Converts the text of the variable to a value for the option's parser. */
  readonly read: (text: string, report: Report) => unknown
}

/** The description of an option. It does not contain the default, which `configuration/configuration.ts` applies. */
export interface Row<Value> {
  readonly parse: Parser<Value>
  /** The environment variables that set the option. If there are none, only code can set the option. */
  readonly variables?: readonly Variable[]
  /**
   * Copies the value, so that it cannot change between the check and the use.
   *
   * @default copyData
   */
  readonly copy?: (value: unknown) => unknown
}

export type Rows = Readonly<Record<string, Row<unknown>>>

/** The values of the options that are set and valid. */
export type Values<Table extends Rows> = {
  readonly [Name in keyof Table]?: Table[Name] extends Row<infer Value> ? Value : never
}

export interface OptionReader<Table extends Rows> {
  /** The prefix of the variables' names. */
  readonly prefix: string
  readonly values: Values<Table>
  /** The issues that have been reported so far. The list grows with each reported problem. */
  readonly issues: readonly Issue[]
  /** Returns whether an option has a value from any source, valid or not. */
  readonly isSet: (name: keyof Table & string) => boolean
  /** Returns the report function of an option. It adds the option, and the names of the variables that the value came from. */
  readonly reportOn: (name: string) => Report
}

export interface OptionSource {
  readonly given: unknown
  readonly environment?: Environment
  /** The option that sets the prefix of the variables, and the prefix to use if the option is not set or is invalid. */
  readonly prefix?: { readonly option: string; readonly fallback: string }
}

/** The prefix of the names of the variables, unless `envPrefix` sets another one. */
export const DEFAULT_PREFIX = 'CROSS_ACCOUNT_DYNAMO'

export const toVariableName = (prefix: string, { suffix }: Pick<Variable, 'suffix'>): string =>
  `${prefix}_${suffix}`

export const createOptionReader = <Table extends Rows>(
  rows: Table,
  { given, environment = {}, prefix: prefixSource }: OptionSource,
): OptionReader<Table> => {
  const issues: Issue[] = []
  const options = readGivenOptions(rows, given, issues)
  const prefix = readPrefix(rows, options, prefixSource)

  const readVariableText = (variable: Variable): string | undefined =>
    environment[toVariableName(prefix, variable)] || undefined
  /** Returns the variables that determine the value: none if the option is set, and otherwise all variables that are set. */
  const findEffectiveVariables = (name: string): readonly Variable[] =>
    options[name] === undefined
      ? (rows[name]?.variables ?? []).filter((variable) => readVariableText(variable) !== undefined)
      : []

  /**
   * Returns the names of the variables that caused a problem: the variable of the property `path`. If the property has no
   * variable, returns all effective variables.
   */
  const findOriginVariables = (name: string, path: string | undefined): readonly string[] => {
    const effective = findEffectiveVariables(name)
    const ofProperty = (rows[name]?.variables ?? []).filter(({ property }) => property === path)
    const origins = effective.length > 0 && ofProperty.length > 0 ? ofProperty : effective
    return origins.map((variable) => toVariableName(prefix, variable))
  }

  const reportOn =
    (name: string): Report =>
    (problem) => {
      const origins = findOriginVariables(name, problem.path)
      issues.push({ ...problem, option: name, ...(origins.length > 0 && { variable: origins.join(', ') }) })
    }

  const readVariables = (name: string): unknown => {
    const report = reportOn(name)
    const variables = findEffectiveVariables(name)
    const read = (variable: Variable): unknown => variable.read(readVariableText(variable) ?? '', report)
    const [first] = variables
    if (first === undefined || first.property === undefined) return first && read(first)
    return Object.fromEntries(variables.map((variable) => [variable.property, read(variable)]))
  }

  const parse = ([name, row]: [string, Row<unknown>]): [string, unknown][] => {
    const value = options[name] === undefined ? readVariables(name) : options[name]
    const parsed = value === undefined ? undefined : row.parse(value, reportOn(name))
    return parsed === undefined ? [] : [[name, parsed]]
  }

  reportUnreadVariables(rows, prefix, environment, issues)
  return {
    prefix,
    values: Object.fromEntries(Object.entries(rows).flatMap(parse)) as Values<Table>,
    issues,
    isSet: (name) => options[name] !== undefined || findEffectiveVariables(name).length > 0,
    reportOn,
  }
}

/**
 * Returns the prefix, or the fallback if the option is not set or is invalid. A problem of the prefix is reported later, together
 * with the problems of the other options.
 */
const readPrefix = (
  rows: Rows,
  options: Readonly<Record<string, unknown>>,
  source: OptionSource['prefix'],
): string => {
  if (source === undefined) return ''
  const value = options[source.option]
  const prefix = value === undefined ? undefined : rows[source.option]?.parse(value, () => {})
  return typeof prefix === 'string' ? prefix : source.fallback
}

/** Returns copies of the options that are set. Reads each option once, and reports unknown options. */
const readGivenOptions = (rows: Rows, given: unknown, issues: Issue[]): Readonly<Record<string, unknown>> => {
  const options = copyProperties(given)
  if (UnsupportedValue.is(options)) {
    issues.push({
      option: 'options',
      code: 'invalid-type',
      expected: 'a plain object',
      actual: describeType(options),
    })
    return {}
  }
  const known = Object.keys(rows)
  const copies: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rows, name))
      issues.push({ option: name, code: 'unknown-option', suggestion: findNearestName(name, known), known })
    else if (value !== undefined) copies[name] = (rows[name]?.copy ?? copyData)(value)
  }
  return copies
}

/**
 * Reports variables that are not read although they look like a variable of an option: a variable whose name differs from a known
 * name only in case or underscores, and a variable for an option that no single variable sets.
 */
const reportUnreadVariables = (
  rows: Rows,
  prefix: string,
  environment: Environment,
  issues: Issue[],
): void => {
  const normalize = (name: string) => name.replaceAll('_', '').toUpperCase()
  const known = new Map<string, { readonly option: string; readonly correct?: string }>()
  for (const [option, { variables = [] }] of Object.entries(rows)) {
    if (variables.every(({ property }) => property !== undefined))
      known.set(normalize(`${prefix}_${option}`), { option })
    for (const variable of variables) {
      const correct = toVariableName(prefix, variable)
      known.set(normalize(correct), { option, correct })
    }
  }
  for (const [name, text] of Object.entries(environment)) {
    const match = known.get(normalize(name))
    if (match === undefined || match.correct === name || !text) continue
    const { option, correct } = match
    if (correct !== undefined) issues.push({ option, code: 'misspelled-variable', misspelled: name, correct })
    else {
      const instead = (rows[option]?.variables ?? []).map((variable) => toVariableName(prefix, variable))
      issues.push({ option, code: 'no-such-variable', unread: name, instead })
    }
  }
}

// The functions below convert the text of a variable.

export const readText = (text: string): unknown => text

/** Converts digits to a number. Returns any other text unchanged, so that the parser can report it. */
export const readNumber = (text: string): unknown => (/^\d+$/.test(text.trim()) ? Number(text) : text)

export const readList = (text: string): unknown => text.split(',').map((item) => item.trim())

/** Converts a JSON object, or comma-separated `key=value` pairs, to a record. */
export const readRecord = (text: string, report: Report): unknown => {
  if (/^\s*[{["]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      // The message of JSON.parse would quote the text, which may contain secrets.
      report({ code: 'invalid-json' })
      return undefined
    }
  }
  const pairs = text.split(',').map((pair) => [...pair.split(/=(.*)/s, 2)].map((part) => part.trim()))
  const incomplete = pairs.findIndex(({ length }) => length < 2)
  if (incomplete >= 0) {
    report({ code: 'missing-equals-sign', pair: incomplete + 1 })
    return undefined
  }
  const keys = pairs.map(([key = '']) => key)
  const duplicate = keys.find((key, index) => keys.indexOf(key) < index)
  if (duplicate !== undefined) {
    report({ code: 'duplicate-tag-key', keys: [duplicate, duplicate] })
    return undefined
  }
  return Object.fromEntries(pairs)
}

export const returnUnchanged = (value: unknown): unknown => value
