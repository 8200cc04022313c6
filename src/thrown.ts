/** Reads values that other code threw. Such a value can have any type. */
import { hideCredentials } from './redact.ts'
import { describeType, quote } from './text.ts'

/** The properties of a thrown value that are safe to use. */
export interface Thrown {
  /** A description for messages. Text from the value is quoted, because it may come from the event. */
  readonly description: string
  /** Whether the value is marked as retryable: with `$retryable`, as errors of the SDK are, or with `retryable: true`. */
  readonly isRetryable: boolean
  /** A redacted copy with name, message and stack only. `undefined` if the value is not an `Error`. */
  readonly error: Error | undefined
}

/** Matches names of error classes and AWS error codes. Any other name may be arbitrary text. */
const PLAIN_NAME = /^[\w.$-]{1,100}$/

/** Reads a thrown value. Never throws, even if the value is a proxy or has getters that throw. */
export const readThrown = (thrown: unknown): Thrown => {
  const $retryable = readProperty(thrown, '$retryable')
  const error = isError(thrown) ? copyRedacted(thrown) : undefined
  return {
    description: error === undefined ? describeType(thrown) : describeError(error),
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

/** Matches the frames of a stack, which follow the message. */
const FRAMES = /(?:^|\n)( {4}at .*)$/s
const MAX_STACK_LENGTH = 10_000

/**
 * Copies only the name, message and stack, because errors of the SDK contain requests with session tokens in their headers.
 * The texts are redacted, because AWS can repeat parts of a request in a message.
 */
const copyRedacted = (error: Error): Error => {
  const readText = (property: string): string => {
    const value = readProperty(error, property)
    return typeof value === 'string' ? value : ''
  }
  const originalName = readText('name') || 'Error'
  const name = PLAIN_NAME.test(originalName) ? originalName : hideCredentials(originalName)
  const message = readText('message')
  const stack = readText('stack')
  // A message can contain text that looks like a frame, so only the text after the message is searched.
  const messageEnd = stack.includes(message) ? stack.indexOf(message) + message.length : 0
  const [, frames = ''] = FRAMES.exec(stack.slice(messageEnd, messageEnd + MAX_STACK_LENGTH)) ?? []
  return createPlainError(name, hideCredentials(message), frames)
}

/** Creates an error with a name, a message and the given stack frames instead of the frames of this call. */
export const createPlainError = (name: string, message: string, frames = ''): Error => {
  const stack = `${name}: ${message}${frames && '\n'}${frames}`
  return Object.defineProperties(new Error(message), { name: { value: name }, stack: { value: stack } })
}

const describeError = ({ name, message }: Error): string =>
  `${PLAIN_NAME.test(name) ? name : quote(name)}: ${quote(message)}`
