/** `policies`: the IAM documents of both accounts, ready to deploy. */
import { DEFAULT_PREFIX, ROWS } from '../configuration/rows.ts'
import { createConfigurationError } from '../errors.ts'
import { parseRoleArn } from '../iam/arn.ts'
import { callerPolicyOf, findWarnings, permissionsPolicyOf, trustPolicyOf } from '../iam/documents.ts'
import { isBroad, readTrustConfiguration, type TrustConfiguration } from '../iam/trust-configuration.ts'
import { createOptionReader, type Row } from '../options/rows.ts'
import {
  type Flags,
  flagAudience,
  formatFlagIssue,
  readExecutionRoles,
  requireFlags,
  toEnvironment,
  UsageError,
} from './flags.ts'
import { cdk } from './formats/cdk.ts'
import { cloudformation } from './formats/cloudformation.ts'
import { json } from './formats/json.ts'
import type { PlacedPolicies } from './formats/placed-policies.ts'
import { terraform } from './formats/terraform.ts'
import { type ExitCode, printable, styled, type Terminal } from './terminal.ts'

const FORMATS: Readonly<Record<string, (policies: PlacedPolicies) => string>> = {
  json,
  cloudformation,
  terraform,
  cdk,
}

export const policies = (flags: Flags, terminal: Terminal): ExitCode => {
  const format = readFormat(flags)
  const configuration = readFlagConfiguration(flags)
  const placed = placePolicies(configuration)
  const warnings = findWarnings(configuration).map((warning) => formatFlagIssue(warning, flags))
  for (const warning of warnings)
    terminal.err(`${styled(terminal.colors.err, 'yellow', 'Warning:')} ${printable(warning)}\n`)
  const text =
    flags.json === undefined
      ? withStyledComments(printable(format(placed)), terminal)
      : printable(JSON.stringify(toJson(placed, warnings), undefined, 2))
  terminal.out(`${text.trimEnd()}\n`)
  return 0
}

const readFormat = ({ format = 'json', json: isJson }: Flags): ((policies: PlacedPolicies) => string) => {
  const formatPolicies = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (formatPolicies === undefined)
    throw new UsageError(
      `--format must be one of ${Object.keys(FORMATS).join(', ')}, but is ${JSON.stringify(format)}`,
    )
  if (isJson !== undefined && format !== 'json')
    throw new UsageError(`--json and --format ${format} exclude each other`)
  return formatPolicies
}

/** In each of the formats, comments have lines of their own. */
const withStyledComments = (text: string, { colors }: Terminal): string =>
  text.replace(/^(?:#|\/\/) .*$/gm, (comment) => styled(colors.out, 'cyan', comment))

const toJson = (
  { role, callers, trustPolicy, permissionsPolicy, callerPolicy }: PlacedPolicies,
  warnings: readonly string[],
) => ({
  accounts: { tables: role.accountId, functions: callers.flatMap(({ accountId }) => accountId ?? []) },
  trustPolicy,
  permissionsPolicy,
  callerPolicy,
  warnings,
})

/** A row whose value is read and not parsed, because `readTrustConfiguration()` parses it. */
const unparsed = ({ variables = [] }: Row<unknown>): Row<unknown> => ({ parse: (value) => value, variables })

const POLICY_ROWS = {
  roleArn: unparsed(ROWS.roleArn),
  externalId: unparsed(ROWS.externalId),
  sessionTags: ROWS.sessionTags,
  transitiveTagKeys: unparsed(ROWS.transitiveTagKeys),
  sourceIdentity: unparsed(ROWS.sourceIdentity),
  scope: unparsed(ROWS.scope),
  region: unparsed(ROWS.region),
}

const readFlagConfiguration = (flags: Flags): TrustConfiguration => {
  const environment = toEnvironment(flags)
  const prefix = { option: 'envPrefix', fallback: flags['env-prefix'] ?? DEFAULT_PREFIX }
  const { values, issues } = createOptionReader(POLICY_ROWS, { given: {}, environment, prefix })
  if (issues.length > 0) throw createConfigurationError('the policies command', issues, flagAudience(flags))
  const { roleArn, scope = {}, sessionTags = [] } = values
  const { tables, access } = scope as { tables?: unknown; access?: unknown }
  const region = values.region ?? (environment.AWS_REGION || undefined)
  const executionRoleArn = readExecutionRoles(flags)
  requireFlags(
    {
      // The variable `none` selects direct mode, which has no role.
      'role-arn': roleArn !== undefined && roleArn !== false,
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
    indexes: flags.indexes !== undefined,
    kmsKeyArn: flags['kms-key-arn'],
    organizationId: flags['organization-id'],
    trustWholeAccount: flags['trust-whole-account'] !== undefined,
  })
}

/** Session tags have fixed values, except for the tenant's tag and those of `--session-tag-key`, which vary per session. */
const toTagValues = (
  sessionTags: readonly { readonly Key: string; readonly Value: string }[],
  flags: Flags,
): Readonly<Record<string, string | true>> =>
  Object.fromEntries([
    ...sessionTags.map(({ Key, Value }) => [Key, Key === flags['tenant-tag'] ? true : Value] as const),
    ...(flags['session-tag-key']?.split(',').map((key) => [key, true] as const) ?? []),
  ])

const placePolicies = (configuration: TrustConfiguration): PlacedPolicies => ({
  trustPolicy: trustPolicyOf(configuration),
  permissionsPolicy: permissionsPolicyOf(configuration),
  callerPolicy: callerPolicyOf(configuration),
  role: configuration.role,
  region: configuration.region,
  callers: [...Map.groupBy(configuration.executionRoles, accountIdOf)].map(([accountId, principals]) => ({
    accountId,
    roles: principals.filter((principal) => !isBroad(principal)).map(parseRoleArn),
  })),
})

const accountIdOf = (principal: string): string | undefined => /\d{12}/.exec(principal)?.[0]
