/** What `check` tries, from flags and variables. */
import { type Configuration, readConfiguration } from '../configuration/configuration.ts'
import { DEFAULT_PREFIX, ROWS } from '../configuration/rows.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { parseRoleArnOption, reportTablesElsewhere } from '../iam/constraints.ts'
import type { Scope } from '../iam/scope.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import type { Issue, Report } from '../options/issue.ts'
import { createOptionReader, type Environment } from '../options/rows.ts'
import {
  type Flags,
  formatFlagIssues,
  readExecutionRoles,
  requireFlags,
  toEnvironment,
  UsageError,
} from './flags.ts'

export interface CheckPlan {
  readonly configuration: Configuration
  readonly parameters: SessionParameters
  /** The tables and actions to try. */
  readonly scope: Scope | undefined
  /** The only partition key that the session may name, if a policy compares keys. */
  readonly key: readonly [name: string, value: string] | undefined
  /** The session tag that the policy compares the key with. */
  readonly tenantTag: string | undefined
  /** The execution roles that the flags name. The caller of `check` may have another role. */
  readonly executionRoles: readonly string[]
}

/**
 * Reads the plan. The flags can name more tables and actions than the variables narrow the session to, so the session gets the
 * scope of the variables, and the flags decide what is tried.
 *
 * @throws UsageError or CrossAccountDynamoError `CONFIG_INVALID` if something is missing or invalid.
 */
export const readCheckPlan = (flags: Flags): CheckPlan => {
  const { table, access, ...others } = flags
  const environment = toEnvironment(others)
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
  if (configuration.isDirect || parameters === undefined)
    throw new UsageError(
      'the role is none (direct mode), so there is no role to check; give --role-arn <arn>',
    )
  const key = readKey(flags)
  return {
    configuration,
    parameters,
    ...readTargets(flags, configuration, parameters),
    key,
    tenantTag: readTenantTag(flags, parameters, key),
  }
}

const readOptions = (flags: Flags, environment: Environment) =>
  createOptionReader(ROWS, {
    given: { envPrefix: flags['env-prefix'] },
    environment,
    prefix: { option: 'envPrefix', fallback: DEFAULT_PREFIX },
  })

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
  if (issues.length > 0) throw new UsageError(`nothing was tried:\n${formatFlagIssues(issues, flags)}`)
  return { scope, executionRoles }
}

const readKey = ({ key }: Flags): CheckPlan['key'] => {
  if (key === undefined) return undefined
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError('--key takes the name and the value of a partition key, such as tenant=acme')
  return [name, value]
}

/** If several tags have the value of the key, only the user knows which of them the policy compares. */
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
    throw new UsageError('--tenant-tag needs the partition key of the tenant; give --key <name=value>')
  if (!candidates.includes(tenantTag))
    throw new UsageError(
      `the value of --key is not the value of the session tag ${tenantTag}, which --tenant-tag names`,
    )
  return tenantTag
}
