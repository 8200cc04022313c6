/** Classifies failures of AssumeRole and creates the error for each. */
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../errors.ts'
import { adviseOnDenial, type SessionNeeds } from '../iam/advice.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import { NOT_SHOWN } from '../redact.ts'
import { readStsFailure, type StsFailure } from './sts-failure.ts'

/** Error codes for throttling. @see https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const THROTTLED = /^(?:Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RequestThrottled|BandwidthLimit)/
const DENIED = /^(?:AccessDenied|NotAuthorized)/
/** Error codes that report a problem with the caller's own credentials, not with the role. */
const CALLER_REFUSED =
  /^(?:ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|OptInRequired|RequestExpired)/
/** Errors of the SDK if it finds no credentials to sign with, or credentials that cannot be sent in a header. */
const CALLER_UNKNOWN = /^(?:CredentialsProviderError|ProviderError)$/
const CALLER_UNUSABLE = /^Resolved credential object is not valid|^Invalid character in header content/
const TIMED_OUT = /^(?:TimeoutError|AbortError|RequestTimeout|RequestTimeoutException)$/
/** The caller's session token has expired. The SDK may find a new one if it reads the caller's credentials again. */
const CALLER_EXPIRED = /^ExpiredToken/
/** Errors that another Region may not return. STS in an opt-in Region knows the keys only of accounts that enabled it. */
const REGION_REFUSED = /^(?:RegionDisabled|InvalidClientTokenId)/
/** Errors of the SDK and of Node.js if the configuration is invalid, so that no request is sent. */
const CONFIGURATION_CODE = /^(?:ERR_INVALID_|ERR_OSSL_|ERR_SSL_|EPROTO$)/
const CONFIGURATION_MESSAGE =
  /^(?:Region is missing|Region not accepted|Invalid region in client config|Invalid parameter for "defaultsMode")/
/** Errors of Node.js for certificates. @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODE =
  /^(?:UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/

const isCallerUnusable = ({ kind, name, message }: StsFailure): boolean =>
  kind !== 'unknown-answer' &&
  // A caller's credential provider can fail with an access error of the service that it calls.
  ((kind === 'no-answer' && DENIED.test(name)) ||
    CALLER_REFUSED.test(name) ||
    CALLER_UNKNOWN.test(name) ||
    CALLER_UNUSABLE.test(message))

const isUntrusted = ({ kind, code = '' }: StsFailure): boolean =>
  kind === 'no-answer' && CERTIFICATE_CODE.test(code)

const isMisconfigured = ({ kind, name, code = '', message }: StsFailure): boolean =>
  kind === 'no-answer' &&
  (name === 'EndpointError' || CONFIGURATION_CODE.test(code) || CONFIGURATION_MESSAGE.test(message))

const isThrottled = ({ kind, name, httpStatusCode }: StsFailure): boolean =>
  kind === 'sts-error' && (THROTTLED.test(name) || httpStatusCode === 429)

const isNamed = (thrown: unknown, names: RegExp): boolean => {
  const { kind, name } = readStsFailure(thrown)
  return kind === 'sts-error' && names.test(name)
}

/** Returns whether another attempt, in the same Region or another one, may succeed. */
export const isWorthAnotherAttempt = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  // After the SDK has corrected the clock skew, it signs the next attempt with the right time.
  if (failure.isClockCorrected || failure.kind === 'unknown-answer') return true
  if (failure.kind === 'sts-error') return isThrottled(failure) || (failure.httpStatusCode ?? 0) >= 500
  return !isCallerUnusable(failure) && !isLocal(failure)
}

/** Returns whether a Region refused a call that another Region may accept. */
export const isRefusedByRegion = (thrown: unknown): boolean => isNamed(thrown, REGION_REFUSED)

/** Returns whether the credentials of the caller have expired. */
export const isCallerExpired = (thrown: unknown): boolean => isNamed(thrown, CALLER_EXPIRED)

const isLocal = (failure: StsFailure): boolean => isMisconfigured(failure) || isUntrusted(failure)

/** Returns whether the call did not reach STS, because the endpoint or the certificates are misconfigured. */
export const isEndpointMistake = (thrown: unknown): boolean => isLocal(readStsFailure(thrown))

/**
 * Creates the error of an invocation that waited for credentials as long as it could, `waitMs` milliseconds. The call
 * continues, and other invocations may still wait for it.
 */
export const waitTimeoutError = (
  roleArn: string,
  waitMs: number,
  contextKey = 'dynamo',
): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'STS_TIMEOUT',
    [
      `STS did not answer AssumeRole for ${roleArn} (context.${contextKey}) in time.`,
      `The invocation could wait for ${Math.max(0, Math.round(waitMs))} ms. The rest of its time is reserved for its answer.`,
      NETWORK_ADVICE,
    ].join('\n'),
  )

