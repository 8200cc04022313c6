/** The fields of a request that contain attribute names. */
export interface AttributeFields {
  Key?: object
  Item?: object
  Keys?: object[]
  AttributesToGet?: string[]
  AttributeUpdates?: object
  Expected?: object
  KeyConditions?: object
  QueryFilter?: object
  ScanFilter?: object
  KeyConditionExpression?: string
  FilterExpression?: string
  ProjectionExpression?: string
  ConditionExpression?: string
  UpdateExpression?: string
  ExpressionAttributeNames?: Record<string, string>
}

const KEYWORDS = new Set(['SET', 'REMOVE', 'ADD', 'DELETE', 'AND', 'OR', 'NOT', 'BETWEEN', 'IN'])

/**
 * Returns the value of the condition key dynamodb:Attributes: the top-level attributes in all fields of a request.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function listAttributes(request: AttributeFields): string[] {
  const { Key, Item, Keys = [], AttributesToGet = [], AttributeUpdates, Expected } = request
  const { KeyConditions, QueryFilter, ScanFilter, ExpressionAttributeNames = {} } = request
  const records = [Key, Item, ...Keys, AttributeUpdates, Expected, KeyConditions, QueryFilter, ScanFilter]
  const expressions = [
    request.KeyConditionExpression,
    request.FilterExpression,
    request.ProjectionExpression,
    request.ConditionExpression,
    request.UpdateExpression,
  ]
  const expressionNames = expressions.flatMap((expression = '') => listTopLevelNames(expression))
  return [
    ...new Set([
      ...records.flatMap((record) => Object.keys(record ?? {})),
      ...AttributesToGet,
      ...expressionNames.map((name) => ExpressionAttributeNames[name] ?? name),
    ]),
  ]
}

/** Returns the first element of each document path. Omits values, functions, keywords and nested attributes. */
const listTopLevelNames = (expression: string): string[] =>
  [...expression.matchAll(/(?<![:.#\w])(#?[A-Za-z_][\w]*|#\w+)(?!\w|\s*\()/g)]
    .map(([, name = '']) => name)
    .filter((name) => !KEYWORDS.has(name.toUpperCase()))
