/** Reads values that other code threw. Such a value can have any type. */
import { hideCredentials } from './redact.ts'
import { describeType, escapeControls, escapeLines, quote } from './text.ts'

/** The properties of a thrown value that are safe to use. */
export interface Thrown {
  /** A description for messages. Text from the value is quoted, because it may come from the event. */
  readonly description: string
  /**
   * Whether the same call may succeed later. `true` for an error with `retryable: true`, and for errors of the AWS SDK and of Node.js
   * about throttling, a failure of the service, a timeout or the network.
   */
  readonly isRetryable: boolean
  /** A redacted copy with name, message and stack only. `undefined` if the value is not an `Error`. */
  readonly error: Error | undefined
}

/** Matches names of error classes and AWS error codes. Any other name may be arbitrary text. */
const PLAIN_NAME = /^[\w.$-]{1,100}$/

/**
 * Matches the error codes of AWS services that limit the rate of requests.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export const THROTTLING_NAME =
  /Throttl|^(?:TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimit|ProvisionedThroughputExceeded)/
/** Matches the names of errors about a timeout, and the codes of Node.js for failures of the network. */
const TEMPORARY_FAILURE =
  /^(?:TimeoutError|RequestTimeout(?:Exception)?|ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

/** Reads a thrown value. Never throws, even if the value is a proxy or has getters that throw. */
export const readThrown = (thrown: unknown): Thrown => {
  if (!isError(thrown)) return { description: describeType(thrown), isRetryable: false, error: undefined }
  const texts = readRedactedTexts(thrown)
  return { description: describeError(texts), isRetryable: isRetryable(thrown), error: toPlainError(texts) }
}

/** A value that is not an `Error` is never retryable, because it can be data of the event. */
const isRetryable = (error: Error): boolean => {
  const $retryable = readProperty(error, '$retryable')
  const httpStatusCode = readProperty(readProperty(error, '$metadata'), 'httpStatusCode')
  const names = [readText(error, 'name'), readText(error, 'code')]
  return (
    readProperty(error, 'retryable') === true ||
    (typeof $retryable === 'object' && $retryable !== null) ||
    (typeof httpStatusCode === 'number' && (httpStatusCode === 429 || httpStatusCode >= 500)) ||
    names.some((name) => THROTTLING_NAME.test(name) || TEMPORARY_FAILURE.test(name))
  )
}

/** Returns the text at a property, or an empty text if the value is not a text. */
const readText = (error: Error, property: string): string => {
  const value = readProperty(error, property)
  return typeof value === 'string' ? value : ''
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

/** The texts of an error, without credentials. */
interface ErrorTexts {
  readonly name: string
  readonly message: string
  /** The stack frames, without the message. */
  readonly frames: string
}

/**
 * Reads only the name, message and stack, because errors of the SDK contain requests with session tokens in their headers.
 * The texts are redacted, because AWS can repeat parts of a request in a message.
 */
const readRedactedTexts = (error: Error): ErrorTexts => {
  const originalName = readText(error, 'name') || 'Error'
  const name = PLAIN_NAME.test(originalName) ? originalName : hideCredentials(originalName)
  const message = readText(error, 'message')
  const stack = readText(error, 'stack')
  // A message can contain text that looks like a frame, so only the text after the message is searched.
  const messageEnd = stack.includes(message) ? stack.indexOf(message) + message.length : 0
  const [, frames = ''] = FRAMES.exec(stack.slice(messageEnd, messageEnd + MAX_STACK_LENGTH)) ?? []
  return { name, message: hideCredentials(message), frames }
}

/** Logs display the cause of an error, so its control characters are escaped. */
const toPlainError = ({ name, message, frames }: ErrorTexts): Error =>
  createPlainError(escapeControls(name), escapeLines(message), escapeLines(frames))

/** Returns a copy of an error with the same properties, and any other value unchanged. Code can then add properties to the copy. */
export const copyThrown = (thrown: unknown): unknown => {
  if (!isError(thrown)) return thrown
  const { name, message, stack } = thrown
  const copy = Object.assign(new Error(message), thrown)
  return Object.defineProperties(copy, { name: { value: name }, stack: { value: stack } })
}

/** Creates an error with a name, a message and the given stack frames instead of the frames of this call. */
export const createPlainError = (name: string, message: string, frames = ''): Error => {
  const stack = `${name}: ${message}${frames && '\n'}${frames}`
  return Object.defineProperties(new Error(message), { name: { value: name }, stack: { value: stack } })
}

const describeError = ({ name, message }: ErrorTexts): string =>
  `${PLAIN_NAME.test(name) ? name : quote(name)}: ${quote(message)}`
