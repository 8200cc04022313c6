/**
 * Parses the expressions of Terraform's language to functions that evaluate them. Supports literals, templates, references, indexes,
 * splats, operators, conditionals, tuples, objects, `for` expressions and function calls.
 *
 * @see https://developer.hashicorp.com/terraform/language/expressions
 */
import { isDeepStrictEqual } from 'node:util'
import { callFunction } from './terraform-functions.ts'

// biome-ignore lint/suspicious/noExplicitAny: Expressions can have values of any type.
export type Json = any

/** Returns the value of the first name of a reference, such as `var` or `local`, or `undefined` if there is none. */
export type Scope = (name: string) => Json

export type Expression = (scope: Scope) => Json

const requireBoolean = (value: Json): boolean => {
  if (typeof value === 'boolean') return value
  throw new Error(`Expected a boolean, but found ${JSON.stringify(value)}.`)
}

const requireNumber = (value: Json): number => {
  if (typeof value === 'number') return value
  throw new Error(`Expected a number, but found ${JSON.stringify(value)}.`)
}

/**
 * The binary operators, from the lowest precedence to the highest. All operands are evaluated, because Terraform before version 1.12
 * evaluates both operands of `&&` and `||`, too.
 */
const OPERATORS: Record<string, (left: Json, right: Json) => Json>[] = [
  { '||': (left, right) => [left, right].map(requireBoolean).includes(true) },
  { '&&': (left, right) => ![left, right].map(requireBoolean).includes(false) },
  {
    '==': (left, right) => isDeepStrictEqual(left, right),
    '!=': (left, right) => !isDeepStrictEqual(left, right),
  },
  {
    // A longer operator precedes its prefix.
    '<=': (left, right) => requireNumber(left) <= requireNumber(right),
    '>=': (left, right) => requireNumber(left) >= requireNumber(right),
    '<': (left, right) => requireNumber(left) < requireNumber(right),
    '>': (left, right) => requireNumber(left) > requireNumber(right),
  },
  {
    '+': (left, right) => requireNumber(left) + requireNumber(right),
    '-': (left, right) => requireNumber(left) - requireNumber(right),
  },
]

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }

const toText = (value: Json): string => {
  if (!['string', 'number', 'boolean'].includes(typeof value))
    throw new Error(`A template cannot contain ${JSON.stringify(value)}.`)
  return String(value)
}

const getAttribute = (value: Json, name: string | number): Json => {
  const attribute = typeof value === 'object' && value !== null ? value[name] : undefined
  if (attribute === undefined) throw new Error(`There is no attribute or item ${JSON.stringify(name)}.`)
  return attribute
}

/** Reads a text from left to right. White space and comments before a token are skipped. */
class Parser {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  fail(): never {
    const rest = this.#text.slice(this.#position, this.#position + 40)
    throw new Error(`Add the syntax at ${JSON.stringify(rest)} to hcl-expression.ts.`)
  }

  /** Returns the text that matches a pattern at the position, and moves behind it. */
  #match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern, 'suy')
    sticky.lastIndex = this.#position
    const found = sticky.exec(this.#text)?.[0]
    this.#position += found?.length ?? 0
    return found
  }

