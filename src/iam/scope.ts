/** Parses scopes, and compiles each scope to the session policy that restricts a session to it. */
import type { Parser, Problem, Report } from '../options/issue.ts'
import { findNearestName } from '../options/nearest.ts'
import {
  createListParser,
  createPathReport,
  createStringParser,
  isString,
  parseBoolean,
  reportTypeProblem,
} from '../options/parsers.ts'
import { isRecord } from '../text.ts'
import {
  type Access,
  canReadIndexesByDefault,
  canRestrictByKey,
  canUseIndexes,
  findActionsOfOperation,
  isAction,
  isPreset,
  listActionNames,
  listActions,
  OPERATION_NAMES,
  PRESET_NAMES,
  stripServicePrefix,
} from './actions.ts'
import { type TableLocation, toTableArns } from './arn.ts'
import { parsePartitionKey, parseTable, parseTableName, toPolicyText } from './constraints.ts'
import { createKmsKeyStatement, parseKmsKeyArn } from './kms-key.ts'
import { createLeadingKeysCondition } from './leading-keys.ts'

/**
 * The tables, actions and partition keys that a session is restricted to. A scope reduces the permissions of the role and
 * never adds to them.
 *
 * @example
 * ```ts
 * import { crossAccountDynamo, type Scope } from 'middy-cross-account-dynamo'
 *
 * const scope: Scope = { tables: ['Orders'], access: 'read', leadingKeyPrefixes: ['TENANT#acme#'] }
 * export const middleware = crossAccountDynamo({
 *   roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
 *   scope,
 * })
 * ```
 */
export interface Scope {
  /**
   * The names or ARNs of the tables, which must be in the role's account and in the Region of the option `region`. A scope that a
   * `session` function returns must contain names only.
   */
  readonly tables: readonly string[]
  /**
   * The allowed actions: `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. A write
   * action can also read, because it can return the item that it replaces (`ReturnValues`).
   */
  readonly access: Access
  /**
   * Whether the session can read the indexes of the tables.
   *
   * For a query on an index, IAM compares the leading keys with the partition key of the index. If this key does not identify the
   * tenant, a tenant whose name equals a value of the key can read items of other tenants. With `leadingKeys` or
   * `leadingKeyPrefixes`, set `true` only if the partition key of each index starts with the tenant.
   *
   * @default true, or false with `leadingKeys` or `leadingKeyPrefixes`
   */
  readonly indexes?: boolean
  /**
   * The partition keys that requests can name, each of at most 2,048 bytes. With this option, `Scan`, `SearchVectors`,
   * `DescribeTable` and PartiQL are not allowed. Keys are literal text: `*`, `?` and `${` have no special meaning.
   *
   * @default requests can name any partition key, unless `leadingKeyPrefixes` is set
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
   */
  readonly leadingKeys?: readonly string[]
  /**
   * The prefixes of the partition keys that requests can name, each of at most 2,048 bytes. End each prefix with a separator,
   * because `TENANT#10` starts with `TENANT#1`. If you also set `leadingKeys`, requests can name those keys, too.
   *
   * @default requests can name any partition key, unless `leadingKeys` is set
   */
  readonly leadingKeyPrefixes?: readonly string[]
  /**
   * The ARN of the customer managed KMS key that encrypts the tables, in the Region of the tables, without wildcards. If the tables
   * have a customer managed key, this property is required, because the session policy must also allow the use of the key.
   *
   * @default the session cannot use a customer managed key
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
   */
  readonly kmsKeyArn?: string
}

/**
 * The {@link Scope} that a `session` function can return. Its tables must be names, not ARNs.
 *
 * The type allows leading keys of any type, so that you can return a value that may be missing, such as `context.tenantId`. At run
 * time, if a key is not a string, the invocation fails. Do not convert such values with `String()` or a template, which would
 * hide a missing value.
 *
 * @example
 * ```ts
 * import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
 *
 * export const middleware = crossAccountDynamo({
 *   session: ({ event }: SessionRequest<{ tenantId?: string }>) => ({
 *     scope: { tables: ['Orders'], access: 'read', leadingKeys: [event.tenantId] },
 *   }),
 * })
 * ```
 */
export type ReturnedScope = Omit<Scope, 'leadingKeys' | 'leadingKeyPrefixes'> & {
  /** The values of the partition key that the session can use. A value that is not a nonempty string fails the invocation. */
  readonly leadingKeys?: readonly unknown[]
  /** The prefixes of these values. A prefix that is not a nonempty string fails the invocation. */
  readonly leadingKeyPrefixes?: readonly unknown[]
}

/**
 * Creates a parser of scopes. The parser rejects empty lists, because an empty list in a policy does not restrict requests. It also
 * rejects wildcards and policy variables in tables, because a pattern could match several tables.
 */
const createScopeParser =
  (parseTableList: Parser<readonly string[]>): Parser<Scope> =>
  (value, report) => {
    if (!isRecord(value)) return reportTypeProblem(report, 'a plain object { tables, access, … }', value)
    let isValid = true
    const add: Report = (problem) => {
      isValid = false
      report(problem)
    }
    const hasLeadingKeys = value.leadingKeys !== undefined || value.leadingKeyPrefixes !== undefined
    const parsers: Readonly<Record<string, Parser<unknown>>> = {
      tables: parseTableList,
      access: hasLeadingKeys ? parseKeyRestrictedAccess : parseAccess,
      indexes: createOptionalParser(parseBoolean),
      leadingKeys: createOptionalParser(parsePartitionKeys),
      leadingKeyPrefixes: createOptionalParser(parsePartitionKeys),
      kmsKeyArn: createOptionalParser(parseKmsKeyArn),
    }
    const known = Object.keys(parsers)
    for (const property of Object.keys(value))
      if (!known.includes(property)) add({ code: 'unknown-property', property, known })
    for (const [property, parse] of Object.entries(parsers))
      parse(value[property], createPathReport(add, property))
    return isValid ? (value as unknown as Scope) : undefined
  }

