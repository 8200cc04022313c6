/** Anything with these four methods. It is given a message and an object of details, never a credential. */
export interface Logger {
  debug(message: string, details: Record<string, unknown>): void
  info(message: string, details: Record<string, unknown>): void
  warn(message: string, details: Record<string, unknown>): void
  error(message: string, details: Record<string, unknown>): void
}

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The same logger, but one that fails no invocation when it fails itself. */
export const harmless = (logger: Logger): Logger => {
  const tell =
    (level: (typeof LEVELS)[number]): Logger['info'] =>
    (message, details) => {
      try {
        logger[level](message, details)
      } catch {
        // Whoever logs has nobody to tell.
      }
    }
  return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
}
