/** AWS's time, which is what expiries are told in; the function's own clock may be wrong by minutes. */
export interface Clock {
  /** The time in milliseconds since the epoch, corrected by what AWS's answers say. */
  readonly now: () => number
  /** Learns from the `Date` of an answer of AWS to a request that was sent at `sentAt`, by `Date.now()`. */
  readonly learn: (headers: Readonly<Record<string, string>> | undefined, sentAt: number) => void
}

/** An answer that took longer lay in a frozen environment, and its date with it. */
const LONGEST_ANSWER_MS = 10_000
/** Dates tell whole seconds. */
const RESOLUTION_MS = 1000

export const createClock = (): Clock => {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    learn: (headers, sentAt) => {
      // A proxy's own answers bear no request ID, and its clock is not AWS's.
      const told = headers?.['x-amzn-requestid'] === undefined ? Number.NaN : Date.parse(headers.date ?? '')
      const received = Date.now()
      if (Number.isNaN(told) || received < sentAt || received - sentAt > LONGEST_ANSWER_MS) return
      // The answer was dated at some moment between the two; what lies outside of that is the clock's error.
      const early = told - received
      const late = told + RESOLUTION_MS - sentAt
      offset = early > 0 ? early : Math.min(late, 0)
    },
  }
}
