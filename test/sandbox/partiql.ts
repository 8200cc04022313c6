import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { AwsError } from './aws-error.ts'
import { type Item, listLeadingKeys } from './leading-keys.ts'

/** The parts of a PartiQL statement that IAM decides on. */
export interface Statement {
  kind: 'Select' | 'Insert' | 'Update' | 'Delete'
  table: string
  index: string | undefined
  /** Returns the values of an attribute in the WHERE clause, or in the item of an INSERT statement. */
  listValues(attribute: string | undefined): string[]
}

const NAME = `(?:"[^"]+"|[A-Za-z_]\\w*)`
const STRING = `'(?:[^']|'')*'`
const VALUE = `(?:${STRING}|-?\\d+(?:\\.\\d+)?|\\?)`
// A statement with a table ARN is refused, because AWS does not document whether PartiQL accepts ARNs.
const TABLE_REFERENCE = `(?<table>"[\\w.-]+"|[A-Za-z_]\\w*)(?:\\.(?<index>${NAME}))?`
const EQUALITY = `${NAME}\\s*=\\s*${VALUE}`
const WHERE = `\\s+WHERE\\s+(?<where>${EQUALITY}(?:\\s+AND\\s+${EQUALITY})*)`
const ENTRY = `${STRING}\\s*:\\s*${VALUE}`

/**
 * The statements that the tests and the `check` command send. Each pattern matches a whole statement. The sandbox
 * refuses all other statements, because it cannot determine their leading keys.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 */
const PATTERNS: [Statement['kind'], string][] = [
  ['Select', `SELECT\\s+(?:\\*|${NAME}(?:\\s*,\\s*${NAME})*)\\s+FROM\\s+${TABLE_REFERENCE}(?:${WHERE})?`],
  [
    'Insert',
    `INSERT\\s+INTO\\s+${TABLE_REFERENCE}\\s+VALUE\\s*\\{\\s*(?<item>${ENTRY}(?:\\s*,\\s*${ENTRY})*)\\s*\\}`,
  ],
  ['Update', `UPDATE\\s+${TABLE_REFERENCE}\\s+SET\\s+(?<set>${EQUALITY}(?:\\s*,\\s*${EQUALITY})*)${WHERE}`],
  ['Delete', `DELETE\\s+FROM\\s+${TABLE_REFERENCE}${WHERE}`],
]

const PAIR = new RegExp(`(?<name>${NAME}|${STRING})\\s*[=:]\\s*(?<value>${VALUE})`, 'g')

/** @throws AwsError if the statement does not match one of the patterns. */
export function parseStatement(text: string, parameters: AttributeValue[] = []): Statement {
  for (const [kind, pattern] of PATTERNS) {
    const groups = new RegExp(`^\\s*${pattern}\\s*$`, 'i').exec(text)?.groups
    if (!groups) continue
    // In an UPDATE statement, the parameters of the SET clause come before the parameters of the WHERE clause.
    const remainingParameters = [...parameters]
    takePairs(groups.set, remainingParameters)
    const pairs = takePairs(groups.where ?? groups.item, remainingParameters)
    return {
      kind,
      table: unquote(groups.table),
      index: groups.index && unquote(groups.index),
      listValues: (attribute) => listLeadingKeys(attribute, pairs),
    }
  }
  throw new AwsError(400, 'SandboxError', `The sandbox does not support this PartiQL statement: ${text}`)
}

/** Parses `name = value` or `name: value` pairs. Removes the parameter of each `?` from `parameters`. */
const takePairs = (text = '', parameters: AttributeValue[]): Item[] =>
  [...text.matchAll(PAIR)].map(({ groups: { name = '', value = '' } = {} }) => {
    const literal = value.startsWith("'") ? { S: unquote(value) } : { N: value }
    return { [unquote(name)]: value === '?' ? (parameters.shift() ?? { NULL: true }) : literal }
  })

const unquote = (text = ''): string =>
  text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text.replace(/^"|"$/g, '')
