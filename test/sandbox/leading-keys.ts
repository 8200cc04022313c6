import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

export type Item = Record<string, AttributeValue>

/** The fields of a Query request that select the partition key. `KeyConditions` is the legacy form. */
export interface QueryFields {
  IndexName?: string
  KeyConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Item
  KeyConditions?: Record<string, { AttributeValueList?: AttributeValue[]; ComparisonOperator?: string }>
}

/**
 * Returns the name of the attribute whose values dynamodb:LeadingKeys contains: the partition key of the table, or of the
 * index if there is one.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function findPartitionKey(
  table: CreateTableCommandInput | undefined,
  indexName?: string,
): string | undefined {
  const indexes = [...(table?.GlobalSecondaryIndexes ?? []), ...(table?.LocalSecondaryIndexes ?? [])]
  const schema =
    indexName === undefined
      ? table?.KeySchema
      : indexes.find((index) => index.IndexName === indexName)?.KeySchema
  return schema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName
}

/** Returns the distinct values of the partition key in items or keys. */
export const listLeadingKeys = (partitionKey: string | undefined, items: (Item | undefined)[]): string[] =>
  partitionKey === undefined ? [] : removeDuplicates(items.map((item) => toKeyText(item?.[partitionKey])))

/** Returns the values with which a Query request compares the partition key by `=`. */
export function listQueryLeadingKeys(partitionKey: string | undefined, query: QueryFields): string[] {
  if (partitionKey === undefined) return []
  const legacyCondition = query.KeyConditions?.[partitionKey]
  if (legacyCondition) return removeDuplicates((legacyCondition.AttributeValueList ?? []).map(toKeyText))

  const toAttributeName = (operand: string) => query.ExpressionAttributeNames?.[operand] ?? operand
  const equalities = (query.KeyConditionExpression ?? '').matchAll(/([#:\w.-]+)\s*=\s*([#:\w.-]+)/g)
  return removeDuplicates(
    [...equalities]
      .map(([, left = '', right = '']) => (left.startsWith(':') ? [right, left] : [left, right]))
      .filter(([left = '']) => toAttributeName(left) === partitionKey)
      .map(([, right = '']) => toKeyText(query.ExpressionAttributeValues?.[right])),
  )
}

/** Returns the text of a string, a number or a binary value. Binary values are base64 text, as in the JSON request. */
export const toKeyText = (value: AttributeValue | undefined): string | undefined =>
  value?.S ?? value?.N ?? (value?.B as string | undefined)

const removeDuplicates = (values: (string | undefined)[]) => [
  ...new Set(values.filter((value) => value !== undefined)),
]
