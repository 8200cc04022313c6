/**
 * Measures warm invocations of one peer against bare middy, in alternation, and sends a `WarmSample`. The invocations need the client,
 * but read no item.
 *
 * Usage: node --expose-gc process.ts PEER (plain|accessor) ROUNDS INVOCATIONS
 */
import { promiseHooks } from 'node:v8'
import { getMedian } from '../../statistics.ts'
import { ITEM_ID } from '../../support/item.ts'
import { createContext, createContextWithAccessor } from './contexts.ts'

/** What one invocation adds to an invocation of bare middy. */
export interface WarmSample {
  readonly addedNs: number
  readonly addedBytes: number
  /** The bytes that are not collected after the invocation. */
  readonly survivingBytes: number
  /** The contexts of all invocations that are not collected. */
  readonly survivingContexts: number
  readonly promises: number
}

// biome-ignore lint/suspicious/noExplicitAny: the handlers have different context types
type Handler = (event: object, context: any) => Promise<unknown>

const TENANTS = 10
/** The series of invocations after which the memory in use is compared. */
const SERIES = 9
const [peer, contextKind, rounds, invocations] = [
  process.argv[2],
  process.argv[3],
  Number(process.argv[4]),
  Number(process.argv[5]),
]
const events = Array.from({ length: TENANTS }, (_, index) => ({ tenant: `tenant-${index}` }))
const create = contextKind === 'accessor' ? createContextWithAccessor : createContext
const createContexts = (): object[] =>
  Array.from({ length: invocations }, (_, index) => create(`id-${index}`))

const loadHandler = async (name: string): Promise<Handler> => (await import(`../../peers/${name}.ts`)).handler

const invokeAll = async (handler: Handler, contexts: readonly object[]): Promise<void> => {
  for (const [index, context] of contexts.entries()) await handler(events[index % TENANTS] ?? {}, context)
}

const measureNs = async (handler: Handler): Promise<number> => {
  const contexts = createContexts()
  const start = process.hrtime.bigint()
  await invokeAll(handler, contexts)
  return Number(process.hrtime.bigint() - start) / invocations
}

const collectGarbage = (): void => globalThis.gc?.()

/** Measures the allocated bytes of an invocation. The invocations are too few to start a garbage collection. */
const measureBytes = async (handler: Handler): Promise<number> => {
  const contexts = createContexts()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  await invokeAll(handler, contexts)
  return (process.memoryUsage().heapUsed - before) / invocations
}

/** Returns the median of the differences between the peer and bare middy, in rounds of alternating order. */
const measureAdded = async (
  count: number,
  measure: (handler: Handler) => Promise<number>,
): Promise<number> => {
  const differences: number[] = []
  for (let round = 0; round < count; round += 1) {
    const isPeerFirst = round % 2 === 0
    const first = await measure(isPeerFirst ? peerHandler : bareHandler)
    const second = await measure(isPeerFirst ? bareHandler : peerHandler)
    differences.push(isPeerFirst ? first - second : second - first)
  }
  return getMedian(differences)
}

const countPromises = async (handler: Handler): Promise<number> => {
  let count = 0
  const contexts = createContexts()
  const stop = promiseHooks.onInit(() => {
    count += 1
  })
  await invokeAll(handler, contexts)
  stop()
  return count / invocations
}

/** Measures by how much a series of invocations increases the memory in use. One-time allocations do not change the median. */
const measureSurvivingBytes = async (): Promise<number> => {
  const sizes: number[] = []
  for (let series = 0; series <= SERIES; series += 1) {
    await invokeAll(peerHandler, createContexts())
    collectGarbage()
    sizes.push(process.memoryUsage().heapUsed)
  }
  const differences = sizes.slice(1).map((size, index) => size - (sizes[index] ?? Number.NaN))
  return getMedian(differences) / invocations
}

const countSurvivingContexts = async (): Promise<number> => {
  const contexts = createContexts()
  const references = contexts.map((context) => new WeakRef(context))
  await invokeAll(peerHandler, contexts.splice(0))
  // A WeakRef keeps its object until the end of the current job.
  await new Promise((resolve) => setTimeout(resolve))
  collectGarbage()
  return references.filter((reference) => reference.deref() !== undefined).length
}

const bareHandler = await loadHandler('own-credentials')
const peerHandler = await loadHandler(peer ?? '')
// The first invocations open the sessions, and read an item, so that the measured invocations are warm.
for (const event of events) await peerHandler({ ...event, id: ITEM_ID }, create('first'))

const sample: WarmSample = {
  addedNs: await measureAdded(rounds, measureNs),
  addedBytes: await measureAdded(Math.ceil(rounds / 10), measureBytes),
  promises: (await countPromises(peerHandler)) - (await countPromises(bareHandler)),
  survivingBytes: await measureSurvivingBytes(),
  survivingContexts: await countSurvivingContexts(),
}
process.send?.(sample, () => process.exit())
