import { AwsError } from './aws-error.ts'
import type { Call, ServiceName } from './calls.ts'
import type { Clock } from './clock.ts'
import type { Session, SessionRegistry } from './sessions.ts'
import {
  type AuthorizationHeader,
  formatAmzDate,
  isSignedWith,
  parseAmzDate,
  parseAuthorizationHeader,
  type SignedRequest,
} from './signature.ts'

/** The status and the code with which a service reports each authentication failure. */
export type AuthenticationErrorCodes = Record<
  'missingToken' | 'incompleteSignature' | 'invalidSignature' | 'invalidToken' | 'expiredToken',
  { status: number; code: string }
>

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const MAX_CLOCK_SKEW_MINUTES = 15

const SIGNATURE_MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
  'and signing method. Consult the service documentation for details.'

export interface AuthenticationOptions {
  service: ServiceName
  errorCodes: AuthenticationErrorCodes
  /** The valid Regions of the credential scope. @default all Regions */
  regions?: readonly string[]
  sessions: SessionRegistry
  clock: Clock
}

/**
 * Returns the session that signed a request, and adds it to `call`. The checks run in the same order as in AWS.
 *
 * @throws AwsError if the signature, the access key or the session token is missing, invalid or expired.
 */
export async function authenticate(
  { service, errorCodes, regions, sessions, clock }: AuthenticationOptions,
  request: SignedRequest,
  call: Call,
): Promise<Session> {
  const createError = (kind: keyof AuthenticationErrorCodes, message: string) =>
    new AwsError(errorCodes[kind].status, errorCodes[kind].code, message)

  const { authorization } = request.headers
  if (!authorization) throw createError('missingToken', 'Request is missing Authentication Token')
  const header = parseAuthorizationHeader(authorization)
  const amzDate = request.headers['x-amz-date'] ?? ''
  const signedAt = parseAmzDate(amzDate)
  if (!header || !signedAt)
    throw createError(
      'incompleteSignature',
      `Authorization header or date is incomplete. Authorization=${authorization}`,
    )

  const problem =
    findClockSkew(amzDate, signedAt.getTime(), clock.now()) ??
    findScopeProblems(header, amzDate, service, regions)
  if (problem) throw createError('invalidSignature', problem)

  const session = sessions.find(header.accessKeyId)
  const createInvalidTokenError = () =>
    createError('invalidToken', 'The security token included in the request is invalid.')
  if (!session || session.isRevoked) throw createInvalidTokenError()
  if (!(await isSignedWith(session.secretAccessKey, request, header)))
    throw createError('invalidSignature', SIGNATURE_MISMATCH)
  if (request.headers['x-amz-security-token'] !== session.sessionToken) throw createInvalidTokenError()
  if (session.expiresAtMs <= clock.now())
    throw createError('expiredToken', 'The security token included in the request is expired')

  call.principal = session.arn
  call.accountId = session.role.account.id
  // An AssumeRole call already has these fields. There they describe the requested session, not the caller's.
  call.sessionName ??= session.name
  call.tags ??= session.tags
  call.transitiveTagKeys ??= session.transitiveTagKeys
  if (session.sourceIdentity !== undefined) call.sourceIdentity ??= session.sourceIdentity
  return session
}

function findClockSkew(amzDate: string, signedAtMs: number, nowMs: number): string | undefined {
  const toleranceMs = MAX_CLOCK_SKEW_MINUTES * 60_000
  const [now, tolerance] = [formatAmzDate(nowMs), `${MAX_CLOCK_SKEW_MINUTES} min.`]
  if (signedAtMs < nowMs - toleranceMs)
    return `Signature expired: ${amzDate} is now earlier than ${formatAmzDate(nowMs - toleranceMs)} (${now} - ${tolerance})`
  if (signedAtMs > nowMs + toleranceMs)
    return `Signature not yet current: ${amzDate} is still later than ${formatAmzDate(nowMs + toleranceMs)} (${now} + ${tolerance})`
  return undefined
}

function findScopeProblems(
  header: AuthorizationHeader,
  amzDate: string,
  service: string,
  regions?: readonly string[],
): string | undefined {
  if (!header.signedHeaders.includes('host'))
    return "'Host' must be a 'SignedHeader' in the AWS Authorization."
  const problems = []
  if (regions && !regions.includes(header.region))
    problems.push(`Credential should be scoped to a valid region, not '${header.region}'.`)
  if (header.service !== service)
    problems.push(`Credential should be scoped to correct service: '${service}'.`)
  if (header.terminator !== 'aws4_request')
    problems.push(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${header.terminator}'.`,
    )
  if (!amzDate.startsWith(header.date))
    problems.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${header.date}' != '${amzDate.slice(0, 8)}', from '${amzDate}'.`,
    )
  return problems.length > 0 ? problems.join(' ') : undefined
}
