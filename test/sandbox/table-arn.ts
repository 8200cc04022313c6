type Json = Record<string, unknown>

/**
 * Parses a value of `TableName`, which is a table name or a table ARN.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
 */
export function parseTableArn(nameOrArn: string): { name: string; accountId?: string; region?: string } {
  const match = /^arn:aws:dynamodb:([^:]+):(\d{12}):table\/([^/]+)/.exec(nameOrArn)
  if (!match) return { name: nameOrArn }
  const [, region = '', accountId = '', name = ''] = match
  return { name, accountId, region }
}

/**
 * Replaces the table ARNs of a request by table names, because engines accept only names. `restoreTableArns` puts the
 * ARNs back into a response whose fields are keyed by table.
 */
export function replaceTableArns(input: Json): { input: Json; restoreTableArns: (body: string) => string } {
  const originalByName = new Map(
    Object.keys((input.RequestItems ?? {}) as Json).map((table) => [parseTableArn(table).name, table]),
  )
  const hasArn = [...originalByName].some(([name, original]) => name !== original)
  return {
    input: replaceArnsInRequest(input) as Json,
    restoreTableArns: (body) =>
      hasArn ? JSON.stringify(restoreArnsInResponse(JSON.parse(body), originalByName)) : body,
  }
}

function replaceArnsInRequest(input: Json): Json {
  const output = { ...input }
  if (typeof output.TableName === 'string') output.TableName = parseTableArn(output.TableName).name
  if (output.RequestItems)
    output.RequestItems = mapKeys(output.RequestItems as Json, (table) => parseTableArn(table).name)
  if (Array.isArray(output.TransactItems))
    output.TransactItems = (output.TransactItems as Json[]).map((item) =>
      Object.fromEntries(
        Object.entries(item).map(([kind, request]) => [kind, replaceArnsInRequest(request as Json)]),
      ),
    )
  return output
}

const FIELDS_KEYED_BY_TABLE = ['Responses', 'UnprocessedKeys', 'UnprocessedItems']

const restoreArnsInResponse = (response: Json, originalByName: Map<string, string>): Json =>
  Object.fromEntries(
    Object.entries(response).map(([field, value]) => [
      field,
      FIELDS_KEYED_BY_TABLE.includes(field)
        ? mapKeys(value as Json, (name) => originalByName.get(name) ?? name)
        : value,
    ]),
  )

const mapKeys = (record: Json, toKey: (key: string) => string): Json =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [toKey(key), value]))
