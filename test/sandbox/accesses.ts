import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { attributesOf, type NamesAttributes } from './attributes.ts'
import type { Context } from './authorize.ts'
import {
  type Item,
  leadingKeyName,
  leadingKeysOf,
  leadingKeysOfQuery,
  type QueryInput,
} from './leading-keys.ts'
import { readStatement } from './partiql.ts'

/** One thing that a DynamoDB request wants to do, and that IAM decides on. */
export interface Access {
  action: string
  /** A name or an ARN, as the request gives it; none for what is about no table. */
  table?: string
  index?: string
  context: Context
}

type Request = QueryInput &
  NamesAttributes & {
    TableName?: string
    ResourceArn?: string
    Key?: Item
    Item?: Item
    Select?: string
    ReturnValues?: string
    ReturnConsumedCapacity?: string
    RequestItems?: Record<string, BatchEntry>
    TransactItems?: Record<string, Request>[]
    Statements?: PartiQL[]
    TransactStatements?: PartiQL[]
  } & Partial<PartiQL>

interface PartiQL {
  Statement: string
  Parameters?: AttributeValue[]
}

/** Of BatchGetItem, or of BatchWriteItem. */
type BatchEntry =
  | (NamesAttributes & { Keys?: Item[] })
  | { PutRequest?: { Item?: Item }; DeleteRequest?: { Key?: Item } }[]

type Described = NamesAttributes & Pick<Request, 'Select' | 'ReturnValues' | 'ReturnConsumedCapacity'>

type SchemaOf = (table: string) => CreateTableCommandInput | undefined

const ON_NO_TABLE = ['ListTables', 'DescribeLimits', 'DescribeEndpoints']
const ON_A_TABLE = [
  'CreateTable',
  'DescribeTable',
  'UpdateTable',
  'DeleteTable',
  'DescribeTimeToLive',
  'UpdateTimeToLive',
]
const ON_A_RESOURCE = ['TagResource', 'UntagResource', 'ListTagsOfResource']

/** Undefined for an operation that the sandbox does not know. */
export function accessesOf(operation: string, request: Request, schemaOf: SchemaOf): Access[] | undefined {
  const action = `dynamodb:${operation}`
  const table = request.TableName ?? ''
  if (ON_NO_TABLE.includes(operation)) return [{ action, context: {} }]
  if (ON_A_TABLE.includes(operation)) return [{ action, table, context: {} }]
  if (ON_A_RESOURCE.includes(operation)) return [{ action, table: request.ResourceArn ?? '', context: {} }]

  switch (operation) {
    case 'GetItem':
    case 'PutItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [itemAccess(action, request, schemaOf)]
    case 'Query':
    case 'Scan': {
      const name = leadingKeyName(schemaOf(table), request.IndexName)
      const keys = operation === 'Query' ? leadingKeysOfQuery(name, request) : []
      const index = request.IndexName === undefined ? {} : { index: request.IndexName }
      return [{ action, table, ...index, context: contextOf(request, keys) }]
    }
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.entries(request.RequestItems ?? {}).map(([name, entry]) => {
        const part = Array.isArray(entry)
          ? {
              Keys: entry.map(
                ({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key ?? {},
              ),
            }
          : entry
        const keys = leadingKeysOf(leadingKeyName(schemaOf(name)), part.Keys ?? [])
        const { ReturnConsumedCapacity } = request
        const context = contextOf(
          { ...part, ...(ReturnConsumedCapacity && { ReturnConsumedCapacity }) },
          keys,
        )
        return { action, table: name, context }
      })
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return (request.TransactItems ?? []).flatMap(Object.entries).map(([kind, part]) => {
        const access = itemAccess(`dynamodb:${kind}Item`, part, schemaOf)
        // The simulator's data do not know this key for ConditionCheckItem.
        if (kind === 'ConditionCheck') return access
        return { ...access, context: { ...access.context, 'dynamodb:EnclosingOperation': operation } }
      })
    case 'ExecuteStatement':
      return [statementAccess({ Statement: '', ...request }, schemaOf)]
    case 'BatchExecuteStatement':
    case 'ExecuteTransaction':
      return (request.Statements ?? request.TransactStatements ?? []).map((statement) =>
        statementAccess(statement, schemaOf),
      )
    default:
      return undefined
  }
}

function itemAccess(action: string, request: Request, schemaOf: SchemaOf): Access {
  const table = request.TableName ?? ''
  const keys = leadingKeysOf(leadingKeyName(schemaOf(table)), [request.Key ?? request.Item])
  return { action, table, context: contextOf(request, keys) }
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html */
function statementAccess({ Statement, Parameters }: PartiQL, schemaOf: SchemaOf): Access {
  const { kind, table, index, valuesOf } = readStatement(Statement, Parameters)
  const context = present({ 'dynamodb:LeadingKeys': valuesOf(leadingKeyName(schemaOf(table), index)) })
  return { action: `dynamodb:PartiQL${kind}`, table, ...(index !== undefined && { index }), context }
}

function contextOf(request: Described, leadingKeys: string[]): Context {
  return present({
    'dynamodb:LeadingKeys': leadingKeys,
    'dynamodb:Attributes': attributesOf(request),
    'dynamodb:Select': request.Select,
    'dynamodb:ReturnValues': request.ReturnValues,
    'dynamodb:ReturnConsumedCapacity': request.ReturnConsumedCapacity,
  })
}

/** A condition key without a value is not there. */
const present = (keys: Record<string, string | string[] | undefined>): Context =>
  Object.fromEntries(Object.entries(keys).flatMap(([key, value]) => (value?.length ? [[key, value]] : [])))
