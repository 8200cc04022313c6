/** The options of `crossAccountPolicies()`, and the function that parses them to a configuration. */
import { createConfigurationError } from '../errors.ts'
import type { Parser } from '../options/issue.ts'
import { type Audience, MESSAGES } from '../options/messages.ts'
import {
  createStringListParser,
  isString,
  parseBoolean,
  reportTypeProblem,
  toReportable,
} from '../options/parsers.ts'
import { POLICY_MESSAGES } from '../options/policy-messages.ts'
import { createOptionReader, type OptionReader, type Row, type Values } from '../options/rows.ts'
import { isRecord } from '../text.ts'
import { type Access, canRestrictByKey, listActions } from './actions.ts'
import { parseRoleArn, type RoleArn } from './arn.ts'
import {
  findPartitionProblem,
  parseExactRoleArn,
  parseExternalId,
  parseRegion,
  parseRoleArnOption,
  parseSourceIdentity,
  parseTagKeys,
  reportTablesElsewhere,
  reportTagProblems,
  reportUnknownTagKeys,
} from './constraints.ts'
import { findKmsKeyProblem, parseKmsKeyArn } from './kms-key.ts'
import { parseAccess, parseTables } from './scope.ts'

/**
 * The options of {@link crossAccountPolicies}. `roleArn`, `executionRoleArn`, `tables`, `access` and `region` are required.
 *
 * Describe the session as the function requests it. If the trust policy requires an external ID, a tag or a source identity that the
 * function does not send, or sends with a different value, STS denies the call.
 */
export interface CrossAccountPoliciesOptions {
  /** The ARN of the target role, in the account of the tables. It must not contain `*`, `?` or `$`. */
  readonly roleArn: string
  /**
   * The ARN of the function's execution role, or a list of the ARNs of several execution roles. With `trustWholeAccount: true`, you
   * can also use broader principals: the ARN of an account (`…:root`), an account ID, a role ARN with `*` or `?`, or `*` for all
   * AWS accounts.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
   */
  readonly executionRoleArn: string | readonly string[]
  /** The names or ARNs of the tables, which must be in the role's account and in `region`. */
  readonly tables: readonly string[]
  /**
   * The allowed actions: `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. The option
   * `scope.access` of the middleware has the same values.
   */
  readonly access: Access
  /** The Region of the tables. */
  readonly region: string
  /**
   * The external ID that the function sends, 2 to 1224 characters.
   *
   * @default the trust policy does not require an external ID
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   */
  readonly externalId?: string | undefined
  /**
   * The keys of the session tags that the function sends, at most 50, as a list or as a record. In a record, a string is the
   * value that the tag must have, and `true` allows any nonempty value. In a list, each tag can have any nonempty value.
   *
   * @default no session tags, or only `tenantTag`
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
   */
  readonly sessionTagKeys?: readonly string[] | Readonly<Record<string, string | true>> | undefined
  /**
   * The key of a session tag whose value identifies the tenant. The role then allows only requests whose partition keys equal this
   * value, and no actions that can run without a partition key, such as `Scan`. The key does not need to be in `sessionTagKeys`.
   *
   * @default the role allows requests with any partition key
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
   */
  readonly tenantTag?: string | undefined
  /**
   * The keys of the session tags that the function sends as transitive. Each key must be in `sessionTagKeys` or be `tenantTag`.
   *
   * @default no transitive session tags
   */
  readonly transitiveTagKeys?: readonly string[] | undefined
  /**
   * The source identity that the function sends, 2 to 64 characters, or `true` if the function sends a source identity that varies.
   *
   * @default false, which means that the function sends no source identity
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
   */
  readonly sourceIdentity?: boolean | string | undefined
  /**
   * Whether the role can read the indexes of the tables. With `tenantTag`, IAM compares the value of the tag with the partition key
   * of the index. If this key does not identify the tenant, do not set `true`.
   *
   * @default `true`. With `tenantTag`: `false`
   */
  readonly indexes?: boolean | undefined
  /**
   * The ARN of the customer managed KMS key that encrypts the tables, in `region`.
   *
   * @default no customer managed key
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
   */
  readonly kmsKeyArn?: string | undefined
  /**
   * The ID of the organization that must contain the function's account, such as `o-exampleorgid`.
   *
   * @default the trust policy does not require an organization
   */
  readonly organizationId?: string | undefined
  /**
   * Whether `executionRoleArn` can contain principals that include more than one role. Each of these principals causes a warning.
   *
   * @default false
   */
  readonly trustWholeAccount?: boolean | undefined
}

