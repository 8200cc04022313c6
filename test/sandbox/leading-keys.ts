import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

export type Item = Record<string, AttributeValue>

/** The names and values of a request's expressions, and the older way of saying the same. */
export interface QueryInput {
  IndexName?: string
  KeyConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Item
  KeyConditions?: Record<string, { AttributeValueList?: AttributeValue[]; ComparisonOperator?: string }>
}

/**
 * The attribute that dynamodb:LeadingKeys is about: the partition key of the table, or of the index that is queried.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function leadingKeyName(
  table: CreateTableCommandInput | undefined,
  indexName?: string,
): string | undefined {
  const indexes = [...(table?.GlobalSecondaryIndexes ?? []), ...(table?.LocalSecondaryIndexes ?? [])]
  const schema =
    indexName === undefined ? table?.KeySchema : indexes.find((i) => i.IndexName === indexName)?.KeySchema
  return schema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName
}

/** Of items or keys. Each value once. */
export const leadingKeysOf = (name: string | undefined, items: (Item | undefined)[]): string[] =>
  name === undefined ? [] : unique(items.map((item) => keyText(item?.[name])))

/** A query names one partition key, by `=`. */
export function leadingKeysOfQuery(name: string | undefined, input: QueryInput): string[] {
  if (name === undefined) return []
  const legacy = input.KeyConditions?.[name]
  if (legacy) return unique((legacy.AttributeValueList ?? []).map(keyText))

  const nameOf = (operand: string) => input.ExpressionAttributeNames?.[operand] ?? operand
  const equalities = (input.KeyConditionExpression ?? '').matchAll(/([#:\w.-]+)\s*=\s*([#:\w.-]+)/g)
  return unique(
    [...equalities]
      .map(([, left = '', right = '']) => (left.startsWith(':') ? [right, left] : [left, right]))
      .filter(([left = '']) => nameOf(left) === name)
      .map(([, right = '']) => keyText(input.ExpressionAttributeValues?.[right])),
  )
}

/** Key attributes are strings, numbers or binary (here still base64, as on the wire). */
export const keyText = (value: AttributeValue | undefined): string | undefined =>
  value?.S ?? value?.N ?? (value?.B as string | undefined)

const unique = (values: (string | undefined)[]) => [...new Set(values.filter((value) => value !== undefined))]
