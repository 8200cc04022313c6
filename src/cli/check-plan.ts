/** Reads the plan of `check` from flags and variables: the session to assume, and the requests to try. */
import { type Configuration, readConfiguration } from '../configuration/configuration.ts'
import { ROWS } from '../configuration/rows.ts'
import { canUseIndexes, listActions } from '../iam/actions.ts'
import { parseRoleArn, toTableName } from '../iam/arn.ts'
import { isTableOrIndexName, parseRoleArnOption, reportTablesElsewhere } from '../iam/constraints.ts'
import type { Scope } from '../iam/scope.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import type { Issue, Report } from '../options/issue.ts'
import { createOptionReader, DEFAULT_PREFIX, type Environment } from '../options/rows.ts'
import {
  type Flags,
  formatFlagIssues,
  readExecutionRoles,
  requireFlags,
  toEnvironment,
  UsageError,
} from './flags.ts'

/** The name of an index to try. */
export interface IndexName {
  /** The name of the table. `undefined` if each table has the index. */
  readonly table?: string | undefined
  /** The name of the index, or `*` for all indexes. */
  readonly index: string
}

/** The session that `check` assumes, and the requests that it tries with the session. */
export interface CheckPlan {
  readonly configuration: Configuration
  readonly parameters: SessionParameters
  /** The tables and actions to try. `undefined` if neither flags nor variables name them. */
  readonly scope: Scope | undefined
  /** The indexes to try. */
  readonly indexes: readonly IndexName[]
  /** Whether `check` accepts a trust policy that does not require the external ID. */
  readonly isMissingExternalIdAllowed: boolean
  /** The only partition key that policies allow the session to use. `undefined` if the flags do not name it. */
  readonly key: readonly [name: string, value: string] | undefined
  /** The key of the session tag that the policy compares with the partition key. */
  readonly tenantTag: string | undefined
  /** The execution roles that the flags name. The caller may have another role. */
  readonly executionRoles: readonly string[]
}

/**
 * Returns the plan. The variables determine the scope of the session, as in the function. The flags determine the tables and actions to
 * try, which can be more than the scope contains.
 *
 * @param sdkRegion the Region that the SDK finds, which applies if no flag and no variable sets the Region
 *
 * @throws UsageError or CrossAccountDynamoError `CONFIG_INVALID` if a flag or variable is missing or invalid.
 */
export const readCheckPlan = (flags: Flags, sdkRegion?: string): CheckPlan => {
  const { table, access, ...sessionFlags } = flags
  const environment = removeUnusedKey(addRegion(toEnvironment(sessionFlags), sdkRegion), flags)
  const { isSet } = readOptions(flags, environment)
  const hasScope = isSet('scope')
  requireFlags(
    {
      'role-arn': isSet('roleArn'),
      region: isSet('region') || Boolean(environment.AWS_REGION),
      table: access === undefined || table !== undefined || hasScope,
      access: table === undefined || access !== undefined || hasScope,
    },
    flags,
  )
  const configuration = readConfiguration({ envPrefix: flags['env-prefix'] }, environment)
  const { parameters } = configuration
  if (configuration.isDirectMode || parameters === undefined)
    throw new UsageError(
      'the role is none (direct mode), and direct mode has no role to check; give --role-arn <arn>',
    )
  const key = readKey(flags)
  const targets = readTargets(flags, configuration, parameters)
  return {
    configuration,
    parameters,
    ...targets,
    indexes: readIndexes(flags, targets.scope),
    isMissingExternalIdAllowed: flags['allow-missing-external-id'] !== undefined,
    key,
    tenantTag: readTenantTag(flags, parameters, key),
  }
}

const addRegion = (environment: Environment, sdkRegion: string | undefined): Environment => ({
  ...environment,
  AWS_REGION: environment.AWS_REGION || sdkRegion,
})

/**
 * Returns the environment without the variable of the KMS key if no variable restricts the session to tables. The `policies` command
 * reads the variable without them, too.
 */
const removeUnusedKey = (environment: Environment, flags: Flags): Environment => {
  const prefix = flags['env-prefix'] ?? DEFAULT_PREFIX
  if (environment[`${prefix}_TABLES`] || environment[`${prefix}_ACCESS`]) return environment
  const { [`${prefix}_KMS_KEY_ARN`]: _, ...others } = environment
  return others
}

