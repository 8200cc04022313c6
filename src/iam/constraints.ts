/**
 * AWS's limits on what a session is made of, each once, with the page that states it, and the parsers that apply them.
 *
 * External IDs, tag values and partition keys may be secrets or personal data. An issue never holds them, except for the
 * one character that is not allowed.
 */
import type { Parser, Problem, Report } from '../options/issue.ts'
import type { RoleArnReason } from '../options/messages.ts'
import {
  findTextProblem,
  isString,
  listParser,
  reportItemType,
  reportType,
  stringListParser,
  type TextConstraint,
  textParser,
  toReportable,
} from '../options/parsers.ts'
import { describe, isRecord } from '../text.ts'
import { parseArn, parseRoleArn, type RoleArn, type TableLocation, tableArn } from './arn.ts'

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters */
const EXTERNAL_ID: TextConstraint = {
  min: 2,
  max: 1224,
  invalid: /[^\w+=,.@:/-]/u,
  allowed: 'letters, digits and _+=,.@:/-',
}
const SESSION_NAME: TextConstraint = {
  min: 2,
  max: 64,
  invalid: /[^\w+=,.@-]/u,
  allowed: 'letters, digits and _+=,.@-',
}
const MIN_DURATION_SECONDS = 900
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining */
const MAX_ROLE_CHAINING_SECONDS = 3600

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_RequestParameters */
const ROLE_NAME: TextConstraint = { ...SESSION_NAME, min: 1 }
const MAX_ROLE_PATH = 512
const ROLE_PATH = /^\/(?:[\u0021-\u007F]+\/)?$/
const PARTITION = /^aws(?:-[a-z]+)*$/
const ACCOUNT_ID = /^\d{12}$/

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know */
const MAX_TAGS = 50
const RESERVED_PREFIX = /^aws:/i

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const TAG_KEY: TextConstraint = {
  min: 1,
  max: 128,
  invalid: /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u,
  allowed: 'letters, digits, spaces and _.:/=+-@',
}
const TAG_VALUE: TextConstraint = { ...TAG_KEY, min: 0, max: 256 }

/**
 * The partitions whose Regions have names of their own; every other Region is in `aws`.
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
const MAX_PARTITION_KEY_BYTES = 2048

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const TABLE_NAME = /^[\w.-]{3,255}$/
const TABLE_ARN = /^arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/(?<name>[^/]*)$/

/**
 * In characters, of the inline policy and the ARNs of managed policies together.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters
 */
const MAX_SESSION_POLICIES = 2048
const MAX_POLICY_ARNS = 10
const NOT_IN_POLICIES = /[^\t\n\r\u0020-\u00FF]/u
const POLICY_ARN = /^arn:aws(?:-[a-z]+)*:iam::(?:aws|\d{12}):policy\/[\u0021-\u007F]+$/

/** A session tag, as STS spells it. */
export interface Tag {
  readonly Key: string
  readonly Value: string
}

/** The ARN of a role, as text. */
export const parseRoleArnOption: Parser<string> = (value, report) => {
  if (!isString(value)) return reportType(report, 'a string', value)
  const reason = findRoleArnReason(value)
  if (reason === undefined) return value
  report({ code: 'invalid-role-arn', value, reason })
  return undefined
}

const findRoleArnReason = (arn: string): RoleArnReason | undefined => {
  const parts = parseArn(arn)
  if (parts === undefined) return 'not-an-arn'
  const { partition, service, region, account, resource } = parts
  if (!PARTITION.test(partition)) return 'no-partition'
  if (service === 'sts' && resource.startsWith('assumed-role/')) return 'session-arn'
  if (service !== 'iam' || region !== '' || !resource.startsWith('role/')) return 'not-a-role'
  if (!ACCOUNT_ID.test(account)) return 'no-account-id'
  const { name, path } = parseRoleArn(arn)
  if (findTextProblem(name, ROLE_NAME) !== undefined) return 'invalid-name'
  if (path.length > MAX_ROLE_PATH) return 'path-too-long'
  return ROLE_PATH.test(path) ? undefined : 'invalid-path'
}

/** A role's path may contain these, and a policy that names it as a resource would then match other roles. */
const WILDCARD = /[*?$]/

/** A role's ARN that a policy can name without matching other roles. */
export const parseExactRoleArn: Parser<string> = (value, report) => {
  const arn = parseRoleArnOption(value, report)
  if (arn === undefined || !WILDCARD.test(arn)) return arn
  report({ code: 'role-pattern', value: arn })
  return undefined
}

export const parseExternalId: Parser<string> = textParser(EXTERNAL_ID)

export const parseSessionName: Parser<string> = textParser(SESSION_NAME)

