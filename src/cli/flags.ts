/** The flags of the commands. Where the middleware has a variable, a flag holds the same text, and wins over it. */
import { parseArgs } from 'node:util'
import { nearest } from '../nearest.ts'
import { DEFAULT_PREFIX } from '../option-reader.ts'
import type { Environment } from '../options.ts'

/** What cannot be run as it was asked for: exit code 2. */
export class WrongUse extends Error {}

interface Flag {
  readonly help: string
  /** What stands for its value in the help; a flag without is a switch. */
  readonly value?: string
  /** May be given more than once; this stands between the values then, as in the variable if it has one. */
  readonly list?: ',' | '\n'
  /** One letter for it. */
  readonly short?: string
  /** The end of the name of its variable. */
  readonly variable?: string
}

const FLAGS = {
  'role-arn': { value: '<arn>', variable: 'ROLE_ARN', help: "the role to assume, in the tables' account" },
  'execution-role-arn': {
    value: '<arn>',
    // A role's path and name may hold commas.
    list: '\n',
    help: "the function's execution role; may be repeated",
  },
  table: { value: '<name>', list: ',', variable: 'TABLES', help: "a table's name or ARN; may be repeated" },
  access: {
    value: '<access>',
    variable: 'ACCESS',
    help: 'read, write, read-write, or actions: GetItem,Query',
  },
  region: { value: '<region>', variable: 'REGION', help: "the tables' Region; else that of AWS_REGION" },
  'external-id': { value: '<id>', variable: 'EXTERNAL_ID', help: 'the external ID that the function sends' },
  'session-tags': { value: '<k=v,…>', variable: 'SESSION_TAGS', help: 'the session tags that it sends' },
  'session-tag-key': {
    value: '<key>',
    list: ',',
    help: 'a tag that it sends, of any value; may be repeated',
  },
  'transitive-tag-keys': {
    value: '<k,…>',
    variable: 'TRANSITIVE_TAG_KEYS',
    help: 'those that are transitive',
  },
  'source-identity': {
    value: '<name>',
    variable: 'SOURCE_IDENTITY',
    help: 'the source identity that it sends',
  },
  'any-source-identity': { help: 'it sends a source identity, of any value' },
  'tenant-tag': { value: '<key>', help: 'the session tag that partition keys must equal' },
  indexes: { help: "the tables' indexes may be read, too" },
  'kms-key-arn': { value: '<arn>', help: "the tables' customer managed key" },
  'organization-id': { value: '<id>', help: "the organisation that the function's account is in" },
  'trust-whole-account': { help: 'lets --execution-role-arn be more than a role' },
  format: { value: '<format>', help: 'json (the default), cloudformation, terraform or cdk' },
  key: {
    value: '<name=value>',
    help: 'the partition key that the session may name, and no other, where IAM compares it',
  },
  'env-prefix': { value: '<prefix>', help: "what the variables' names begin with" },
  'env-file': {
    value: '<file>',
    help: 'reads variables from a file such as .env; those that are set already win',
  },
  // Node.js takes --env-file for its own wherever it stands, that of npx first: it ends with 9 where there is no such file,
  // and acts on NODE_OPTIONS in it.
  variables: { value: '<file>', help: 'the same, but not read by Node.js, which hears --env-file, too' },
  json: { help: 'writes one JSON object, for machines' },
  help: { short: 'h', help: 'shows this' },
} as const satisfies Readonly<Record<string, Flag>>

export type FlagName = keyof typeof FLAGS
/** The flags that were given, as text; a switch is `true`. */
export type Flags = Readonly<Partial<Record<FlagName, string>>>

const flagOf = (name: FlagName): Flag => FLAGS[name]