/** Advice for requests that STS rejects with a specific code. */
const REJECTED_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /^RegionDisabled/,
    'Enable the Region and its STS endpoint in both accounts, or set other Regions in stsRegions: ' +
      'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html',
  ],
  [
    /^PackedPolicyTooLarge/,
    'The session tags and session policies together exceed a limit that STS applies to a packed form of them. Send fewer or shorter ' +
      'tags, or name fewer tables and keys in scope.',
  ],
  [
    /^MalformedPolicyDocument/,
    'Change policy or policyArns: STS rejects the session policy. Managed policies must be in the account of the role or be AWS managed.',
  ],
]

/** The minimum length of a value to hide, in characters. Hiding shorter values would remove parts of ordinary words. */
const MIN_HIDDEN_VALUE_LENGTH = 4

/** Matches invalid values that STS repeats. Messages must not contain external IDs or tag values. */
const CONSTRAINT = /Value '.*?' at '(?!roleArn|roleSessionName|durationSeconds|sourceIdentity)/gs

/**
 * Matches ARNs, in which no values are hidden: the message contains the session name anyway, and the advice reads the
 * caller's ARN.
 */
const ARN = /(?<arn>arn:aws[\w-]*:[^\s"']+)/

const hideParameterValues = (message: string, { externalId, sessionTags }: SessionParameters): string => {
  const values = [externalId ?? '', ...sessionTags.map(({ Value }) => Value)]
    .filter((value) => value.length >= MIN_HIDDEN_VALUE_LENGTH)
    // Longer values are replaced first, because a shorter value may be a prefix of a longer one.
    .sort((a, b) => b.length - a.length)
  return message
    .replace(CONSTRAINT, `Value '${NOT_SHOWN}' at '`)
    .split(ARN)
    .map((part) =>
      ARN.test(part) ? part : values.reduce((text, value) => text.replaceAll(value, NOT_SHOWN), part),
    )
    .join('')
}

export interface AssumeRoleErrorContext {
  /** The Region of the last attempt. */
  readonly region?: string
  /** The property of the context that holds the client. @default 'dynamo' */
  readonly contextKey?: string
  /** Texts that must not be quoted: the caller's access key ID and session token. */
  readonly secrets?: readonly string[]
}

/**
 * Creates the error for a failed AssumeRole call. Its message states what failed, what AWS said, what was sent, and what to
 * change in which account.
 *
 * The error never contains credentials. The external ID and tag values of at least four characters are hidden outside
 * ARNs. Shorter values also occur in words, so they are not hidden. The `cause` is a redacted copy without the SDK's
 * request and response, which hold the caller's session token.
 */
export const assumeRoleError = (
  thrown: unknown,
  parameters: SessionParameters,
  { region, contextKey = 'dynamo', secrets = [] }: AssumeRoleErrorContext = {},
): CrossAccountDynamoError => {
  const failure = readStsFailure(thrown, secrets, (message) => hideParameterValues(message, parameters))
  const { code, headline, advice } = explain(failure, parameters, region, contextKey)
  const request = isLocal(failure) ? [] : [describeRequest(parameters, region)]
  return new CrossAccountDynamoError(
    code,
    [headline, describeFailure(failure), ...request, advice].join('\n'),
    {
      cause: plainCause(failure),
    },
  )
}

const isDenied = ({ kind, name }: StsFailure): boolean => kind === 'sts-error' && DENIED.test(name)

interface Explanation {
  readonly code: CrossAccountDynamoErrorCode
  readonly headline: string
  readonly advice: string
}

const explain = (
  failure: StsFailure,
  parameters: SessionParameters,
  region: string | undefined,
  contextKey: string,
): Explanation => {
  const { kind, name, code, httpStatusCode = 0 } = failure
  const role = `${parameters.roleArn} (context.${contextKey})`
  if (isDenied(failure))
    return {
      code: 'ASSUME_ROLE_DENIED',
      headline: `STS denied AssumeRole for ${role}.`,
      advice: adviseOnDenial(failure.message, needsOf(parameters)),
    }
  if (isThrottled(failure))
    return {
      code: 'STS_THROTTLED',
      headline: `STS throttled AssumeRole for ${role}.`,
      advice: 'The configuration is not the problem. The next invocation tries again.',
    }
  if (isCallerUnusable(failure))
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `STS did not accept the caller's own credentials in AssumeRole for ${role}.`,
      advice:
        'STS did not evaluate the policies of the role. In Lambda, the runtime sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and ' +
        'AWS_SESSION_TOKEN to credentials of the execution role. Check that nothing overrides them, that the clock is right, and that ' +
        'the Region of STS is enabled in the account. Outside Lambda, sign in first: the SDK reads the environment and the profile ' +
        'that AWS_PROFILE names.',
    }
  if (isLocal(failure))
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `AssumeRole for ${role} could not be sent, because of the configuration of the STS client.`,
      advice: isUntrusted(failure) ? CERTIFICATE_ADVICE : ENDPOINT_ADVICE,
    }
  if (TIMED_OUT.test(name) || code === 'ETIMEDOUT')
    return {
      code: 'STS_TIMEOUT',
      headline: `STS did not answer AssumeRole for ${role} in time.`,
      advice: NETWORK_ADVICE,
    }
  if (kind === 'sts-error' && httpStatusCode < 500)
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `STS rejected the AssumeRole request for ${role}.`,
      advice:
        REJECTED_ADVICE.find(([words]) => words.test(name))?.[1] ??
        'Change the option that AWS names above. Policies are not the problem.',
    }
  return {
    code: 'STS_UNAVAILABLE',
    headline: `STS could not be reached, or its answer to AssumeRole for ${role} could not be used.`,
    advice:
      kind === 'unknown-answer'
        ? ANSWER_ADVICE
        : code === 'ENOTFOUND' && region !== undefined
          ? `There is no such host. Check the Region ${region}, which comes from stsRegions or AWS_REGION. ${NETWORK_ADVICE}`
          : NETWORK_ADVICE,
  }
}

