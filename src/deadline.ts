/** Limits how long an invocation waits, based on its remaining time. */

/** The part of Lambda's context that states the remaining time of an invocation. */
export interface Deadline {
  readonly getRemainingTimeInMillis?: () => number
  /** The context of a durable function holds Lambda's context in this property. */
  readonly lambdaContext?: Pick<Deadline, 'getRemainingTimeInMillis'>
}

/** The time reserved for the response: `most` milliseconds, or `share` of the remaining time if that is less. */
const RESERVE = { most: 500, share: 0.1 }
/** How long an invocation may wait if the context does not state the remaining time, in milliseconds. */
const WAIT_MS = 5000
/** The longest delay that `setTimeout` accepts, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

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
export const patience = (deadline: Deadline | undefined): number => {
  const remaining = remainingTimeMs(deadline)
  if (remaining === undefined) return WAIT_MS
  return Math.max(
    0,
    Math.min(remaining - Math.min(RESERVE.most, remaining * RESERVE.share), LONGEST_TIMER_MS),
  )
}

/**
 * Settles as the promise does. If that takes longer than `milliseconds`, rejects with `onTimeout()`. The promise itself is
 * not canceled.
 */
export const within = async <T>(
  milliseconds: number,
  promise: Promise<T>,
  onTimeout: () => Error,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), milliseconds)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
