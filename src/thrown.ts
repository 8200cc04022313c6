/** Reading what other code threw, which may be any value. */
import { describe, quoted } from './values.ts'

/** What is known of a thrown value. */
export interface Thrown {
  /** For messages. Text of the value is quoted, because it may come from the event. */
  readonly description: string
  /** Whether the value says that the same call may succeed later, as errors of the SDK and of this package do. */
  readonly isRetryable: boolean
  /** A copy with name, message and stack only; `undefined` if the value is not an `Error`. */
  readonly error: Error | undefined
}

/** Names of error classes and AWS error codes. Any other name may be text that was made up. */
const PLAIN_NAME = /^[\w.$-]{1,100}$/

/** Reads a thrown value once. Never throws, also for proxies and getters that do. */
export const readThrown = (thrown: unknown): Thrown => {
  const $retryable = readProperty(thrown, '$retryable')
  const error = isError(thrown) ? copyError(thrown) : undefined
  return {
    description: error === undefined ? describe(thrown) : describeError(error),
    isRetryable:
      readProperty(thrown, 'retryable') === true || ($retryable !== undefined && $retryable !== null),
    error,
  }
}

const isError = (thrown: unknown): thrown is Error => {
  try {
    return thrown instanceof Error
  } catch {
    return false
  }
}

const readProperty = (value: unknown, name: string): unknown => {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

/** Errors of the SDK hold requests, with session tokens in their headers: nothing but text is taken over. */
const copyError = (error: Error): Error => {
  const text = (name: string, otherwise: string): string => {
    const value = readProperty(error, name)
    return typeof value === 'string' ? value : otherwise
  }
  const copy = new Error(text('message', ''))
  Object.defineProperty(copy, 'name', { value: text('name', 'Error') })
  Object.defineProperty(copy, 'stack', { value: text('stack', '') })
  return copy
}

const describeError = ({ name, message }: Error): string =>
  `${PLAIN_NAME.test(name) ? name : quoted(name)}: ${quoted(message)}`
