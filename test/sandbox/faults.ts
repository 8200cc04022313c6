import type { Call, ServiceName } from './calls.ts'

/** A failure that the sandbox adds to calls. */
export type Fault = {
  service: ServiceName
  /** @default all operations */
  operation?: string
  /** The number of calls that the fault affects. @default all calls until the fault is removed */
  times?: number
} & (
  | { kind: 'latency'; ms: number }
  | { kind: 'status'; status: number; code?: string; message?: string }
  | { kind: 'throttle' }
  /** Resets the connection before the response. */
  | { kind: 'reset' }
  /** Sends the headers and half of the body, and then resets the connection. */
  | { kind: 'reset-mid-response' }
  /** Sends the headers and half of the body, and leaves the connection open. */
  | { kind: 'stall' }
  /** Sends a complete HTTP response with half of the body. */
  | { kind: 'truncated' }
  /** Sends a complete HTTP response whose body is neither XML nor JSON. */
  | { kind: 'malformed' }
  /** Sends nothing and leaves the connection open. */
  | { kind: 'no-response' }
  | { kind: 'rewrite'; body: (xmlOrJson: string) => string }
)

export interface Faults {
  /** Adds a fault and returns a function that removes it. */
  inject(fault: Fault): () => void
  clear(): void
  /**
   * Returns the faults that affect a call, and counts the call for them: all latencies, and the oldest fault of another
   * kind.
   */
  takeFor(call: Call): Fault[]
}

export function createFaults(): Faults {
  const remainingCalls = new Map<Fault, number>()
  const affects = (fault: Fault, call: Call) =>
    fault.service === call.service && (fault.operation ?? call.operation) === call.operation

  return {
    inject(input) {
      // Copy the fault, so that a test can inject the same object twice.
      const fault = { ...input }
      if (fault.times !== 0) remainingCalls.set(fault, fault.times ?? Number.POSITIVE_INFINITY)
      return () => {
        remainingCalls.delete(fault)
      }
    },
    clear: () => remainingCalls.clear(),
    takeFor(call) {
      const matching = [...remainingCalls.keys()].filter((fault) => affects(fault, call))
      const oldest = matching.find((fault) => fault.kind !== 'latency')
      const taken = matching.filter((fault) => fault.kind === 'latency' || fault === oldest)
      for (const fault of taken) {
        const remaining = (remainingCalls.get(fault) ?? 0) - 1
        if (remaining > 0) remainingCalls.set(fault, remaining)
        else remainingCalls.delete(fault)
      }
      return taken
    },
  }
}
