/** The flags of the commands. A flag takes the same text as the variable of the middleware, and replaces it. */
import { parseArgs } from 'node:util'
import { DEFAULT_PREFIX, ROWS } from '../configuration/rows.ts'
import { formatIssue, type Issue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { findNearestName } from '../options/nearest.ts'
import { POLICY_MESSAGES } from '../options/policy-messages.ts'
import { type Environment, type Rows, toVariableName } from '../options/rows.ts'
import { formatBullets } from '../text.ts'

/** A command line that cannot be run: exit code 2. */
export class UsageError extends Error {}

interface Flag {
  readonly help: string
  /** The placeholder of the value in the help. A flag without one is a switch. */
  readonly value?: string
  /** What separates the values of a flag that can be repeated, the same as in its variable. */
  readonly separator?: ',' | '\n'
  /** The letter of the short form. */
  readonly short?: string
  /** The suffix of its variable. */
  readonly variable?: string
  /** The options of the middleware and of `crossAccountPolicies()` that it sets. */
  readonly options?: readonly string[]
}

const FLAGS = {
  'role-arn': {
    options: ['roleArn'],
    value: '<arn>',
    variable: 'ROLE_ARN',
    help: 'the role to assume, in the account of the tables',
  },
  'execution-role-arn': {
    options: ['executionRoleArn'],
    value: '<arn>',
    // The path and name of a role may contain commas.
    separator: '\n',
    help: 'the execution role of the function; can be repeated',
  },
  table: {
    options: ['scope', 'scope.tables', 'tables'],
    value: '<name>',
    separator: ',',
    variable: 'TABLES',
    help: 'the name or ARN of a table; can be repeated',
  },
  access: {
    options: ['scope.access', 'access'],
    value: '<access>',
    variable: 'ACCESS',
    help: 'read, write, read-write, or actions: GetItem,Query',
  },
  region: {
    options: ['region'],
    value: '<region>',
    variable: 'REGION',
    help: 'the Region of the tables; default: AWS_REGION',
  },
  'external-id': {
    options: ['externalId'],
    value: '<id>',
    variable: 'EXTERNAL_ID',
    help: 'the external ID that the function sends',
  },
  'session-tags': {
    options: ['sessionTags'],
    value: '<k=v,…>',
    variable: 'SESSION_TAGS',
    help: 'the session tags that the function sends',
  },
  'session-tag-key': {
    options: ['sessionTagKeys'],
    value: '<key>',
    separator: ',',
    help: 'a session tag that the function sends with any value; can be repeated',
  },
  'transitive-tag-keys': {
    options: ['transitiveTagKeys'],
    value: '<k,…>',
    variable: 'TRANSITIVE_TAG_KEYS',
    help: 'the keys of the transitive session tags',
  },
  'source-identity': {
    options: ['sourceIdentity'],
    value: '<name>',
    variable: 'SOURCE_IDENTITY',
    help: 'the source identity that the function sends',
  },
  'any-source-identity': { help: 'the function sends a source identity, with any value' },
  'tenant-tag': {
    options: ['tenantTag'],
    value: '<key>',
    help: 'the session tag that partition keys must equal',
  },
  indexes: { options: ['indexes'], help: 'also allows reading the indexes of the tables' },
  'kms-key-arn': { options: ['kmsKeyArn'], value: '<arn>', help: 'the customer managed key of the tables' },
  'organization-id': {
    options: ['organizationId'],
    value: '<id>',
    help: 'the organization of the account of the function',
  },
  'trust-whole-account': {
    options: ['trustWholeAccount'],
    help: 'allows an --execution-role-arn that is more than one role',
  },
  format: { value: '<format>', help: 'json (the default), cloudformation, terraform or cdk' },
  key: {
    value: '<name=value>',
    help: 'the only partition key that the session may name, if a policy compares keys',
  },
  'env-prefix': { options: ['envPrefix'], value: '<prefix>', help: 'the prefix of the variables' },
  // The flag is not --env-file, because Node.js and npx read that one themselves and apply NODE_OPTIONS from the file.
  dotenv: {
    value: '<file>',
    help: 'reads variables from a file such as .env; does not replace variables that are set',
  },
  json: { help: 'writes one JSON object' },
  help: { short: 'h', help: 'shows this help' },
} as const satisfies Readonly<Record<string, Flag>>

export type FlagName = keyof typeof FLAGS
/** The flags that are given, as text. A switch has the text `true`. */
export type Flags = Readonly<Partial<Record<FlagName, string>>>

const FLAG_NAMES = Object.keys(FLAGS) as FlagName[]

const flagOf = (name: FlagName): Flag => FLAGS[name]

/**
 * Reads the flags of a command.
 *
 * @throws UsageError if a flag is unknown, empty or lacks its value.
 */
export const readFlags = (args: readonly string[], names: readonly FlagName[]): Flags => {
  const options = Object.fromEntries(
    names.map((name) => {
      const { value, separator, short } = flagOf(name)
      const type = value === undefined ? ('boolean' as const) : ('string' as const)
      return [name, { type, multiple: separator !== undefined, ...(short !== undefined && { short }) }]
    }),
  )
  const values = parseValues(args, options, names)
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values[name]
      return value === undefined ? [] : [[name, joinValues(name, [value].flat())]]
    }),
  )
}

type ParseOptions = Readonly<Record<string, { readonly type: 'boolean' | 'string' }>>

const parseValues = (args: readonly string[], options: ParseOptions, names: readonly FlagName[]) => {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    const { message } = error as Error
    const [, unknown] = /^Unknown option '--([^']+)'/.exec(message) ?? []
    const suggestion = unknown === undefined ? undefined : findNearestName(unknown, names)
    const advice = suggestion === undefined ? 'see --help' : `did you mean --${suggestion}?`
    throw new UsageError(`${message.split(/[.\n]/)[0]}; ${advice}`)
  }
}

