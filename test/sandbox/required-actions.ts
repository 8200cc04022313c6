import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { type AttributeFields, listAttributes } from './attributes.ts'
import type { RequestContext } from './authorize.ts'
import {
  findPartitionKey,
  type Item,
  listLeadingKeys,
  listQueryLeadingKeys,
  type QueryFields,
} from './leading-keys.ts'
import { parseStatement } from './partiql.ts'

/** An action that IAM must allow before DynamoDB runs a request. */
export interface RequiredAction {
  action: string
  /** The table name or table ARN in the request. Undefined for actions without a resource, such as ListTables. */
  table?: string
  index?: string
  context: RequestContext
}

type Request = QueryFields &
  AttributeFields & {
    TableName?: string
    ResourceArn?: string
    Key?: Item
    Item?: Item
    Select?: string
    ReturnValues?: string
    ReturnConsumedCapacity?: string
    RequestItems?: Record<string, BatchRequest>
    TransactItems?: Record<string, Request>[]
    Statements?: PartiQLRequest[]
    TransactStatements?: PartiQLRequest[]
  } & Partial<PartiQLRequest>

interface PartiQLRequest {
  Statement: string
  Parameters?: AttributeValue[]
}

/** The part of a BatchGetItem or BatchWriteItem request for one table. */
type BatchRequest =
  | (AttributeFields & { Keys?: Item[] })
  | { PutRequest?: { Item?: Item }; DeleteRequest?: { Key?: Item } }[]

type ContextFields = AttributeFields & Pick<Request, 'Select' | 'ReturnValues' | 'ReturnConsumedCapacity'>

type FindSchema = (table: string) => CreateTableCommandInput | undefined

const ACTIONS_WITHOUT_TABLE = ['ListTables', 'DescribeLimits', 'DescribeEndpoints']
const TABLE_ACTIONS = [
  'CreateTable',
  'DescribeTable',
  'UpdateTable',
  'DeleteTable',
  'DescribeTimeToLive',
  'UpdateTimeToLive',
]
const RESOURCE_ARN_ACTIONS = ['TagResource', 'UntagResource', 'ListTagsOfResource']

/** Returns undefined for an operation that the sandbox does not implement. */
export function listRequiredActions(
  operation: string,
  request: Request,
  findSchema: FindSchema,
): RequiredAction[] | undefined {
  const action = `dynamodb:${operation}`
  const table = request.TableName ?? ''
  if (ACTIONS_WITHOUT_TABLE.includes(operation)) return [{ action, context: {} }]
  if (TABLE_ACTIONS.includes(operation)) return [{ action, table, context: {} }]
  if (RESOURCE_ARN_ACTIONS.includes(operation))
    return [{ action, table: request.ResourceArn ?? '', context: {} }]

  switch (operation) {
    case 'GetItem':
    case 'PutItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [createItemAction(action, request, findSchema)]
    case 'Query':
    case 'Scan': {
      const partitionKey = findPartitionKey(findSchema(table), request.IndexName)
      const leadingKeys = operation === 'Query' ? listQueryLeadingKeys(partitionKey, request) : []
      const index = request.IndexName === undefined ? {} : { index: request.IndexName }
      return [{ action, table, ...index, context: createContext(request, leadingKeys) }]
    }
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.entries(request.RequestItems ?? {}).map(([batchTable, batchRequest]) => {
        const fields = Array.isArray(batchRequest)
          ? {
              Keys: batchRequest.map(
                ({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key ?? {},
              ),
            }
          : batchRequest
        const leadingKeys = listLeadingKeys(findPartitionKey(findSchema(batchTable)), fields.Keys ?? [])
        const { ReturnConsumedCapacity } = request
        const context = createContext(
          { ...fields, ...(ReturnConsumedCapacity && { ReturnConsumedCapacity }) },
          leadingKeys,
        )
        return { action, table: batchTable, context }
      })
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return (request.TransactItems ?? []).flatMap(Object.entries).map(([kind, itemRequest]) => {
        const itemAction = createItemAction(`dynamodb:${kind}Item`, itemRequest, findSchema)
        // The simulator does not accept dynamodb:EnclosingOperation for ConditionCheckItem.
        if (kind === 'ConditionCheck') return itemAction
        return {
          ...itemAction,
          context: { ...itemAction.context, 'dynamodb:EnclosingOperation': operation },
        }
      })
    case 'ExecuteStatement':
      return [createStatementAction({ Statement: '', ...request }, findSchema)]
    case 'BatchExecuteStatement':
    case 'ExecuteTransaction':
      return (request.Statements ?? request.TransactStatements ?? []).map((statement) =>
        createStatementAction(statement, findSchema),
      )
    default:
      return undefined
  }
}

function createItemAction(action: string, request: Request, findSchema: FindSchema): RequiredAction {
  const table = request.TableName ?? ''
  const leadingKeys = listLeadingKeys(findPartitionKey(findSchema(table)), [request.Key ?? request.Item])
  return { action, table, context: createContext(request, leadingKeys) }
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html */
function createStatementAction(
  { Statement, Parameters }: PartiQLRequest,
  findSchema: FindSchema,
): RequiredAction {
  const { kind, table, index, listValues } = parseStatement(Statement, Parameters)
  const leadingKeys = listValues(findPartitionKey(findSchema(table), index))
  const context = omitEmptyKeys({ 'dynamodb:LeadingKeys': leadingKeys })
  return { action: `dynamodb:PartiQL${kind}`, table, ...(index !== undefined && { index }), context }
}

function createContext(request: ContextFields, leadingKeys: string[]): RequestContext {
  return omitEmptyKeys({
    'dynamodb:LeadingKeys': leadingKeys,
    'dynamodb:Attributes': listAttributes(request),
    'dynamodb:Select': request.Select,
    'dynamodb:ReturnValues': request.ReturnValues,
    'dynamodb:ReturnConsumedCapacity': request.ReturnConsumedCapacity,
  })
}

/** Omits condition keys without values, because AWS does not include them in the request context. */
const omitEmptyKeys = (keys: Record<string, string | string[] | undefined>): RequestContext =>
  Object.fromEntries(Object.entries(keys).flatMap(([key, value]) => (value?.length ? [[key, value]] : [])))
