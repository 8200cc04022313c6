/** Returns a function like `Math.random` that returns the same numbers in each run (xorshift32). */
export const createSeededRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
