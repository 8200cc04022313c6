/** Requests that tell whether an action is allowed, and change nothing. */
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
import type { Action } from '../policies/actions.ts'
import { escapeControls } from '../values.ts'

/**
 * `untold`: no request that changes nothing could tell. `unclear`: an answer that may come before IAM was asked, or
 * none.
 */
export type Verdict =
  | { readonly is: 'allowed' | 'no table' }
  | { readonly is: 'denied' | 'no string' | 'untold' | 'unclear' | 'no answer'; readonly message: string }

export type Key = Readonly<Record<string, AttributeValue>>

/** An attribute that nobody has. */
const NOWHERE = `middy-cross-account-dynamo-check-${crypto.randomUUID()}`
const nowhere = { S: NOWHERE }

/** Holds for no item, whatever it is. */
const NEVER = {
  ConditionExpression: 'attribute_exists(#nowhere) AND attribute_not_exists(#nowhere)',
  ExpressionAttributeNames: { '#nowhere': NOWHERE },
}

/**
 * One request an action. A key with an attribute that no table has in its key reaches no item, and is refused after
 * IAM was asked; writes that take a condition have one that cannot hold, too. `Scan` and `SELECT` look at one item at
 * most, and hand none out. An `INSERT` without the table's key, and an `UPDATE` or `DELETE` without the whole of it,
 * are refused.
 */
const send = (
  client: DynamoDBClient,
  action: Action,
  TableName: string,
  partitionKey: Key,
): Promise<unknown> => {
  const Key = { ...partitionKey, [NOWHERE]: nowhere }
  const statement = (Statement: string) =>
    client.send(new ExecuteStatementCommand({ Statement, ...(action === 'PartiQLSelect' && { Limit: 1 }) }))
  switch (action) {
    case 'GetItem':
      return client.send(new GetItemCommand({ TableName, Key }))
    case 'BatchGetItem':
      return client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key] } } }))
    case 'ConditionCheckItem':
      return client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: { TableName, Key, ...NEVER } }] }),
      )
    case 'Query': {
      const names = Object.keys(Key)
      return client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: names.map((_, index) => `#k${index} = :k${index}`).join(' AND '),
          ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#k${index}`, name])),
          ExpressionAttributeValues: Object.fromEntries(
            Object.values(Key).map((value, index) => [`:k${index}`, value]),
          ),
        }),
      )
    }
    case 'Scan': {
      const { ConditionExpression: FilterExpression, ExpressionAttributeNames } = NEVER
      return client.send(new ScanCommand({ TableName, Limit: 1, FilterExpression, ExpressionAttributeNames }))
    }
    case 'PutItem':
      return client.send(new PutItemCommand({ TableName, Item: Key, ...NEVER }))
    case 'UpdateItem':
      return client.send(new UpdateItemCommand({ TableName, Key, ...NEVER }))
    case 'DeleteItem':
      return client.send(new DeleteItemCommand({ TableName, Key, ...NEVER }))
    case 'BatchWriteItem':
      return client.send(
        new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } }),
      )
    case 'PartiQLSelect':
      return statement(`SELECT * FROM "${TableName}" WHERE "${NOWHERE}" = '${NOWHERE}'`)
    case 'PartiQLInsert':
      return statement(`INSERT INTO "${TableName}" VALUE {'${NOWHERE}': '${NOWHERE}'}`)
    case 'PartiQLUpdate':
      return statement(`UPDATE "${TableName}" SET "${NOWHERE}" = '' WHERE "${NOWHERE}" = '${NOWHERE}'`)
    case 'PartiQLDelete':
      return statement(`DELETE FROM "${TableName}" WHERE "${NOWHERE}" = '${NOWHERE}'`)
  }
}

/** DynamoDB's words for a key that is not the table's, which it knows only when it looks at the table. */
const NOT_ITS_KEY =
  /provided key element|number of conditions on the keys|missing the key|required keys was not given|key schema element|query key condition not supported/i
/** And for a partition key of another type than text. */
const NO_STRING = /type mismatch for key|condition parameter type does not match/i
/** And for a statement that could have written, which is read before anything else is done about it. */
const NO_WHOLE_KEY =
  /missing the key|key attribute should be present|mandatory equality on all key attributes/i

interface Failure extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly CancellationReasons?: readonly { readonly Code?: string }[]
}

/** Tries an action on a table, with the partition key if one is given. */
export const probe = async (
  client: DynamoDBClient,
  action: Action,
  table: string,
  partitionKey: Key,
): Promise<Verdict> => {
  try {
    await send(client, action, table, partitionKey)
    return { is: 'allowed' }
  } catch (error) {
    return verdictOf(error as Failure, action)
  }
}

/** Only what comes after IAM was asked counts as allowed. */
const verdictOf = (failure: Failure, action: Action): Verdict => {
  const { name, $metadata, CancellationReasons } = failure
  const message = escapeControls(failure.message)
  const said = `${escapeControls(name)}: ${message}`
  if ($metadata?.httpStatusCode === undefined) return { is: 'no answer', message: said }
  switch (name) {
    case 'AccessDeniedException':
      return { is: 'denied', message }
    case 'ResourceNotFoundException':
      return { is: 'no table' }
    case 'ConditionalCheckFailedException':
      return { is: 'allowed' }
    case 'TransactionCanceledException':
      return CancellationReasons?.some(({ Code = '' }) =>
        /^(?:ConditionalCheckFailed|ValidationError)$/.test(Code),
      )
        ? { is: 'allowed' }
        : { is: 'unclear', message: said }
    case 'ValidationException':
      if (NO_STRING.test(message)) return { is: 'no string', message }
      if (action.startsWith('PartiQL'))
        return { is: NO_WHOLE_KEY.test(message) ? 'untold' : 'unclear', message: said }
      return NOT_ITS_KEY.test(message) ? { is: 'allowed' } : { is: 'unclear', message: said }
    default:
      return { is: 'unclear', message: said }
  }
}
