import { keyText } from './leading-keys.ts'
import type { Tokens } from './partiql-tokens.ts'

/** A whole top-level attribute, or a value that may be a key's, or something else. */
export interface Operand {
  attribute?: string
  value?: string | undefined
}

export interface Operands {
  /** The top-level attributes that were read so far. */
  attributes: Set<string>
  name(): string
  path(): Operand
  operand(): Operand
  /** `'name': value` */
  entry(): [string, Operand]
}

const FUNCTIONS = [
  'BEGINS_WITH',
  'CONTAINS',
  'SIZE',
  'ATTRIBUTE_TYPE',
  'LIST_APPEND',
  'SET_ADD',
  'SET_DELETE',
]
const CONSTANTS = ['TRUE', 'FALSE', 'NULL', 'MISSING']
const KEYWORDS =
  'SELECT FROM WHERE AND OR NOT IN BETWEEN IS ORDER BY SET REMOVE RETURNING INSERT INTO VALUE UPDATE DELETE AS EXISTS'
const BRACKETS = { '[': ']', '<<': '>>' }

export function operandsOf(tokens: Tokens): Operands {
  const { peek, next, is, take, expect, until, refusal } = tokens
  const attributes = new Set<string>()

  const name = () => {
    const { kind, text } = peek()
    const isName = kind === 'quoted' || (kind === 'word' && !KEYWORDS.split(' ').includes(text.toUpperCase()))
    if (!isName) throw refusal()
    return next().text
  }

  function path(): Operand {
    const attribute = name()
    attributes.add(attribute)
    const isWhole = !is('.', '[')
    while (is('.', '[')) {
      if (take('.')) name()
      else {
        expect('[')
        number()
        expect(']')
      }
    }
    return isWhole ? { attribute } : {}
  }

  function number(): string {
    if (peek().kind !== 'number') throw refusal()
    return next().text
  }

  function entry(): [string, Operand] {
    if (peek().kind !== 'string') throw refusal()
    const { text } = next()
    expect(':')
    return [text, operand()]
  }

  function term(): Operand {
    const { kind, text } = peek()
    if (kind === 'string' || kind === 'number') return { value: next().text }
    if (kind === 'parameter') return { value: keyText(next().parameter) }
    if (take('-')) return { value: `-${number()}` }
    for (const [open, close] of Object.entries(BRACKETS))
      if (take(open)) {
        until(close, operand)
        return {}
      }
    if (take('{')) until('}', entry)
    else if (is(...CONSTANTS)) next()
    else if (is(...FUNCTIONS) && peek(1).text === '(') {
      next()
      expect('(')
      until(')', operand)
    } else if (kind === 'word' && peek(1).text === '(') throw refusal(text)
    else return path()
    return {}
  }

  function operand(): Operand {
    const first = term()
    if (!is('+', '-')) return first
    while (take('+') || take('-')) term()
    return {}
  }

  return { attributes, name, path, operand, entry }
}
