/**
 * AWS's constraints on session parameters, each with the page that states it, and the parsers that check them.
 *
 * External IDs, tag values and partition keys may be secrets or personal data. An issue never contains them, except for one
 * invalid character.
 */
import type { Parser, Problem, Report } from '../options/issue.ts'
import type { RoleArnReason } from '../options/messages.ts'
import {
  createListParser,
  createParser,
  createStringListParser,
  createStringParser,
  createTextParser,
  createTypeProblem,
  findTextProblem,
  isString,
  reportTypeProblem,
  type TextConstraint,
  toReportable,
} from '../options/parsers.ts'
import { describeType, isRecord, toEscapeSequence } from '../text.ts'
import { parseArn, parseRoleArn, type RoleArn, type TableLocation, toTableArn } from './arn.ts'

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters */
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
const SOURCE_IDENTITY: TextConstraint = { ...SESSION_NAME, reserved: /^aws:/i }
const MIN_DURATION_SECONDS = 900
/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining */
const MAX_ROLE_CHAINING_SECONDS = 3600

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_RequestParameters */
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/
const ROLE_PATH = /^\/(?:[\u0021-\u007F]{1,510}\/)?$/
const PARTITION = /^aws(?:-[a-z]+)*$/
const ACCOUNT_ID = /^\d{12}$/

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know */
const MAX_TAGS = 50

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const TAG_KEY: TextConstraint = {
  min: 1,
  max: 128,
  invalid: /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u,
  allowed: 'letters, digits, spaces and _.:/=+-@',
  reserved: /^aws:/i,
}
/**
 * AWS accepts an empty value. This package refuses it, because an empty value usually means that the tenant is missing, and the
 * generated trust policies require a value.
 */
const TAG_VALUE: TextConstraint = { ...TAG_KEY, max: 256 }

/**
 * The partitions by the prefix of their Region names. A Region without one of these prefixes is in `aws`.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
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

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_PARTITION_KEY_BYTES = 2048

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const TABLE_NAME = /^[\w.-]{3,255}$/
/** Returns whether a text can be the name of a table or of an index, which have the same constraint. */
export const isTableOrIndexName = (text: string): boolean => TABLE_NAME.test(text)
const TABLE_ARN = /^arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/(?<name>[^/]*)$/

/**
 * The maximum total length of the inline session policy and the ARNs of the managed session policies, in characters.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters
 */
const MAX_SESSION_POLICY_CHARACTERS = 2048
const MAX_POLICY_ARNS = 10
const INVALID_POLICY_CHARACTER = /[^\t\n\r\u0020-\u00FF]/u
const POLICY_ARN = /^arn:aws(?:-[a-z]+)*:iam::(?:aws|\d{12}):policy\/[\u0021-\u007F]+$/

/** A session tag, with the property names of the STS API. */
export interface Tag {
  readonly Key: string
  readonly Value: string
}

const findRoleArnReason = (arn: string): RoleArnReason | undefined => {
  const parts = parseArn(arn)
  if (!parts) return 'not-an-arn'
  const { partition, service, region, account, resource } = parts
  if (!PARTITION.test(partition)) return 'no-partition'
  if (service === 'sts' && resource.startsWith('assumed-role/')) return 'session-arn'
  if (service !== 'iam' || region !== '' || !resource.startsWith('role/')) return 'not-a-role'
  if (!ACCOUNT_ID.test(account)) return 'no-account-id'
  const { name, path } = parseRoleArn(arn)
  if (!ROLE_NAME.test(name)) return 'invalid-name'
  return ROLE_PATH.test(path) ? undefined : 'invalid-path'
}

const findRoleArnProblem = (value: string): Problem | undefined => {
  const reason = findRoleArnReason(value)
  return reason && { code: 'invalid-role-arn', value, reason }
}

/** Parses the ARN of a role. */
export const parseRoleArnOption: Parser<string> = createStringParser(findRoleArnProblem)

/** IAM allows these characters in the path of a role. In the resource of a policy, they are wildcards or start a policy variable. */
const WILDCARD = /[*?$]/

/** Parses the ARN of a role. Rejects an ARN that could match other roles in the resource of a policy. */
export const parseExactRoleArn: Parser<string> = createStringParser(
  (value) =>
    findRoleArnProblem(value) ?? (WILDCARD.test(value) ? { code: 'role-pattern', value } : undefined),
)

export const parseExternalId: Parser<string> = createTextParser(EXTERNAL_ID)

export const parseSessionName: Parser<string> = createTextParser(SESSION_NAME)

