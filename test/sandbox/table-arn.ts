type Json = Record<string, unknown>

/** `TableName` may be a name or an ARN. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html */
export function parseTableArn(nameOrArn: string): { name: string; accountId?: string; region?: string } {
  const match = /^arn:aws:dynamodb:([^:]+):(\d{12}):table\/([^/]+)/.exec(nameOrArn)
  if (!match) return { name: nameOrArn }
  const [, region = '', accountId = '', name = ''] = match
  return { name, accountId, region }
}

/** The request with every table by its name, as engines want it, and the way back for an answer that is keyed by table. */
export function withTableNames(input: Json): { input: Json; restore: (body: string) => string } {
  const given = new Map(
    Object.keys((input.RequestItems ?? {}) as Json).map((table) => [parseTableArn(table).name, table]),
  )
  const hasArn = [...given].some(([name, table]) => name !== table)
  return {
    input: named(input) as Json,
    restore: (body) => (hasArn ? JSON.stringify(renamed(JSON.parse(body), given)) : body),
  }
}

function named(input: Json): Json {
  const output = { ...input }
  if (typeof output.TableName === 'string') output.TableName = parseTableArn(output.TableName).name
  if (output.RequestItems)
    output.RequestItems = mapKeys(output.RequestItems as Json, (table) => parseTableArn(table).name)
  if (Array.isArray(output.TransactItems))
    output.TransactItems = (output.TransactItems as Json[]).map((part) =>
      Object.fromEntries(Object.entries(part).map(([kind, inner]) => [kind, named(inner as Json)])),
    )
  return output
}

const KEYED_BY_TABLE = ['Responses', 'UnprocessedKeys', 'UnprocessedItems']

const renamed = (answer: Json, given: Map<string, string>): Json =>
  Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      KEYED_BY_TABLE.includes(name) ? mapKeys(value as Json, (table) => given.get(table) ?? table) : value,
    ]),
  )

const mapKeys = (record: Json, change: (key: string) => string): Json =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [change(key), value]))
