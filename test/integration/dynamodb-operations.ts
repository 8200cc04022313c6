/** Requests for each DynamoDB action on the orders of a tenant, in a table or an index. */
import { randomUUID } from 'node:crypto'
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  ExecuteStatementCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { INDEX_NAME } from '../sandbox/policy-test-accounts.ts'

/** Sends a request for items with these partition keys, of the table or of its index. */
export type Operation = (
  dynamo: DynamoDBDocumentClient,
  TableName: string,
  ...keys: string[]
) => Promise<object>

/** Operations by the name of the IAM action that they need, without `dynamodb:`. */
export type Operations = Readonly<Record<string, Operation>>

const createKey = (tenant = '') => ({ tenant, order: '1' })
const createOrder = (tenant?: string) => ({ ...createKey(tenant), region: 'eu' })

const sendQuery = (
  dynamo: DynamoDBDocumentClient,
  source: { TableName: string; IndexName?: string },
  keyName: string,
  keyValue: string | undefined,
) =>
  dynamo.send(
    new QueryCommand({
      ...source,
      KeyConditionExpression: '#key = :value',
      ExpressionAttributeNames: { '#key': keyName },
      ExpressionAttributeValues: { ':value': keyValue },
    }),
  )

const executeStatement = (dynamo: DynamoDBDocumentClient, Statement: string, ...Parameters: unknown[]) =>
  dynamo.send(new ExecuteStatementCommand({ Statement, Parameters }))

export const READ_OPERATIONS: Operations = {
  GetItem: async (dynamo, TableName, tenant) => {
    const { Item } = await dynamo.send(new GetCommand({ TableName, Key: createKey(tenant) }))
    if (Item === undefined) throw new Error('The item does not exist.')
    return Item
  },
  BatchGetItem: (dynamo, TableName, ...tenants) =>
    dynamo.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: tenants.map(createKey) } } })),
  ConditionCheckItem: (dynamo, TableName, tenant) => {
    const ConditionExpression = 'attribute_not_exists(gone)'
    const ConditionCheck = { TableName, Key: createKey(tenant), ConditionExpression }
    return dynamo.send(new TransactWriteCommand({ TransactItems: [{ ConditionCheck }] }))
  },
  Query: (dynamo, TableName, tenant) => sendQuery(dynamo, { TableName }, 'tenant', tenant),
  Scan: (dynamo, TableName) => dynamo.send(new ScanCommand({ TableName })),
  PartiQLSelect: (dynamo, TableName, tenant) =>
    executeStatement(dynamo, `SELECT * FROM "${TableName}" WHERE tenant = ?`, tenant),
}

export const WRITE_OPERATIONS: Operations = {
  PutItem: (dynamo, TableName, tenant) =>
    dynamo.send(new PutCommand({ TableName, Item: createOrder(tenant) })),
  UpdateItem: (dynamo, TableName, tenant) =>
    dynamo.send(new UpdateCommand({ TableName, Key: createKey(tenant), UpdateExpression: 'REMOVE gone' })),
  DeleteItem: (dynamo, TableName, tenant) =>
    dynamo.send(new DeleteCommand({ TableName, Key: { ...createKey(tenant), order: randomUUID() } })),
  BatchWriteItem: (dynamo, TableName, ...tenants) => {
    const puts = tenants.map((tenant) => ({ PutRequest: { Item: createOrder(tenant) } }))
    return dynamo.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }))
  },
  PartiQLInsert: (dynamo, TableName, tenant) =>
    executeStatement(
      dynamo,
      `INSERT INTO "${TableName}" VALUE {'tenant': ?, 'order': ?}`,
      tenant,
      randomUUID(),
    ),
  PartiQLUpdate: (dynamo, TableName, tenant) =>
    executeStatement(
      dynamo,
      `UPDATE "${TableName}" SET seen = ? WHERE tenant = ? AND "order" = ?`,
      'yes',
      tenant,
      '1',
    ),
  PartiQLDelete: (dynamo, TableName, tenant) =>
    executeStatement(
      dynamo,
      `DELETE FROM "${TableName}" WHERE tenant = ? AND "order" = ?`,
      tenant,
      randomUUID(),
    ),
}

/** Operations on the index. Their partition keys are those of the index. */
export const INDEX_OPERATIONS: Operations = {
  Query: (dynamo, TableName, region) =>
    sendQuery(dynamo, { TableName, IndexName: INDEX_NAME }, 'region', region),
  Scan: (dynamo, TableName) => dynamo.send(new ScanCommand({ TableName, IndexName: INDEX_NAME })),
  PartiQLSelect: (dynamo, TableName, region) =>
    executeStatement(dynamo, `SELECT * FROM "${TableName}"."${INDEX_NAME}" WHERE region = ?`, region),
}

/** Requests without a partition key. DynamoDB rejects them with a `ValidationException` if IAM allows them. */
export const OPERATIONS_WITHOUT_KEY: Operations = {
  BatchGetItem: (dynamo, TableName) => READ_OPERATIONS.BatchGetItem?.(dynamo, TableName) as Promise<object>,
  Query: (dynamo, TableName) => sendQuery(dynamo, { TableName }, 'order', '1'),
}
export const INDEX_OPERATIONS_WITHOUT_KEY: Operations = {
  Query: (dynamo, TableName) => sendQuery(dynamo, { TableName, IndexName: INDEX_NAME }, 'order', '1'),
}
