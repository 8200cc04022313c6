/**
 * Each way in which STS can fail, in each situation in which it is asked, alone and with 64 invocations at once. The
 * table in the README is what this run saw: `UPDATE_README=1 npm test -- fault-matrix` writes it anew.
 */

import { tracingChannel } from 'node:diagnostics_channel'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { type CrossAccountDynamoErrorCode, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { type Fault, type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { eventually, functionVariables, lambdaContext, setEnvironment, travel } from './lambda.ts'

const MINUTE = 60_000
const ATTEMPTS = 3
/** Short, so that the matrix is quick; how long the real ones are is another test's matter. */
const TIMEOUT_MS = 60

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())

/** Where the name of STS leads; an attempt is a look-up, since connections to STS are not kept. */
let address: string | undefined = '127.0.0.1'
let lookups = 0
const lookup: LookupFunction = (_hostname, _options, callback) => {
  lookups += 1
  if (address !== undefined) return process.nextTick(callback, null, [{ address, family: 4 }], 4)
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND sts.test'), { code: 'ENOTFOUND' })
  process.nextTick(callback, error, '', 4)
}

let timeout = TIMEOUT_MS

/** How many AssumeRoles have ended, one way or the other. */
let ended = 0
/** How many are under way. */
let open = 0
const subscriber = {
  start: () => {
    open += 1
  },
  asyncEnd: () => {
    ended += 1
    open -= 1
  },
}
const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
beforeAll(() => channel.subscribe(subscriber as never))
afterAll(() => void channel.unsubscribe(subscriber as never))

beforeEach(() => {
  address = '127.0.0.1'
  sandbox.clear()
  sandbox.clock.reset()
  setEnvironment(functionVariables(sandbox))
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  jest.restoreAllMocks()
})

const without = (element: string) => (xml: string) =>
  xml.replace(new RegExp(`<${element}>.*</${element}>`), '')

interface Row {
  readonly name: string
  readonly begin: () => void
  readonly code: CrossAccountDynamoErrorCode
  /** Attempts that one flight makes. */
  readonly attempts: number
}

type StsFault = Fault extends infer Each ? (Each extends Fault ? Omit<Each, 'service'> : never) : never

const row = (
  name: string,
  code: CrossAccountDynamoErrorCode,
  fault: StsFault | (() => void),
  attempts = ATTEMPTS,
): Row => ({
  name,
  code,
  attempts,
  begin: typeof fault === 'function' ? fault : () => void sandbox.faults.inject({ service: 'sts', ...fault }),
})

const leadTo = (where: string | undefined) => () => {
  address = where
}
const refusal = (code: string): StsFault => ({ kind: 'status', status: 403, code, message: 'no' })

const ROWS: readonly Row[] = [
  row('answers too late', 'STS_TIMEOUT', { kind: 'latency', ms: 60_000 }),
  row('stays silent', 'STS_TIMEOUT', { kind: 'no-response' }),
  row('answers 500', 'STS_UNAVAILABLE', { kind: 'status', status: 500 }),
  row('answers 503', 'STS_UNAVAILABLE', { kind: 'status', status: 503 }),
  row('throttles', 'STS_THROTTLED', { kind: 'throttle' }),
  // Nothing listens there.
  row('refuses connections', 'STS_UNAVAILABLE', leadTo('127.0.0.2')),
  row('is not in the DNS', 'STS_UNAVAILABLE', leadTo(undefined)),
  row('resets before the answer', 'STS_UNAVAILABLE', { kind: 'reset' }),
  row('resets during the answer', 'STS_UNAVAILABLE', { kind: 'reset-mid-response' }),
  row('sends truncated XML', 'STS_UNAVAILABLE', { kind: 'truncated' }),
  row('leaves the session token out', 'STS_UNAVAILABLE', { kind: 'rewrite', body: without('SessionToken') }),
  row('denies access', 'ASSUME_ROLE_DENIED', refusal('AccessDenied'), 1),
  // The second attempt reads the caller's credentials again.
  row('finds the caller’s token expired', 'ASSUME_ROLE_REJECTED', refusal('ExpiredToken'), 2),
]

type Invoke = () => Promise<string>

interface Column {
  readonly name: string
  /** Brings about the situation, with the fault beginning in it; returns how to invoke. */
  readonly arrange: (row: Row, start: (options?: { disablePrefetch: boolean }) => Started) => Promise<Invoke>
  readonly served: boolean
  /** How often the role is assumed at most. */
  readonly flights: number
}

interface Started {
  readonly invoke: Invoke
  readonly ready: () => Promise<void>
}

const afterGood =
  (age: number): Column['arrange'] =>
  async ({ begin }, start) => {
    const { invoke, ready } = start()
    await ready()
    travel(age)
    lookups = 0
    ended = 0
    begin()
    return invoke
  }

const COLUMNS: readonly Column[] = [
  {
    name: 'first invocation',
    arrange: async ({ begin }, start) => {
      begin()
      return start({ disablePrefetch: true }).invoke
    },
    served: false,
    flights: 1,
  },
  {
    name: 'prefetch, then first invocation',
    arrange: async ({ begin }, start) => {
      begin()
      const { invoke } = start()
      // Until the prefetch has failed, which nobody is told of.
      await eventually(() => ended === 1)
      return invoke
    },
    served: false,
    flights: 2,
  },
  { name: 'refresh in the background', arrange: afterGood(50 * MINUTE), served: true, flights: 1 },
  {
    name: 'refresh with less than a minute left',
    arrange: afterGood(59.5 * MINUTE),
    served: true,
    flights: 1,
  },
  {
    name: 'DynamoDB rejected the token',
    arrange: async (row, start) => {
      const invoke = await afterGood(MINUTE)(row, start)
      sandbox.revokeSessions()
      return invoke
    },
    served: false,
    flights: 1,
  },
]

const start = (options = { disablePrefetch: false }): Started => {
  const endpoint = String(process.env.AWS_ENDPOINT_URL_STS).replace('127.0.0.1', 'sts.test')
  const middleware = crossAccountDynamo({
    ...options,
    stsClientOptions: {
      endpoint,
      requestHandler: {
        requestTimeout: timeout,
        throwOnRequestTimeout: true,
        httpAgent: new Agent({ lookup, keepAlive: false }),
      },
    },
  })
  const handler = middy()
    .use(middleware)
    .handler(async (_event: unknown, context) => {
      await context.dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
      return 'served'
    })
  return {
    invoke: () =>
      handler({}, lambdaContext()).catch((error: { code: string }) => error.code) as Promise<string>,
    ready: () => middleware.ready(),
  }
}

/** An unhandled rejection would fail the test that it comes in: Jest sees to that. What was seen, by row and column, for the README. */
const seen = new Map<string, string>()

describe.each(ROWS)('STS $name', (row) => {
  describe.each(COLUMNS)('$name', (column) => {
    test.each([1, 64])('%d at once', async (count) => {
      lookups = 0
      ended = 0
      // Where time is not the matter, a busy machine shall not make it one.
      timeout = row.code === 'STS_TIMEOUT' ? TIMEOUT_MS : 3000
      const invoke = await column.arrange(row, start)
      const outcomes = new Set(await Promise.all(Array.from({ length: count }, invoke)))
      const expected = column.served ? 'served' : row.code
      expect([...outcomes]).toEqual([expected])
      // A refresh in the background may still be at it.
      await eventually(() => ended >= column.flights)
      expect(lookups).toBeGreaterThan(0)
      expect(lookups).toBeLessThanOrEqual(column.flights * row.attempts)
      const cell = `${row.name}|${column.name}`
      const words = `${column.served ? expected : `\`${expected}\``}, ${lookups}`
      expect(seen.get(cell) ?? words).toBe(words)
      seen.set(cell, words)
      // And when it is over, it is over.
      sandbox.clear()
      address = '127.0.0.1'
      travel(2 * MINUTE)
      await expect(invoke()).resolves.toBe('served')
      // The next cell counts its own.
      await eventually(() => open === 0)
    })
  })
})

test('the table in the README is what was seen', () => {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const table = [
    line(['STS ...', ...COLUMNS.map(({ name }) => name)]),
    line(['---', ...COLUMNS.map(() => '---')]),
    ...ROWS.map((row) =>
      line([row.name, ...COLUMNS.map((column) => seen.get(`${row.name}|${column.name}`) ?? '?')]),
    ),
  ].join('\n')
  const file = join(import.meta.dirname, '../../README.md')
  const readme = readFileSync(file, 'utf8')
  const block = /(?<=<!-- fault matrix -->\n)[\s\S]*?(?=\n<!-- end of the fault matrix -->)/
  if (process.env.UPDATE_README) writeFileSync(file, readme.replace(block, table))
  else expect(block.exec(readme)?.[0]).toBe(table)
})
