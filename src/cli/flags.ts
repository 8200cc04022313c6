/** The flags of the commands. A flag that has an environment variable takes the same text as the variable, and replaces it. */
import { parseArgs } from 'node:util'
import { ROWS } from '../configuration/rows.ts'
import { formatIssue, type Issue } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import { findNearestName } from '../options/nearest.ts'
import { POLICY_MESSAGES } from '../options/policy-messages.ts'
import { DEFAULT_PREFIX, type Environment, type Rows, toVariableName } from '../options/rows.ts'
import { formatBullets } from '../text.ts'

/** The error for a command line that cannot be run. The exit code is then 2. */
export class UsageError extends Error {}

interface Flag {
  readonly help: string
  /** The placeholder of the value in the help. A flag without a placeholder is a switch, which takes no value. */
  readonly value?: string
  /**
   * The separator that joins the values of a flag that can be repeated. If the flag has a variable, the variable has the same
   * separator.
   */
  readonly separator?: ',' | '\n'
  /** The letter of the short form, such as `h` for `-h`. */
  readonly short?: string
  /** The name of the environment variable that the flag replaces, without the prefix. */
  readonly variable?: string
  /** The options of the middleware and of `crossAccountPolicies()` that the flag sets. */
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
    help: 'read, write, read-write, or actions such as GetItem,Query',
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
    help: 'the session tag whose value partition keys must equal',
  },
  index: {
    value: '<name>',
    separator: ',',
    help: 'the name of an index of the tables, or <table>/<name>; can be repeated',
  },
  indexes: {
    options: ['indexes'],
    help: 'all indexes of the tables: policies allows them, check tries them',
  },
  'no-indexes': { help: 'excludes the indexes of the tables' },
  'kms-key-arn': {
    options: ['kmsKeyArn', 'scope.kmsKeyArn'],
    value: '<arn>',
    variable: 'KMS_KEY_ARN',
    help: 'the customer managed KMS key of the tables',
  },
  'organization-id': {
    options: ['organizationId'],
    value: '<id>',
    help: "the ID of the organization that must contain the function's account",
  },
  'trust-whole-account': {
    options: ['trustWholeAccount'],
    help: 'allows an --execution-role-arn that includes more than one role',
  },
  'allow-missing-external-id': {
    help: 'reports a trust policy that does not require the external ID in a note',
  },
  format: { value: '<format>', help: 'json (the default), cloudformation, terraform or cdk' },
  key: {
    value: '<name=value>',
    help: 'the only partition key that policies allow the session to use',
  },
  'env-prefix': {
    options: ['envPrefix'],
    value: '<prefix>',
    help: 'the prefix of the names of the variables',
  },
  // The flag is not named --env-file, because Node.js and npx read a flag of that name themselves and apply NODE_OPTIONS from the file.
  dotenv: {
    value: '<file>',
    help: 'reads variables from a file such as .env; does not replace variables that are set',
  },
  json: { help: 'writes one JSON object' },
  help: { short: 'h', help: 'shows this help' },
} as const satisfies Readonly<Record<string, Flag>>

export type FlagName = keyof typeof FLAGS
/** The given flags and their texts. The text of a switch is `true`. */
export type Flags = Readonly<Partial<Record<FlagName, string>>>

const FLAG_NAMES = Object.keys(FLAGS) as FlagName[]

const getFlag = (name: FlagName): Flag => FLAGS[name]

/**
 * Returns the flags of a command.
 *
 * @throws UsageError if a flag is unknown or empty, or if its value is missing.
 */
