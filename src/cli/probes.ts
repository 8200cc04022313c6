/** Sends requests that show whether an action is allowed, and that change no data. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
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
import { isRecord } from '../text.ts'

/**
 * The result of a probe.
 *
 * - `allowed`, `denied`: IAM allows or denies the action.
 * - `no-table`: the table does not exist.
 * - `no-index`: the table does not have the index.
 * - `kms-key-unavailable`: the KMS key of the table is disabled or pending deletion.
 * - `key-not-a-string`: the partition key of the table is not of type string.
 * - `untestable`: only a request that changes an item, or that needs data of the user, could show whether the action is allowed.
 * - `unclear`: DynamoDB may have rejected the request before it checked the permissions.
 * - `no-answer`: DynamoDB did not respond.
 */
export type Verdict =
  | { readonly kind: 'allowed' | 'no-table' | 'no-index' }
  | {
      readonly kind:
        | 'denied'
        | 'kms-key-unavailable'
        | 'key-not-a-string'
        | 'untestable'
        | 'unclear'
        | 'no-answer'
      /** The message of AWS or of the SDK. */
      readonly message: string
    }

export type Key = Readonly<Record<string, AttributeValue>>

/** The name of an attribute that no table has. It is also the value of this attribute. */
const ABSENT_ATTRIBUTE = `middy-cross-account-dynamo-check-${crypto.randomUUID()}`

/** A condition that no item meets. */
const NEVER_TRUE = {
  ConditionExpression: 'attribute_exists(#absent) AND attribute_not_exists(#absent)',
  ExpressionAttributeNames: { '#absent': ABSENT_ATTRIBUTE },
}

/** Adds an attribute that is not part of the table's key to a partition key. The result matches no item. */
const addAbsentAttribute = (partitionKey: Key): Record<string, AttributeValue> => ({
  ...partitionKey,
  [ABSENT_ATTRIBUTE]: { S: ABSENT_ATTRIBUTE },
})