/** The session tags that the function sends: each key with its fixed value, or with `undefined` if the tag can have any nonempty value. */
type TagValues = ReadonlyMap<string, string | undefined>

/** The parsed options. All required options are present. */
export interface TrustConfiguration {
  readonly roleArn: string
  readonly role: RoleArn
  readonly executionRoles: readonly string[]
  readonly tables: readonly string[]
  readonly access: Access
  readonly region: string
  readonly externalId?: string | undefined
  readonly tags: TagValues
  readonly tenantTag?: string | undefined
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: boolean | string | undefined
  readonly indexes?: boolean | undefined
  readonly kmsKeyArn?: string | undefined
  readonly organizationId?: string | undefined
}

/** @see https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html */
const ORGANIZATION_ID = /^o-[a-z0-9]{10,32}$/

const ACCOUNT_ID = /^\d{12}$/
const ACCOUNT_ARN = /^arn:[\w-]+:iam::\d{12}:root$/
/** Matches a role ARN with wildcards. */
const ROLE_PATTERN = /^arn:[\w-]+:iam::\d{12}:role\/[^\s$]*[*?][^\s$]*$/

/** Returns whether a principal includes more than one role. */
export const isBroadPrincipal = (principal: string): boolean =>
  principal === '*' ||
  ACCOUNT_ID.test(principal) ||
  ACCOUNT_ARN.test(principal) ||
  ROLE_PATTERN.test(principal)

const parsePrincipalList = createStringListParser('the ARN of a role, or a list of ARNs of roles')
const parsePrincipals: Parser<readonly string[]> = (value, report) => {
  const principals = isString(value) ? [value] : parsePrincipalList(value, report)
  if (principals?.length !== 0) return principals
  report({ code: 'empty' })
  return undefined
}

/** Returns whether a value is a fixed tag value, or `true`, which allows any nonempty tag value. */
const isFixedValueOrTrue = (value: unknown): value is string | true =>
  value === true || (isString(value) && value !== '')

/** Parses tag keys. Rejects a missing value in a record, because a trust policy that allows any value instead would be too broad. */
const parseSessionTagKeys: Parser<TagValues> = (value, report) => {
  if (Array.isArray(value) && value.every(isString))
    return new Map(value.map((key) => [key, undefined] as const))
  if (isRecord(value) && Object.values(value).every(isFixedValueOrTrue))
    return new Map(Object.entries(value).map(([key, fixed]) => [key, isString(fixed) ? fixed : undefined]))
  report({ code: 'invalid-tag-keys' })
  return undefined
}

/** A valid tag value. Where keys and values are checked together, it replaces a value that varies. */
const PLACEHOLDER_TAG_VALUE = 'x'

const parseTenantTag: Parser<string> = (value, report) => {
  if (!isString(value)) return reportTypeProblem(report, 'the key of a session tag', value)
  return reportTagProblems([[value, PLACEHOLDER_TAG_VALUE]], report) ? undefined : value
}

const parseSourceIdentityOrBoolean: Parser<string | boolean> = (value, report) =>
  typeof value === 'boolean' ? value : parseSourceIdentity(value, report)

const parseOrganizationId: Parser<string> = (value, report) => {
  if (isString(value) && ORGANIZATION_ID.test(value)) return value
  const expected = 'the ID of an organization such as o-exampleorgid'
  report({ code: 'invalid-value', expected, value: toReportable(value) })
  return undefined
}

const ROWS = {
  roleArn: { parse: parseExactRoleArn },
  executionRoleArn: { parse: parsePrincipals },
  tables: { parse: parseTables },
  access: { parse: parseAccess },
  region: { parse: parseRegion },
  externalId: { parse: parseExternalId },
  sessionTagKeys: { parse: parseSessionTagKeys },
  tenantTag: { parse: parseTenantTag },
  transitiveTagKeys: { parse: parseTagKeys },
  sourceIdentity: { parse: parseSourceIdentityOrBoolean },
  indexes: { parse: parseBoolean },
  kmsKeyArn: { parse: parseKmsKeyArn },
  organizationId: { parse: parseOrganizationId },
  trustWholeAccount: { parse: parseBoolean },
} satisfies Readonly<Record<keyof CrossAccountPoliciesOptions, Row<unknown>>>

type Reader = OptionReader<typeof ROWS>
const REQUIRED = ['roleArn', 'executionRoleArn', 'tables', 'access', 'region'] as const