/** Makes any text a valid session name: invalid characters become `-`, and it is cut or padded to a valid length. */
export const toSessionName = (text: string): string =>
  text
    .replace(new RegExp(SESSION_NAME.invalid, 'gu'), '-')
    .slice(0, SESSION_NAME.max)
    .padEnd(SESSION_NAME.min, '-')

const parseUnreservedName = textParser(SESSION_NAME)
export const parseSourceIdentity: Parser<string> = (value, report) => {
  if (!isReserved(value)) return parseUnreservedName(value, report)
  report({ code: 'reserved-prefix' })
  return undefined
}

export const parseDurationSeconds: Parser<number> = (value, report) => {
  const min = MIN_DURATION_SECONDS
  const max = MAX_ROLE_CHAINING_SECONDS
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  report({ code: 'invalid-duration', min, max, value: toReportable(value) })
  return undefined
}

const isReserved = (value: unknown): boolean => isString(value) && RESERVED_PREFIX.test(value)

const findTagTextProblem = (text: unknown, constraint: TextConstraint): Problem | undefined => {
  if (!isString(text)) return { code: 'invalid-type', expected: 'a string', actual: describe(text) }
  return isReserved(text) ? { code: 'reserved-prefix' } : findTextProblem(text, constraint)
}

/** Session tags from a record of keys and values. */
export const parseSessionTags: Parser<readonly Tag[]> = (value, report) => {
  if (!isRecord(value)) return reportType(report, 'a plain object', value)
  const entries = Object.entries(value)
  const tags = entries.flatMap(([Key, Value]) => (isString(Value) ? [Object.freeze({ Key, Value })] : []))
  return reportTagProblems(entries, report) ? undefined : tags
}

/** Reports everything that is wrong with keys and values of tags. Returns whether anything is. */
export const reportTagProblems = (
  entries: readonly (readonly [key: string, value: unknown])[],
  report: Report,
): boolean => {
  let hasProblem = false
  const add: Report = (problem) => {
    hasProblem = true
    report(problem)
  }
  if (entries.length > MAX_TAGS) add({ code: 'too-many', max: MAX_TAGS, count: entries.length })
  // A list that is much too long is not checked item by item, because that takes time.
  if (entries.length > 10 * MAX_TAGS) return true
  const keyByFolded = new Map<string, string>()
  for (const [key, value] of entries) {
    const keyProblem = findTagTextProblem(key, TAG_KEY)
    if (keyProblem !== undefined) add({ ...keyProblem, tag: { part: 'key', key } })
    const valueProblem = findTagTextProblem(value, TAG_VALUE)
    if (valueProblem !== undefined) add({ ...valueProblem, tag: { part: 'value', key } })
    const folded = key.toLowerCase()
    const other = keyByFolded.get(folded)
    if (other !== undefined) add({ code: 'duplicate-tag-key', keys: [other, key] })
    keyByFolded.set(folded, key)
  }
  return hasProblem
}

const parseStrings = stringListParser('a list of strings')

export const parseTagKeys: Parser<readonly string[]> = (value, report) => {
  const keys = parseStrings(value, report)
  return keys && Object.freeze([...new Set(keys)])
}

/** Transitive keys must be keys of the session's tags. */
export const reportUnknownTagKeys = (
  keys: readonly string[],
  tags: readonly Pick<Tag, 'Key'>[],
  report: Report,
): void => {
  for (const key of keys) {
    if (tags.some(({ Key }) => Key === key)) continue
    report({ code: 'unknown-tag-key', key, known: tags.slice(0, MAX_TAGS).map(({ Key }) => Key) })
  }
}

export const parseRegion: Parser<string> = (value, report) => {
  if (isString(value) && REGION.test(value)) return value
  report({ code: 'invalid-region', value: toReportable(value) })
  return undefined
}

/** Credentials of one partition are unknown in every other. */
export const findPartitionProblem = (
  region: string,
  { partition }: Pick<RoleArn, 'partition'>,
): Problem | undefined => {
  const separate = Object.entries(PARTITION_OF_REGION)
  const own = separate.find(([prefix]) => region.startsWith(prefix))?.[1]
  // A partition that is not listed may be one that AWS added; its Regions are not known here.
  const isSame = own === undefined ? separate.every(([, other]) => other !== partition) : own === partition
  return isSame ? undefined : { code: 'other-partition', value: region, partition }
}

/** An item of a list of tables: a table's name or its ARN. Neither contains a wildcard or a policy variable. */
export const parseTable: Parser<string> = (value, report) => {
  if (!isString(value)) return reportItemType(report, 'a list of strings', value)
  const name = TABLE_ARN.exec(value)?.groups?.name ?? value
  if (TABLE_NAME.test(name)) return value
  report({ code: 'invalid-table', value })
  return undefined
}

