/** Anything with these four methods. It is given a message and an object of details, never a credential. */
export interface Logger {
  debug(message: string, details: Record<string, unknown>): void
  info(message: string, details: Record<string, unknown>): void
  warn(message: string, details: Record<string, unknown>): void
  error(message: string, details: Record<string, unknown>): void
}

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The same logger, whose failures are ignored: logging must not fail an invocation. */
export const createSafeLogger = (logger: Logger): Logger => {
  const log =
    (level: (typeof LEVELS)[number]): Logger['info'] =>
    (message, details) => {
      try {
        const returned: unknown = logger[level](message, details)
        // A method may be async although the type says otherwise.
        Promise.resolve(returned).catch(() => {})
      } catch {
        // Nothing to do: the logger is what would report it.
      }
    }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}