/** The messages and option names for code that calls `crossAccountPolicies()`. */
export const POLICIES_AUDIENCE: Audience = {
  messages: { ...MESSAGES, ...POLICY_MESSAGES },
  nameOf: (option) => option,
  howToSet: (option) => `set ${option}`,
}

/**
 * Parses the options of `crossAccountPolicies()`.
 *
 * @param subject what has the options, for error messages
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if an option is invalid, with an issue for each problem.
 */
export const readTrustConfiguration = (
  given: unknown,
  subject = 'crossAccountPolicies()',
): TrustConfiguration => {
  const reader = createOptionReader(ROWS, { given })
  const { values, issues, isSet, reportOn } = reader
  for (const name of REQUIRED) if (!isSet(name)) reportOn(name)({ code: 'required' })
  const role = values.roleArn === undefined ? undefined : parseRoleArn(values.roleArn)
  const tags = addTenantTag(values)
  reportPrincipals(reader, role)
  reportLocations(reader, role)
  reportTags(reader, tags)

  const { roleArn, executionRoleArn, tables, access, region, sessionTagKeys: _, ...others } = values
  if (
    issues.length > 0 ||
    role === undefined ||
    roleArn === undefined ||
    executionRoleArn === undefined ||
    tables === undefined ||
    access === undefined ||
    region === undefined
  )
    throw createConfigurationError(subject, issues, POLICIES_AUDIENCE)
  const { transitiveTagKeys = [] } = values
  return {
    ...others,
    roleArn,
    role,
    executionRoles: executionRoleArn,
    tables,
    access,
    region,
    tags,
    transitiveTagKeys,
  }
}

/** Returns the session tags, including the tenant tag if `sessionTagKeys` does not contain it. */
const addTenantTag = ({ sessionTagKeys, tenantTag }: Values<typeof ROWS>): TagValues => {
  const tags = new Map(sessionTagKeys)
  if (tenantTag !== undefined && !tags.has(tenantTag)) tags.set(tenantTag, undefined)
  return tags
}

const reportPrincipals = ({ values, reportOn }: Reader, role: RoleArn | undefined): void => {
  const report = reportOn('executionRoleArn')
  for (const principal of values.executionRoleArn ?? []) {
    const isBroad = isBroadPrincipal(principal)
    if (isBroad && values.trustWholeAccount !== true) report({ code: 'broad-principal', value: principal })
    else if (!isBroad && parseRoleArnOption(principal, report) === undefined) continue
    const partition = parsePartition(principal)
    if (role !== undefined && partition !== undefined && partition !== role.partition)
      report({ code: 'other-partition', value: principal, partition: role.partition })
  }
}

/** Returns the partition of a principal, or `undefined` for a principal that names none, such as an account ID. */
const parsePartition = (principal: string): string | undefined => /^arn:([^:]*):/.exec(principal)?.[1]

/** Reports a Region outside the role's partition, tables outside the role's account or the Region, and a KMS key in another location. */
const reportLocations = ({ values, reportOn }: Reader, role: RoleArn | undefined): void => {
  const { region, tables = [], kmsKeyArn } = values
  if (region === undefined) return
  const keyProblem = kmsKeyArn === undefined ? undefined : findKmsKeyProblem(kmsKeyArn, { ...role, region })
  if (keyProblem !== undefined) reportOn('kmsKeyArn')(keyProblem)
  if (role === undefined) return
  const problem = findPartitionProblem(region, role)
  if (problem !== undefined) reportOn('region')(problem)
  const report = reportOn('tables')
  reportTablesElsewhere(tables, { ...role, region }, ({ path: _, ...rest }) => report(rest))
}

const reportTags = ({ values, isSet, reportOn }: Reader, tags: TagValues): void => {
  const { access, sessionTagKeys, tenantTag, transitiveTagKeys = [] } = values
  reportTagProblems(
    [...tags].map(([key, value]) => [key, value ?? PLACEHOLDER_TAG_VALUE]),
    reportOn('sessionTagKeys'),
  )
  // If `sessionTagKeys` is invalid, its keys are not available, and each transitive key would be reported as unknown.
  if (sessionTagKeys !== undefined || !isSet('sessionTagKeys'))
    reportUnknownTagKeys(
      transitiveTagKeys,
      [...tags.keys()].map((Key) => ({ Key })),
      reportOn('transitiveTagKeys'),
    )
  if (tenantTag !== undefined && access !== undefined && !listActions(access).some(canRestrictByKey))
    reportOn('access')({ code: 'no-restrictable-action' })
}
