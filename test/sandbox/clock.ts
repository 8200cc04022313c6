export interface Clock {
  now(): number
  advance(ms: number): void
  set(ms: number): void
  reset(): void
}

/** AWS's clock: the process's own, moved ahead (or back) of it as a test wishes. */
export function createClock(): Clock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance: (ms) => {
      ahead += ms
    },
    set: (ms) => {
      ahead = ms - Date.now()
    },
    reset: () => {
      ahead = 0
    },
  }
}
