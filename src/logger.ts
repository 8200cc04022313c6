/**
 * A logger with four levels, such as `console` or Powertools Logger. Each method receives a message and an object with details.
 * Neither contains credentials. If a method throws or rejects, the middleware ignores the failure.
 *
 * If an AssumeRole call fails, the details are `code` (the code of the error), `reason` (why the middleware called STS) and `error` (the
 * {@link CrossAccountDynamoError}).
 *
 * @example
 * ```ts
 * import { crossAccountDynamo, type Logger } from 'middy-cross-account-dynamo'
 *
 * const log = (level: string, message: string, { error, ...details }: Record<string, unknown>) =>
 *   // JSON.stringify() omits the message of an error, so convert the error to text.
 *   console.log(JSON.stringify({ level, message, ...details, ...(error !== undefined && { error: String(error) }) }))
 *
 * const logger: Logger = {
 *   debug: () => {},
 *   info: () => {},
 *   warn: (message, details) => log('warn', message, details),
 *   error: (message, details) => log('error', message, details),
 * }
 * export const dynamo = crossAccountDynamo({ logger })
 * ```
 */
export interface Logger {
  /** Logs details. The middleware does not call this method at present. */
  debug(message: string, details: Record<string, unknown>): void
  /** Logs an event that is not a problem, such as an AssumeRole call that Lambda froze and that is repeated. */
  info(message: string, details: Record<string, unknown>): void
  /** Logs a problem that does not fail invocations, such as a failed refresh while the credentials are valid. */
  warn(message: string, details: Record<string, unknown>): void
  /**
   * Logs a problem that fails invocations, such as a failed AssumeRole call without valid credentials. If the call is a prefetch, the
   * first invocation calls STS again and can succeed.
   */
  error(message: string, details: Record<string, unknown>): void
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const SILENT_LOGGER: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Wraps a logger and ignores its failures, because a failure of the logger must not fail an invocation. */
export const createSafeLogger = (logger: Logger): Logger => {
  const log =
    (level: (typeof LOG_LEVELS)[number]): Logger['info'] =>
    (message, details) => {
      try {
        const returned: unknown = logger[level](message, details)
        // The method may be async, although its return type is void.
        Promise.resolve(returned).catch(() => {})
      } catch {
        // The failure cannot be reported, because the logger itself failed.
      }
    }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}
