/** Reading what other code threw, which may be any value. */
import { hideCredentials } from './redact.ts'
import { describe, quoted } from './text.ts'

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

/** The frames of a stack, without the message, which the stack repeats. */
const FRAMES = /(?:^|\n)( {4}at .*)$/s
const MAX_STACK_LENGTH = 10_000

/**
 * Copies name, message and stack only: errors of the SDK hold requests, with session tokens in their headers. AWS can also
 * repeat a request in the message, so the text is redacted.
 */
const copyError = (error: Error): Error => {
  const text = (name: string): string => {
    const value = readProperty(error, name)
    return typeof value === 'string' ? value : ''
  }
  const givenName = text('name') || 'Error'
  const name = PLAIN_NAME.test(givenName) ? givenName : hideCredentials(givenName)
  const message = hideCredentials(text('message'))
  const [, frames = ''] = FRAMES.exec(text('stack').slice(0, MAX_STACK_LENGTH)) ?? []
  const copy = new Error(message)
  Object.defineProperty(copy, 'name', { value: name })
  Object.defineProperty(copy, 'stack', { value: [`${name}: ${message}`, frames].filter(Boolean).join('\n') })
  return copy
}

const describeError = ({ name, message }: Error): string =>
  `${PLAIN_NAME.test(name) ? name : quoted(name)}: ${quoted(message)}`
