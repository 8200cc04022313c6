import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { Refusal } from './refusal.ts'

export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'sign' | 'end'
  text: string
  /** Of a `?`. */
  parameter?: AttributeValue | undefined
}

/** The tokens of a statement, read from left to right. Words are compared in capitals. */
export interface Tokens {
  /** Without going on; `ahead` tells the one after. */
  peek(ahead?: number): Token
  next(): Token
  is(...words: string[]): boolean
  /** Goes on if the next one is this. */
  take(word: string): boolean
  /** Refuses if the next ones are not these. */
  expect(...words: string[]): void
  /** One or more, with commas between them. */
  list<T>(read: () => T): T[]
  /** None or more, with commas between them, and what closes them. */
  until<T>(end: string, read: () => T): T[]
  refusal(at?: string): Refusal
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_]\w*)|"(?<quoted>[^"]+)"|'(?<string>(?:[^']|'')*)'|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w)|(?<parameter>\?)|(?<sign><<|>>|<=|>=|<>|!=|-(?!-)|[=<>()[\]{},.:*+]))/y

export function tokensOf(statement: string, parameters: AttributeValue[]): Tokens {
  const tokens = scan(statement.trim(), [...parameters])
  let at = 0
  const end: Token = { kind: 'end', text: 'its end' }
  const refusal = (where: string) =>
    new Refusal(
      400,
      'SandboxError',
      `The sandbox does not understand this PartiQL statement, at ${where}: ${statement}`,
    )
  if (!tokens) throw refusal('a comment or an unknown sign')

  const all: Tokens = {
    peek: (ahead = 0) => tokens[at + ahead] ?? end,
    next() {
      const token = all.peek()
      at += 1
      return token
    },
    is(...words) {
      const { kind, text } = all.peek()
      return (
        (kind === 'sign' && words.includes(text)) || (kind === 'word' && words.includes(text.toUpperCase()))
      )
    },
    take(word) {
      const found = all.is(word)
      if (found) at += 1
      return found
    },
    expect(...words) {
      for (const word of words) if (!all.take(word)) throw all.refusal()
    },
    list(read) {
      const items = [read()]
      while (all.take(',')) items.push(read())
      return items
    },
    until(close, read) {
      const items = all.is(close) ? [] : all.list(read)
      all.expect(close)
      return items
    },
    refusal: (where = all.peek().text) => refusal(where),
  }
  return all
}

/** Undefined where there is something that is no token. Each `?` takes the next parameter. */
function scan(text: string, parameters: AttributeValue[]): Token[] | undefined {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const groups = TOKEN.exec(text)?.groups
    if (!groups) return undefined
    const [kind, found = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? []
    tokens.push({
      kind: kind as Token['kind'],
      text: kind === 'string' ? found.replaceAll("''", "'") : found,
      ...(kind === 'parameter' && { parameter: parameters.shift() }),
    })
  }
  return tokens
}