/** Reads the flags of a command. */
export const readFlags = (args: readonly string[], names: readonly FlagName[]): Flags => {
  const options = Object.fromEntries(
    names.map((name) => {
      const { value, list, short } = flagOf(name)
      const type = value === undefined ? ('boolean' as const) : ('string' as const)
      return [name, { type, multiple: list !== undefined, ...(short !== undefined && { short }) }]
    }),
  )
  try {
    const { values } = parseArgs({ args: [...args], options })
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, textOf(name as FlagName, [value].flat())]),
    )
  } catch (error) {
    if (error instanceof WrongUse) throw error
    const [, unknown] = /^Unknown option '--([^']+)'/.exec((error as Error).message) ?? []
    const near = unknown === undefined ? undefined : nearest(unknown, names)
    const advice = near === undefined ? 'see --help' : `did you mean --${near}?`
    throw new WrongUse(`${(error as Error).message.split(/[.\n]/)[0]}; ${advice}`)
  }
}

/** An empty value would count as unset, and what it was for would be left out in silence. */
const textOf = (name: FlagName, values: readonly unknown[]): string => {
  const texts = values.map(String)
  if (texts.some((text) => text.trim() === ''))
    throw new WrongUse(`--${name} is empty: give it a value, or leave it out`)
  return texts.join(flagOf(name).list)
}

/** The execution roles that were named; `undefined` where none was. */
export const executionRolesOf = (flags: Flags): readonly string[] | undefined => {
  const roles = flags['execution-role-arn']?.split('\n')
  // It would be one role of an odd path.
  if (roles?.some((role) => role.includes(',arn:')))
    throw new WrongUse('--execution-role-arn is one role: repeat the flag for more')
  return roles
}

/** The name of a flag's variable. */
const variableOf = (name: FlagName, flags: Flags): string | undefined => {
  const { variable } = flagOf(name)
  return variable === undefined ? undefined : `${flags['env-prefix'] ?? DEFAULT_PREFIX}_${variable}`
}

/** The environment, with the flags in the place of their variables. */
export const environmentOf = (flags: Flags): Environment => {
  const set = Object.entries(flags).flatMap(([name, text]) => {
    const variable = variableOf(name as FlagName, flags)
    return variable === undefined ? [] : [[variable, text]]
  })
  return { ...process.env, ...Object.fromEntries(set) }
}

/** Asks for what is missing, in one line. */
export const demand = (needed: Readonly<Partial<Record<FlagName, unknown>>>, flags: Flags): void => {
  const missing = (Object.keys(needed) as FlagName[]).filter((name) => !needed[name])
  if (missing.length === 0) return
  const ways = missing.map((name) => {
    const variable = variableOf(name, flags)
    const variables = [
      ...(variable === undefined ? [] : [variable]),
      ...(name === 'region' ? ['AWS_REGION'] : []),
    ]
    const flag = `--${name} ${flagOf(name).value}`
    return variables.length === 0 ? flag : `${flag} (or set ${variables.join(' or ')})`
  })
  throw new WrongUse(`please give ${ways.join(', ')}`)
}

/** A message that names options, in the words of this command line. */
export const inFlags = (message: string, flags: Flags): string =>
  (Object.keys(FLAGS) as FlagName[])
    .reduce((text, name) => {
      const option = name.replace(/-\w/g, (hyphened) => hyphened.slice(1).toUpperCase())
      // "region" is also just a word; where a problem begins it is the option.
      const words = option === name ? `(?<=^ *- )${option}s?(?=[: ])` : `\\b${option}s?\\b(?:: true)?`
      const named = text.replace(new RegExp(words, 'gm'), `--${name}`)
      // What a flag said did not come from the variable.
      return flags[name] === undefined ? named : named.replaceAll(` (from ${variableOf(name, flags)})`, '')
    }, message)
    .replace(/^CONFIG_INVALID: /, '')

/** The help of a command. */
export const helpOf = (usage: string, about: string, example: string, names: readonly FlagName[]): string => {
  const heads = names.map((name) => [`--${name}`, flagOf(name).value].filter(Boolean).join(' '))
  const width = Math.max(...heads.map(({ length }) => length))
  const lines = names.map((name, index) => {
    const { help, variable } = flagOf(name)
    const also = variable === undefined ? '' : ` [${DEFAULT_PREFIX}_${variable}]`
    return `  ${heads[index]?.padEnd(width)}  ${help}${also}`
  })
  return `Usage: npx middy-cross-account-dynamo ${usage}\n\n${about}\n\n${lines.join('\n')}\n\nExample:\n${example.replace(/^/gm, '  ')}\n`
}