/** An item of a list of tables: a table's name and not its ARN. With an ARN, one value of a request could select the whole table. */
export const parseTableName: Parser<string> = (value, report) => {
  if (!isString(value)) return reportItemType(report, 'a list of strings', value)
  if (TABLE_NAME.test(value)) return value
  report({ code: value.startsWith('arn:') ? 'table-arn-from-request' : 'invalid-table-name', value })
  return undefined
}

/** Credentials reach tables in no other account, Region or partition. */
export const reportTablesElsewhere = (
  tables: readonly string[],
  location: TableLocation,
  report: Report,
): void => {
  for (const table of tables) {
    if (table.startsWith('arn:') && table !== tableArn(table.split('/')[1] ?? '', location))
      report({ code: 'table-elsewhere', path: 'tables', value: table, prefix: tableArn('', location) })
  }
}

/** An item of a list of partition keys, which are of type string. */
export const parsePartitionKey: Parser<string> = (value, report) => {
  if (!isString(value)) return reportItemType(report, 'a list of strings', value)
  const problem = findPartitionKeyProblem(value)
  if (problem === undefined) return value
  report(problem)
  return undefined
}

const findPartitionKeyProblem = (key: string): Problem | undefined => {
  const maxBytes = MAX_PARTITION_KEY_BYTES
  if (key === '') return { code: 'empty' }
  if (key.length > maxBytes || new TextEncoder().encode(key).length > maxBytes)
    return { code: 'key-too-long', maxBytes }
  return key.isWellFormed() ? undefined : { code: 'not-unicode' }
}

/** A session policy, as a document or its JSON text. Returns the text. */
export const parsePolicy: Parser<string> = (value, report) => {
  const problem = isString(value) ? findPolicyTextProblem(value) : findPolicyProblem(value)
  if (problem === undefined) return isString(value) ? value : toPolicyText(value)
  report(problem)
  return undefined
}

const POLICY = 'a policy document or its JSON text'

const findPolicyTextProblem = (text: string): Problem | undefined => {
  const character = NOT_IN_POLICIES.exec(text)?.[0]
  if (character !== undefined)
    return {
      code: 'invalid-character',
      allowed: 'characters up to U+00FF (use JSON escapes for others)',
      character,
    }
  try {
    return findPolicyProblem(JSON.parse(text))
  } catch {
    return { code: 'invalid-type', expected: POLICY, actual: 'text that is not valid JSON' }
  }
}

const findPolicyProblem = (document: unknown): Problem | undefined => {
  if (!isRecord(document)) return { code: 'invalid-type', expected: POLICY, actual: describe(document) }
  return Object.keys(document).length === 0 ? { code: 'empty' } : findJsonProblem(document)
}

/**
 * A value that has no JSON. `JSON.stringify` would leave it out or write `null` instead: a statement whose condition is
 * `undefined` would become one without a condition.
 */
const findJsonProblem = (value: unknown, at = ''): Problem | undefined => {
  if (Array.isArray(value)) return findFirst(value, (item, index) => findJsonProblem(item, `${at}[${index}]`))
  if (isRecord(value))
    return findFirst(Object.entries(value), ([key, property]) =>
      findJsonProblem(property, at === '' ? key : `${at}.${key}`),
    )
  const isJson = value === null || isString(value) || typeof value === 'boolean' || Number.isFinite(value)
  if (isJson) return undefined
  return { code: 'not-json-value', at, actual: typeof value === 'number' ? String(value) : describe(value) }
}

/** The first problem of an item. */
const findFirst = <Item>(
  items: readonly Item[],
  find: (item: Item, index: number) => Problem | undefined,
): Problem | undefined => {
  for (const [index, item] of items.entries()) {
    const problem = find(item, index)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** A policy as JSON, in the characters that STS accepts: up to U+00FF, without control characters. */
export const toPolicyText = (policy: unknown): string =>
  JSON.stringify(policy).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const parsePolicyArn: Parser<string> = (value, report) => {
  if (!isString(value)) return reportItemType(report, 'a list of strings', value)
  if (POLICY_ARN.test(value)) return value
  report({ code: 'invalid-policy-arn', value })
  return undefined
}
const parsePolicyArnList = listParser(parsePolicyArn, 'ARNs of managed policies')

export const parsePolicyArns: Parser<readonly string[]> = (value, report) => {
  if (Array.isArray(value) && value.length > MAX_POLICY_ARNS) {
    report({ code: 'too-many', max: MAX_POLICY_ARNS, count: value.length })
    return undefined
  }
  const arns = parsePolicyArnList(value, report)
  return arns && Object.freeze([...new Set(arns)])
}

/** The size of the session policies together. How STS packs them is not documented. */
export const findPolicySizeProblem = (
  policy: string | undefined,
  policyArns: readonly string[],
): Problem | undefined => {
  const { length } = [policy ?? '', ...policyArns].join('')
  return length <= MAX_SESSION_POLICIES
    ? undefined
    : { code: 'session-policies-too-large', length, max: MAX_SESSION_POLICIES }
}
