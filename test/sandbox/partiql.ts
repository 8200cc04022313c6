import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { type Item, leadingKeysOf } from './leading-keys.ts'
import { Refusal } from './refusal.ts'

/** What IAM needs to know about a PartiQL statement. */
export interface Statement {
  kind: 'Select' | 'Insert' | 'Update' | 'Delete'
  table: string
  index: string | undefined
  /** The values that the statement requires of an attribute or, for an INSERT, gives it. */
  valuesOf(attribute: string | undefined): string[]
}

const NAME = `(?:"[^"]+"|[A-Za-z_]\\w*)`
const STRING = `'(?:[^']|'')*'`
const VALUE = `(?:${STRING}|-?\\d+(?:\\.\\d+)?|\\?)`
// A table's name, not its ARN: AWS does not document whether a statement takes one.
const TARGET = `(?<table>"[\\w.-]+"|[A-Za-z_]\\w*)(?:\\.(?<index>${NAME}))?`
const EQUALITY = `${NAME}\\s*=\\s*${VALUE}`
const WHERE = `\\s+WHERE\\s+(?<where>${EQUALITY}(?:\\s+AND\\s+${EQUALITY})*)`
const ENTRY = `${STRING}\\s*:\\s*${VALUE}`

/**
 * The statements that the tests and the `check` command send. Each pattern matches a whole statement: one that the
 * sandbox does not understand is refused, because it must not pass IAM by chance.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 */
const PATTERNS: [Statement['kind'], string][] = [
  ['Select', `SELECT\\s+(?:\\*|${NAME}(?:\\s*,\\s*${NAME})*)\\s+FROM\\s+${TARGET}(?:${WHERE})?`],
  ['Insert', `INSERT\\s+INTO\\s+${TARGET}\\s+VALUE\\s*\\{\\s*(?<item>${ENTRY}(?:\\s*,\\s*${ENTRY})*)\\s*\\}`],
  ['Update', `UPDATE\\s+${TARGET}\\s+SET\\s+(?<set>${EQUALITY}(?:\\s*,\\s*${EQUALITY})*)${WHERE}`],
  ['Delete', `DELETE\\s+FROM\\s+${TARGET}${WHERE}`],
]

const PAIR = new RegExp(`(?<name>${NAME}|${STRING})\\s*[=:]\\s*(?<value>${VALUE})`, 'g')

export function readStatement(text: string, parameters: AttributeValue[] = []): Statement {
  for (const [kind, pattern] of PATTERNS) {
    const groups = new RegExp(`^\\s*${pattern}\\s*$`, 'i').exec(text)?.groups
    if (!groups) continue
    // The parameters of an UPDATE's SET come before those of its WHERE.
    const remaining = [...parameters]
    readPairs(groups.set, remaining)
    const pairs = readPairs(groups.where ?? groups.item, remaining)
    return {
      kind,
      table: unquote(groups.table),
      index: groups.index && unquote(groups.index),
      valuesOf: (attribute) => leadingKeysOf(attribute, pairs),
    }
  }
  throw new Refusal(400, 'SandboxError', `The sandbox does not understand this PartiQL statement: ${text}`)
}

const readPairs = (text = '', parameters: AttributeValue[]): Item[] =>
  [...text.matchAll(PAIR)].map(({ groups: { name = '', value = '' } = {} }) => {
    const literal = value.startsWith("'") ? { S: unquote(value) } : { N: value }
    return { [unquote(name)]: value === '?' ? (parameters.shift() ?? { NULL: true }) : literal }
  })

const unquote = (text = ''): string =>
  text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text.replace(/^"|"$/g, '')
