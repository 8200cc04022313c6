/** Reads options one by one: what was given, else what the environment says, noting all that is wrong on the way. */
import { copyData, copyProperties } from './copy.ts'
import type { Complaint } from './limits.ts'
import { nearest } from './nearest.ts'
import type { CrossAccountDynamoOptions, Environment } from './options.ts'
import { IDENTITY_OPTIONS } from './resolvers.ts'
import { describe, quoted, UnsupportedValue } from './values.ts'

export type OptionName = keyof CrossAccountDynamoOptions

const asText = (text: string): unknown => text

/** What is not a number stays text, for the check to show. */
const asNumber = (text: string): unknown => (/^\d+$/.test(text.trim()) ? Number(text) : text)

const asList = (text: string): unknown => text.split(',').map((each) => each.trim())

/** The keys of a JSON object as written: of those that stand twice, the parser keeps one. */
const keysOf = (json: string): string[] =>
  [...json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)].flatMap(([, string = '', colon]) =>
    colon === undefined ? [] : [JSON.parse(string) as string],
  )

const refuseTwice = (keys: readonly string[]): void => {
  const twice = keys.find((key, index) => keys.indexOf(key) < index)
  if (twice !== undefined) throw new TypeError(`has the key ${JSON.stringify(twice)} twice`)
}

const asTags = (text: string): unknown => {
  if (/^\s*[{["]/.test(text)) {
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      // The parser's own message quotes the text, and with it the values of tags.
      throw new TypeError('begins as JSON but is not valid JSON')
    }
    refuseTwice(keysOf(text))
    return parsed
  }
  const pairs = text.split(',').map((pair, index) => {
    const equals = pair.indexOf('=')
    if (equals < 0) {
      throw new TypeError(
        `is neither JSON nor key=value pairs: pair ${index + 1} has no "=" (a value that holds a comma needs JSON)`,
      )
    }
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()] as const
  })
  refuseTwice(pairs.map(([key]) => key))
  return Object.fromEntries(pairs)
}

/** Each option, and how its variable's text is read. `undefined`: it has no variable. */
const OPTIONS: Readonly<Record<OptionName, ((text: string) => unknown) | undefined>> = {
  roleArn: asText,
  externalId: asText,
  sessionTags: asTags,
  transitiveTagKeys: asList,
  sessionName: asText,
  sourceIdentity: asText,
  durationSeconds: asNumber,
  region: asText,
  refreshBefore: asNumber,
  stsRegions: asList,
  maxSessions: asNumber,
  // Its variables are two: see SCOPE_VARIABLES.
  scope: undefined,
  policy: undefined,
  policyArns: undefined,
  contextKey: undefined,
  envPrefix: undefined,
  documentClient: undefined,
  translateConfig: undefined,
  awsClientOptions: undefined,
  stsClientOptions: undefined,
  awsClientCapture: undefined,
  logger: undefined,
  disablePrefetch: undefined,
}
const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[]
const WITH_VARIABLE = OPTION_NAMES.filter((name) => OPTIONS[name] !== undefined)

/** What of `scope` can be set by the environment, and how the text is read. */
const SCOPE_VARIABLES = {
  tables: asList,
  access: (text: string): unknown =>
    /^(?:read|write|read-write)$/.test(text.trim()) ? text.trim() : asList(text),
} as const

export const DEFAULT_PREFIX = 'CROSS_ACCOUNT_DYNAMO'

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

export interface OptionReader {
  /** An option's value if it passes its check. `undefined` when it is not set, and when it is wrong, which is noted. */
  readonly checked: <T>(name: OptionName, check: (value: unknown) => Complaint) => T | undefined
  /** A copy of an option's value, or of what its variable's text is read as. */
  readonly readOption: (name: OptionName) => unknown
  readonly isSet: (name: OptionName) => boolean
  /** Whether the option itself was given, and not only its variable. */
  readonly isGiven: (name: OptionName) => boolean
  /** Notes a problem with an option, naming the variable if that is where its value came from. */
  readonly complain: (name: OptionName, complaint: Complaint) => void
  /** The name of the variable of an option. */
  readonly variableOf: (name: OptionName) => string
}

export const createOptionReader = (
  given: unknown,
  environment: Environment,
  problems: string[],
): OptionReader => {
  const options = copyOptions(given, problems)
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue
    const near = nearest(name, OPTION_NAMES)
    const advice = near === undefined ? `the options are ${OPTION_NAMES.join(', ')}` : `did you mean ${near}?`
    problems.push(`${/^[\w$]{1,64}$/.test(name) ? name : quoted(name)}: is not an option; ${advice}`)
  }

  let prefix = options.envPrefix === undefined ? DEFAULT_PREFIX : options.envPrefix
  if (typeof prefix !== 'string' || !/^[A-Za-z_]\w*(?<!_)$/.test(prefix)) {
    problems.push('envPrefix: must be letters, digits and _, not ending in _, such as ORDERS_DYNAMO')
    prefix = DEFAULT_PREFIX
  }
  const variableOf = (name: OptionName): string => `${prefix}_${snakeCase(name)}`
  const scopeVariables = Object.keys(SCOPE_VARIABLES).map((part) => `${prefix}_${snakeCase(part)}`)
  problems.push(...misspelledVariables([...WITH_VARIABLE.map(variableOf), ...scopeVariables], environment))
  for (const name of OPTION_NAMES) {
    if (OPTIONS[name] !== undefined || !environment[variableOf(name)]) continue
    const instead = name === 'scope' ? `; set ${scopeVariables.join(' and ')}` : ''
    problems.push(`the variable ${variableOf(name)} is not read: ${name} is an option only${instead}`)
  }

  /** The scope that the environment sets, unless the option does. */
  const scopeFromVariables = (): Record<string, unknown> | undefined => {
    if (options.scope !== undefined) return undefined
    const parts = Object.entries(SCOPE_VARIABLES).flatMap(([part, parse]) => {
      const text = environment[`${prefix}_${snakeCase(part)}`]
      return text ? [[part, parse(text)] as const] : []
    })
    return parts.length === 0 ? undefined : Object.fromEntries(parts)
  }

  /** Where the value of an option comes from, for messages. */
  const originOf = (name: OptionName): string => {
    if (name === 'scope')
      return scopeFromVariables() === undefined ? '' : ` (from ${scopeVariables.join(', ')})`
    return textOf(name) === undefined ? '' : ` (from ${variableOf(name)})`
  }

  /** The text of an option's variable, where that decides: it is not empty, and the option was not given. */
  const textOf = (name: OptionName): string | undefined =>
    options[name] === undefined && OPTIONS[name] !== undefined
      ? environment[variableOf(name)] || undefined
      : undefined

  const complain = (name: OptionName, complaint: Complaint): void => {
    if (complaint === undefined) return
    problems.push(`${name}${originOf(name)}: ${complaint}`)
  }

  const readOption = (name: OptionName): unknown => {
    if (name === 'scope') return options.scope === undefined ? scopeFromVariables() : options.scope
    const text = textOf(name)
    if (text === undefined) return options[name]
    try {
      return copyData(OPTIONS[name]?.(text))
    } catch (error) {
      complain(name, (error as Error).message)
      return undefined
    }
  }

  return {
    checked: <T>(name: OptionName, check: (value: unknown) => Complaint) => {
      const value = readOption(name)
      if (value === undefined) return undefined
      const complaint = check(value)
      complain(name, complaint)
      return complaint === undefined ? (value as T) : undefined
    },
    isGiven: (name) => options[name] !== undefined,
    isSet: (name) =>
      options[name] !== undefined ||
      textOf(name) !== undefined ||
      (name === 'scope' && scopeFromVariables() !== undefined),
    readOption,
    complain,
    variableOf,
  }
}