const toQuery = (key: Key) => {
  const names = Object.keys(key)
  return {
    KeyConditionExpression: names.map((_, index) => `#k${index} = :k${index}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#k${index}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      Object.values(key).map((value, index) => [`:k${index}`, value]),
    ),
  }
}

/** The table to send requests to, and an index of it if the requests read the index. */
export interface ProbeTarget {
  readonly table: string
  readonly index?: string | undefined
}

type SendProbe = (
  client: DynamoDBClient,
  TableName: string,
  Key: Record<string, AttributeValue>,
  IndexName?: string,
) => Promise<unknown>

const sendStatement =
  (toStatement: (table: string) => string, options: { readonly Limit?: number } = {}): SendProbe =>
  (client, table, _, index) => {
    const Statement = toStatement(index === undefined ? `"${table}"` : `"${table}"."${index}"`)
    return client.send(new ExecuteStatementCommand({ Statement, ...options }))
  }

/**
 * Sends a request for each action. The key of a request contains an attribute that no table has in its key, so DynamoDB rejects the
 * request after IAM allows the action. If a write can have a condition, it has a condition that no item meets. `Scan` and `SELECT` read
 * at most one item and return none. DynamoDB rejects an `INSERT` without the key of the table, and an `UPDATE` or `DELETE` without the
 * complete key. There is no request for `SearchVectors`, which needs a vector.
 */
const SEND_PROBE: Readonly<Partial<Record<Action, SendProbe>>> = {
  DescribeTable: (client, TableName) => client.send(new DescribeTableCommand({ TableName })),
  GetItem: (client, TableName, Key) => client.send(new GetItemCommand({ TableName, Key })),
  BatchGetItem: (client, table, key) =>
    client.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [key] } } })),
  ConditionCheckItem: (client, TableName, Key) =>
    client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ ConditionCheck: { TableName, Key, ...NEVER_TRUE } }],
      }),
    ),
  Query: (client, TableName, key, IndexName) =>
    client.send(new QueryCommand({ TableName, IndexName, ...toQuery(key) })),
  Scan: (client, TableName, _, IndexName) => {
    const { ConditionExpression: FilterExpression, ExpressionAttributeNames } = NEVER_TRUE
    const input = { TableName, IndexName, Limit: 1, FilterExpression, ExpressionAttributeNames }
    return client.send(new ScanCommand(input))
  },
  PutItem: (client, TableName, Item) => client.send(new PutItemCommand({ TableName, Item, ...NEVER_TRUE })),
  UpdateItem: (client, TableName, Key) =>
    client.send(new UpdateItemCommand({ TableName, Key, ...NEVER_TRUE })),
  DeleteItem: (client, TableName, Key) =>
    client.send(new DeleteItemCommand({ TableName, Key, ...NEVER_TRUE })),
  BatchWriteItem: (client, table, Key) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ DeleteRequest: { Key } }] } })),
  PartiQLSelect: sendStatement(
    (table) => `SELECT * FROM ${table} WHERE "${ABSENT_ATTRIBUTE}" = '${ABSENT_ATTRIBUTE}'`,
    {
      Limit: 1,
    },
  ),
  PartiQLInsert: sendStatement(
    (table) => `INSERT INTO ${table} VALUE {'${ABSENT_ATTRIBUTE}': '${ABSENT_ATTRIBUTE}'}`,
  ),
  PartiQLUpdate: sendStatement(
    (table) =>
      `UPDATE ${table} SET "${ABSENT_ATTRIBUTE}" = '' WHERE "${ABSENT_ATTRIBUTE}" = '${ABSENT_ATTRIBUTE}'`,
  ),
  PartiQLDelete: sendStatement(
    (table) => `DELETE FROM ${table} WHERE "${ABSENT_ATTRIBUTE}" = '${ABSENT_ATTRIBUTE}'`,
  ),
}

/** Matches the messages for a key that does not match the key of the table. DynamoDB compares keys after it checks the permissions. */
const KEY_MISMATCH =
  /provided key element|number of conditions on the keys|missing the key|required keys was not given|key schema element|query key condition not supported/i
/** Matches the messages for a partition key of type string if the table has a partition key of another type. */
const KEY_TYPE_MISMATCH = /type mismatch for key|condition parameter type does not match/i
/** Matches the messages for a PartiQL statement without the complete key. DynamoDB may check this before it checks the permissions. */
const INCOMPLETE_KEY =
  /missing the key|key attribute should be present|mandatory equality on all key attributes/i

/** Matches the messages for an index that the table does not have. DynamoDB looks for the index after it checks the permissions. */
const MISSING_INDEX = /does not have the specified index/i
/**
 * Matches the messages for a KMS key that is disabled or pending deletion. AWS does not document them. They were observed in requests
 * to DynamoDB.
 */
const KMS_KEY_UNAVAILABLE = /^KMS (?:key disabled|validation) error/i
/** Why `SearchVectors` cannot be tried. */
const UNTESTABLE_SEARCH = 'a search needs the name of a vector index and a vector of its dimensions'

/** What the SDK throws. A response can contain values of any type, so their types are not known. */
interface Failure {
  readonly name?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly CancellationReasons?: unknown
}

/** Returns whether a request can show whether the action is allowed. */
export const isTestable = (action: Action): boolean => SEND_PROBE[action] !== undefined

/** Tries an action on a table or an index. `partitionKey` is empty, or contains the partition key to name in the request. */
export const probe = async (
  client: DynamoDBClient,
  action: Action,
  { table, index }: ProbeTarget,
  partitionKey: Key,
): Promise<Verdict> => {
  const send = SEND_PROBE[action]
  if (send === undefined) return { kind: 'untestable', message: UNTESTABLE_SEARCH }
  try {
    await send(client, table, addAbsentAttribute(partitionKey), index)
    return { kind: 'allowed' }
  } catch (error) {
    const { accessKeyId, sessionToken = '' } = await client.config.credentials()
    return toVerdict(error as Failure, action, [accessKeyId, sessionToken])
  }
}

/** Converts an error to a verdict. The verdict is `allowed` only if DynamoDB rejected the request after it checked the permissions. */
const toVerdict = (failure: Failure, action: Action, secrets: readonly string[]): Verdict => {
  const { $metadata, CancellationReasons } = failure
  const name = toText(failure.name)
  // DynamoDB or a proxy can quote the signed request, which contains the session token.
  const message = redact(toText(failure.message), secrets)
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
      return listCodes(CancellationReasons).some((code) => REASON_AFTER_AUTHORIZATION.test(code))
        ? { kind: 'allowed' }
        : unclear
    case 'ValidationException':
      return toValidationVerdict(message, action) ?? unclear
    default:
      return unclear
  }
}

const toText = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Returns the codes of the cancellation reasons of a transaction. */
const listCodes = (reasons: unknown): readonly string[] =>
  Array.isArray(reasons) ? reasons.map((reason) => toText(isRecord(reason) ? reason.Code : undefined)) : []

/** Converts the message of a ValidationException to a verdict. Returns `undefined` if the message does not show whether IAM allows the action. */
const toValidationVerdict = (message: string, action: Action): Verdict | undefined => {
  if (KMS_KEY_UNAVAILABLE.test(message)) return { kind: 'kms-key-unavailable', message }
  if (MISSING_INDEX.test(message)) return { kind: 'no-index' }
  if (KEY_TYPE_MISMATCH.test(message)) return { kind: 'key-not-a-string', message }
  if (!action.startsWith('PartiQL')) return KEY_MISMATCH.test(message) ? { kind: 'allowed' } : undefined
  return INCOMPLETE_KEY.test(message)
    ? { kind: 'untestable', message: `ValidationException: ${message}` }
    : undefined
}

/** Matches the cancellation reasons of a transaction that DynamoDB determines after it checks the permissions. */
const REASON_AFTER_AUTHORIZATION = /^(?:ConditionalCheckFailed|ValidationError)$/