export const readFlags = (args: readonly string[], names: readonly FlagName[]): Flags => {
  const options = Object.fromEntries(
    names.map((name) => {
      const { value, separator, short } = getFlag(name)
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

/**
 * Joins the values of a flag.
 *
 * @throws UsageError if a value is empty. An empty value would count as not set, and the command would omit the setting without a
 * warning.
 */
const joinValues = (name: FlagName, values: readonly unknown[]): string => {
  const texts = values.map(String)
  if (texts.some((text) => text.trim() === ''))
    throw new UsageError(`--${name} is empty; give it a value or remove it`)
  return texts.join(getFlag(name).separator)
}

/**
 * Returns the execution roles that the flags name, or `undefined` if they name none.
 *
 * @throws UsageError if one value contains several roles.
 */
export const readExecutionRoles = (flags: Flags): readonly string[] | undefined => {
  const roles = flags['execution-role-arn']?.split('\n')
  // Without this check, a list with commas would be read as one role, because a comma is valid in the path of a role.
  if (roles?.some((role) => role.includes(',arn:')))
    throw new UsageError('--execution-role-arn takes one role; repeat the flag for each role')
  return roles
}

const getPrefix = (flags: Flags): string => flags['env-prefix'] ?? DEFAULT_PREFIX

/** Returns the name of the environment variable that a flag replaces, or `undefined` if there is none. */
const toFlagVariable = (name: FlagName, flags: Flags): string | undefined => {
  const { variable } = getFlag(name)
  return variable === undefined ? undefined : `${getPrefix(flags)}_${variable}`
}

/** Returns the variables that the given flags replace, with the texts of the flags. */
const toFlagVariables = (flags: Flags): Environment =>
  Object.fromEntries(
    FLAG_NAMES.flatMap((name) => {
      const variable = toFlagVariable(name, flags)
      return variable === undefined || flags[name] === undefined ? [] : [[variable, flags[name]]]
    }),
  )

/** Returns the environment, in which the given flags replace their variables. */
export const toEnvironment = (flags: Flags): Environment => ({ ...process.env, ...toFlagVariables(flags) })

/** Returns a flag with its placeholder and its variable, such as `--role-arn <arn> (or set CROSS_ACCOUNT_DYNAMO_ROLE_ARN)`. */
const describeFlag = (name: FlagName, flags: Flags): string => {
  const variable = toFlagVariable(name, flags)
  const variables = [
    ...(variable === undefined ? [] : [variable]),
    ...(name === 'region' ? ['AWS_REGION'] : []),
  ]
  const flag = [`--${name}`, getFlag(name).value].filter(Boolean).join(' ')
  return variables.length === 0 ? flag : `${flag} (or set ${variables.join(' or ')})`
}

/**
 * Checks that all required flags are present.
 *
 * @throws UsageError that names all missing flags.
 */
export const requireFlags = (isPresent: Readonly<Partial<Record<FlagName, boolean>>>, flags: Flags): void => {
  const missing = FLAG_NAMES.filter((name) => isPresent[name] === false)
  if (missing.length > 0)
    throw new UsageError(`give ${missing.map((name) => describeFlag(name, flags)).join(', ')}`)
}

const findFlagOfOption = (option: string): FlagName | undefined =>
  FLAG_NAMES.find((name) => getFlag(name).options?.includes(option))

/** Returns the name of an option that has no flag: the name of its variable, or a phrase for a policy that has a warning. */
const formatOptionWithoutFlag = (option: string, flags: Flags): string => {
  if (option === 'trustPolicy') return 'the trust policy'
  if (option === 'permissionsPolicy') return 'the permissions policy'
  const rows: Rows = ROWS
  const variables = rows[option]?.variables ?? []
  return variables.map((variable) => toVariableName(getPrefix(flags), variable)).join(' and ') || option
}

/** Creates the audience of the commands. It names an option by its flag, or by its variable if there is no flag. */
export const createFlagAudience = (flags: Flags): Audience => ({
  messages: { ...MESSAGES, ...POLICY_MESSAGES },
  nameOf: (option) => {
    const name = findFlagOfOption(option)
    return name === undefined ? formatOptionWithoutFlag(option, flags) : `--${name}`
  },
  howToSet: (option) => {
    const name = findFlagOfOption(option)
    return name === undefined
      ? `set ${formatOptionWithoutFlag(option, flags)}`
      : `give ${describeFlag(name, flags)}`
  },
})

/**
 * Returns the issue without the variables that a given flag replaces. If the option has no flag, returns the issue without any
 * variables, because the message then names the option by its variables.
 */
const removeRedundantVariables = (issue: Issue, flags: Flags): Issue => {
  const { variable = '', ...others } = issue
  if (findFlagOfOption(issue.option) === undefined) return others
  const replaced = Object.keys(toFlagVariables(flags))
  const remaining = variable.split(', ').filter((name) => name !== '' && !replaced.includes(name))
  return remaining.length === 0 ? others : { ...others, variable: remaining.join(', ') }
}

/** Returns the sentence of an issue for a user of the commands. */
export const formatFlagIssue = (issue: Issue, flags: Flags): string =>
  formatIssue(removeRedundantVariables(issue, flags), createFlagAudience(flags))

/** Returns the sentences of issues for a user of the commands, each on its own line. */
export const formatFlagIssues = (issues: readonly Issue[], flags: Flags): string =>
  formatBullets(issues.map((issue) => formatFlagIssue(issue, flags)))

/** The texts of a command's help. */
export interface CommandHelp {
  readonly usage: string
  readonly about: string
  readonly example: string
  readonly flags: readonly FlagName[]
}

/** Returns the help of a command. */
export const formatHelp = ({ usage, about, example, flags }: CommandHelp): string => {
  const labels = flags.map((name) => [`--${name}`, getFlag(name).value].filter(Boolean).join(' '))
  const width = Math.max(...labels.map(({ length }) => length))
  const lines = flags.map((name, index) => {
    const { help, variable } = getFlag(name)
    const suffix = variable === undefined ? '' : ` [${DEFAULT_PREFIX}_${variable}]`
    return `  ${labels[index]?.padEnd(width)}  ${help}${suffix}`
  })
  return `Usage: npx middy-cross-account-dynamo ${usage}\n\n${about}\n\n${lines.join('\n')}\n\nExample:\n${example.replace(/^/gm, '  ')}\n`
}
