/** How long an invocation may wait, and waiting for no longer. */

/** The part of Lambda's context that says how long an invocation may wait. */
export interface Deadline {
  readonly getRemainingTimeInMillis?: () => number
}

/** What an invocation keeps of its time for answering: so much, or this share of what remains where that is less. */
const RESERVE = { most: 500, share: 0.1 }
/** How long one waits that does not know its time. */
const WAIT_MS = 5000
/** The longest that a timer can be. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** How long an invocation may wait, in milliseconds: what remains of its time, less a reserve for answering. */
export const patience = (deadline: Deadline | undefined): number => {
  const remaining = deadline?.getRemainingTimeInMillis?.()
  if (remaining === undefined || Number.isNaN(remaining)) return WAIT_MS
  return Math.max(
    0,
    Math.min(remaining - Math.min(RESERVE.most, remaining * RESERVE.share), LONGEST_TIMER_MS),
  )
}

/** Waits for a promise, but not for longer than given; what it waited for goes on. Rejects with `late()` then. */
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