const readOptions = (flags: Flags, environment: Environment) =>
  createOptionReader(ROWS, {
    given: { envPrefix: flags['env-prefix'] },
    environment,
    prefix: { option: 'envPrefix', fallback: DEFAULT_PREFIX },
  })

/**
 * Returns the tables and actions to try, and the execution roles.
 *
 * @throws UsageError if one of them is invalid.
 */
const readTargets = (
  flags: Flags,
  { region }: Configuration,
  { roleArn }: SessionParameters,
): Pick<CheckPlan, 'scope' | 'executionRoles'> => {
  const issues: Issue[] = []
  const reportOn =
    (option: string): Report =>
    (problem) =>
      issues.push({ ...problem, option })
  const executionRoles = readExecutionRoles(flags) ?? []
  for (const arn of executionRoles) parseRoleArnOption(arn, reportOn('executionRoleArn'))
  const { values, issues: optionIssues } = readOptions(flags, toEnvironment(flags))
  issues.push(...optionIssues.filter(({ option }) => option === 'scope'))
  const { scope } = values
  if (scope !== undefined)
    reportTablesElsewhere(scope.tables, { ...parseRoleArn(roleArn), region }, reportOn('scope'))
  if (issues.length > 0) throw new UsageError(`no request was sent:\n${formatFlagIssues(issues, flags)}`)
  return { scope, executionRoles }
}

/** Returns whether a text is the name of an index, or the names of a table and an index with a slash between them. */
const isIndexFlag = (text: string): boolean => {
  const names = text.split('/')
  return names.length <= 2 && names.every(isTableOrIndexName)
}

/**
 * Returns the indexes in `--index` and `--indexes`. A name can begin with the name of its table and a slash.
 *
 * @throws UsageError if no request can try the indexes.
 */
const readIndexes = ({ index, indexes }: Flags, scope: Scope | undefined): readonly IndexName[] => {
  const names = [
    ...(index?.split(',') ?? []).map((name) => {
      const [table, indexName] = name.split('/')
      return indexName === undefined ? { index: name } : { table, index: indexName }
    }),
    ...(indexes === undefined ? [] : [{ index: '*' }]),
  ]
  if (names.length === 0) return names
  const invalid = index?.split(',').find((name) => !isIndexFlag(name))
  if (invalid !== undefined)
    throw new UsageError(
      `--index ${JSON.stringify(invalid)} is not the name of an index (3 to 255 letters, digits and _.-), or <table>/<name>`,
    )
  if (!listActions(scope?.access ?? []).some(canUseIndexes))
    throw new UsageError(
      '--index and --indexes require an action that reads indexes; give --access Query, for example',
    )
  const tables = scope?.tables.map(toTableName) ?? []
  const unknown = names.find((name) => 'table' in name && !tables.includes(name.table ?? ''))
  if (unknown !== undefined)
    throw new UsageError(`--index names a table that is not checked; the tables are ${tables.join(', ')}`)
  return names
}

/** Returns the name and the value of the partition key in `--key`. */
const readKey = ({ key }: Flags): CheckPlan['key'] => {
  if (key === undefined) return undefined
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError(
      '--key takes the name and the value of a partition key, for example --key tenant=acme',
    )
  return [name, value]
}

/**
 * Returns the key of the session tag whose value equals the partition key.
 *
 * @throws UsageError if `--tenant-tag` names no tag with this value, or is given without `--key`. Without `--tenant-tag`, throws
 * if several tags have this value, because only the user knows which tag the policy compares.
 */
const readTenantTag = (
  flags: Flags,
  { sessionTags }: SessionParameters,
  key: CheckPlan['key'],
): string | undefined => {
  const tenantTag = flags['tenant-tag']
  const candidates = sessionTags.filter(({ Value }) => Value === key?.[1]).map(({ Key }) => Key)
  if (tenantTag === undefined) {
    if (candidates.length > 1)
      throw new UsageError(
        `the session tags ${candidates.join(', ')} all have the value of --key; give --tenant-tag <key>`,
      )
    return candidates[0]
  }
  if (key === undefined)
    throw new UsageError('--tenant-tag requires the partition key of the tenant; give --key <name=value>')
  if (!candidates.includes(tenantTag))
    throw new UsageError(
      `the value of --key must equal the value of the session tag ${tenantTag}, which --tenant-tag names`,
    )
  return tenantTag
}
