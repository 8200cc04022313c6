/**
 * The DynamoDB actions that read items. A transaction requires the actions of the operations that it contains.
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
 * The DynamoDB actions that write items.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html for the PartiQL actions
 */
export const WRITE_ACTIONS = [
  'BatchWriteItem',
  'DeleteItem',
  'PartiQLDelete',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PutItem',
  'UpdateItem',
] as const

export type Action = (typeof READ_ACTIONS)[number] | (typeof WRITE_ACTIONS)[number]

/**
 * The allowed actions on tables: a preset, or a list of actions on items such as `GetItem` or `dynamodb:GetItem`.
 *
 * - `read`: `BatchGetItem`, `ConditionCheckItem`, `GetItem`, `Query`, `Scan` and `PartiQLSelect`
 * - `write`: `BatchWriteItem`, `DeleteItem`, `PutItem`, `UpdateItem`, `PartiQLDelete`, `PartiQLInsert` and `PartiQLUpdate`
 * - `read-write`: the actions of both
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

const ACTIONS: readonly string[] = [...READ_ACTIONS, ...WRITE_ACTIONS]

const PRESETS: Readonly<Record<Extract<Access, string>, readonly string[]>> = {
  read: READ_ACTIONS,
  write: WRITE_ACTIONS,
  'read-write': ACTIONS,
}

/** Matches the actions that support indexes. All of them only read. */
const INDEX_ACTION = /^(?:PartiQLSelect|Query|Scan)$/

/**
 * Matches the actions that `dynamodb:LeadingKeys` cannot restrict, because a request can omit the partition key.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
const KEYLESS_ACTION = /^(?:PartiQL\w+|Scan)$/

export const isAction = (name: string): name is Action => ACTIONS.includes(name)
export const listActionNames = (): readonly string[] => ACTIONS
export const canUseIndexes = (action: string): boolean => INDEX_ACTION.test(action)
export const canRestrictByKey = (action: string): boolean => !KEYLESS_ACTION.test(action)

/** Returns whether a text is the name of a preset. */
export const isPreset = (text: string): text is Extract<Access, string> => Object.hasOwn(PRESETS, text)

/** Removes the service prefix: `dynamodb:GetItem` becomes `GetItem`. */
export const stripServicePrefix = (action: string): string => action.replace(/^dynamodb:/, '')

/** Returns the actions that `access` allows, without duplicates and without the prefix `dynamodb:`. */
export const listActions = (access: Access): readonly string[] =>
  typeof access === 'string' ? PRESETS[access] : [...new Set(access.map(stripServicePrefix))]
