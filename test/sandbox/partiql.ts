import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { anything, type Condition, oneOf, readCondition } from './partiql-condition.ts'
import { operandsOf } from './partiql-operands.ts'
import { tokensOf } from './partiql-tokens.ts'

/** What IAM needs to know of a PartiQL statement. */
export interface Statement {
  kind: 'Select' | 'Insert' | 'Update' | 'Delete'
  table: string
  index?: string
  /** The top-level attributes that it names. */
  attributes: string[]
  /** What a Query would have as Select, and an UpdateItem as ReturnValues. */
  select?: string
  returnValues?: string
  /** Which values of an attribute it is about. */
  valuesOf: Condition
}

const RETURN_VALUES: Record<string, string> = {
  'ALL OLD': 'ALL_OLD',
  'ALL NEW': 'ALL_NEW',
  'MODIFIED OLD': 'UPDATED_OLD',
  'MODIFIED NEW': 'UPDATED_NEW',
}

/**
 * Reads as much of PartiQL as DynamoDB's documentation shows, and refuses the rest: what is not understood must not
 * pass IAM by chance. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 */
export function readStatement(text: string, parameters: AttributeValue[] = []): Statement {
  const tokens = tokensOf(text, parameters)
  const { peek, next, is, take, expect, list, until, refusal } = tokens
  const operands = operandsOf(tokens)
  const { attributes, name, path, operand, entry } = operands
  const condition = () => readCondition(tokens, operands)

  function target(): Pick<Statement, 'table' | 'index'> {
    const table = name()
    // It is not documented whether an ARN may stand here.
    if (table.includes(':')) throw refusal(table)
    return { table, ...(take('.') && { index: name() }) }
  }

  function select(): Omit<Statement, 'attributes'> {
    const isAll = take('*')
    if (!isAll) list(operand)
    expect('FROM')
    const from = target()
    const valuesOf = take('WHERE') ? condition() : anything
    if (take('ORDER')) {
      expect('BY')
      list(() => [path(), take('ASC') || take('DESC')])
    }
    const all = from.index === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES'
    return { kind: 'Select', ...from, select: isAll ? all : 'SPECIFIC_ATTRIBUTES', valuesOf }
  }

  function insert(): Omit<Statement, 'attributes'> {
    expect('INTO')
    const into = target()
    expect('VALUE', '{')
    const item = new Map(until('}', entry))
    for (const attribute of item.keys()) attributes.add(attribute)
    const valuesOf: Condition = (attribute) => oneOf(attribute, [item.get(attribute)?.value])(attribute)
    return { kind: 'Insert', ...into, valuesOf }
  }

  function update(): Omit<Statement, 'attributes'> {
    const of = target()
    if (!is('SET', 'REMOVE')) throw refusal()
    const assignment = () => {
      path()
      expect('=')
      return operand()
    }
    while (is('SET', 'REMOVE')) list(next().text.toUpperCase() === 'SET' ? assignment : path)
    return { kind: 'Update', ...of, ...which() }
  }

  function which() {
    expect('WHERE')
    const valuesOf = condition()
    if (!take('RETURNING')) return { valuesOf }
    const returnValues = RETURN_VALUES[`${next().text} ${next().text}`.toUpperCase()]
    if (!returnValues) throw refusal('RETURNING')
    expect('*')
    return { valuesOf, returnValues }
  }

  function statement(): Omit<Statement, 'attributes'> {
    if (take('SELECT')) return select()
    if (take('INSERT')) return insert()
    if (take('UPDATE')) return update()
    expect('DELETE', 'FROM')
    return { kind: 'Delete', ...target(), ...which() }
  }

  const read = statement()
  if (peek().kind !== 'end') throw refusal()
  return { ...read, attributes: [...attributes] }
}
