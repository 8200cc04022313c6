/** Parses scopes, and compiles each scope to the session policy that restricts a session to it. */
import type { Parser, Problem, Report } from '../options/issue.ts'
import { findNearestName } from '../options/nearest.ts'
import { isString, listParser, parseBoolean, reportAt, reportType, stringParser } from '../options/parsers.ts'
import { isRecord } from '../text.ts'
import {
  type Access,
  canRestrictByKey,
  isAction,
  isPreset,
  listActionNames,
  listActions,
  stripServicePrefix,
  supportsIndexes,
} from './actions.ts'
import { type TableLocation, tableArns } from './arn.ts'
import { parsePartitionKey, parseTable, parseTableName, toPolicyText } from './constraints.ts'
import { onlyLeadingKeys } from './leading-keys.ts'

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
   * Names or ARNs of tables, in the role's account and the Region of the option `region`. A scope that a `session`
   * function returns must contain names only.
   */
  readonly tables: readonly string[]
  /**
   * The allowed actions: `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. A write
   * can also read: it can return the item that it replaces (`ReturnValues`).
   */
  readonly access: Access
  /**
   * Whether the session can read the indexes of the tables.
   *
   * For a query on an index, the leading keys are the partition keys of the index. A tenant whose name equals a value of that
   * attribute could read items of other tenants. With `leadingKeys` or `leadingKeyPrefixes`, set `true` only if each index key
   * starts with the tenant.
   *
   * @default true, or false with `leadingKeys` or `leadingKeyPrefixes`
   */
  readonly indexes?: boolean
  /**
   * The partition keys that requests can name, each of at most 2,048 bytes. With this option, actions that can run without a
   * partition key (`Scan`, PartiQL) are not allowed. Keys are literal text: `*`, `?` and `${` have no special meaning.
   */
  readonly leadingKeys?: readonly string[]
  /**
   * The prefixes of partition keys that requests can name, in addition to `leadingKeys` or instead of it. End each prefix
   * with a separator, because `TENANT#10` starts with `TENANT#1`. Prefixes are a separate list so that a value of
   * `leadingKeys` cannot become a prefix.
   */
  readonly leadingKeyPrefixes?: readonly string[]
}

/**
 * The scope that a `session` function can return. The type allows keys of any type, so that callers do not convert them with `String()`,
 * which would hide a missing value. Keys that are not strings are rejected at run time.
 */
export type ReturnedScope = Omit<Scope, 'leadingKeys' | 'leadingKeyPrefixes'> & {
  readonly leadingKeys?: readonly unknown[]
  readonly leadingKeyPrefixes?: readonly unknown[]
}

/**
 * Creates a parser of scopes. It rejects empty lists, because an empty list in a policy is not a condition. It also rejects
 * `*`, `?` and `${` in tables, which could match several tables, because table names cannot contain them.
 */
const scopeParser =
  (parseTableList: Parser<readonly string[]>): Parser<Scope> =>
  (value, report) => {
    if (!isRecord(value)) return reportType(report, 'a plain object { tables, access, … }', value)
    let isValid = true
    const add: Report = (problem) => {
      isValid = false
      report(problem)
    }
    const isConfined = value.leadingKeys !== undefined || value.leadingKeyPrefixes !== undefined
    const parsers: Readonly<Record<string, Parser<unknown>>> = {
      tables: parseTableList,
      access: isConfined ? parseConfinedAccess : parseAccess,
      indexes: optional(parseBoolean),
      leadingKeys: optional(parsePartitionKeys),
      leadingKeyPrefixes: optional(parsePartitionKeys),
    }
    const known = Object.keys(parsers)
    for (const property of Object.keys(value))
      if (!known.includes(property)) add({ code: 'unknown-property', property, known })
    for (const [property, parse] of Object.entries(parsers)) parse(value[property], reportAt(add, property))
    return isValid ? (value as unknown as Scope) : undefined
  }

const optional =
  <Value>(parse: Parser<Value>): Parser<Value> =>
  (value, report) =>
    value === undefined ? undefined : parse(value, report)

const listOfKeys = listParser(parsePartitionKey, 'partition keys')
/** Reports at most one problem, because keys may be personal data and messages do not contain them. */
const parsePartitionKeys: Parser<readonly string[]> = (value, report) => {
  const problems: Problem[] = []
  const keys = listOfKeys(value, (problem) => problems.push(problem))
  if (problems[0]) report(problems[0])
  return keys
}

const ACCESS = "'read', 'write', 'read-write' or a list of actions"

const accessParser = (findProblem: (action: string) => Problem | undefined): Parser<Access> => {
  const parseActions = listParser(stringParser(findProblem), 'actions')
  return (value, report) => {
    if (Array.isArray(value)) return parseActions(value, report)
    if (!isString(value)) return reportType(report, ACCESS, value)
    if (isPreset(value)) return value
    report({ code: 'invalid-value', expected: ACCESS, value })
    return undefined
  }
}

const findActionProblem = (value: string): Problem | undefined => {
  const action = stripServicePrefix(value)
  const known = listActionNames()
  return isAction(action)
    ? undefined
    : { code: 'unknown-action', action: value, suggestion: findNearestName(action, known), known }
}

const findConfinedActionProblem = (action: string): Problem | undefined =>
  findActionProblem(action) ??
  (canRestrictByKey(stripServicePrefix(action)) ? undefined : { code: 'action-without-keys', action })

/** Parses the option `access` of `scope` and of `crossAccountPolicies()`. */
export const parseAccess: Parser<Access> = accessParser(findActionProblem)
/** Parses the access of a scope with leading keys. Rejects actions that can run without a partition key. */
const parseConfinedAccess: Parser<Access> = accessParser(findConfinedActionProblem)

export const parseTables: Parser<readonly string[]> = listParser(parseTable, 'names or ARNs of tables')
export const parseScope: Parser<Scope> = scopeParser(parseTables)
/** Parses a scope that a `session` function returned. Its tables must be names, not ARNs. */
export const parseReturnedScope: Parser<Scope> = scopeParser(listParser(parseTableName, 'names of tables'))

/**
 * Compiles a parsed scope to the JSON text of its session policy. Characters that STS does not accept in policies become
 * JSON escapes.
 */
export const compileScope = (
  { tables, access, leadingKeys, leadingKeyPrefixes, ...scope }: Scope,
  location: TableLocation,
): string => {
  const isConfined = leadingKeys !== undefined || leadingKeyPrefixes !== undefined
  const withIndexes = scope.indexes ?? !isConfined
  const patterns = [
    ...(leadingKeys ?? []).map(escapePolicyText),
    ...(leadingKeyPrefixes ?? []).map((prefix) => `${escapePolicyText(prefix)}*`),
  ]
  const actions = listActions(access).filter((action) => !isConfined || canRestrictByKey(action))
  const arns = tableArns(tables, location)
  const indexes = withIndexes && actions.some(supportsIndexes) ? arns.map((arn) => `${arn}/index/*`) : []
  return toPolicyText({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: actions.map((action) => `dynamodb:${action}`),
        Resource: [...arns, ...indexes],
        ...(isConfined && {
          Condition: onlyLeadingKeys('StringLike', [...new Set(patterns)]),
        }),
      },
    ],
  })
}

/**
 * Escapes text for a policy condition, in which `*` and `?` are wildcards and `$` starts a policy variable.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
const escapePolicyText = (text: string): string => text.replace(/[*?$]/g, (special) => `\${${special}}`)
