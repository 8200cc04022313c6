export interface Clock {
  /** The current time in milliseconds. */
  now(): number
  advance(ms: number): void
  set(timeMs: number): void
  reset(): void
}

/** Creates the clock of the sandbox. It runs with an offset from the clock of the process, which tests can change. */
export function createClock(): Clock {
  let offsetMs = 0
  return {
    now: () => Date.now() + offsetMs,
    advance: (ms) => {
      offsetMs += ms
    },
    set: (timeMs) => {
      offsetMs = timeMs - Date.now()
    },
    reset: () => {
      offsetMs = 0
    },
  }
}
