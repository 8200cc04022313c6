/**
 * One session: the credentials of one assumed role, and their refreshes.
 *
 * This is the one place that decides when STS is called. Time is read when somebody asks and never by timers, because
 * an execution environment may be frozen for hours between two lines of code.
 */
import type { AssumeRole, Credentials } from './assume-role.ts'

export interface Session {
  /**
   * `undefined` when there are credentials for this invocation, which is nearly always; else a promise to wait for.
   * In the last `refreshBefore` seconds it starts a refresh in the background and answers at once.
   */
  readonly ready: () => Promise<void> | undefined
  /** The session's credentials as the SDK asks for them: with each request, and never past their expiry. */
  readonly credentials: CredentialProvider
}

/**
 * A credential provider of the SDK. `memoized` is the SDK's own mark for "do not cache what this returns": its cache
 * would take credentials for expired five minutes early, and hold a request up for their refresh.
 */
export interface CredentialProvider {
  (): Promise<Credentials>
  memoized: true
}

/** With less than this left, a request could outlive its credentials: better to wait for new ones. */
const LEAST_LIFE_MS = 60_000

export const createSession = (assumeRole: AssumeRole, refreshBefore: number): Session => {
  let current: Credentials | undefined
  let refreshAt = 0
  let waitAt = 0
  let flight: Promise<void> | undefined

  const assume = async (): Promise<void> => {
    const credentials = await assumeRole()
    const expiry = credentials.expiration.getTime()
    current = credentials
    refreshAt = expiry - refreshBefore * 1000
    waitAt = expiry - LEAST_LIFE_MS
  }

  /** Assumes the role, once however many ask. */
  const refresh = (): Promise<void> => {
    flight ??= assume().finally(() => {
      flight = undefined
    })
    return flight
  }

  const inBackground = (): void => {
    // Whoever needs new credentials will try again and meet the error then.
    refresh().catch(() => {})
  }

  const waitForNew = async (): Promise<void> => {
    try {
      await refresh()
    } catch (error) {
      if (current === undefined || Date.now() >= current.expiration.getTime()) throw error
    }
  }

  const ready = (): Promise<void> | undefined => {
    const now = Date.now()
    if (now < refreshAt) return undefined
    if (now >= waitAt) return waitForNew()
    inBackground()
    return undefined
  }

  const provide = async (): Promise<Credentials> => {
    await ready()
    return current as Credentials
  }
  return { ready, credentials: Object.assign(provide, { memoized: true as const }) }
}
