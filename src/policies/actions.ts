/**
 * DynamoDB's actions on items, by what they are good for. Transactions need the actions of their parts.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 */
export const READ = [
  'BatchGetItem',
  'ConditionCheckItem',
  'GetItem',
  'PartiQLSelect',
  'Query',
  'Scan',
] as const

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html for those of PartiQL. */
export const WRITE = [
  'BatchWriteItem',
  'DeleteItem',
  'PartiQLDelete',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PutItem',
  'UpdateItem',
] as const

export type Action = (typeof READ)[number] | (typeof WRITE)[number]

/** What may be done to the tables; a list is of actions such as `GetItem` or `dynamodb:GetItem`. */
export type Access = 'read' | 'write' | 'read-write' | readonly string[]

const ACTIONS: readonly string[] = [...READ, ...WRITE]

/** Those that an index can be asked for; it can be changed by none. */
const ON_INDEXES: ReadonlySet<string> = new Set(['PartiQLSelect', 'Query', 'Scan'])

/**
 * Those that `dynamodb:LeadingKeys` cannot confine, because a request may name no key at all.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  'PartiQLDelete',
  'PartiQLInsert',
  'PartiQLSelect',
  'PartiQLUpdate',
  'Scan',
])

export const isAction = (name: string): boolean => ACTIONS.includes(name)
export const actionNames = (): readonly string[] => ACTIONS
export const isOnIndexes = (action: string): boolean => ON_INDEXES.has(action)
export const namesKeys = (action: string): boolean => !WITHOUT_KEYS.has(action)

/** `GetItem` of `dynamodb:GetItem`. */
export const bare = (action: string): string => action.replace(/^dynamodb:/, '')

/** The actions that an access stands for, each once, without `dynamodb:`. */
export const actionsOf = (access: Access): readonly string[] => {
  switch (access) {
    case 'read':
      return READ
    case 'write':
      return WRITE
    case 'read-write':
      return [...READ, ...WRITE]
    default:
      return [...new Set(access.map(bare))]
  }
}
