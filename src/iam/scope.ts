/** Scopes: what they may be, and the session policy that narrows a session to one. */
import type { Parser, Report } from '../options/issue.ts'
import { nearest } from '../options/nearest.ts'
import {
  isString,
  listParser,
  parseBoolean,
  reportAt,
  reportItemType,
  reportType,
} from '../options/parsers.ts'
import { isRecord } from '../text.ts'
import {
  type Access,
  actionNames,
  actionsOf,
  isAction,
  isOnIndexes,
  namesKeys,
  withoutService,
} from './actions.ts'
import { type TableLocation, tableArns } from './arn.ts'
import { parsePartitionKey, parseTable, parseTableName, toPolicyText } from './constraints.ts'
import { onlyLeadingKeys } from './leading-keys.ts'

/**
 * What a session is narrowed to. It takes away from what the role may do and adds nothing.
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
   * Names or ARNs, in the role's account and the option `region`. A scope that a function of the request returns holds
   * names only.
   */
  readonly tables: readonly string[]
  /**
   * `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. Writes can return the item
   * that they replace (`ReturnValues`).
   */
  readonly access: Access
  /**
   * Whether the indexes of the tables may be read, too. Default: `true`, but `false` with `leadingKeys` or
   * `leadingKeyPrefixes`. In a query of an index, leading keys are the partition keys of the index. A tenant whose name equals
   * a value of that attribute could read the items of other tenants. Set `true` if each index key starts with the tenant.
   */
  readonly indexes?: boolean
  /**
   * Partition keys that requests may name. Actions that can run without naming a key (`Scan`, PartiQL) are then not
   * allowed. Keys are literal text: `*`, `?` and `${` have no special meaning.
   */
  readonly leadingKeys?: readonly string[]
  /**
   * What partition keys may start with, in addition to `leadingKeys` or instead of it. End each prefix in a separator,
   * because `TENANT#10` starts with `TENANT#1`. (It is a separate list so that no value of `leadingKeys` becomes a prefix.)
   */
  readonly leadingKeyPrefixes?: readonly string[]
}

/** What a function of the request may return. Keys that are not strings are refused at run time: `String()` would hide them. */
export type ResolvedScope = Omit<Scope, 'leadingKeys' | 'leadingKeyPrefixes'> & {
  readonly leadingKeys?: readonly unknown[]
  readonly leadingKeyPrefixes?: readonly unknown[]
}

const PROPERTIES: ReadonlySet<string> = new Set([
  'tables',
  'access',
  'indexes',
  'leadingKeys',
  'leadingKeyPrefixes',
])

/**
 * Creates a parser of scopes. No list may be empty, because an empty list in a policy is not a condition. `*`, `?` and `${`,
 * which could match several tables, are refused because names of tables cannot contain them.
 */
const scopeParser =
  (parseTables: Parser<readonly string[]>): Parser<Scope> =>
  (value, report) => {
    if (!isRecord(value)) return reportType(report, 'a plain object { tables, access, … }', value)
    let isValid = true
    const add: Report = (problem) => {
      isValid = false
      report(problem)
    }
    reportUnknownProperties(value, add)
    const parse = <Part>(property: string, parser: Parser<Part>): Part | undefined =>
      parser(value[property], reportAt(add, property))
    const parseOptional = <Part>(property: string, parser: Parser<Part>): Part | undefined =>
      value[property] === undefined ? undefined : parse(property, parser)

    const isConfined = value.leadingKeys !== undefined || value.leadingKeyPrefixes !== undefined
    const tables = parse('tables', parseTables)
    const access = parse('access', isConfined ? parseConfinedAccess : parseAccess)
    const indexes = parseOptional('indexes', parseBoolean)
    const leadingKeys = parseOptional('leadingKeys', parsePartitionKeys)
    const leadingKeyPrefixes = parseOptional('leadingKeyPrefixes', parsePartitionKeys)
    if (!isValid || tables === undefined || access === undefined) return undefined
    return {
      tables,
      access,
      ...(indexes !== undefined && { indexes }),
      ...(leadingKeys !== undefined && { leadingKeys }),
      ...(leadingKeyPrefixes !== undefined && { leadingKeyPrefixes }),
    }
  }

const reportUnknownProperties = (value: Readonly<Record<string, unknown>>, report: Report): void => {
  for (const property of Object.keys(value)) {
    if (!PROPERTIES.has(property)) report({ code: 'unknown-property', property, known: [...PROPERTIES] })
  }
}

const listOfKeys = listParser(parsePartitionKey, 'partition keys')
/** Reports at most one problem, because the keys may be personal data and are not shown. */
const parsePartitionKeys: Parser<readonly string[]> = (value, report) => {
  const problems: Parameters<Report>[0][] = []
  const keys = listOfKeys(value, (problem) => problems.push(problem))
  if (problems[0] !== undefined) report(problems[0])
  return keys
}

const ACCESS = "'read', 'write', 'read-write' or a list of actions"

const accessParser = (parseItem: Parser<string>): Parser<Access> => {
  const parseActions = listParser(parseItem, 'actions')
  return (value, report) => {
    if (value === 'read' || value === 'write' || value === 'read-write') return value
    if (Array.isArray(value)) return parseActions(value, report)
    if (!isString(value)) return reportType(report, ACCESS, value)
    report({ code: 'invalid-value', expected: ACCESS, value })
    return undefined
  }
}

const parseAction: Parser<string> = (value, report) => {
  if (!isString(value)) return reportItemType(report, 'a list of actions', value)
  const action = withoutService(value)
  if (isAction(action)) return value
  const known = actionNames()
  report({ code: 'unknown-action', action: value, suggestion: nearest(action, known), known })
  return undefined
}

const parseConfinedAction: Parser<string> = (value, report) => {
  const action = parseAction(value, report)
  if (action === undefined || namesKeys(withoutService(action))) return action
  report({ code: 'action-without-keys', action })
  return undefined
}

/** What may be done to tables, as `scope` and `crossAccountPolicies()` take it. */
export const parseAccess: Parser<Access> = accessParser(parseAction)
/** The same with leading keys: a list may not contain actions that can run without naming a key. */
const parseConfinedAccess: Parser<Access> = accessParser(parseConfinedAction)

export const parseTables: Parser<readonly string[]> = listParser(parseTable, 'names or ARNs of tables')
export const parseScope: Parser<Scope> = scopeParser(parseTables)
/** For what a function of the request returned: its tables are names, never ARNs. */
export const parseResolvedScope: Parser<Scope> = scopeParser(listParser(parseTableName, 'names of tables'))

/**
 * The session policy of a parsed scope, as text. Characters that STS does not accept in policies are written as JSON
 * escapes.
 */
export const compileScope = (
  { tables, access, leadingKeys, leadingKeyPrefixes, ...scope }: Scope,
  location: TableLocation,
): string => {
  const isConfined = leadingKeys !== undefined || leadingKeyPrefixes !== undefined
  const withIndexes = scope.indexes ?? !isConfined
  const patterns = [
    ...(leadingKeys ?? []).map(literal),
    ...(leadingKeyPrefixes ?? []).map((prefix) => `${literal(prefix)}*`),
  ]
  const actions = actionsOf(access).filter((action) => !isConfined || namesKeys(action))
  const arns = tableArns(tables, location)
  const indexes = withIndexes && actions.some(isOnIndexes) ? arns.map((arn) => `${arn}/index/*`) : []
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
 * Escapes text for a condition, in which `*` and `?` are wildcards and `$` starts a policy variable.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
const literal = (text: string): string => text.replace(/[*?$]/g, (special) => `\${${special}}`)
