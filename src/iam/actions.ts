/**
 * DynamoDB's actions on items. Transactions need the actions of their parts.
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

/** What may be done to the tables. A list contains actions such as `GetItem` or `dynamodb:GetItem`. */
export type Access = 'read' | 'write' | 'read-write' | readonly string[]

const ACTIONS: readonly string[] = [...READ, ...WRITE]

/** The actions that can be used on an index. All of them read. */
const ON_INDEXES: ReadonlySet<string> = new Set(['PartiQLSelect', 'Query', 'Scan'])

/**
 * The actions that `dynamodb:LeadingKeys` cannot confine, because a request can omit the partition key.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  'PartiQLDelete',
  'PartiQLInsert',
  'PartiQLSelect',
  'PartiQLUpdate',
  'Scan',
])

export const isAction = (name: string): name is Action => ACTIONS.includes(name)
export const actionNames = (): readonly string[] => ACTIONS
export const isOnIndexes = (action: string): boolean => ON_INDEXES.has(action)
export const namesKeys = (action: string): boolean => !WITHOUT_KEYS.has(action)

/** `GetItem` of `dynamodb:GetItem`. */
export const withoutService = (action: string): string => action.replace(/^dynamodb:/, '')

/** The actions of an access, without duplicates and without `dynamodb:`. */
export const actionsOf = (access: Access): readonly string[] => {
  switch (access) {
    case 'read':
      return READ
    case 'write':
      return WRITE
    case 'read-write':
      return [...READ, ...WRITE]
    default:
      return [...new Set(access.map(withoutService))]
  }
}
