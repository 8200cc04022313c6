/** Turns Ctrl-C into an abort signal, so that a run deletes what it created before it ends. */

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interruption {
  readonly signal: AbortSignal
  /** Restores the default behavior of the signals. */
  stop(): void
}

/**
 * Aborts at the first signal. Warns at the second one, and calls `exit` at the third one, because a deletion can hang.
 *
 * @param exit ends the process. The caller prints what was not deleted
 */
export const watchInterruption = (print: (text: string) => void, exit: () => void): Interruption => {
  const controller = new AbortController()
  let count = 0
  const onSignal = (): void => {
    count += 1
    if (count === 1) {
      print('Interrupted. If the run created resources, it deletes them now.')
      controller.abort(new InterruptedError('interrupted'))
    } else if (count === 2) print('Still deleting. Press Ctrl-C again to leave the remaining resources.')
    else exit()
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    stop() {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
