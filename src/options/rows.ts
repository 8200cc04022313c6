/** Reads options that are described by rows: a value comes from the option itself, or else from its variables. */
import { describe, UnsupportedValue } from '../text.ts'
import { copyData, copyProperties } from './copy.ts'
import type { Issue, Parser, Report } from './issue.ts'
import { nearest } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** An environment variable of an option. */
export interface Variable {
  /** The end of the variable's name, which follows the prefix. */
  readonly suffix: string
  /** The property of the option that it sets. Without it, the variable sets the option itself. */
  readonly property?: string
  /** Reads the text of the variable, for the parser of the option. */
  readonly read: (text: string, report: Report) => unknown
}

/** An option. Defaults are applied where the configuration is assembled. */
export interface Row<Value> {
  readonly parse: Parser<Value>
  /** None, if the option cannot be set by the environment. */
  readonly variables?: readonly Variable[]
  /** Copies the value, so that it cannot change between its check and its use. Default: `copyData`. */
  readonly copy?: (value: unknown) => unknown
}

export type Rows = Readonly<Record<string, Row<unknown>>>

/** The values of options that are set and valid. */
export type Values<Table extends Rows> = {
  readonly [Name in keyof Table]?: Table[Name] extends Row<infer Value> ? Value : never
}

export interface OptionReader<Table extends Rows> {
  /** The prefix of the variables. */
  readonly prefix: string
  readonly values: Values<Table>
  /** The issues so far. Reporting a problem adds one. */
  readonly issues: readonly Issue[]
  /** Whether an option has a value from any source, valid or not. */
  readonly isSet: (name: keyof Table & string) => boolean
  /** Whether the option itself has a value, and not only its variable. */
  readonly isGiven: (name: keyof Table & string) => boolean
  /** Reports problems of an option, with the variable that its value came from. */
  readonly reportOn: (name: string) => Report
}

export interface OptionSource {
  readonly given: unknown
  readonly environment?: Environment
  /** The option that sets the prefix of the variables, and the default. */
  readonly prefix?: { readonly option: string; readonly fallback: string }
}

export const variableName = (prefix: string, { suffix }: Variable): string => `${prefix}_${suffix}`

export const createOptionReader = <Table extends Rows>(
  rows: Table,
  { given, environment = {}, prefix: prefixSource }: OptionSource,
): OptionReader<Table> => {
  const issues: Issue[] = []
  const options = readGivenOptions(rows, given, issues)
  const prefix = readPrefix(rows, options, prefixSource)

  const textOf = (variable: Variable): string | undefined =>
    environment[variableName(prefix, variable)] || undefined
  /** The variables that decide the value of an option: those that are set, if the option is not given. */
  const decidingVariables = (name: string): readonly Variable[] =>
    options[name] === undefined
      ? (rows[name]?.variables ?? []).filter((variable) => textOf(variable) !== undefined)
      : []

  /** The variables that a problem of an option comes from: that of its part, or all that are set. */
  const originsOf = (name: string, path: string | undefined): readonly string[] => {
    const deciding = decidingVariables(name)
    const ofPart = (rows[name]?.variables ?? []).filter(({ property }) => property === path)
    const origins = deciding.length > 0 && ofPart.length > 0 ? ofPart : deciding
    return origins.map((variable) => variableName(prefix, variable))
  }

  const reportOn =
    (name: string): Report =>
    (problem) => {
      const origins = originsOf(name, problem.path)
      issues.push({ ...problem, option: name, ...(origins.length > 0 && { variable: origins.join(', ') }) })
    }

  const readVariables = (name: string): unknown => {
    const report = reportOn(name)
    const variables = decidingVariables(name)
    const read = (variable: Variable): unknown => variable.read(textOf(variable) ?? '', report)
    const [single] = variables
    if (single === undefined || single.property === undefined) return single && read(single)
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
    isSet: (name) => options[name] !== undefined || decidingVariables(name).length > 0,
    isGiven: (name) => options[name] !== undefined,
    reportOn,
  }
}

/** The prefix, or the default if the option is invalid, which its row reports. */
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

/** Each option is read once and copied. */
const readGivenOptions = (rows: Rows, given: unknown, issues: Issue[]): Readonly<Record<string, unknown>> => {
  const options = copyProperties(given)
  if (UnsupportedValue.is(options)) {
    issues.push({
      option: 'options',
      code: 'invalid-type',
      expected: 'a plain object',
      actual: describe(options),
    })
    return {}
  }
  const known = Object.keys(rows)
  const copies: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rows, name))
      issues.push({ option: name, code: 'unknown-option', suggestion: nearest(name, known), known })
    else if (value !== undefined) copies[name] = (rows[name]?.copy ?? copyData)(value)
  }
  return copies
}

/**
 * Variables that would be ignored silently: those that differ from a known one only in case or underscores, and those of
 * options that have no variable.
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
      const correct = variableName(prefix, variable)
      known.set(normalize(correct), { option, correct })
    }
  }
  for (const [name, text] of Object.entries(environment)) {
    const match = known.get(normalize(name))
    if (match === undefined || match.correct === name || !text) continue
    const { option, correct } = match
    if (correct !== undefined) issues.push({ option, code: 'misspelled-variable', misspelled: name, correct })
    else {
      const instead = (rows[option]?.variables ?? []).map((variable) => variableName(prefix, variable))
      issues.push({ option, code: 'no-such-variable', unread: name, instead })
    }
  }
}

// How the texts of variables are read.

export const readText = (text: string): unknown => text

/** A number, or the text itself if it is not one. The parser reports the text. */
export const readNumber = (text: string): unknown => (/^\d+$/.test(text.trim()) ? Number(text) : text)

export const readList = (text: string): unknown => text.split(',').map((item) => item.trim())

/** A JSON object, or `key=value` pairs that are separated by commas. */
export const readRecord = (text: string, report: Report): unknown => {
  if (/^\s*[{["]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      // The parser's own message would quote the text, which may contain secrets.
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

/** Copies data. A function is kept, because it is called later. */
export const copyDataOrFunction = (value: unknown): unknown =>
  typeof value === 'function' ? value : copyData(value)

export const keep = (value: unknown): unknown => value
