/** Returns a function that waits until it has been called `count` times, so that invocations run at the same time. */
export const createBarrier = (count: number): (() => Promise<void>) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    waiting += 1
    if (waiting === count) resolve()
    return promise
  }
}
