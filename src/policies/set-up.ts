/** What the two accounts are to be set up for: options, checked all at once. */
import { copyData } from '../copy.ts'
import { configInvalid } from '../errors.ts'
import {
  type Complaint,
  checkExternalId,
  checkPartition,
  checkRegion,
  checkRoleArn,
  checkSessionTags,
  checkSourceIdentity,
  checkTransitiveTagKeys,
  parseRoleArn,
  type RoleArn,
} from '../limits.ts'
import { nearest } from '../nearest.ts'
import { describe, isRecord, quoted, shown } from '../values.ts'
import type { Access } from './actions.ts'
import { actionsOf, namesKeys } from './actions.ts'
import { checkScope, checkScopeTarget } from './scope.ts'

/** What `crossAccountPolicies()` takes. */
export interface CrossAccountPoliciesOptions {
  /** ARN of the target role, in the account of the tables. */
  readonly roleArn: string
  /**
   * ARN of the function's execution role, or a list. With `trustWholeAccount: true` also what is broader: `…:root`, an account's
   * ID, a role's ARN with `*` or `?`, or `*`.
   */
  readonly executionRoleArn: string | readonly string[]
  /** Names or ARNs, in the role's account and `region`. */
  readonly tables: readonly string[]
  /** `'read'`, `'write'`, `'read-write'` or a list of actions on items, as in the middleware's `scope`. */
  readonly access: Access
  /** The tables' Region. */
  readonly region: string
  /** What the function will send, if it sends one. */
  readonly externalId?: string | undefined
  /** The keys of the session tags that the function will send; a record fixes their values, too, where one is not `true`. */
  readonly sessionTagKeys?: readonly string[] | Readonly<Record<string, string | true>> | undefined
  /** The session tag whose value a request's partition keys must equal. It need not be among `sessionTagKeys`. */
  readonly tenantTag?: string | undefined
  /** Those of the tags that the function will send as transitive. */
  readonly transitiveTagKeys?: readonly string[] | undefined
  /** `true` where the function will send a source identity, or the one that it will send. */
  readonly sourceIdentity?: boolean | string | undefined
  /** Whether the tables' indexes may be read, too. Default: `false`. */
  readonly indexes?: boolean | undefined
  /** ARN of the customer managed key of the tables, if they have one. */
  readonly kmsKeyArn?: string | undefined
  /** ID of the organisation that the function's account must be in, such as `o-exampleorgid`. */
  readonly organizationId?: string | undefined
  /** `true` allows an `executionRoleArn` that is broader than roles; each is warned of. Default: `false`. */
  readonly trustWholeAccount?: boolean | undefined
}

/** The options, complete. */
export interface SetUp extends CrossAccountPoliciesOptions {
  readonly role: RoleArn
  readonly executionRoles: readonly string[]
  /** Key and value of each tag that the function will send; `undefined`: any value that is not empty. */
  readonly tags: ReadonlyMap<string, string | undefined>
  readonly transitiveTagKeys: readonly string[]
}

const OPTIONS: Readonly<Record<keyof CrossAccountPoliciesOptions, true>> = {
  roleArn: true,
  executionRoleArn: true,
  tables: true,
  access: true,
  region: true,
  externalId: true,
  sessionTagKeys: true,
  tenantTag: true,
  transitiveTagKeys: true,
  sourceIdentity: true,
  indexes: true,
  kmsKeyArn: true,
  organizationId: true,
  trustWholeAccount: true,
}

/** https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html */
const ORGANIZATION_ID = /^o-[a-z0-9]{10,32}$/
/** https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN */
const KEY_ARN = /^arn:(?<partition>[\w-]+):kms:(?<region>[\w-]+):\d{12}:key\/[\w-]+$/

/** What makes a text mean others than itself where a policy names a resource. A role's path may hold it. */
const WILDCARD = /[*?$]/
const ACCOUNT = /^\d{12}$/
const ROOT = /^arn:[\w-]+:iam::\d{12}:root$/
const ROLE_PATTERN = /^arn:[\w-]+:iam::\d{12}:role\/[^\s$]*[*?][^\s$]*$/

/** Whether a principal is more than a role. */
export const isBroad = (principal: string): boolean =>
  principal === '*' || ACCOUNT.test(principal) || ROOT.test(principal) || ROLE_PATTERN.test(principal)

/**
 * The options, if nothing is wrong with them.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID`, naming every problem with its option.
 */
