/** The names of the peers in tables and charts, by their file in `peers/`. */
export const PEER_NAMES = {
  package: 'this package',
  'package-tenants': 'this package, `session` function',
  'from-temporary-credentials': '`fromTemporaryCredentials` at module scope',
  'client-per-tenant': '`fromTemporaryCredentials`, one client per tenant',
  'middy-sts': '`@middy/sts`, new client in each invocation',
  textbook: 'AssumeRole and new client in each invocation',
  'own-credentials': 'own credentials, no role (floor)',
  'clock-middleware': 'a middleware that compares the time and sets a client (floor)',
} as const satisfies Readonly<Record<string, string>>

/** The name of a file in `peers/`, without `.ts`. */
export type Peer = keyof typeof PEER_NAMES
