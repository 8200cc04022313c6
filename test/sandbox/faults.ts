import type { Call, ServiceName } from './calls.ts'

export type Fault = {
  service: ServiceName
  /** Without it, every operation is struck. */
  operation?: string
  /** How many calls it strikes; without it, all of them until it is removed. */
  times?: number
} & (
  | { kind: 'latency'; ms: number }
  | { kind: 'status'; status: number; code?: string; message?: string }
  | { kind: 'throttle' }
  /** The connection breaks before the answer. */
  | { kind: 'reset' }
  /** Headers and half of the body, then the connection breaks. */
  | { kind: 'reset-mid-answer' }
  /** Headers and half of the body, then nothing more. */
  | { kind: 'stall' }
  /** A complete HTTP answer with half of the body. */
  | { kind: 'truncated' }
  /** A complete HTTP answer that is neither XML nor JSON. */
  | { kind: 'malformed' }
  /** No answer at all. */
  | { kind: 'silence' }
  | { kind: 'rewrite'; body: (xmlOrJson: string) => string }
)

export interface Faults {
  /** Returns a function that removes it. */
  inject(fault: Fault): () => void
  clear(): void
  /** What strikes this call: every latency that fits it, and of the others the one injected first. */
  take(call: Call): Fault[]
}

export function createFaults(): Faults {
  const standing = new Map<Fault, number>()
  const fits = (fault: Fault, call: Call) =>
    fault.service === call.service && (fault.operation ?? call.operation) === call.operation

  return {
    inject(given) {
      const fault = { ...given }
      if (fault.times !== 0) standing.set(fault, fault.times ?? Number.POSITIVE_INFINITY)
      return () => {
        standing.delete(fault)
      }
    },
    clear: () => standing.clear(),
    take(call) {
      const fitting = [...standing.keys()].filter((fault) => fits(fault, call))
      const other = fitting.find((fault) => fault.kind !== 'latency')
      const taken = fitting.filter((fault) => fault.kind === 'latency' || fault === other)
      for (const fault of taken) {
        const left = (standing.get(fault) ?? 0) - 1
        if (left > 0) standing.set(fault, left)
        else standing.delete(fault)
      }
      return taken
    },
  }
}
