/**
 * The fault matrix as data: each failure of STS, each situation in which the middleware calls STS, and the outcome of an invocation.
 * `fault-matrix.test.ts` tests each cell, and `npm run pages` writes the table to docs/reliability.md.
 */
import type { CrossAccountDynamoErrorCode } from 'middy-cross-account-dynamo'
import { formatMarkdown } from '../../bench/tables.ts'
import type { Fault } from '../sandbox/faults.ts'

type StsFault = Fault extends infer Each ? (Each extends Fault ? Omit<Each, 'service'> : never) : never

/** One failure of STS, which is one row of the table. */
export interface StsFailureCase {
  /** What STS does, as the end of a sentence that begins with `STS`. */
  readonly name: string
  /** The error code of an invocation that the failure fails. */
  readonly code: CrossAccountDynamoErrorCode
  /** The fault that the sandbox adds to its responses, or the address to which the name of STS resolves. */
  readonly fault: StsFault | { readonly kind: 'dns'; readonly address: string | undefined }
  /** The number of requests to STS in one AssumeRole call. */
  readonly attempts: number
}

/** One situation in which the middleware calls STS, which is one column of the table. */
export interface Situation {
  readonly name: string
  /** Whether invocations succeed while STS fails, because the current credentials are still valid. */
  readonly isServed: boolean
  /** The number of AssumeRole calls. */
  readonly calls: number
}

/** The default number of attempts of one AssumeRole call. */
const MAX_ATTEMPTS = 3

const createCase = (
  name: string,
  code: CrossAccountDynamoErrorCode,
  fault: StsFailureCase['fault'],
  attempts = MAX_ATTEMPTS,
): StsFailureCase => ({ name, code, fault, attempts })

const createErrorResponse = (code: string): StsFault => ({ kind: 'status', status: 403, code, message: 'no' })
const removeElement = (element: string) => (xml: string) =>
  xml.replace(new RegExp(`<${element}>.*</${element}>`), '')

export const STS_FAILURES: readonly StsFailureCase[] = [
  createCase('responds after the timeout', 'STS_TIMEOUT', { kind: 'latency', ms: 60_000 }),
  createCase('does not respond', 'STS_TIMEOUT', { kind: 'no-response' }),
  createCase('responds with 500', 'STS_UNAVAILABLE', { kind: 'status', status: 500 }),
  createCase('responds with 503', 'STS_UNAVAILABLE', { kind: 'status', status: 503 }),
  createCase('throttles the call', 'STS_THROTTLED', { kind: 'throttle' }),
  // No server listens on this address.
  createCase('refuses connections', 'STS_UNAVAILABLE', { kind: 'dns', address: '127.0.0.2' }),
  createCase('has no DNS record', 'STS_UNAVAILABLE', { kind: 'dns', address: undefined }),
  createCase('resets the connection before the response', 'STS_UNAVAILABLE', { kind: 'reset' }),
  createCase('resets the connection during the response', 'STS_UNAVAILABLE', { kind: 'reset-mid-response' }),
  createCase('sends truncated XML', 'STS_UNAVAILABLE', { kind: 'truncated' }),
  createCase('sends no session token', 'STS_UNAVAILABLE', {
    kind: 'rewrite',
    body: removeElement('SessionToken'),
  }),
  createCase('denies access', 'ASSUME_ROLE_DENIED', createErrorResponse('AccessDenied'), 1),
  // The second request uses the credentials that the environment variables contain at that time.
  createCase(
    'rejects the caller’s expired token',
    'ASSUME_ROLE_REJECTED',
    createErrorResponse('ExpiredToken'),
    2,
  ),
]

export const SITUATIONS = {
  first: { name: 'first invocation', isServed: false, calls: 1 },
  prefetch: { name: 'prefetch, then first invocation', isServed: false, calls: 2 },
  refresh: { name: 'refresh in the background', isServed: true, calls: 1 },
  lastMinute: { name: 'refresh with less than a minute left', isServed: true, calls: 1 },
  rejected: { name: 'DynamoDB rejected the token', isServed: false, calls: 1 },
} as const satisfies Readonly<Record<string, Situation>>

/** Returns `served`, or the code of the error. */
export const getOutcome = ({ code }: StsFailureCase, { isServed }: Situation): string =>
  isServed ? 'served' : code

/** Returns the number of requests to STS, with 1 and with 64 concurrent invocations. */
export const countRequests = ({ attempts }: StsFailureCase, { calls }: Situation): number => calls * attempts

/** Returns the table in Markdown. Each cell contains the outcome of an invocation and the number of requests to STS. */
export const formatFaultMatrix = (): string => {
  const situations: readonly Situation[] = Object.values(SITUATIONS)
  const formatCell = (failure: StsFailureCase, situation: Situation): string => {
    const outcome = getOutcome(failure, situation)
    return `${situation.isServed ? outcome : `\`${outcome}\``}, ${countRequests(failure, situation)}`
  }
  const header = ['STS …', ...situations.map(({ name }) => name)]
  const rows = STS_FAILURES.map((failure) => [
    failure.name,
    ...situations.map((situation) => formatCell(failure, situation)),
  ])
  return formatMarkdown({ header, rows }, 'left')
}
