/** Limits how long an invocation waits, based on its remaining time. */

/**
 * The part of Lambda's context that returns the remaining time of an invocation.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
export interface Deadline {
  readonly getRemainingTimeInMillis?: () => number
  /** The context of a durable function holds Lambda's context in this property. */
  readonly lambdaContext?: Pick<Deadline, 'getRemainingTimeInMillis'>
}

/** The time reserved for the response: `maxMs` milliseconds, or `share` of the remaining time if that is less. */
const RESERVE = { maxMs: 500, share: 0.1 }
/** How long an invocation can wait if the context does not return the remaining time, in milliseconds. */
const DEFAULT_WAIT_BUDGET_MS = 5000
/** The longest delay that `setTimeout` accepts, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Returns the remaining time in milliseconds, or `undefined` if the context does not return it or its function throws. */
const readRemainingTimeMs = (deadline: Deadline | undefined): number | undefined => {
  try {
    const context = deadline?.getRemainingTimeInMillis === undefined ? deadline?.lambdaContext : deadline
    const remainingMs = context?.getRemainingTimeInMillis?.()
    return typeof remainingMs === 'number' && !Number.isNaN(remainingMs) ? remainingMs : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns how long an invocation can wait, in milliseconds: its remaining time less a reserve for its response, or 5000
 * if the context does not return the remaining time.
 */
export const getWaitBudgetMs = (deadline: Deadline | undefined): number => {
  const remainingMs = readRemainingTimeMs(deadline)
  if (remainingMs === undefined) return DEFAULT_WAIT_BUDGET_MS
  const reserveMs = Math.min(RESERVE.maxMs, remainingMs * RESERVE.share)
  return Math.max(0, Math.min(remainingMs - reserveMs, MAX_TIMER_MS))
}

/**
 * Settles with the result of the promise. If the promise does not settle within `timeoutMs` milliseconds, rejects with the error
 * that `onTimeout` returns. The work behind the promise continues.
 */
export const withTimeout = async <T>(
  promise: Promise<T>,
  timeoutMs: number,
  onTimeout: () => Error,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), timeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** How late a timer fires at most while the environment runs, in milliseconds. A timer that fires later was frozen. */
const MAX_TIMER_DELAY_MS = 100

export interface Timeout {
  readonly signal: AbortSignal
  /** Stops the timer. */
  readonly clear: () => void
}

/**
 * Creates a signal that aborts after `timeoutMs` milliseconds. If Lambda froze the environment, the time starts again, because the
 * response may have arrived meanwhile.
 */
export const createTimeout = (timeoutMs: number): Timeout => {
  const controller = new AbortController()
  let timer: NodeJS.Timeout
  const start = (): void => {
    const startedAt = performance.now()
    timer = setTimeout(() => {
      if (performance.now() - startedAt > timeoutMs + MAX_TIMER_DELAY_MS) start()
      else controller.abort(new DOMException(`no response within ${timeoutMs} ms`, 'TimeoutError'))
    }, timeoutMs)
  }
  start()
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}
