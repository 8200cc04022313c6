/** The DynamoDB actions that policies can allow, and their properties. */

/**
 * The actions that read items.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 */
export const READ_ACTIONS = [
  'BatchGetItem',
  'ConditionCheckItem',
  'GetItem',
  'PartiQLSelect',
  'Query',
  'Scan',
] as const

/**
 * The actions that write items. `ConditionCheckItem` is a read action, but only `TransactWriteItems` uses it. It reveals nothing that
 * the condition of another write does not reveal, so the preset `write` contains it.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html for the actions of transactions
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html for the PartiQL actions
 */
export const WRITE_ACTIONS = [
  'BatchWriteItem',
  'ConditionCheckItem',
  'DeleteItem',
  'PartiQLDelete',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PutItem',
  'UpdateItem',
] as const

/**
 * The actions that no preset contains. `DescribeTable` returns no items. `SearchVectors` requires a vector index.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-search-vectors.html
 */
const OTHER_ACTIONS = ['DescribeTable', 'SearchVectors'] as const

export type Action =
  | (typeof READ_ACTIONS)[number]
  | (typeof WRITE_ACTIONS)[number]
  | (typeof OTHER_ACTIONS)[number]

/**
 * The allowed actions on tables: a preset, or a list of actions such as `GetItem` or `dynamodb:GetItem`.
 *
 * - `read`: `BatchGetItem`, `ConditionCheckItem`, `GetItem`, `Query`, `Scan` and `PartiQLSelect`
 * - `write`: `BatchWriteItem`, `ConditionCheckItem`, `DeleteItem`, `PutItem`, `UpdateItem`, `PartiQLDelete`, `PartiQLInsert` and
 *   `PartiQLUpdate`
 * - `read-write`: the actions of both
 *
 * A list can also contain `DescribeTable` and `SearchVectors`. Transactions are not actions. They require the actions of their
 * operations: `GetItem` for `TransactGetItems`, and `PutItem`, `UpdateItem`, `DeleteItem` and `ConditionCheckItem` for
 * `TransactWriteItems`.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 *
 * @example
 * ```ts
 * import type { Access } from 'middy-cross-account-dynamo'
 *
 * export const access: Access = ['GetItem', 'Query']
 * ```
 */
export type Access = 'read' | 'write' | 'read-write' | readonly string[]

type Preset = Extract<Access, string>

const PRESETS: Readonly<Record<Preset, readonly string[]>> = {
  read: READ_ACTIONS,
  write: WRITE_ACTIONS,
  'read-write': [...new Set([...READ_ACTIONS, ...WRITE_ACTIONS])],
}

const ACTIONS: readonly string[] = [...PRESETS['read-write'], ...OTHER_ACTIONS]

const PARTIQL_ACTIONS = ACTIONS.filter((action) => action.startsWith('PartiQL'))

/**
 * The API operations that are not IAM actions, with the actions that they require.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
 */
const ACTIONS_BY_OPERATION: Readonly<Record<string, readonly string[]>> = {
  TransactGetItems: ['GetItem'],
  TransactWriteItems: ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'],
  ExecuteStatement: PARTIQL_ACTIONS,
  ExecuteTransaction: PARTIQL_ACTIONS,
  BatchExecuteStatement: PARTIQL_ACTIONS,
}

/** Matches the actions that support indexes, all of which read. */
const INDEX_ACTION = /^(?:PartiQLSelect|Query|Scan|SearchVectors)$/

/**
 * Matches the actions that policies with a condition on partition keys do not allow.
 *
 * `Scan`, `SearchVectors` and `DescribeTable` do not have the condition key `dynamodb:LeadingKeys`. A `SELECT` statement has it, but
 * can omit the partition key. The other PartiQL statements must contain the partition key, and have the condition key, too. They
 * are excluded so that one rule applies to all PartiQL statements.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
const ACTION_WITHOUT_KEY_CONDITION = /^(?:PartiQL\w+|Scan|SearchVectors|DescribeTable)$/

export const isAction = (name: string): name is Action => ACTIONS.includes(name)
export const listActionNames = (): readonly string[] => ACTIONS
export const canUseIndexes = (action: string): boolean => INDEX_ACTION.test(action)
export const canRestrictByKey = (action: string): boolean => !ACTION_WITHOUT_KEY_CONDITION.test(action)

/**
 * Returns whether policies allow the indexes of the tables if no option says so. An index contains items of its table, so a session
 * that can read all items of the table can also read its indexes. If partition keys restrict the session, IAM compares them with the
 * partition key of the index, which may not identify the tenant.
 */
export const canReadIndexesByDefault = (isRestrictedByKey: boolean): boolean => !isRestrictedByKey

export const OPERATION_NAMES: readonly string[] = Object.keys(ACTIONS_BY_OPERATION)

/** Returns the actions that an API operation requires, or `undefined` if the name is not that of such an operation. */
export const findActionsOfOperation = (operation: string): readonly string[] | undefined =>
  Object.hasOwn(ACTIONS_BY_OPERATION, operation) ? ACTIONS_BY_OPERATION[operation] : undefined

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS)

/** Returns whether a text is the name of a preset. */
export const isPreset = (text: string): text is Preset => Object.hasOwn(PRESETS, text)

/** Removes the service prefix: `dynamodb:GetItem` becomes `GetItem`. */
export const stripServicePrefix = (action: string): string => action.replace(/^dynamodb:/, '')

/** Returns the actions that `access` allows, without duplicates and without the prefix `dynamodb:`. */
export const listActions = (access: Access): readonly string[] =>
  typeof access === 'string' ? PRESETS[access] : [...new Set(access.map(stripServicePrefix))]
