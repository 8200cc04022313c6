/** The parts of a request that name attributes. */
export interface NamesAttributes {
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
 * What dynamodb:Attributes holds: the top-level attributes that a request names, wherever it does.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function attributesOf(request: NamesAttributes): string[] {
  const { Key, Item, Keys = [], AttributesToGet = [], AttributeUpdates, Expected } = request
  const { KeyConditions, QueryFilter, ScanFilter, ExpressionAttributeNames = {} } = request
  const byKey = [Key, Item, ...Keys, AttributeUpdates, Expected, KeyConditions, QueryFilter, ScanFilter]
  const expressions = [
    request.KeyConditionExpression,
    request.FilterExpression,
    request.ProjectionExpression,
    request.ConditionExpression,
    request.UpdateExpression,
  ]
  const inExpressions = expressions.flatMap((expression = '') => heads(expression))
  return [
    ...new Set([
      ...byKey.flatMap((record) => Object.keys(record ?? {})),
      ...AttributesToGet,
      ...inExpressions.map((name) => ExpressionAttributeNames[name] ?? name),
    ]),
  ]
}

/** The first part of each path: not values, functions, keywords or what comes after a dot. */
const heads = (expression: string): string[] =>
  [...expression.matchAll(/(?<![:.#\w])(#?[A-Za-z_][\w]*|#\w+)(?!\w|\s*\()/g)]
    .map(([, name = '']) => name)
    .filter((name) => !KEYWORDS.has(name.toUpperCase()))
