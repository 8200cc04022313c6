/** AWS's time, which is what expiries are told in; the function's own clock may be wrong by minutes. */
export interface Clock {
  /** The time in milliseconds since the epoch, corrected by what AWS's answers say. */
  readonly now: () => number
  /** Learns from the `Date` of an answer to a request that was sent at `sentAt`, by `Date.now()`. */
  readonly learn: (date: string | undefined, sentAt: number) => void
}

/** An answer that took longer lay in a frozen environment, and its date with it. */
const LONGEST_ANSWER_MS = 10_000
/** Dates tell whole seconds, and answers take their time: less than this is no error of the clock. */
const TOLERANCE_MS = 3000

export const createClock = (): Clock => {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    learn: (date, sentAt) => {
      const told = Date.parse(date ?? '')
      const received = Date.now()
      if (Number.isNaN(told) || received < sentAt || received - sentAt > LONGEST_ANSWER_MS) return
      const ahead = told - received
      offset = Math.abs(ahead) < TOLERANCE_MS ? 0 : ahead
    },
  }
}
