/** A request for each DynamoDB action on items, for the order of one tenant in one table or index. */
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

/** A request for any number of partition keys, of the table or the index. */
export type Operation = (
  dynamo: DynamoDBDocumentClient,
  TableName: string,
  ...keys: string[]
) => Promise<object>

/** Operations by the action that they need. */
export type Operations = Readonly<Record<string, Operation>>

const keyOf = (tenant = '') => ({ tenant, order: '1' })
const order = (tenant?: string) => ({ ...keyOf(tenant), region: 'eu' })

const query = (name: string, dynamo: DynamoDBDocumentClient, where: object, value: string | undefined) =>
  dynamo.send(
    new QueryCommand({
      ...(where as { TableName: string }),
      KeyConditionExpression: '#key = :value',
      ExpressionAttributeNames: { '#key': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  )

const partiql = (dynamo: DynamoDBDocumentClient, Statement: string, ...Parameters: unknown[]) =>
  dynamo.send(new ExecuteStatementCommand({ Statement, Parameters }))

export const READS: Operations = {
  GetItem: async (dynamo, TableName, tenant) => {
    const { Item } = await dynamo.send(new GetCommand({ TableName, Key: keyOf(tenant) }))
    if (Item === undefined) throw new Error('found nothing')
    return Item
  },
  BatchGetItem: (dynamo, TableName, ...tenants) =>
    dynamo.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: tenants.map(keyOf) } } })),
  ConditionCheckItem: (dynamo, TableName, tenant) => {
    const ConditionExpression = 'attribute_not_exists(gone)'
    const ConditionCheck = { TableName, Key: keyOf(tenant), ConditionExpression }
    return dynamo.send(new TransactWriteCommand({ TransactItems: [{ ConditionCheck }] }))
  },
  Query: (dynamo, TableName, tenant) => query('tenant', dynamo, { TableName }, tenant),
  Scan: (dynamo, TableName) => dynamo.send(new ScanCommand({ TableName })),
  PartiQLSelect: (dynamo, name, tenant) =>
    partiql(dynamo, `SELECT * FROM "${name}" WHERE tenant = ?`, tenant),
}

export const WRITES: Operations = {
  PutItem: (dynamo, TableName, tenant) => dynamo.send(new PutCommand({ TableName, Item: order(tenant) })),
  UpdateItem: (dynamo, TableName, tenant) =>
    dynamo.send(new UpdateCommand({ TableName, Key: keyOf(tenant), UpdateExpression: 'REMOVE gone' })),
  DeleteItem: (dynamo, TableName, tenant) =>
    dynamo.send(new DeleteCommand({ TableName, Key: { ...keyOf(tenant), order: randomUUID() } })),
  BatchWriteItem: (dynamo, TableName, ...tenants) => {
    const puts = tenants.map((tenant) => ({ PutRequest: { Item: order(tenant) } }))
    return dynamo.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }))
  },
  PartiQLInsert: (dynamo, name, tenant) =>
    partiql(dynamo, `INSERT INTO "${name}" VALUE {'tenant': ?, 'order': ?}`, tenant, randomUUID()),
  PartiQLUpdate: (dynamo, name, tenant) =>
    partiql(dynamo, `UPDATE "${name}" SET seen = ? WHERE tenant = ? AND "order" = ?`, 'yes', tenant, '1'),
  PartiQLDelete: (dynamo, name, tenant) =>
    partiql(dynamo, `DELETE FROM "${name}" WHERE tenant = ? AND "order" = ?`, tenant, randomUUID()),
}

/** With keys of the index. */
export const ON_INDEX: Operations = {
  Query: (dynamo, TableName, region) => query('region', dynamo, { TableName, IndexName: INDEX_NAME }, region),
  Scan: (dynamo, TableName) => dynamo.send(new ScanCommand({ TableName, IndexName: INDEX_NAME })),
  PartiQLSelect: (dynamo, name, region) =>
    partiql(dynamo, `SELECT * FROM "${name}"."${INDEX_NAME}" WHERE region = ?`, region),
}

/** Requests without a partition key. DynamoDB would reject them if IAM did not. */
export const KEYLESS: Operations = {
  BatchGetItem: (dynamo, TableName) => READS.BatchGetItem?.(dynamo, TableName) as Promise<object>,
  Query: (dynamo, TableName) => query('order', dynamo, { TableName }, '1'),
}
export const KEYLESS_ON_INDEX: Operations = {
  Query: (dynamo, TableName) => query('order', dynamo, { TableName, IndexName: INDEX_NAME }, '1'),
}