const createOptionalParser =
  <Value>(parse: Parser<Value>): Parser<Value> =>
  (value, report) =>
    value === undefined ? undefined : parse(value, report)

const parseKeyList = createListParser(parsePartitionKey, 'partition keys')
/**
 * Parses partition keys. Reports only the first problem. Messages do not contain keys, which may be personal data. Therefore
 * messages about several keys could be identical.
 */
const parsePartitionKeys: Parser<readonly string[]> = (value, report) => {
  const problems: Problem[] = []
  const keys = parseKeyList(value, (problem) => problems.push(problem))
  if (problems[0]) report(problems[0])
  return keys
}

const EXPECTED_ACCESS = "'read', 'write', 'read-write' or a list of actions"

/** Creates a parser of `access` that accepts presets, and lists of the actions that `isAllowed` accepts. */
const createAccessParser = (isAllowed: (action: string) => boolean): Parser<Access> => {
  const known = listActionNames().filter(isAllowed)
  const findListItemProblem = (value: string): Problem | undefined => {
    if (isPreset(value)) return { code: 'preset-in-list', preset: value }
    const problem = findNameProblem(value, known)
    if (problem !== undefined || isAllowed(stripServicePrefix(value))) return problem
    return { code: 'action-without-keys', action: value }
  }
  const parseActions = createListParser(createStringParser(findListItemProblem), 'actions')
  return (value, report) => {
    if (Array.isArray(value)) return parseActions(value, report)
    if (!isString(value)) return reportTypeProblem(report, EXPECTED_ACCESS, value)
    if (isPreset(value)) return value
    // A text that is an action must be in a list.
    const problem = findNameProblem(value, [...PRESET_NAMES, ...known])
    report(problem ?? { code: 'invalid-value', expected: EXPECTED_ACCESS, value })
    return undefined
  }
}

/** Returns the problem of a text that is not the name of an action, or `undefined` if it is. `known` lists the names to suggest. */
const findNameProblem = (value: string, known: readonly string[]): Problem | undefined => {
  const action = stripServicePrefix(value)
  if (isAction(action)) return undefined
  const actions = findActionsOfOperation(action)
  return actions === undefined
    ? {
        code: 'unknown-action',
        action: value,
        suggestion: findSuggestion(action, known),
        known,
      }
    : { code: 'operation-not-action', operation: action, actions }
}

/** Returns the most similar known name. If the text resembles the name of an operation such as `TransactGetItems`, returns that name. */
const findSuggestion = (action: string, known: readonly string[]): string | undefined =>
  findNearestName(action, /transact|execute/i.test(action) ? OPERATION_NAMES : known)

/** Parses the option `access` of `scope` and of `crossAccountPolicies()`. */
export const parseAccess: Parser<Access> = createAccessParser(() => true)
/** Parses the property `access` of a scope with leading keys. Rejects actions that partition keys cannot restrict. */
const parseKeyRestrictedAccess: Parser<Access> = createAccessParser(canRestrictByKey)

/** Parses a nonempty list of names or ARNs of tables. */
export const parseTables: Parser<readonly string[]> = createListParser(parseTable, 'names or ARNs of tables')
/** Parses the option `scope`. */
export const parseScope: Parser<Scope> = createScopeParser(parseTables)
/** Parses a scope that a `session` function returned. The parser rejects ARNs of tables. */
export const parseReturnedScope: Parser<Scope> = createScopeParser(
  createListParser(parseTableName, 'names of tables'),
)

/**
 * Compiles a parsed scope to the JSON text of its session policy. Characters that STS does not accept in policies become
 * JSON escapes.
 */
export const compileScope = (
  { tables, access, leadingKeys, leadingKeyPrefixes, kmsKeyArn, ...scope }: Scope,
  location: TableLocation,
): string => {
  const hasLeadingKeys = leadingKeys !== undefined || leadingKeyPrefixes !== undefined
  const canReadIndexes = scope.indexes ?? canReadIndexesByDefault(hasLeadingKeys)
  const patterns = [
    ...(leadingKeys ?? []).map(escapePolicyText),
    ...(leadingKeyPrefixes ?? []).map((prefix) => `${escapePolicyText(prefix)}*`),
  ]
  const actions = listActions(access).filter((action) => !hasLeadingKeys || canRestrictByKey(action))
  const arns = toTableArns(tables, location)
  const indexes = canReadIndexes && actions.some(canUseIndexes) ? arns.map((arn) => `${arn}/index/*`) : []
  return toPolicyText({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: actions.map((action) => `dynamodb:${action}`),
        Resource: [...arns, ...indexes],
        ...(hasLeadingKeys && {
          Condition: createLeadingKeysCondition('StringLike', [...new Set(patterns)]),
        }),
      },
      ...(kmsKeyArn === undefined ? [] : [createKmsKeyStatement(kmsKeyArn, tables, location.region)]),
    ],
  })
}

/**
 * Escapes text for a policy condition, in which `*` and `?` are wildcards and `$` starts a policy variable.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
export const escapePolicyText = (text: string): string =>
  text.replace(/[*?$]/g, (special) => `\${${special}}`)
