/** A span of wall-clock time, in milliseconds since the epoch. */
export interface TimeWindow {
  readonly from: number
  readonly until: number
}

/** A window that contains no time. */
export const EMPTY_WINDOW: TimeWindow = { from: 0, until: 0 }

/** Returns a window that begins now. */
export const createWindowFromNow = (durationMs: number): TimeWindow => {
  const now = Date.now()
  return { from: now, until: now + durationMs }
}

/** Returns whether the current time is in the window. If the clock moved back past `from`, the window is over. */
export const isNowIn = ({ from, until }: TimeWindow): boolean => {
  const now = Date.now()
  return now >= from && now < until
}