export const readSetUp = (given: CrossAccountPoliciesOptions): SetUp => {
  const problems: string[] = []
  const complain = (option: string, ...complaints: Complaint[]): void => {
    for (const complaint of complaints) if (complaint !== undefined) problems.push(`${option}: ${complaint}`)
  }
  const copy = copyData(given)
  const options: Partial<CrossAccountPoliciesOptions> = isRecord(copy) ? copy : {}
  if (!isRecord(copy)) problems.push(`the options must be a plain object, but are ${describe(copy)}`)
  const names = Object.keys(OPTIONS)
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue
    const near = nearest(name, names)
    complain(
      name,
      `is not an option; ${near === undefined ? `those are ${names.join(', ')}` : `did you mean ${near}?`}`,
    )
  }

  const badRole = checkRoleArn(options.roleArn)
  complain('roleArn', badRole)
  if (badRole === undefined && WILDCARD.test(String(options.roleArn)))
    complain('roleArn', `${quoted(String(options.roleArn))} would be a pattern of roles in a policy`)
  const role = badRole === undefined ? parseRoleArn(options.roleArn as string) : undefined
  const badRegion = checkRegion(options.region)
  complain('region', badRegion)
  if (role !== undefined && badRegion === undefined)
    complain('region', checkPartition(options.region as string, role))

  const executionRoles = [options.executionRoleArn ?? []].flat() as readonly string[]
  if (executionRoles.length === 0)
    complain('executionRoleArn', "is required: the ARN of the function's execution role")
  for (const arn of executionRoles)
    complain('executionRoleArn', checkPrincipal(arn, role, options.trustWholeAccount === true))

  const scope = { tables: options.tables ?? [], access: options.access as Access }
  const badScope = checkScope(scope)
  problems.push(
    ...badScope.map((complaint) => complaint.replace(/^(?<option>tables|access):? /, '$<option>: ')),
  )
  if (badScope.length === 0 && role !== undefined && badRegion === undefined) {
    const elsewhere = checkScopeTarget(scope, { ...role, region: options.region as string })
    problems.push(...elsewhere)
  }

  complain('externalId', options.externalId === undefined ? undefined : checkExternalId(options.externalId))
  const badTenantTag = checkTenantTag(options.tenantTag)
  complain('tenantTag', ...badTenantTag)
  const tags = tagsOf(options.sessionTagKeys, badTenantTag.length > 0 ? undefined : options.tenantTag)
  if (tags === undefined)
    complain(
      'sessionTagKeys',
      'must be a list of keys, or an object of keys and values that are not empty, or true for any',
    )
  else {
    const sent = [...tags].map(([Key, Value]) => ({ Key, Value: Value ?? 'x' }))
    complain('sessionTagKeys', ...checkSessionTags(sent))
    const { transitiveTagKeys: transitive = [] } = options
    if (isListOfTexts(transitive)) complain('transitiveTagKeys', ...checkTransitiveTagKeys(transitive, sent))
    else complain('transitiveTagKeys', 'must be a list of keys')
  }
  if (options.tenantTag !== undefined && badScope.length === 0 && !actionsOf(scope.access).some(namesKeys))
    complain('access', 'holds no action that tenantTag can confine: what may name no key is left out')
  const { sourceIdentity } = options
  if (sourceIdentity !== undefined && typeof sourceIdentity !== 'boolean')
    complain('sourceIdentity', checkSourceIdentity(sourceIdentity))
  for (const name of ['indexes', 'trustWholeAccount'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      complain(name, `must be a boolean, but is ${describe(options[name])}`)
  }
  if (options.kmsKeyArn !== undefined)
    complain('kmsKeyArn', checkKey(options.kmsKeyArn, options.region, role))
  if (
    options.organizationId !== undefined &&
    !(typeof options.organizationId === 'string' && ORGANIZATION_ID.test(options.organizationId))
  )
    complain(
      'organizationId',
      `must be the ID of an organisation such as o-exampleorgid, not ${shown(options.organizationId)}`,
    )

  if (problems.length > 0 || role === undefined || tags === undefined) {
    throw configInvalid('the set-up', problems)
  }
  const { transitiveTagKeys = [] } = options
  return {
    ...(options as CrossAccountPoliciesOptions),
    role,
    executionRoles,
    tags,
    transitiveTagKeys: [...new Set(transitiveTagKeys)],
  }
}

const isListOfTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const checkTenantTag = (tag: unknown): readonly string[] => {
  if (tag === undefined) return []
  if (typeof tag !== 'string') return [`must be the key of a session tag, but is ${describe(tag)}`]
  return checkSessionTags([{ Key: tag, Value: 'x' }])
}

const isValueOrAny = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && value !== '')

/** `undefined` for what is neither. A value that is not there must not become one that may be any. */
const tagsOf = (
  keys: unknown = [],
  tenantTag: string | undefined,
): Map<string, string | undefined> | undefined => {
  const tags = new Map<string, string | undefined>()
  if (isListOfTexts(keys)) for (const key of keys) tags.set(key, undefined)
  else if (isRecord(keys) && Object.values(keys).every(isValueOrAny))
    for (const [key, value] of Object.entries(keys))
      tags.set(key, value === true ? undefined : (value as string))
  else return undefined
  if (tenantTag !== undefined && !tags.has(tenantTag)) tags.set(tenantTag, undefined)
  return tags
}

const checkPrincipal = (arn: unknown, role: RoleArn | undefined, trustWholeAccount: boolean): Complaint => {
  const broad = typeof arn === 'string' && isBroad(arn)
  if (broad && !trustWholeAccount)
    return `${quoted(arn)} trusts more than one role; name the function's execution role, or say trustWholeAccount: true`
  const complaint = broad ? undefined : checkRoleArn(arn)
  if (complaint !== undefined || role === undefined) return complaint
  const partition = partitionOf(arn as string)
  return partition === undefined || partition === role.partition
    ? undefined
    : `${quoted(arn as string)} is in the partition ${partition}, and roleArn in ${role.partition}: no role is assumed across`
}

/** `undefined` for what is in every partition, such as an account's ID. */
const partitionOf = (arn: string): string | undefined => /^arn:([^:]*):/.exec(arn)?.[1]

const checkKey = (arn: unknown, region: unknown, role: RoleArn | undefined): Complaint => {
  const key = typeof arn === 'string' ? KEY_ARN.exec(arn)?.groups : undefined
  if (key === undefined)
    return `must be the ARN of a KMS key, not ${shown(arn)} (an alias cannot be named in a policy)`
  if (key.region !== region) return `is in ${key.region}, and the tables are in ${shown(region)}`
  return role === undefined || key.partition === role.partition
    ? undefined
    : `is in the partition ${key.partition}, and roleArn in ${role.partition}`
}