const ANSWER_ADVICE =
  'The answer is not quoted, because it may contain credentials. If this lasts, look at what the request passes through: an HTTP ' +
  'proxy, a firewall, or another server at the endpoint of stsClientOptions.endpoint or AWS_ENDPOINT_URL_STS.'

const ENDPOINT_ADVICE =
  'The request was not sent. Correct stsClientOptions, above all its endpoint and requestHandler, and the variables AWS_ENDPOINT_URL_STS, ' +
  'AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT: an endpoint is a whole URL such as ' +
  'https://sts.eu-west-1.amazonaws.com, and excludes FIPS and dual-stack endpoints, which not every Region has.'

const CERTIFICATE_ADVICE =
  'The request was not sent, because the certificate of the server is not trusted. If the server is a proxy that inspects TLS, set ' +
  'NODE_EXTRA_CA_CERTS to its CA. If you set a CA in stsClientOptions.requestHandler, correct it. Otherwise check which server ' +
  'stsClientOptions.endpoint and AWS_ENDPOINT_URL_STS name.'

const NETWORK_ADVICE =
  'If this lasts: a function in a VPC reaches STS only through a NAT gateway or an interface endpoint for sts in its Region, ' +
  'and the security group of the endpoint must allow the function on port 443. If stsClientOptions.endpoint or ' +
  'AWS_ENDPOINT_URL_STS is set, check that first.'

/**
 * Returns what the policies must allow. Tag values may be personal data, so the advice allows any value. The `policies`
 * command writes fixed values.
 */
const needsOf = (parameters: SessionParameters): SessionNeeds => ({
  roleArn: parameters.roleArn,
  hasExternalId: parameters.externalId !== undefined,
  tags: new Map(parameters.sessionTags.map(({ Key }) => [Key, undefined])),
  transitiveTagKeys: parameters.transitiveTagKeys,
  sourceIdentity: parameters.sourceIdentity !== undefined,
})

/** Creates a redacted copy of an error without its request, response and socket. */
const plainCause = ({ name, message, code, httpStatusCode, requestId, attempts }: StsFailure): Error => {
  const plain = Object.fromEntries(
    Object.entries({ code, httpStatusCode, requestId, attempts }).filter(([, value]) => value !== undefined),
  )
  const cause = Object.assign(new Error(message), plain)
  Object.defineProperty(cause, 'name', { value: name })
  // The stack of the copy would point to this function instead of the failure.
  Object.defineProperty(cause, 'stack', { value: `${cause.name}: ${cause.message}` })
  return cause
}

const describeFailure = ({ kind, name, message, code, requestId }: StsFailure): string => {
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  if (kind === 'unknown-answer') return `The call failed: ${message}${request}.`
  return `${kind === 'sts-error' ? 'AWS said:' : 'The call failed with'} ${name}: ${message || code || 'no message'}${request}`
}

const describeRequest = (parameters: SessionParameters, region: string | undefined): string => {
  const keys = parameters.sessionTags.map(({ Key }) => Key).join(', ')
  const sent = [
    `session name ${parameters.sessionName}`,
    parameters.externalId === undefined ? 'no external ID' : 'an external ID',
    keys === '' ? 'no session tags' : `session tags ${keys}`,
    ...(parameters.sourceIdentity === undefined ? [] : [`source identity ${parameters.sourceIdentity}`]),
    ...(parameters.policy === undefined && parameters.policyArns.length === 0 ? [] : ['a session policy']),
    `${parameters.durationSeconds} seconds`,
    ...(region === undefined ? [] : [`to STS in ${region}`]),
  ]
  return `Sent: ${sent.join(', ')}.`
}