export const parseSourceIdentity: Parser<string> = createTextParser(SOURCE_IDENTITY)

/** Converts text to a valid session name: replaces invalid characters with `-`, and truncates or pads the text to 2 to 64 characters. */
export const toSessionName = (text: string): string =>
  text
    .replace(new RegExp(SESSION_NAME.invalid, 'gu'), '-')
    .slice(0, SESSION_NAME.max)
    .padEnd(SESSION_NAME.min, '-')

export const parseDurationSeconds: Parser<number> = createParser((value) => {
  const min = MIN_DURATION_SECONDS
  const max = MAX_ROLE_CHAINING_SECONDS
  const isValid = Number.isInteger(value) && Number(value) >= min && Number(value) <= max
  return isValid ? undefined : { code: 'invalid-duration', min, max, value: toReportable(value) }
})

/** Parses session tags from a record of keys and values. */
export const parseSessionTags: Parser<readonly Tag[]> = (value, report) => {
  if (!isRecord(value)) return reportTypeProblem(report, 'a plain object', value)
  const entries = Object.entries(value)
  const tags = entries.flatMap(([Key, Value]) => (isString(Value) ? [Object.freeze({ Key, Value })] : []))
  return reportTagProblems(entries, report) ? undefined : tags
}

/** Reports the problems of tag keys and tag values. Returns whether it reported a problem. */
export const reportTagProblems = (
  entries: readonly (readonly [key: string, value: unknown])[],
  report: Report,
): boolean => {
  let hasProblem = false
  const add = (problem: Problem): void => {
    hasProblem = true
    report(problem)
  }
  const check = (part: 'key' | 'value', key: string, text: unknown, constraint: TextConstraint): void => {
    const problem = isString(text) ? findTextProblem(text, constraint) : createTypeProblem('a string', text)
    if (problem) add({ ...problem, tag: { part, key } })
  }
  if (entries.length > MAX_TAGS) add({ code: 'too-many', max: MAX_TAGS, count: entries.length })
  // To check each item of a very long list would take too long, and the list is already invalid.
  if (entries.length > 10 * MAX_TAGS) return true
  const keyByLowerCase = new Map<string, string>()
  for (const [key, value] of entries) {
    check('key', key, key, TAG_KEY)
    check('value', key, value, TAG_VALUE)
    const lowerCaseKey = key.toLowerCase()
    const other = keyByLowerCase.get(lowerCaseKey)
    if (other !== undefined) add({ code: 'duplicate-tag-key', keys: [other, key] })
    keyByLowerCase.set(lowerCaseKey, key)
  }
  return hasProblem
}

const parseStrings = createStringListParser('a list of strings')

/** Parses a list of tag keys, and removes duplicates. */
export const parseTagKeys: Parser<readonly string[]> = (value, report) => {
  const keys = parseStrings(value, report)
  return keys && Object.freeze([...new Set(keys)])
}

/** Reports the transitive tag keys that are not keys of the session tags. */
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

export const parseRegion: Parser<string> = createParser((value) =>
  isString(value) && REGION.test(value) ? undefined : { code: 'invalid-region', value: toReportable(value) },
)

/** Returns a problem if a Region is not in the role's partition, because credentials are valid only in the partition that issued them. */
export const findPartitionProblem = (
  region: string,
  { partition }: Pick<RoleArn, 'partition'>,
): Problem | undefined => {
  const prefixes = Object.entries(PARTITION_OF_REGION)
  const expected = prefixes.find(([prefix]) => region.startsWith(prefix))?.[1]
  // AWS may add a partition whose prefix is not listed here. Therefore a Region without a listed prefix is accepted unless the
  // partition of the role is listed.
  const isSame =
    expected === undefined ? prefixes.every(([, listed]) => listed !== partition) : expected === partition
  return isSame ? undefined : { code: 'other-partition', value: region, partition }
}

/** Parses a table's name or ARN. Neither can contain a wildcard or a policy variable. */
export const parseTable: Parser<string> = createStringParser((value) => {
  const name = TABLE_ARN.exec(value)?.groups?.name ?? value
  return TABLE_NAME.test(name) ? undefined : { code: 'invalid-table', value }
})

/**
 * Parses a table's name. Rejects ARNs. Otherwise, in a template such as `${tenant}-orders`, a tenant ID that starts with an ARN
 * could select the table of another tenant.
 */
export const parseTableName: Parser<string> = createStringParser((value) => {
  if (TABLE_NAME.test(value)) return undefined
  return { code: value.startsWith('arn:') ? 'returned-table-arn' : 'invalid-table-name', value }
})

