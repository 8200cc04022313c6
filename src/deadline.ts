/** Limits how long an invocation waits, based on its remaining time. */

/** The part of Lambda's context that states the remaining time of an invocation. */
export interface Deadline {
  readonly getRemainingTimeInMillis?: () => number
  /** The context of a durable function holds Lambda's context in this property. */
  readonly lambdaContext?: Pick<Deadline, 'getRemainingTimeInMillis'>
}

/** The time reserved for the response: `maxMs`, or `share` of the remaining time if that is less. */
const RESERVE = { maxMs: 500, share: 0.1 }
/** How long an invocation may wait if the context does not state the remaining time, in milliseconds. */
const DEFAULT_WAIT_BUDGET_MS = 5000
/** The longest delay that `setTimeout` accepts, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Returns the remaining time in milliseconds, or `undefined` if the context does not state it or its function throws. */
const remainingTimeMs = (deadline: Deadline | undefined): number | undefined => {
  try {
    const context = deadline?.getRemainingTimeInMillis === undefined ? deadline?.lambdaContext : deadline
    const remaining = context?.getRemainingTimeInMillis?.()
    return typeof remaining === 'number' && !Number.isNaN(remaining) ? remaining : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns how long an invocation may wait, in milliseconds: its remaining time less a reserve for its response, or 5000
 * if the context does not state the remaining time.
 */
export const waitBudgetMs = (deadline: Deadline | undefined): number => {
  const remaining = remainingTimeMs(deadline)
  if (remaining === undefined) return DEFAULT_WAIT_BUDGET_MS
  return Math.max(0, Math.min(remaining - Math.min(RESERVE.maxMs, remaining * RESERVE.share), MAX_TIMER_MS))
}

/**
 * Settles as the promise does. If that takes longer than `timeoutMs`, rejects with `onTimeout()`. The promise itself is not
 * canceled.
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
