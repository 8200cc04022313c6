/**
 * Tests each fault of STS in each situation in which the middleware calls STS, with 1 and with 64 concurrent invocations. The
 * README shows the results as a table. `UPDATE_README=1 npm test -- fault-matrix` updates the table.
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
import {
  advanceTime,
  createFunctionVariables,
  createLambdaContext,
  setEnvironment,
  waitUntil,
} from './lambda.ts'

const MINUTE_MS = 60_000
/** The default number of requests to STS for one AssumeRole call, retries included. */
const MAX_ATTEMPTS = 3
/** The timeout in tests that wait for it. It is short to keep them fast. Other tests check the default timeouts. */
const SHORT_TIMEOUT_MS = 60
/** The timeout in all other tests. It is long, so that a slow machine does not cause a timeout. */
const LONG_TIMEOUT_MS = 3000

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
})
afterAll(() => sandbox.close())

/** The address of `sts.test`, or undefined if the name does not resolve. */
let stsAddress: string | undefined = '127.0.0.1'
/** The number of requests to STS. Each request looks the name up, because the agent keeps no connections. */
let stsRequestCount = 0
const lookup: LookupFunction = (_hostname, _options, callback) => {
  stsRequestCount += 1
  if (stsAddress !== undefined)
    return process.nextTick(callback, null, [{ address: stsAddress, family: 4 }], 4)
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND sts.test'), { code: 'ENOTFOUND' })
  process.nextTick(callback, error, '', 4)
}

let requestTimeoutMs = SHORT_TIMEOUT_MS

/** The number of AssumeRole calls that succeeded or failed. */
let settledCallCount = 0
/** The number of AssumeRole calls that are in flight. */
let pendingCallCount = 0
const subscriber = {
  start: () => {
    pendingCallCount += 1
  },
  asyncEnd: () => {
    settledCallCount += 1
    pendingCallCount -= 1
  },
}
const channel = tracingChannel('middy-cross-account-dynamo:assume-role')
beforeAll(() => channel.subscribe(subscriber as never))
afterAll(() => void channel.unsubscribe(subscriber as never))

beforeEach(() => {
  stsAddress = '127.0.0.1'
  sandbox.clear()
  sandbox.clock.reset()
  setEnvironment(createFunctionVariables(sandbox))
  // The SDK multiplies the delay before a retry by a random number.
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  jest.restoreAllMocks()
})

/** One fault of STS, which is one row of the table. */
interface Row {
  readonly name: string
  readonly startFault: () => void
  /** The error code of an invocation that the fault fails. */
  readonly code: CrossAccountDynamoErrorCode
  /** The maximum number of requests to STS for one AssumeRole call. */
  readonly maxAttempts: number
}

type StsFault = Fault extends infer Each ? (Each extends Fault ? Omit<Each, 'service'> : never) : never

const createRow = (
  name: string,
  code: CrossAccountDynamoErrorCode,
  fault: StsFault | (() => void),
  maxAttempts = MAX_ATTEMPTS,
): Row => ({
  name,
  code,
  maxAttempts,
  startFault:
    typeof fault === 'function' ? fault : () => void sandbox.faults.inject({ service: 'sts', ...fault }),
})

const changeStsAddress = (address: string | undefined) => () => {
  stsAddress = address
}
const createErrorResponse = (code: string): StsFault => ({ kind: 'status', status: 403, code, message: 'no' })
const removeElement = (element: string) => (xml: string) =>
  xml.replace(new RegExp(`<${element}>.*</${element}>`), '')

const ROWS: readonly Row[] = [
  createRow('responds after the timeout', 'STS_TIMEOUT', { kind: 'latency', ms: 60_000 }),
  createRow('does not respond', 'STS_TIMEOUT', { kind: 'no-response' }),
  createRow('responds with 500', 'STS_UNAVAILABLE', { kind: 'status', status: 500 }),
  createRow('responds with 503', 'STS_UNAVAILABLE', { kind: 'status', status: 503 }),
  createRow('throttles the call', 'STS_THROTTLED', { kind: 'throttle' }),
  // No server listens on this address.
  createRow('refuses connections', 'STS_UNAVAILABLE', changeStsAddress('127.0.0.2')),
  createRow('has no DNS record', 'STS_UNAVAILABLE', changeStsAddress(undefined)),
  createRow('resets the connection before the response', 'STS_UNAVAILABLE', { kind: 'reset' }),
  createRow('resets the connection during the response', 'STS_UNAVAILABLE', { kind: 'reset-mid-response' }),
  createRow('sends truncated XML', 'STS_UNAVAILABLE', { kind: 'truncated' }),
  createRow('sends no session token', 'STS_UNAVAILABLE', {
    kind: 'rewrite',
    body: removeElement('SessionToken'),
  }),
  createRow('denies access', 'ASSUME_ROLE_DENIED', createErrorResponse('AccessDenied'), 1),
  // The second request uses the credentials that the environment variables contain at that time.
  createRow(
    'rejects the caller’s expired token',
    'ASSUME_ROLE_REJECTED',
    createErrorResponse('ExpiredToken'),
    2,
  ),
]

type Invoke = () => Promise<string>

/** A new middleware and a handler that uses it. */
interface StartedHandler {
  /** Invokes the handler, and returns `served` or the code of the error. */
  readonly invoke: Invoke
  readonly ready: () => Promise<void>
}

