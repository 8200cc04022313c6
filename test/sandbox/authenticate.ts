import type { Call, ServiceName } from './calls.ts'
import type { Clock } from './clock.ts'
import { Refusal } from './refusal.ts'
import type { Session, Sessions } from './sessions.ts'
import {
  type Claim,
  formatLongDate,
  isSignedWith,
  parseLongDate,
  readClaim,
  type SignedRequest,
} from './signature.ts'

/** How a service names what is wrong with a caller. */
export type RejectionCodes = Record<
  'missing' | 'incomplete' | 'mismatch' | 'unknown' | 'expired',
  { status: number; code: string }
>

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const MAX_SKEW_MINUTES = 15

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
  'and signing method. Consult the service documentation for details.'

export interface Authenticator {
  service: ServiceName
  codes: RejectionCodes
  /** The one Region that signatures must be scoped to; without it, any is good. */
  region?: string
  sessions: Sessions
  clock: Clock
}

/** Whose request this is, or a refusal. The checks come in the order in which AWS makes them. */
export async function authenticate(
  { service, codes, region, sessions, clock }: Authenticator,
  request: SignedRequest,
  call: Call,
): Promise<Session> {
  const reject = (kind: keyof RejectionCodes, message: string) =>
    new Refusal(codes[kind].status, codes[kind].code, message)

  const authorization = request.headers.authorization
  if (!authorization) throw reject('missing', 'Request is missing Authentication Token')
  const claim = readClaim(authorization)
  const longDate = request.headers['x-amz-date'] ?? ''
  const signedAt = parseLongDate(longDate)
  if (!claim || !signedAt)
    throw reject('incomplete', `Authorization header or date is incomplete. Authorization=${authorization}`)

  const wrong =
    skew(longDate, signedAt.getTime(), clock.now()) ?? scopeError(claim, longDate, service, region)
  if (wrong) throw reject('mismatch', wrong)

  const session = sessions.find(claim.accessKeyId)
  const invalid = () => reject('unknown', 'The security token included in the request is invalid.')
  if (!session || session.revoked) throw invalid()
  if (!(await isSignedWith(session.secretAccessKey, request, claim))) throw reject('mismatch', MISMATCH)
  if (request.headers['x-amz-security-token'] !== session.sessionToken) throw invalid()
  if (session.expiresAt <= clock.now())
    throw reject('expired', 'The security token included in the request is expired')

  call.principal = session.arn
  call.accountId = session.role.account.id
  // Those of the session that is asked for, where one is.
  call.sessionName ??= session.name
  call.tags ??= session.tags
  call.transitiveTagKeys ??= session.transitiveTagKeys
  if (session.sourceIdentity !== undefined) call.sourceIdentity ??= session.sourceIdentity
  return session
}

function skew(longDate: string, signedAt: number, now: number): string | undefined {
  const tolerance = MAX_SKEW_MINUTES * 60_000
  const [at, min] = [formatLongDate(now), `${MAX_SKEW_MINUTES} min.`]
  if (signedAt < now - tolerance)
    return `Signature expired: ${longDate} is now earlier than ${formatLongDate(now - tolerance)} (${at} - ${min})`
  if (signedAt > now + tolerance)
    return `Signature not yet current: ${longDate} is still later than ${formatLongDate(now + tolerance)} (${at} + ${min})`
  return undefined
}

function scopeError(claim: Claim, longDate: string, service: string, region?: string): string | undefined {
  if (!claim.signedHeaders.includes('host'))
    return "'Host' must be a 'SignedHeader' in the AWS Authorization."
  const errors = []
  if (region && claim.region !== region)
    errors.push(`Credential should be scoped to a valid region, not '${claim.region}'.`)
  if (claim.service !== service) errors.push(`Credential should be scoped to correct service: '${service}'.`)
  if (claim.terminator !== 'aws4_request')
    errors.push(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${claim.terminator}'.`,
    )
  if (!longDate.startsWith(claim.day))
    errors.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.day}' != '${longDate.slice(0, 8)}', from '${longDate}'.`,
    )
  return errors.length > 0 ? errors.join(' ') : undefined
}
