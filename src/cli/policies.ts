/** `policies`: the IAM documents of both accounts, ready to paste. */
import { parseRoleArn, type RoleArn } from '../limits.ts'
import { createOptionReader } from '../option-reader.ts'
import { type CrossAccountPolicies, crossAccountPolicies } from '../policies/index.ts'
import type { Scope } from '../policies/scope.ts'
import { isBroad } from '../policies/set-up.ts'
import { describe, isRecord } from '../values.ts'
import { demand, environmentOf, executionRolesOf, type Flags, inFlags, WrongUse } from './flags.ts'
import { cdk } from './formats/cdk.ts'
import { cloudformation } from './formats/cloudformation.ts'
import { json } from './formats/json.ts'
import { terraform } from './formats/terraform.ts'
import { type ExitCode, printable, styled, type Terminal } from './terminal.ts'

/** The documents, and where each belongs. */
export interface PlacedPolicies extends CrossAccountPolicies {
  /** The target role. */
  readonly role: RoleArn
  readonly region: string
  /** The accounts of the function, and its execution roles there, as far as they are named. */
  readonly callers: readonly { readonly accountId: string; readonly roles: readonly RoleArn[] }[]
}

const FORMATS: Readonly<Record<string, (policies: PlacedPolicies) => string>> = {
  json,
  cloudformation,
  terraform,
  cdk,
}

export const policies = (flags: Flags, terminal: Terminal): ExitCode => {
  const { format = 'json' } = flags
  const formatted = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (formatted === undefined)
    throw new WrongUse(`--format is ${Object.keys(FORMATS).join(', ')}, not ${JSON.stringify(format)}`)
  if (flags.json !== undefined && format !== 'json')
    throw new WrongUse(`--json and --format ${format} exclude each other`)

  const placed = placedPolicies(flags)
  for (const warning of placed.warnings)
    terminal.err(
      `${styled(terminal.colours.err, 'yellow', 'Warning:')} ${printable(inFlags(warning, flags))}\n`,
    )
  if (flags.json !== undefined) {
    const { role, callers, trustPolicy, permissionsPolicy, callerPolicy, warnings } = placed
    const accounts = { tables: role.accountId, functions: callers.map(({ accountId }) => accountId) }
    const all = { accounts, trustPolicy, permissionsPolicy, callerPolicy, warnings }
    terminal.out(`${printable(JSON.stringify(all, undefined, 2))}\n`)
  } else {
    // Each format has comments in lines of their own.
    const text = printable(formatted(placed)).replace(/^(?:#|\/\/) .*$/gm, (comment) =>
      styled(terminal.colours.out, 'cyan', comment),
    )
    terminal.out(`${text.trimEnd()}\n`)
  }
  return 0
}

const placedPolicies = (flags: Flags): PlacedPolicies => {
  const environment = environmentOf(flags)
  const problems: string[] = []
  const { readOption } = createOptionReader({ envPrefix: flags['env-prefix'] }, environment, problems)
  const roleArn = readOption('roleArn') as string | undefined
  const region = (readOption('region') as string | undefined) ?? (environment.AWS_REGION || undefined)
  const { tables, access } = (readOption('scope') ?? {}) as Partial<Scope>
  const executionRoleArn = executionRolesOf(flags)
  const sourceIdentity = flags['any-source-identity'] !== undefined || readOption('sourceIdentity')
  const transitiveTagKeys = readOption('transitiveTagKeys') as readonly string[] | undefined
  const sessionTags = readOption('sessionTags')
  if (problems.length > 0) throw new WrongUse(problems.join('\n'))
  const sessionTagKeys = tagsOf(sessionTags, flags)

  demand(
    { 'role-arn': roleArn, 'execution-role-arn': executionRoleArn, table: tables, access, region },
    flags,
  )
  const made = crossAccountPolicies({
    roleArn: roleArn as string,
    executionRoleArn: executionRoleArn as string[],
    tables: tables as readonly string[],
    access: access as Scope['access'],
    region: region as string,
    externalId: readOption('externalId') as string | undefined,
    sessionTagKeys,
    tenantTag: flags['tenant-tag'],
    transitiveTagKeys,
    sourceIdentity: sourceIdentity as string | true | undefined,
    indexes: flags.indexes !== undefined,
    kmsKeyArn: flags['kms-key-arn'],
    organizationId: flags['organization-id'],
    trustWholeAccount: flags['trust-whole-account'] !== undefined,
  })
  const callers = callersOf(executionRoleArn as string[])
  return { ...made, role: parseRoleArn(roleArn as string), region: region as string, callers }
}

/** Tags of the environment have one value each; that of the tenant, and those of flags, are others for each session. */
const tagsOf = (sessionTags: unknown = {}, flags: Flags): Readonly<Record<string, string | true>> => {
  // A list would be taken for keys, which the middleware does not do.
  if (!isRecord(sessionTags))
    throw new WrongUse(`sessionTags must be an object of keys and values, but is ${describe(sessionTags)}`)
  if (Object.values(sessionTags).includes(true))
    throw new WrongUse('the values of sessionTags must be strings')
  const fixed = Object.entries(sessionTags).map(([key, value]) => [
    key,
    key === flags['tenant-tag'] ? true : value,
  ])
  const open = flags['session-tag-key']?.split(',').map((key) => [key, true]) ?? []
  return Object.fromEntries([...fixed, ...open]) as Record<string, string | true>
}

const callersOf = (executionRoles: readonly string[]): PlacedPolicies['callers'] => {
  const accountOf = (principal: string) => /\d{12}/.exec(principal)?.[0] ?? 'of the function'
  return [...new Set(executionRoles.map(accountOf))].map((accountId) => ({
    accountId,
    roles: executionRoles
      .filter((principal) => accountOf(principal) === accountId && !isBroad(principal))
      .map(parseRoleArn),
  }))
}
