/** A logger with four levels. Each method receives a message and an object of details, and never a credential. */
export interface Logger {
  debug(message: string, details: Record<string, unknown>): void
  info(message: string, details: Record<string, unknown>): void
  warn(message: string, details: Record<string, unknown>): void
  error(message: string, details: Record<string, unknown>): void
}

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Wraps a logger and ignores its failures, because logging must not fail an invocation. */
export const createSafeLogger = (logger: Logger): Logger => {
  const log =
    (level: (typeof LEVELS)[number]): Logger['info'] =>
    (message, details) => {
      try {
        const returned: unknown = logger[level](message, details)
        // A method may be async, although its return type is void.
        Promise.resolve(returned).catch(() => {})
      } catch {
        // The failure cannot be reported, because the logger itself failed.
      }
    }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}
