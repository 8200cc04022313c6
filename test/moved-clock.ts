/** Moves the clock of this process. Importing this module replaces `Date.now()`. */

const getSystemTimeMs = Date.now
let offsetMs = 0
Date.now = () => getSystemTimeMs() + offsetMs

/** Returns how far the clock has been moved, in milliseconds. */
export const getClockOffsetMs = (): number => offsetMs

export const advanceClock = (ms: number): void => {
  offsetMs += ms
}
