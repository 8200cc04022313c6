/**
 * AWS's documented limits on what a session is made of, each once, with the page that states it.
 *
 * A check takes a value and returns what is wrong with it and what would be right, or `undefined` when AWS would
 * take it. The external ID and the values of tags are never quoted, but for the one character that is wrong: they may be somebody's
 * secret or somebody's name.
 *
 * Lists and objects must be copies (see `copyData`): a check reads some properties more than once.
 */
import type { Tag } from './session-identity.ts'
import { describe, isRecord, quoted, shown } from './values.ts'

/** What is wrong with a value, as the end of a sentence that names the option; `undefined` when nothing is. */
export type Complaint = string | undefined

/** The parts of a role's ARN. */
export interface RoleArn {
  readonly partition: string
  readonly accountId: string
  /** `/` for a role without a path. */
  readonly path: string
  readonly name: string
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns */
const ROLE_ARN_EXAMPLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const ARN = /^arn:(?<partition>[^:]*):(?<service>[^:]*):(?<region>[^:]*):(?<account>[^:]*):(?<resource>.*)$/su
const PARTITION = /^aws(?:-[a-z]+)*$/
const ACCOUNT_ID = /^\d{12}$/

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters */
const EXTERNAL_ID = { min: 2, max: 1224, stray: /[^\w+=,.@:/-]/u, allowed: 'letters, digits and _+=,.@:/-' }
const SESSION_NAME = { min: 2, max: 64, stray: /[^\w+=,.@-]/u, allowed: 'letters, digits and _+=,.@-' }
const SOURCE_IDENTITY = SESSION_NAME
const DURATION_SECONDS = { min: 900 }

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining */
const ROLE_CHAINING_SECONDS = 3600

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_RequestParameters */
const ROLE_NAME = { min: 1, max: 64, stray: SESSION_NAME.stray, allowed: SESSION_NAME.allowed }
const ROLE_PATH = { max: 512, form: /^\/(?:[\u0021-\u007F]+\/)?$/ }

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know */
const TAGS = 50
const RESERVED_PREFIX = /^aws:/i

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const TAG_CHARACTERS = {
  stray: /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u,
  allowed: 'letters, digits, spaces and _.:/=+-@',
}
const TAG_KEY = { min: 1, max: 128, ...TAG_CHARACTERS }
const TAG_VALUE = { min: 0, max: 256, ...TAG_CHARACTERS }

/**
 * The partitions whose Regions are named apart; every other Region is in `aws`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
const PARTITION_OF_REGION = {
  'cn-': 'aws-cn',
  'us-gov-': 'aws-us-gov',
  'eusc-': 'aws-eusc',
  'us-iso-': 'aws-iso',
  'us-isob-': 'aws-iso-b',
  'eu-isoe-': 'aws-iso-e',
  'us-isof-': 'aws-iso-f',
}
const REGION = /^[a-z]{2,}(?:-[a-z]+)+-\d+$/

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const PARTITION_KEY_BYTES = 2048

const TABLE_NAME = /^[\w.-]{3,255}$/
const TABLE_ARN = /^arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/(?<name>[^/]*)$/

/**
 * In characters, of the inline policy and the managed ones' ARNs together.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters
 */
const SESSION_POLICY = { max: 2048, arns: 10, stray: /[^\t\n\r\u0020-\u00FF]/u }
const POLICY_ARN = /^arn:aws(?:-[a-z]+)*:iam::(?:aws|\d{12}):policy\/[\u0021-\u007F]+$/

interface Words {
  readonly min: number
  readonly max: number
  readonly stray: RegExp
  readonly allowed: string
}

/** Length and characters, without quoting the value. Lengths are counted in characters, as AWS counts them. */
const checkText = (value: unknown, { min, max, stray, allowed }: Words): Complaint => {
  if (typeof value !== 'string') return `must be a string, but is ${describe(value)}`
  // A character takes two code units at most; what is much too long is not counted, for it may be somebody's attempt.
  const length = value.length > 2 * max ? value.length : [...value].length
  if (length < min || length > max) return `must have ${min} to ${max} characters, but has ${length}`
  const found = stray.exec(value)?.[0]
  if (found !== undefined) return `may hold only ${allowed}, but holds ${quoted(found)}`
  return undefined
}

/**
 * The parts of a role's ARN.
 *
 * @throws TypeError when it is not one; ask {@link checkRoleArn} first.
 */
export const parseRoleArn = (arn: string): RoleArn => {
  const { partition, account, resource } = ARN.exec(arn)?.groups ?? {}
  if (partition === undefined || account === undefined || resource === undefined) {
    throw new TypeError(`not an ARN: ${quoted(arn)}`)
  }
  const slash = resource.lastIndexOf('/')
  return {
    partition,
    accountId: account,
    path: resource.slice('role'.length, slash + 1),
    name: resource.slice(slash + 1),
  }
}

const SESSION_ARN = /^arn:(?<partition>[^:]+):sts::(?<accountId>\d{12}):assumed-role\/(?<name>[^/]+)\//

/** The role of a session, by the session's ARN, which does not tell the role's path; `undefined` for other ARNs. */
export const roleOfSession = (
  arn: string,
): { readonly accountId: string; readonly name: string; readonly arn: string } | undefined => {
  const { partition, accountId, name } = SESSION_ARN.exec(arn)?.groups ?? {}
  return partition === undefined || accountId === undefined || name === undefined
    ? undefined
    : { accountId, name, arn: `arn:${partition}:iam::${accountId}:role/${name}` }
}

export const checkRoleArn = (value: unknown): Complaint => {
  if (typeof value !== 'string') return `must be a string, but is ${describe(value)}`
  const wrong = (why: string) => `${quoted(value)} ${why}; a role's ARN looks like ${ROLE_ARN_EXAMPLE}`
  const { partition = '', service, region, account = '', resource = '' } = ARN.exec(value)?.groups ?? {}
  if (service === undefined) return wrong('is not an ARN')
  if (!PARTITION.test(partition)) return wrong(`has no AWS partition such as aws, aws-cn or aws-us-gov`)
  if (service === 'sts' && resource.startsWith('assumed-role/')) {
    return wrong('is the ARN of a session that has assumed a role, not of the role')
  }
  if (service !== 'iam' || region !== '' || !resource.startsWith('role/'))
    return wrong('is not the ARN of an IAM role')
  if (!ACCOUNT_ID.test(account)) return wrong(`needs an account ID of 12 digits, not ${quoted(account)}`)
  const { name, path } = parseRoleArn(value)
  const badName = checkText(name, ROLE_NAME)
  if (badName !== undefined) return wrong(`has a role name that ${badName}`)
  if (path.length > ROLE_PATH.max)
    return wrong(`has a path of ${path.length} characters; at most are ${ROLE_PATH.max}`)
  return ROLE_PATH.form.test(path)
    ? undefined
    : wrong('has a path that is empty, or holds other characters than printable ASCII')
}

export const checkExternalId = (value: unknown): Complaint => checkText(value, EXTERNAL_ID)

export const checkSessionName = (value: unknown): Complaint => checkText(value, SESSION_NAME)

/** Any text made a valid session name: what AWS would refuse becomes `-`, and it is cut or filled to length. */
export const toSessionName = (text: string): string =>
  text
    .replace(new RegExp(SESSION_NAME.stray, 'gu'), '-')
    .slice(0, SESSION_NAME.max)
    .padEnd(SESSION_NAME.min, '-')

export const checkSourceIdentity = (value: unknown): Complaint =>
  isReserved(value)
    ? 'may not begin with aws:, which AWS keeps for itself'
    : checkText(value, SOURCE_IDENTITY)

export const checkDurationSeconds = (value: unknown): Complaint => {
  const whole = typeof value === 'number' && Number.isInteger(value)
  if (whole && value >= DURATION_SECONDS.min && value <= ROLE_CHAINING_SECONDS) return undefined
  return (
    `must be a whole number of seconds from ${DURATION_SECONDS.min} to ${ROLE_CHAINING_SECONDS}, not ${shown(value)}; ` +
    'an execution role is itself an assumed role, and AWS caps such role chaining at one hour'
  )
}

const isReserved = (value: unknown): boolean => typeof value === 'string' && RESERVED_PREFIX.test(value)

/** All that is wrong with the tags, one complaint each. */
export const checkSessionTags = (tags: readonly Tag[]): readonly string[] => {
  const complaints: string[] = []
  if (tags.length > TAGS) complaints.push(`may hold at most ${TAGS} tags, but holds ${tags.length}`)
  // So many are nobody's mistake.
  if (tags.length > 10 * TAGS) return complaints
  const spelled = new Map<string, string>()
  for (const { Key, Value } of tags) {
    const badKey = isReserved(Key) ? 'may not begin with aws:' : checkText(Key, TAG_KEY)
    if (badKey !== undefined) complaints.push(`the key ${quoted(Key)} ${badKey}`)
    const badValue = isReserved(Value) ? 'may not begin with aws:' : checkText(Value, TAG_VALUE)
    if (badValue !== undefined) complaints.push(`the value of ${quoted(Key)} ${badValue}`)
    const folded = Key.toLowerCase()
    const twin = spelled.get(folded)
    if (twin !== undefined) {
      complaints.push(
        `the keys ${quoted(twin)} and ${quoted(Key)} are the same to AWS, which ignores their case`,
      )
    }
    spelled.set(folded, Key)
  }
  return complaints
}

/** All that is wrong with the transitive keys, which must be keys of the session's tags. */
export const checkTransitiveTagKeys = (keys: readonly string[], tags: readonly Tag[]): readonly string[] => {
  const known = new Set(tags.map(({ Key }) => Key))
  const missing = [...new Set(keys)].filter((key) => !known.has(key))
  // Nearly always none is, and each invocation may ask.
  if (missing.length === 0) return []
  const some = [...known].slice(0, TAGS).map(quoted).join(', ')
  const have = known.size === 0 ? 'there are none' : `those are ${some}`
  return missing.map((key) => `${quoted(key)} is not a key of sessionTags (${have})`)
}

export const checkRegion = (value: unknown): Complaint =>
  typeof value === 'string' && REGION.test(value)
    ? undefined
    : `must be a Region's code such as eu-west-1, not ${shown(value)}`

/** Credentials of one partition are unknown in every other. */
export const checkPartition = (region: string, role: RoleArn): Complaint => {
  const apart = Object.entries(PARTITION_OF_REGION).find(([prefix]) => region.startsWith(prefix))?.[1]
  const separate: readonly string[] = Object.values(PARTITION_OF_REGION)
  const fits = apart === undefined ? !separate.includes(role.partition) : apart === role.partition
  return fits ? undefined : `${quoted(region)} is not a Region of the partition of roleArn, ${role.partition}`
}

/**
 * A table's name, or its ARN; neither holds a wildcard or a variable.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
 */
export const checkTable = (value: unknown): Complaint => {
  if (typeof value !== 'string') return `a table must be a string, but is ${describe(value)}`
  const name = TABLE_ARN.exec(value)?.groups?.name ?? value
  return TABLE_NAME.test(name)
    ? undefined
    : `${quoted(value)} is neither a table's name (3 to 255 letters, digits and _.-) nor its ARN`
}

/** A table's name, and not its ARN: with an ARN, one value of a request could choose the whole table. */
export const checkTableName = (value: unknown): Complaint => {
  if (typeof value !== 'string') return `a table must be a string, but is ${describe(value)}`
  if (TABLE_NAME.test(value)) return undefined
  return value.startsWith('arn:')
    ? `${quoted(value)} is an ARN; a function of the request may return only names of tables, because a value that is ` +
        'itself an ARN could select any table. Use ARNs in a static scope'
    : `${quoted(value)} is not a table's name (3 to 255 letters, digits and _.-)`
}

/** What a partition key may be, as text. The value is not shown. */
export const checkPartitionKey = (value: unknown): Complaint => {
  if (typeof value !== 'string') return `must hold strings, but holds ${describe(value)}`
  if (value === '') return 'must not hold an empty string'
  if (value.length > PARTITION_KEY_BYTES || new TextEncoder().encode(value).length > PARTITION_KEY_BYTES)
    return `must hold keys of at most ${PARTITION_KEY_BYTES} bytes`
  return value.isWellFormed() ? undefined : 'must hold Unicode, but holds half of a surrogate pair'
}

export const tableArn = (
  name: string,
  { partition, region, accountId }: { partition: string; region: string; accountId: string },
): string => `arn:${partition}:dynamodb:${region}:${accountId}:table/${name}`

/** The ARNs of tables that are given by their names or ARNs, each once. */
export const tableArns = (
  tables: readonly string[],
  target: Parameters<typeof tableArn>[1],
): readonly string[] => [
  ...new Set(tables.map((table) => (table.startsWith('arn:') ? table : tableArn(table, target)))),
]

/** A session policy as it is given: a document, or its text. */
export const checkPolicy = (value: unknown): Complaint => {
  if (typeof value !== 'string') {
    if (isRecord(value) && Object.keys(value).length > 0) return checkJson(value)
    return `must be a policy document or its JSON text, but is ${isRecord(value) ? 'empty' : describe(value)}`
  }
  const stray = SESSION_POLICY.stray.exec(value)?.[0]
  if (stray !== undefined)
    return `may hold only characters up to U+00FF, but holds ${quoted(stray)}; write it as a JSON escape`
  try {
    const policy: unknown = JSON.parse(value)
    if (!isRecord(policy)) return 'must be the JSON text of a policy document'
    return Object.keys(policy).length > 0
      ? undefined
      : 'must be the JSON text of a policy document, but is empty'
  } catch {
    return 'is not valid JSON'
  }
}

/**
 * What has no JSON. `JSON.stringify` would leave it out or write `null` instead: a statement whose condition is
 * `undefined` would become one without a condition.
 */
const checkJson = (value: unknown, path = ''): Complaint => {
  if (Array.isArray(value)) return findComplaint(value, (each, index) => checkJson(each, `${path}[${index}]`))
  if (isRecord(value))
    return findComplaint(Object.entries(value), ([key, each]) =>
      checkJson(each, path ? `${path}.${key}` : key),
    )
  const isJson =
    value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
  return isJson ? undefined : `${quoted(path)} must be a value of JSON, but is ${shown(value)}`
}

/** What is wrong with the first item that something is wrong with. */
const findComplaint = <Item>(
  items: readonly Item[],
  check: (item: Item, index: number) => Complaint,
): Complaint => {
  for (const [index, item] of items.entries()) {
    const complaint = check(item, index)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

export const checkPolicyArns = (value: unknown): Complaint => {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of ARNs of managed policies'
  if (value.length > SESSION_POLICY.arns)
    return `may hold at most ${SESSION_POLICY.arns} ARNs, but holds ${value.length}`
  return findComplaint(value, checkPolicyArn)
}

const checkPolicyArn = (value: unknown): Complaint =>
  typeof value === 'string' && POLICY_ARN.test(value)
    ? undefined
    : `${shown(value)} is not the ARN of a managed policy, such as arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess`

/** What the session policies come to together. How STS packs them cannot be known here. */
export const checkPolicySize = (policy: string, policyArns: readonly string[]): Complaint => {
  const { length } = [policy, ...policyArns].join('')
  return length <= SESSION_POLICY.max
    ? undefined
    : `makes session policies of ${length} characters, ${length - SESSION_POLICY.max} more than the ${SESSION_POLICY.max} that STS takes`
}