  #skipSpace(): void {
    this.#match(/(?:\s|(?:#|\/\/)[^\n]*|\/\*.*?\*\/)*/)
  }

  #take(token: string): boolean {
    this.#skipSpace()
    const isNext = this.#text.startsWith(token, this.#position)
    if (isNext) this.#position += token.length
    return isNext
  }

  #takeWord(): string | undefined {
    this.#skipSpace()
    return this.#match(/[A-Za-z_][\w-]*/)
  }

  #takeKeyword(keyword: string): boolean {
    this.#skipSpace()
    return this.#match(new RegExp(`${keyword}\\b`)) !== undefined
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.fail()
  }

  requireEnd(): void {
    this.#skipSpace()
    if (this.#position < this.#text.length) this.fail()
  }

  parseExpression(): Expression {
    const condition = this.#parseOperation(0)
    if (!this.#take('?')) return condition
    const ifTrue = this.parseExpression()
    this.#expect(':')
    const ifFalse = this.parseExpression()
    return (scope) => (requireBoolean(condition(scope)) ? ifTrue(scope) : ifFalse(scope))
  }

  #parseOperation(precedence: number): Expression {
    const operators = OPERATORS[precedence]
    if (operators === undefined) return this.#parseUnary()
    const parseOperand = () => this.#parseOperation(precedence + 1)
    let left = parseOperand()
    for (;;) {
      const [, operate] = Object.entries(operators).find(([operator]) => this.#take(operator)) ?? []
      if (operate === undefined) return left
      const [first, second] = [left, parseOperand()]
      left = (scope) => operate(first(scope), second(scope))
    }
  }

  #parseUnary(): Expression {
    if (this.#take('!')) {
      const operand = this.#parseUnary()
      return (scope) => !requireBoolean(operand(scope))
    }
    return this.#parseTraversal(this.#parsePrimary())
  }

  /** Parses the attributes and indexes behind a value. A splat applies the remaining ones to each item of a list. */
  #parseTraversal(value: Expression): Expression {
    if (this.#take('[*]')) {
      const evaluateForItem = this.#parseTraversal((scope) => scope('*'))
      return (scope) =>
        value(scope).map((item: Json) => evaluateForItem((name) => (name === '*' ? item : scope(name))))
    }
    if (this.#take('[')) {
      const index = this.parseExpression()
      this.#expect(']')
      return this.#parseTraversal((scope) => getAttribute(value(scope), index(scope)))
    }
    const name = this.#match(/\.\w[\w-]*/)?.slice(1)
    return name === undefined ? value : this.#parseTraversal((scope) => getAttribute(value(scope), name))
  }

  #parsePrimary(): Expression {
    if (this.#take('(')) return this.#parseRest(() => this.parseExpression(), ')')
    if (this.#take('[')) return this.#takeKeyword('for') ? this.#parseFor(']') : this.#parseTuple()
    if (this.#take('{')) return this.#takeKeyword('for') ? this.#parseFor('}') : this.#parseObject()
    if (this.#take('"')) return this.#parseRest(() => this.parseTemplate({ isQuoted: true }), '"')
    const digits = this.#match(/\d+(?:\.\d+)?/)
    if (digits !== undefined) return () => Number(digits)
    const name = this.#takeWord()
    if (name === undefined) return this.fail()
    if (name === 'null') return () => null
    if (name === 'true' || name === 'false') return () => name === 'true'
    if (this.#match(/\(/) !== undefined) {
      const parameters = this.#parseList(')', () => this.parseExpression())
      return (scope) =>
        callFunction(
          name,
          parameters.map((parameter) => () => parameter(scope)),
        )
    }
    return (scope) => {
      const value = scope(name)
      if (value === undefined) throw new Error(`There is no ${name} to refer to.`)
      return value
    }
  }

  #parseRest(parse: () => Expression, end: string): Expression {
    const expression = parse()
    this.#expect(end)
    return expression
  }

  /** Parses items until the end token. Commas between the items of an object can be omitted. */
  #parseList<Item>(end: string, parseItem: () => Item): Item[] {
    const items: Item[] = []
    while (!this.#take(end)) {
      items.push(parseItem())
      this.#take(',')
    }
    return items
  }

  #parseTuple(): Expression {
    const items = this.#parseList(']', () => this.parseExpression())
    return (scope) => items.map((item) => item(scope))
  }

  #parseObject(): Expression {
    const entries = this.#parseList('}', () => {
      const key = this.#parseKey()
      if (!this.#take('=')) this.#expect(':')
      return [key, this.parseExpression()] as const
    })
    return (scope) => Object.fromEntries(entries.map(([key, value]) => [key(scope), value(scope)]))
  }

  #parseKey(): Expression {
    const name = this.#takeWord()
    return name === undefined ? this.#parsePrimary() : () => name
  }

  /** Parses `key, value in collection : item if condition` for a tuple, or with `key => value` as the item for an object. */
  #parseFor(end: ']' | '}'): Expression {
    const names = [this.#takeWord(), this.#take(',') ? this.#takeWord() : undefined]
    const [valueName, keyName] = names[1] === undefined ? [names[0]] : [names[1], names[0]]
    this.#expect('in')
    const collection = this.parseExpression()
    this.#expect(':')
    const first = this.parseExpression()
    const second = end === '}' && this.#take('=>') ? this.parseExpression() : undefined
    const condition: Expression = this.#takeKeyword('if') ? this.parseExpression() : () => true
    this.#expect(end)
    if ((end === '}') !== (second !== undefined)) this.fail()
    return (scope) => {
      const items = toEntries(collection(scope)).map(
        ([key, value]): Scope =>
          (name) =>
            name === valueName ? value : name === keyName ? key : scope(name),
      )
      const included = items.filter((item) => requireBoolean(condition(item)))
      return second === undefined
        ? included.map(first)
        : Object.fromEntries(included.map((item) => [first(item), second(item)]))
    }
  }

  /** Parses text with `${…}`, until the end, or until the quotation mark that ends a quoted template. */
  parseTemplate({ isQuoted }: { isQuoted: boolean }): Expression {
    const parts: Expression[] = []
    for (;;) {
      const text = this.#match(isQuoted ? /(?:[^"\\$]|\\.|\$\$\{|\$(?!\{))+/ : /(?:[^$]|\$\$\{|\$(?!\{))+/)
      if (text !== undefined) {
        const unescaped = isQuoted
          ? text.replace(/\\(.)/gs, (_, character) => ESCAPES[character] ?? this.fail())
          : text
        parts.push(() => unescaped.replaceAll('$${', '${'))
      } else if (this.#match(/\$\{/) !== undefined)
        parts.push(this.#parseRest(() => this.parseExpression(), '}'))
      else break
    }
    const [onlyPart] = parts
    // A template that consists of one expression returns the value itself.
    if (parts.length === 1 && onlyPart !== undefined) return onlyPart
    return (scope) => parts.map((part) => toText(part(scope))).join('')
  }
}

const toEntries = (collection: Json): [Json, Json][] => {
  if (Array.isArray(collection)) return collection.map((value, index) => [index, value])
  if (typeof collection !== 'object' || collection === null)
    throw new Error(`A for expression cannot iterate over ${JSON.stringify(collection)}.`)
  // Terraform sorts the keys of objects and maps.
  return Object.keys(collection)
    .toSorted()
    .map((key) => [key, collection[key]])
}

/** Parses the text of a value as `@cdktf/hcl2json` returns it. An expression is the template `${…}`. */
export const parseTemplate = (text: string): Expression => {
  const parser = new Parser(text)
  const template = parser.parseTemplate({ isQuoted: false })
  parser.requireEnd()
  return template
}

/** Evaluates an expression, such as `1 + 1`. */
export const evaluateExpression = (text: string, scope: Scope = () => undefined): Json =>
  parseTemplate(`\${${text}}`)(scope)
