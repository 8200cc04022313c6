/** A scope -> a session policy: what is left of the role's permissions in one session. */
import {
  type Complaint,
  checkPartitionKey,
  checkTable,
  checkTableName,
  type RoleArn,
  tableArn,
  tableArns,
} from '../limits.ts'
import { nearest } from '../nearest.ts'
import { describe, escaped, isRecord, quoted, shown } from '../values.ts'
import { type Access, actionNames, actionsOf, bare, isAction, isOnIndexes, namesKeys } from './actions.ts'
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
   * `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. Writes may tell what was there
   * before (`ReturnValues`).
   */
  readonly access: Access
  /**
   * Whether the tables' indexes may be read, too. Default: `true`, but `false` with `leadingKeys` or `leadingKeyPrefixes`:
   * those are then the index's own partition keys, so a tenant who is called like a value of that attribute would read
   * everybody's items that have it. Say `true` where each index begins with the tenant.
   */
  readonly indexes?: boolean
  /**
   * Partition keys that requests may name. What names no key (`Scan`, PartiQL) is not allowed then. Everything is taken
   * to the letter: `*`, `?` and `${` mean themselves.
   */
  readonly leadingKeys?: readonly string[]
  /**
   * What partition keys may begin with, beside or instead of `leadingKeys`. End each in a separator: `TENANT#1` is also
   * how `TENANT#10` begins. (A list of its own, so that no value of `leadingKeys` can turn into a prefix.)
   */
  readonly leadingKeyPrefixes?: readonly string[]
}

/** What a resolver may yield: what is no text is refused at run time, so that nobody needs `String()`, which hides it. */
export type ResolvedScope = Omit<Scope, 'leadingKeys' | 'leadingKeyPrefixes'> & {
  readonly leadingKeys?: readonly unknown[]
  readonly leadingKeyPrefixes?: readonly unknown[]
}

/** Where the tables are. */
export interface Target extends Pick<RoleArn, 'partition' | 'accountId'> {
  readonly region: string
}

/**
 * Everything that is wrong with a scope in itself; the value must be a copy (see `copyData`). What could mean more than
 * one table (`*`, `?`, `${`) is in no table's name and so refused, and no list may be empty, since in a policy an empty
 * list is no condition at all.
 */
export const checkScope = (value: unknown): readonly string[] => checkScopeWith(value, checkTable)

/** As {@link checkScope}, for a scope that a function of the request returned: its tables are names, and never ARNs. */
export const checkResolvedScope = (value: unknown): readonly string[] => checkScopeWith(value, checkTableName)

type CheckTable = (value: unknown) => Complaint

const checkScopeWith = (value: unknown, check: CheckTable): readonly string[] => {
  if (!isRecord(value)) return [`must be an object { tables, access, … }, but is ${describe(value)}`]
  const { tables, access, indexes, leadingKeys, leadingKeyPrefixes, ...rest } = value
  const withKeys = leadingKeys !== undefined || leadingKeyPrefixes !== undefined
  return [
    ...Object.keys(rest).map(
      (key) => `has no ${quoted(key)}: it holds tables, access, indexes, leadingKeys and leadingKeyPrefixes`,
    ),
    ...checkTables(tables, check),
    ...checkAccess(access, withKeys),
    ...(indexes === undefined || typeof indexes === 'boolean'
      ? []
      : [`indexes must be a boolean, but is ${describe(indexes)}`]),
    ...Object.entries({ leadingKeys, leadingKeyPrefixes }).flatMap(([name, keys]) => checkKeys(name, keys)),
  ]
}

const checkTables = (tables: unknown, check: CheckTable): readonly string[] => {
  if (!Array.isArray(tables) || tables.length === 0)
    return [`tables must be a list of names${check === checkTable ? ' or ARNs' : ''} of tables`]
  return tables.flatMap((table) => prefixed('tables:', check(table)))
}

const checkAccess = (access: unknown, withKeys: boolean): readonly string[] => {
  if (access === 'read' || access === 'write' || access === 'read-write') return []
  const words = "access must be 'read', 'write', 'read-write' or a list of actions"
  if (!Array.isArray(access) || access.length === 0) return [`${words}, not ${shown(access)}`]
  return access.flatMap((action) => {
    if (typeof action !== 'string') return [`${words}, but holds ${describe(action)}`]
    if (!isAction(bare(action))) {
      const near = nearest(bare(action), actionNames())
      return [
        `access: ${quoted(action)} is not an action on items; ${near === undefined ? `those are ${actionNames().join(', ')}` : `did you mean ${near}?`}`,
      ]
    }
    return withKeys && !namesKeys(bare(action))
      ? [
          `access: ${quoted(action)} may name no key, so leadingKeys cannot confine it; leave out one of the two`,
        ]
      : []
  })
}

const checkKeys = (name: string, keys: unknown): readonly string[] => {
  if (keys === undefined) return []
  if (!Array.isArray(keys) || keys.length === 0) return [`${name} must be a list that is not empty`]
  // One complaint will do: the values are somebody's names, and not shown.
  return keys.flatMap((key) => prefixed(name, checkPartitionKey(key))).slice(0, 1)
}

const prefixed = (prefix: string, complaint: Complaint): readonly string[] =>
  complaint === undefined ? [] : [`${prefix} ${complaint}`]

/** What is wrong with a scope's tables for a role: credentials reach no other account, Region or partition. */
export const checkScopeTarget = ({ tables }: Scope, target: Target): readonly string[] =>
  tables
    .filter((table) => table.startsWith('arn:') && table !== tableArn(table.split('/')[1] ?? '', target))
    .map(
      (table) =>
        `tables: ${quoted(table)} is not in the account, Region and partition of this session, ` +
        `where ARNs begin with ${tableArn('', target)}`,
    )

/**
 * The session policy of a scope that has been checked, as text. Characters that STS takes in no policy are written as
 * JSON escapes.
 */
export const compileScope = (
  { tables, access, leadingKeys, leadingKeyPrefixes, ...scope }: Scope,
  target: Target,
): string => {
  const isConfined = leadingKeys !== undefined || leadingKeyPrefixes !== undefined
  const withIndexes = scope.indexes ?? !isConfined
  const patterns = [
    ...(leadingKeys ?? []).map(literal),
    ...(leadingKeyPrefixes ?? []).map((prefix) => `${literal(prefix)}*`),
  ]
  const actions = actionsOf(access).filter((action) => !isConfined || namesKeys(action))
  const arns = tableArns(tables, target)
  const indexes = withIndexes && actions.some(isOnIndexes) ? arns.map((arn) => `${arn}/index/*`) : []
  return policyText({
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
 * Text that stands for itself in a condition: `*` and `?` are wildcards there, and `$` begins a variable.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
const literal = (text: string): string => text.replace(/[*?$]/g, (special) => `\${${special}}`)

/** A policy as JSON in the characters that STS takes: those up to U+00FF, without control characters. */
export const policyText = (policy: object): string =>
  JSON.stringify(policy).replace(/[\u007f-\uffff]/g, escaped)