/** Options that may be functions of the request. */
const RESOLVABLE: ReadonlySet<string> = new Set(IDENTITY_OPTIONS)

/** A copy of an option's value. What belongs to the SDK, to a tracer or to a logger stays the same object inside. */
const copyOption = (name: string, value: unknown): unknown => {
  switch (name) {
    case 'logger':
    case 'awsClientCapture':
      return value
    case 'awsClientOptions':
    case 'stsClientOptions':
      return value === undefined ? undefined : copyProperties(value)
    case 'translateConfig':
      return value === undefined ? undefined : copyTranslateConfig(value)
    default:
      return typeof value === 'function' && RESOLVABLE.has(name) ? value : copyData(value)
  }
}

const copyTranslateConfig = (value: unknown): unknown => {
  const copy = copyProperties(value)
  if (UnsupportedValue.is(copy)) return copy
  const { marshallOptions, unmarshallOptions, ...rest } = copy
  return {
    ...rest,
    ...(marshallOptions !== undefined && { marshallOptions: copyProperties(marshallOptions) }),
    ...(unmarshallOptions !== undefined && { unmarshallOptions: copyProperties(unmarshallOptions) }),
  }
}

/** The options, each read once and copied, so that no value can change between its check and its use. */
const copyOptions = (given: unknown, problems: string[]): Readonly<Record<string, unknown>> => {
  const options = copyProperties(given)
  if (UnsupportedValue.is(options)) {
    problems.push(`the options must be a plain object, but are ${describe(options)}`)
    return {}
  }
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, copyOption(name, value)]))
}

/** Variables that would be ignored in silence: those that differ from a known one only in underscores or case. */
const misspelledVariables = (known: readonly string[], environment: Environment): string[] => {
  const letters = (variable: string) => variable.replaceAll('_', '').toUpperCase()
  const meant = new Map(known.map((variable) => [letters(variable), variable]))
  return Object.keys(environment).flatMap((variable) => {
    const right = meant.get(letters(variable))
    return right === undefined || right === variable || !environment[variable]
      ? []
      : [`the variable ${variable} is not read; did you mean ${right}?`]
  })
}