/** Reports the ARNs of tables outside the given account, Region and partition. A session has no access to these tables. */
export const reportTablesElsewhere = (
  tables: readonly string[],
  location: TableLocation,
  report: Report,
): void => {
  for (const table of tables) {
    if (table.startsWith('arn:') && table !== toTableArn(table.split('/')[1] ?? '', location))
      report({ code: 'table-elsewhere', path: 'tables', value: table, prefix: toTableArn('', location) })
  }
}

/** Parses a partition key of type string. */
export const parsePartitionKey: Parser<string> = createStringParser((key) => {
  const maxBytes = MAX_PARTITION_KEY_BYTES
  if (key === '') return { code: 'empty' }
  if (key.length > maxBytes || Buffer.byteLength(key) > maxBytes) return { code: 'key-too-long', maxBytes }
  return key.isWellFormed() ? undefined : { code: 'not-unicode' }
})

/** Parses a session policy, which is a document or its JSON text. Returns the JSON text. */
export const parsePolicy: Parser<string> = (value, report) => {
  const problem = isString(value) ? findPolicyTextProblem(value) : findPolicyProblem(value)
  if (!problem) return isString(value) ? value : toPolicyText(value)
  report(problem)
  return undefined
}

const EXPECTED_POLICY = 'a policy document or its JSON text'

const findPolicyTextProblem = (text: string): Problem | undefined => {
  const character = INVALID_POLICY_CHARACTER.exec(text)?.[0]
  if (character !== undefined)
    return {
      code: 'invalid-character',
      allowed: 'characters up to U+00FF (use JSON escapes for others)',
      character,
    }
  try {
    return findPolicyProblem(JSON.parse(text))
  } catch {
    return { code: 'invalid-type', expected: EXPECTED_POLICY, actual: 'text that is not valid JSON' }
  }
}

const findPolicyProblem = (document: unknown): Problem | undefined => {
  if (!isRecord(document)) return createTypeProblem(EXPECTED_POLICY, document)
  return Object.keys(document).length === 0 ? { code: 'empty' } : findJsonProblem(document)
}

/**
 * Returns a problem if a document contains a value that JSON cannot represent. `JSON.stringify` would omit the value or write
 * `null`. For example, a statement whose condition is `undefined` would become a statement without a condition.
 */
const findJsonProblem = (value: unknown, at = ''): Problem | undefined => {
  const isList = Array.isArray(value)
  if (!isList && !isRecord(value)) {
    const isJson = value === null || isString(value) || typeof value === 'boolean' || Number.isFinite(value)
    const actual = typeof value === 'number' ? String(value) : describeType(value)
    return isJson ? undefined : { code: 'not-json-value', at, actual }
  }
  for (const [key, item] of Object.entries(value)) {
    const problem = findJsonProblem(item, isList ? `${at}[${key}]` : `${at}${at && '.'}${key}`)
    if (problem) return problem
  }
  return undefined
}

/**
 * Converts a policy to JSON that STS accepts. STS accepts characters up to U+00FF, without control characters. Therefore all
 * characters from U+007F on become JSON escapes.
 */
export const toPolicyText = (policy: unknown): string =>
  JSON.stringify(policy).replace(/[\u007f-\uffff]/g, toEscapeSequence)

const parsePolicyArnList = createListParser(
  createStringParser((value) => (POLICY_ARN.test(value) ? undefined : { code: 'invalid-policy-arn', value })),
  'ARNs of managed policies',
)

/** Parses a list of ARNs of managed policies, and removes duplicates. */
export const parsePolicyArns: Parser<readonly string[]> = (value, report) => {
  if (Array.isArray(value) && value.length > MAX_POLICY_ARNS) {
    report({ code: 'too-many', max: MAX_POLICY_ARNS, count: value.length })
    return undefined
  }
  const arns = parsePolicyArnList(value, report)
  return arns && Object.freeze([...new Set(arns)])
}

/**
 * Returns a problem if the session policies exceed the limit of 2,048 characters in total. STS also limits their packed size. The
 * packed size cannot be checked here, because AWS does not document the packing.
 */
export const findPolicySizeProblem = (
  policy: string | undefined,
  policyArns: readonly string[],
): Problem | undefined => {
  const { length } = [policy ?? '', ...policyArns].join('')
  return length <= MAX_SESSION_POLICY_CHARACTERS
    ? undefined
    : { code: 'session-policies-too-large', length, max: MAX_SESSION_POLICY_CHARACTERS }
}