/** An empty flag would count as not set, and its setting would be missing silently. */
const joinValues = (name: FlagName, values: readonly unknown[]): string => {
  const texts = values.map(String)
  if (texts.some((text) => text.trim() === ''))
    throw new UsageError(`--${name} is empty; give it a value or remove it`)
  return texts.join(flagOf(name).separator)
}

/** The execution roles that the flags name; `undefined` if they name none. */
export const readExecutionRoles = (flags: Flags): readonly string[] | undefined => {
  const roles = flags['execution-role-arn']?.split('\n')
  // A comma is valid in the path of a role, so a list would be read as one role.
  if (roles?.some((role) => role.includes(',arn:')))
    throw new UsageError('--execution-role-arn takes one role; repeat the flag for more')
  return roles
}

const prefixOf = (flags: Flags): string => flags['env-prefix'] ?? DEFAULT_PREFIX

/** The name of a flag's variable. */
const variableOf = (name: FlagName, flags: Flags): string | undefined => {
  const { variable } = flagOf(name)
  return variable === undefined ? undefined : `${prefixOf(flags)}_${variable}`
}

/** The variables of the flags that are given, with the texts that replace theirs. */
const replacedVariables = (flags: Flags): Environment =>
  Object.fromEntries(
    FLAG_NAMES.flatMap((name) => {
      const variable = variableOf(name, flags)
      return variable === undefined || flags[name] === undefined ? [] : [[variable, flags[name]]]
    }),
  )

/** The environment, in which the flags replace their variables. */
export const toEnvironment = (flags: Flags): Environment => ({ ...process.env, ...replacedVariables(flags) })

/** `--role-arn <arn> (or set CROSS_ACCOUNT_DYNAMO_ROLE_ARN)`. */
const describeFlag = (name: FlagName, flags: Flags): string => {
  const variable = variableOf(name, flags)
  const variables = [
    ...(variable === undefined ? [] : [variable]),
    ...(name === 'region' ? ['AWS_REGION'] : []),
  ]
  const flag = [`--${name}`, flagOf(name).value].filter(Boolean).join(' ')
  return variables.length === 0 ? flag : `${flag} (or set ${variables.join(' or ')})`
}

/** @throws UsageError that names all missing flags. */
export const requireFlags = (isPresent: Readonly<Partial<Record<FlagName, boolean>>>, flags: Flags): void => {
  const missing = FLAG_NAMES.filter((name) => isPresent[name] === false)
  if (missing.length > 0)
    throw new UsageError(`give ${missing.map((name) => describeFlag(name, flags)).join(', ')}`)
}

const flagOfOption = (option: string): FlagName | undefined =>
  FLAG_NAMES.find((name) => flagOf(name).options?.includes(option))

/** What an option without a flag is called: by its variable, or for the documents that have warnings, by name. */
const nameWithoutFlag = (option: string, flags: Flags): string => {
  if (option === 'trustPolicy') return 'the trust policy'
  if (option === 'permissionsPolicy') return 'the permissions policy'
  const rows: Rows = ROWS
  const variables = rows[option]?.variables ?? []
  return variables.map((variable) => toVariableName(prefixOf(flags), variable)).join(' and ') || option
}

/** Names settings by flags, or by variables where there is no flag. */
export const flagAudience = (flags: Flags): Audience => ({
  messages: { ...MESSAGES, ...POLICY_MESSAGES },
  nameOf: (option) => {
    const name = flagOfOption(option)
    return name === undefined ? nameWithoutFlag(option, flags) : `--${name}`
  },
  howToSet: (option) => {
    const name = flagOfOption(option)
    return name === undefined ? `set ${nameWithoutFlag(option, flags)}` : `give ${describeFlag(name, flags)}`
  },
})

/** The issue without variables that a flag replaces, or that are the name of the setting already. */
const withoutRedundantVariables = (issue: Issue, flags: Flags): Issue => {
  const { variable = '', ...others } = issue
  if (flagOfOption(issue.option) === undefined) return others
  const replaced = Object.keys(replacedVariables(flags))
  const remaining = variable.split(', ').filter((name) => name !== '' && !replaced.includes(name))
  return remaining.length === 0 ? others : { ...others, variable: remaining.join(', ') }
}

/** The sentence of an issue for a user of the command line. */
export const formatFlagIssue = (issue: Issue, flags: Flags): string =>
  formatIssue(withoutRedundantVariables(issue, flags), flagAudience(flags))

/** All issues, each on a line of its own. */
export const formatFlagIssues = (issues: readonly Issue[], flags: Flags): string =>
  formatBullets(issues.map((issue) => formatFlagIssue(issue, flags)))

export interface CommandHelp {
  readonly usage: string
  readonly about: string
  readonly example: string
  readonly flags: readonly FlagName[]
}

/** The help of a command. */
export const formatHelp = ({ usage, about, example, flags }: CommandHelp): string => {
  const heads = flags.map((name) => [`--${name}`, flagOf(name).value].filter(Boolean).join(' '))
  const width = Math.max(...heads.map(({ length }) => length))
  const lines = flags.map((name, index) => {
    const { help, variable } = flagOf(name)
    const suffix = variable === undefined ? '' : ` [${DEFAULT_PREFIX}_${variable}]`
    return `  ${heads[index]?.padEnd(width)}  ${help}${suffix}`
  })
  return `Usage: npx middy-cross-account-dynamo ${usage}\n\n${about}\n\n${lines.join('\n')}\n\nExample:\n${example.replace(/^/gm, '  ')}\n`
}
