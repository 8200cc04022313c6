/** How long an invocation may wait, and waiting for no longer. */

/** The part of Lambda's context that says how much time an invocation has left. */
export interface Deadline {
  readonly getRemainingTimeInMillis?: () => number
  /** Where the context of a durable function keeps Lambda's context. */
  readonly lambdaContext?: Pick<Deadline, 'getRemainingTimeInMillis'>
}

/** What an invocation keeps of its time for its answer: this much, or this share of it if that is less. */
const RESERVE = { most: 500, share: 0.1 }
/** The wait if the context does not state the remaining time. */
const WAIT_MS = 5000
/** The longest delay that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The remaining time in milliseconds. `undefined` if the context does not state it, or throws when it is asked. */
const remainingTimeMs = (deadline: Deadline | undefined): number | undefined => {
  try {
    const context = deadline?.getRemainingTimeInMillis === undefined ? deadline?.lambdaContext : deadline
    const remaining = context?.getRemainingTimeInMillis?.()
    return typeof remaining === 'number' && !Number.isNaN(remaining) ? remaining : undefined
  } catch {
    return undefined
  }
}

/** How long an invocation may wait, in milliseconds: its remaining time, less a reserve for its answer. */
export const patience = (deadline: Deadline | undefined): number => {
  const remaining = remainingTimeMs(deadline)
  if (remaining === undefined) return WAIT_MS
  return Math.max(
    0,
    Math.min(remaining - Math.min(RESERVE.most, remaining * RESERVE.share), LONGEST_TIMER_MS),
  )
}

/** Waits for a promise for at most that long, then rejects with `late()`. The promise itself is not canceled. */
export const within = async <T>(milliseconds: number, promise: Promise<T>, late: () => Error): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
