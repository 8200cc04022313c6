/** Requests that show whether an action is allowed and change nothing. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Action } from '../iam/actions.ts'
import { redact } from '../redact.ts'

/**
 * What a probe shows.
 *
 * - `key-not-a-string`: the partition key of the table is not of type string.
 * - `untestable`: only a request that writes could show whether the action is allowed.
 * - `unclear`: DynamoDB may have answered before it asked IAM.
 */
export type Verdict =
  | { readonly kind: 'allowed' | 'no-table' }
  | {
      readonly kind: 'denied' | 'key-not-a-string' | 'untestable' | 'unclear' | 'no-answer'
      /** What AWS or the SDK said. */
      readonly message: string
    }

export type Key = Readonly<Record<string, AttributeValue>>

/** The name of an attribute that no table has, which is also used as its value. */
const UNUSED = `middy-cross-account-dynamo-check-${crypto.randomUUID()}`

/** A condition that no item meets. */
const NEVER_TRUE = {
  ConditionExpression: 'attribute_exists(#unused) AND attribute_not_exists(#unused)',
  ExpressionAttributeNames: { '#unused': UNUSED },
}

/** A partition key to name in the request, and an attribute that is not part of the table's key. */
const keyWithUnused = (partitionKey: Key): Record<string, AttributeValue> => ({
  ...partitionKey,
  [UNUSED]: { S: UNUSED },
})

const queryOf = (key: Key) => {
  const names = Object.keys(key)
  return {
    KeyConditionExpression: names.map((_, index) => `#k${index} = :k${index}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#k${index}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      Object.values(key).map((value, index) => [`:k${index}`, value]),
    ),
  }
}

type SendProbe = (
  client: DynamoDBClient,
  TableName: string,
  Key: Record<string, AttributeValue>,
) => Promise<unknown>

const sendStatement =
  (toStatement: (table: string) => string, options: { readonly Limit?: number } = {}): SendProbe =>
  (client, table) =>
    client.send(new ExecuteStatementCommand({ Statement: toStatement(table), ...options }))

/**
 * One request per action. The key contains an attribute that is in no table's key, so it reaches no item: DynamoDB rejects
 * it after IAM allowed the action. Writes that take a condition also have one that is never met. `Scan` and `SELECT` read
 * one item at most and return none. An `INSERT` without the table's key and an `UPDATE` or `DELETE` without the whole key are
 * rejected.
 */
const SEND_PROBE: Readonly<Record<Action, SendProbe>> = {
  GetItem: (client, TableName, Key) => client.send(new GetItemCommand({ TableName, Key })),
  BatchGetItem: (client, table, key) =>
    client.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [key] } } })),
  ConditionCheckItem: (client, TableName, Key) =>
    client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ ConditionCheck: { TableName, Key, ...NEVER_TRUE } }],
      }),
    ),
  Query: (client, TableName, key) => client.send(new QueryCommand({ TableName, ...queryOf(key) })),
  Scan: (client, TableName) => {
    const { ConditionExpression: FilterExpression, ExpressionAttributeNames } = NEVER_TRUE
    return client.send(new ScanCommand({ TableName, Limit: 1, FilterExpression, ExpressionAttributeNames }))
  },
  PutItem: (client, TableName, Item) => client.send(new PutItemCommand({ TableName, Item, ...NEVER_TRUE })),
  UpdateItem: (client, TableName, Key) =>
    client.send(new UpdateItemCommand({ TableName, Key, ...NEVER_TRUE })),
  DeleteItem: (client, TableName, Key) =>
    client.send(new DeleteItemCommand({ TableName, Key, ...NEVER_TRUE })),
  BatchWriteItem: (client, table, Key) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ DeleteRequest: { Key } }] } })),
  PartiQLSelect: sendStatement((table) => `SELECT * FROM "${table}" WHERE "${UNUSED}" = '${UNUSED}'`, {
    Limit: 1,
  }),
  PartiQLInsert: sendStatement((table) => `INSERT INTO "${table}" VALUE {'${UNUSED}': '${UNUSED}'}`),
  PartiQLUpdate: sendStatement(
    (table) => `UPDATE "${table}" SET "${UNUSED}" = '' WHERE "${UNUSED}" = '${UNUSED}'`,
  ),
  PartiQLDelete: sendStatement((table) => `DELETE FROM "${table}" WHERE "${UNUSED}" = '${UNUSED}'`),
}

/** How DynamoDB rejects a key that is not the table's key. It compares the two after it asked IAM. */
const KEY_MISMATCH =
  /provided key element|number of conditions on the keys|missing the key|required keys was not given|key schema element|query key condition not supported/i
/** How DynamoDB rejects a partition key of another type than string. */
const KEY_TYPE_MISMATCH = /type mismatch for key|condition parameter type does not match/i
/** How DynamoDB rejects a statement without the whole key, possibly before it asks IAM. */
const INCOMPLETE_KEY =
  /missing the key|key attribute should be present|mandatory equality on all key attributes/i

interface Failure extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly CancellationReasons?: readonly { readonly Code?: string }[]
}

/** Tries an action on a table, with a partition key if the session may name only that one. */
export const probe = async (
  client: DynamoDBClient,
  action: Action,
  table: string,
  partitionKey: Key,
): Promise<Verdict> => {
  try {
    await SEND_PROBE[action](client, table, keyWithUnused(partitionKey))
    return { kind: 'allowed' }
  } catch (error) {
    return toVerdict(error as Failure, action)
  }
}

/** An action counts as allowed only if DynamoDB rejected the request after it asked IAM. */
const toVerdict = (failure: Failure, action: Action): Verdict => {
  const { name, $metadata, CancellationReasons = [] } = failure
  // DynamoDB or a proxy can repeat a signed request.
  const message = redact(failure.message)
  const unclear = { kind: 'unclear', message: `${redact(name)}: ${message}` } as const
  if ($metadata?.httpStatusCode === undefined) return { ...unclear, kind: 'no-answer' }
  switch (name) {
    case 'AccessDeniedException':
      return { kind: 'denied', message }
    case 'ResourceNotFoundException':
      return { kind: 'no-table' }
    case 'ConditionalCheckFailedException':
      return { kind: 'allowed' }
    case 'TransactionCanceledException':
      return CancellationReasons.some(({ Code = '' }) => EVALUATED_BY_TABLE.test(Code))
        ? { kind: 'allowed' }
        : unclear
    case 'ValidationException':
      if (KEY_TYPE_MISMATCH.test(message)) return { kind: 'key-not-a-string', message }
      if (action.startsWith('PartiQL'))
        return INCOMPLETE_KEY.test(message) ? { ...unclear, kind: 'untestable' } : unclear
      return KEY_MISMATCH.test(message) ? { kind: 'allowed' } : unclear
    default:
      return unclear
  }
}

/** Reasons of a canceled transaction that DynamoDB finds at the table, after it asked IAM. */
const EVALUATED_BY_TABLE = /^(?:ConditionalCheckFailed|ValidationError)$/