/** One situation in which the middleware calls STS, which is one column of the table. */
interface Column {
  readonly name: string
  /** Creates the situation, starts the fault of the row in it, and returns how to invoke the handler. */
  readonly arrange: (row: Row) => Promise<Invoke>
  /** Whether invocations succeed while STS fails. */
  readonly isServed: boolean
  /** The maximum number of AssumeRole calls. */
  readonly maxCalls: number
}

const startHandler = (options = { disablePrefetch: false }): StartedHandler => {
  const endpoint = String(process.env.AWS_ENDPOINT_URL_STS).replace('127.0.0.1', 'sts.test')
  const middleware = crossAccountDynamo({
    ...options,
    stsClientOptions: {
      endpoint,
      requestHandler: {
        requestTimeout: requestTimeoutMs,
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
      handler({}, createLambdaContext()).catch((error: { code: string }) => error.code) as Promise<string>,
    ready: () => middleware.ready(),
  }
}

/** Starts the fault when the credentials of the session have the given age. */
const failAtAge =
  (ageMs: number): Column['arrange'] =>
  async ({ startFault }) => {
    const { invoke, ready } = startHandler()
    await ready()
    advanceTime(ageMs)
    stsRequestCount = 0
    settledCallCount = 0
    startFault()
    return invoke
  }

const COLUMNS: readonly Column[] = [
  {
    name: 'first invocation',
    arrange: async ({ startFault }) => {
      startFault()
      return startHandler({ disablePrefetch: true }).invoke
    },
    isServed: false,
    maxCalls: 1,
  },
  {
    name: 'prefetch, then first invocation',
    arrange: async ({ startFault }) => {
      startFault()
      const { invoke } = startHandler()
      // The prefetch does not report its failure, so wait for the tracing channel.
      await waitUntil(() => settledCallCount === 1)
      return invoke
    },
    isServed: false,
    maxCalls: 2,
  },
  { name: 'refresh in the background', arrange: failAtAge(50 * MINUTE_MS), isServed: true, maxCalls: 1 },
  {
    name: 'refresh with less than a minute left',
    arrange: failAtAge(59.5 * MINUTE_MS),
    isServed: true,
    maxCalls: 1,
  },
  {
    name: 'DynamoDB rejected the token',
    arrange: async (row) => {
      const invoke = await failAtAge(MINUTE_MS)(row)
      sandbox.revokeSessions()
      return invoke
    },
    isServed: false,
    maxCalls: 1,
  },
]

/** The results for the table in the README, by row and column. */
const results = new Map<string, string>()
const toResultKey = (row: Row, column: Column): string => `${row.name}|${column.name}`

// Jest fails a test in which a promise is rejected without a handler, so these tests also show that
// each rejection has a handler.
describe.each(ROWS)('if STS $name', (row) => {
  describe.each(COLUMNS)('$name', (column) => {
    const outcome = column.isServed ? 'served' : row.code
    test.each([1, 64])(
      `if STS ${row.name} (${column.name}), %d concurrent invocations result in ${outcome}, and an invocation after the fault is served`,
      async (count) => {
        stsRequestCount = 0
        settledCallCount = 0
        requestTimeoutMs = row.code === 'STS_TIMEOUT' ? SHORT_TIMEOUT_MS : LONG_TIMEOUT_MS
        const invoke = await column.arrange(row)
        const outcomes = new Set(await Promise.all(Array.from({ length: count }, invoke)))
        expect([...outcomes]).toEqual([outcome])
        // A background refresh can end after the invocations.
        await waitUntil(() => settledCallCount >= column.maxCalls)
        expect(stsRequestCount).toBeGreaterThan(0)
        expect(stsRequestCount).toBeLessThanOrEqual(column.maxCalls * row.maxAttempts)
        // The result is the same with 1 and with 64 concurrent invocations.
        const key = toResultKey(row, column)
        const result = `${column.isServed ? outcome : `\`${outcome}\``}, ${stsRequestCount}`
        expect(results.get(key) ?? result).toBe(result)
        results.set(key, result)
        // After the fault, invocations succeed again.
        sandbox.clear()
        stsAddress = '127.0.0.1'
        advanceTime(2 * MINUTE_MS)
        await expect(invoke()).resolves.toBe('served')
        // A background refresh that is in flight would be counted in the next test.
        await waitUntil(() => pendingCallCount === 0)
      },
    )
  })
})

test('the fault matrix in the README shows the results of this run', () => {
  const formatRow = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const table = [
    formatRow(['STS …', ...COLUMNS.map(({ name }) => name)]),
    formatRow(['---', ...COLUMNS.map(() => '---')]),
    ...ROWS.map((row) =>
      formatRow([row.name, ...COLUMNS.map((column) => results.get(toResultKey(row, column)) ?? '?')]),
    ),
  ].join('\n')
  const path = join(import.meta.dirname, '../../README.md')
  const readme = readFileSync(path, 'utf8')
  const tablePattern = /(?<=<!-- fault matrix -->\n)[\s\S]*?(?=\n<!-- end of the fault matrix -->)/
  if (process.env.UPDATE_README) writeFileSync(path, readme.replace(tablePattern, table))
  else expect(tablePattern.exec(readme)?.[0]).toBe(table)
})
