/** The command `policies`: writes the IAM policies of both accounts, ready to deploy. */
import { ROWS } from '../configuration/rows.ts'
import { createConfigurationError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import {
  createCallerPolicy,
  createPermissionsPolicy,
  createTrustPolicy,
  findWarnings,
} from '../iam/documents.ts'
import {
  isBroadPrincipal,
  readTrustConfiguration,
  type TrustConfiguration,
} from '../iam/trust-configuration.ts'
import { createOptionReader, DEFAULT_PREFIX, type Row } from '../options/rows.ts'
import { escapeLines } from '../text.ts'
import {
  createFlagAudience,
  type Flags,
  formatFlagIssue,
  readExecutionRoles,
  requireFlags,
  toEnvironment,
  UsageError,
} from './flags.ts'
import type { AccountPolicies } from './formats/account-policies.ts'
import { formatCdk } from './formats/cdk.ts'
import { formatCloudFormation } from './formats/cloudformation.ts'
import { formatJson } from './formats/json.ts'
import { formatTerraform } from './formats/terraform.ts'
import { applyStyle, type ExitCode, type Terminal } from './terminal.ts'

type FormatPolicies = (policies: AccountPolicies) => string

const FORMATS: Readonly<Record<string, FormatPolicies>> = {
  json: formatJson,
  cloudformation: formatCloudFormation,
  terraform: formatTerraform,
  cdk: formatCdk,
}

/**
 * Writes the policies and their warnings.
 *
 * @throws UsageError or CrossAccountDynamoError `CONFIG_INVALID` if a flag or variable is missing or invalid.
 */
export const runPoliciesCommand = (flags: Flags, terminal: Terminal): ExitCode => {
  const format = readFormat(flags)
  const configuration = readFlagConfiguration(flags)
  const accountPolicies = createAccountPolicies(configuration)
  const warnings = findWarnings(configuration).map((warning) => formatFlagIssue(warning, flags))
  for (const warning of warnings)
    terminal.err(`${applyStyle(terminal.colors.err, 'yellow', 'Warning:')} ${escapeLines(warning)}\n`)
  const text =
    flags.json === undefined
      ? styleComments(escapeLines(formatWithOrder(format, accountPolicies)), terminal)
      : escapeLines(JSON.stringify(toJson(accountPolicies, warnings), undefined, 2))
  terminal.out(`${text.trimEnd()}\n`)
  return 0
}

/** Returns the function that formats the policies. */
const readFormat = ({ format = 'json', json }: Flags): FormatPolicies => {
  const formatPolicies = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (formatPolicies === undefined)
    throw new UsageError(
      `--format must be one of ${Object.keys(FORMATS).join(', ')}, but is ${JSON.stringify(format)}`,
    )
  if (json !== undefined && format !== 'json')
    throw new UsageError(`--json and --format ${format} cannot be combined; remove one of them`)
  return formatPolicies
}

/**
 * Returns the formatted policies, and a comment on the order of deployment below them.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
 */
const formatWithOrder = (format: FormatPolicies, policies: AccountPolicies): string => {
  const roles = policies.callers.flatMap((caller) => caller.roles.map(({ name }) => name))
  if (roles.length === 0) return format(policies)
  const comments = [
    `Create ${roles.join(', ')} before the trust policy. IAM refuses a principal that does not exist:`,
    '"Invalid principal in policy". If you delete and create the role again, save the trust policy again.',
  ]
  const prefix = format === formatCdk ? '//' : '#'
  return [format(policies), ...comments.map((comment) => `${prefix} ${comment}`)].join('\n')
}

/** Adds a style to comments. In each format, a comment has its own line. */
const styleComments = (text: string, { colors }: Terminal): string =>
  text.replace(/^(?:#|\/\/) .*$/gm, (comment) => applyStyle(colors.out, 'cyan', comment))

const toJson = (
  { role, callers, trustPolicy, permissionsPolicy, callerPolicy }: AccountPolicies,
  warnings: readonly string[],
) => ({
  accounts: { tables: role.accountId, functions: callers.flatMap(({ accountId }) => accountId ?? []) },
  trustPolicy,
  permissionsPolicy,
  callerPolicy,
  warnings,
})

/** Creates a row that reads a value without parsing it, because `readTrustConfiguration()` parses it. */
const createUnparsedRow = ({ variables = [] }: Row<unknown>): Row<unknown> => ({
  parse: (value) => value,
  variables,
})

const POLICY_ROWS = {
  roleArn: createUnparsedRow(ROWS.roleArn),
  externalId: createUnparsedRow(ROWS.externalId),
  sessionTags: ROWS.sessionTags,
  transitiveTagKeys: createUnparsedRow(ROWS.transitiveTagKeys),
  sourceIdentity: createUnparsedRow(ROWS.sourceIdentity),
  scope: createUnparsedRow(ROWS.scope),
  region: createUnparsedRow(ROWS.region),
}

const readFlagConfiguration = (flags: Flags): TrustConfiguration => {
  const environment = toEnvironment(flags)
  const prefix = { option: 'envPrefix', fallback: flags['env-prefix'] ?? DEFAULT_PREFIX }
  const { values, issues } = createOptionReader(POLICY_ROWS, { given: {}, environment, prefix })
  if (issues.length > 0)
    throw createConfigurationError('the policies command', issues, createFlagAudience(flags))
  const { roleArn, scope = {}, sessionTags = [] } = values
  const { tables, access, kmsKeyArn } = scope as Readonly<Record<string, unknown>>
  const region = values.region ?? (environment.AWS_REGION || undefined)
  const executionRoleArn = readExecutionRoles(flags)
  if (roleArn === false)
    throw new UsageError(
      'the role is none (direct mode), and direct mode needs no policies; give --role-arn <arn>',
    )
  requireFlags(
    {
      'role-arn': roleArn !== undefined,
      'execution-role-arn': executionRoleArn !== undefined,
      table: tables !== undefined,
      access: access !== undefined,
      region: region !== undefined,
    },
    flags,
  )
  return readTrustConfiguration({
    roleArn,
    executionRoleArn,
    tables,
    access,
    region,
    externalId: values.externalId,
    sessionTagKeys: toTagValues(Array.isArray(sessionTags) ? sessionTags : [], flags),
    tenantTag: flags['tenant-tag'],
    transitiveTagKeys: values.transitiveTagKeys,
    sourceIdentity: flags['any-source-identity'] === undefined ? values.sourceIdentity : true,
    indexes: readIndexes(flags),
    kmsKeyArn,
    organizationId: flags['organization-id'],
    trustWholeAccount: flags['trust-whole-account'] !== undefined,
  })
}

/** Returns whether the flags include the indexes. Returns `undefined` if no flag says so. */
const readIndexes = (flags: Flags): boolean | undefined => {
  if (flags.indexes !== undefined && flags['no-indexes'] !== undefined)
    throw new UsageError('--indexes and --no-indexes cannot be combined; remove one of them')
  if (flags.indexes !== undefined) return true
  return flags['no-indexes'] === undefined ? undefined : false
}

/**
 * Returns the session tags with the values that the trust policy requires. The tenant tag and the tags of `--session-tag-key` vary per
 * session. Therefore they can have any value.
 */
const toTagValues = (
  sessionTags: readonly { readonly Key: string; readonly Value: string }[],
  flags: Flags,
): Readonly<Record<string, string | true>> =>
  Object.fromEntries([
    ...sessionTags.map(({ Key, Value }) => [Key, Key === flags['tenant-tag'] ? true : Value] as const),
    ...(flags['session-tag-key']?.split(',').map((key) => [key, true] as const) ?? []),
  ])

const createAccountPolicies = (configuration: TrustConfiguration): AccountPolicies => ({
  trustPolicy: createTrustPolicy(configuration),
  permissionsPolicy: createPermissionsPolicy(configuration),
  callerPolicy: createCallerPolicy(configuration),
  role: configuration.role,
  region: configuration.region,
  callers: [...Map.groupBy(configuration.executionRoles, parseAccountId)].map(([accountId, principals]) => ({
    accountId,
    roles: principals.filter((principal) => !isBroadPrincipal(principal)).map(parseRoleArn),
  })),
})

/** Returns the account ID in a principal, or `undefined` for the principal `*`. */
const parseAccountId = (principal: string): string | undefined => /\d{12}/.exec(principal)?.[0]
