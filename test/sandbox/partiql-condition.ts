import type { Operands } from './partiql-operands.ts'
import type { Tokens } from './partiql-tokens.ts'

/** The values of which an attribute must have one for a condition to hold; undefined where it may have any. */
export type Condition = (attribute: string) => string[] | undefined

export const anything: Condition = () => undefined

/** A value that is not known here, such as another attribute's, may be any. */
export const oneOf =
  (name: string | undefined, values: (string | undefined)[]): Condition =>
  (attribute) =>
    name === attribute && values.every((value) => value !== undefined) ? (values as string[]) : undefined

const COMPARISONS = ['=', '<>', '!=', '<', '<=', '>', '>=']

/** What comes after WHERE. */
export function readCondition(tokens: Tokens, { operand }: Operands): Condition {
  const { next, is, take, expect, until, refusal } = tokens

  function predicate(): Condition {
    const left = operand()
    if (is(...COMPARISONS)) {
      const isEquality = next().text === '='
      const right = operand()
      if (!isEquality) return anything
      return left.attribute === undefined
        ? oneOf(right.attribute, [left.value])
        : oneOf(left.attribute, [right.value])
    }
    if (take('IN')) {
      const close = take('[') ? ']' : ')'
      if (close === ')') expect('(')
      const values = until(close, operand).map(({ value }) => value)
      return oneOf(left.attribute, values)
    }
    if (take('BETWEEN')) {
      operand()
      expect('AND')
      operand()
    } else if (take('IS')) {
      take('NOT')
      operand()
    }
    return anything
  }

  function factor(): Condition {
    if (take('NOT')) {
      factor()
      return anything
    }
    if (!take('(')) return predicate()
    const inner = or()
    expect(')')
    return inner
  }

  function and(): Condition {
    const parts = [factor()]
    while (take('AND')) parts.push(factor())
    return (attribute) => {
      const [values, ...more] = parts.map((part) => part(attribute)).filter((found) => found !== undefined)
      // It is not documented what IAM makes of two.
      if (more.length > 0) throw refusal(attribute)
      return values
    }
  }

  function or(): Condition {
    const parts = [and()]
    while (take('OR')) parts.push(and())
    return (attribute) => {
      const found = parts.map((part) => part(attribute))
      return found.includes(undefined) ? undefined : [...new Set(found.flatMap((values) => values ?? []))]
    }
  }

  return or()
}
