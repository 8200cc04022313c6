/** Classifies failures of AssumeRole and creates the error for each. */
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode, RETRYABLE } from '../errors.ts'
import { adviseOnDenial, type SessionNeeds } from '../iam/advice.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import { NOT_SHOWN } from '../redact.ts'
import { createPlainError } from '../thrown.ts'
import { readStsFailure, type StsFailure } from './sts-failure.ts'

const CUSTOM_ENDPOINT = 'stsClientOptions.endpoint or AWS_ENDPOINT_URL_STS'

const NETWORK_ADVICE =
  'If this lasts: in a VPC, the function reaches STS only through a NAT gateway, or an interface endpoint for sts whose security ' +
  `group allows the function on port 443. If ${CUSTOM_ENDPOINT} is set, check it first.`

/** What a failure means. */
interface Explanation {
  /** @default 'ASSUME_ROLE_REJECTED' */
  readonly code?: CrossAccountDynamoErrorCode
  /**
   * The beginning of the sentence that names the role.
   *
   * @default 'STS rejected'
   */
  readonly failed?: string
  readonly advice: string | ((failure: StsFailure, parameters: SessionParameters) => string)
  /** Whether the configuration of the STS client is wrong, so that no request was sent. */
  readonly isEndpointMistake?: true
}

interface Rule extends Explanation {
  readonly matches: (failure: StsFailure) => boolean
}

/** Matches an error that STS returned, by its error code. */
const stsError =
  (names: RegExp): Rule['matches'] =>
  ({ kind, name }) =>
    kind === 'sts-error' && names.test(name)

const isRegionDisabled = stsError(/^RegionDisabled/)
/** STS in an opt-in Region knows the access keys only of accounts that have enabled the Region. */
const isKeyUnknown = stsError(/^InvalidClientTokenId/)
/** The SDK may find a new session token if it reads the caller's credentials again. */
const isTokenExpired = stsError(/^ExpiredToken/)

/** Error codes of STS, and of the services that a credential provider calls. */
const DENIED = /^(?:AccessDenied|NotAuthorized)/
/** Errors that concern the caller's own credentials, not the role. The SDK finds none, or STS does not accept them. */
const CALLER_REFUSED =
  /Expired|Signature|^(?:InvalidClientTokenId|UnrecognizedClient|MissingAuthenticationToken|OptInRequired)|ProviderError$/
/** Messages of the SDK and of Node.js about credentials that cannot be sent in a header. */
const CALLER_UNUSABLE = /^Resolved credential object is not valid|^Invalid character in header content/

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const THROTTLED = /Throttl|^(?:TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimit)/

/** Errors of Node.js and of the SDK if the configuration is invalid, so that no request is sent. */
const CONFIGURATION_CODE = /^(?:ERR_(?:INVALID|OSSL|SSL)_|EPROTO$)/
const CONFIGURATION_MESSAGE =
  /^(?:Region is missing|Region not accepted|Invalid region in client config|Invalid parameter for "defaultsMode")/
/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODE = /CERT|^(?:UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/

const TIMED_OUT = /^(?:TimeoutError|AbortError|RequestTimeout)/

/** The meanings of failures. The first rule that matches applies. */
const RULES: readonly Rule[] = [
  {
    matches: ({ kind }) => kind === 'unknown-answer',
    code: 'STS_UNAVAILABLE',
    failed: 'There is no usable answer to',
    // The answer is not quoted, because it may contain credentials.
    advice: `If this lasts, check what answers in place of STS: an HTTP proxy, a firewall, or the server at ${CUSTOM_ENDPOINT}.`,
  },
  {
    matches: stsError(DENIED),
    code: 'ASSUME_ROLE_DENIED',
    failed: 'STS denied',
    advice: ({ message }, parameters) => adviseOnDenial(message, toSessionNeeds(parameters)),
  },
  {
    matches: ({ kind, name, httpStatusCode }) =>
      kind === 'sts-error' && (THROTTLED.test(name) || httpStatusCode === 429),
    code: 'STS_THROTTLED',
    failed: 'STS throttled',
    advice: 'The next invocation tries again. The configuration is not the problem.',
  },
  {
    matches: ({ kind, name, message }) =>
      (kind === 'no-answer' && DENIED.test(name)) ||
      CALLER_REFUSED.test(name) ||
      CALLER_UNUSABLE.test(message),
    failed: "STS did not accept the caller's own credentials in",
    advice:
      'In Lambda, check that nothing overrides AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, that the clock is ' +
      'right, and that the account has enabled the Region of STS. Outside Lambda, sign in first, for example to the profile in ' +
      'AWS_PROFILE.',
  },
  {
    matches: ({ kind, name, code = '', message }) =>
      kind === 'no-answer' &&
      (name === 'EndpointError' || CONFIGURATION_CODE.test(code) || CONFIGURATION_MESSAGE.test(message)),
    failed: 'The STS client is misconfigured and did not send',
    advice:
      'Correct the endpoint and requestHandler in stsClientOptions, and the variables AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, ' +
      'AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. An endpoint is a whole URL, and excludes FIPS and dual-stack.',
    isEndpointMistake: true,
  },
  {
    matches: ({ code = '' }) => CERTIFICATE_CODE.test(code),
    failed: 'The STS client does not trust the certificate of the server and did not send',
    advice:
      'If a proxy inspects TLS, set NODE_EXTRA_CA_CERTS to its CA. Otherwise check the CA in stsClientOptions.requestHandler, and ' +
      `the server at ${CUSTOM_ENDPOINT}.`,
    isEndpointMistake: true,
  },
  {
    matches: ({ name, code }) => TIMED_OUT.test(name) || code === 'ETIMEDOUT',
    code: 'STS_TIMEOUT',
    failed: 'STS timed out on',
    advice: NETWORK_ADVICE,
  },
  {
    matches: isRegionDisabled,
    advice: 'Enable the Region and its STS endpoint in both accounts, or set other Regions in stsRegions.',
  },
  {
    matches: stsError(/^PackedPolicyTooLarge/),
    advice: 'Send fewer or shorter session tags, or name fewer tables and keys in scope.',
  },
  {
    matches: stsError(/^MalformedPolicyDocument/),
    advice:
      'Correct policy or policyArns. Managed policies must be in the account of the role or be AWS managed.',
  },
  {
    matches: ({ kind, httpStatusCode = 0 }) => kind === 'sts-error' && httpStatusCode < 500,
    advice: 'Change the option that AWS names above. Policies are not the problem.',
  },
]
const NETWORK_FAILURE: Explanation = {
  code: 'STS_UNAVAILABLE',
  failed: 'STS did not complete',
  advice: ({ code }) =>
    code === 'ENOTFOUND'
      ? `Check the Region of the host, which comes from stsRegions or AWS_REGION. ${NETWORK_ADVICE}`
      : NETWORK_ADVICE,
}

const explain = (failure: StsFailure) => {
  const explanation = RULES.find(({ matches }) => matches(failure)) ?? NETWORK_FAILURE
  return { code: 'ASSUME_ROLE_REJECTED', failed: 'STS rejected', ...explanation } as const
}

/** Returns whether another attempt, in the same Region or another one, may succeed. */
export const isWorthAnotherAttempt = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  // After the SDK has corrected the clock skew, it signs the next attempt with the right time.
  return failure.isClockCorrected || RETRYABLE.has(explain(failure).code)
}

/** Returns whether a Region refused a call that another Region may accept. */
export const isRefusedByRegion = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  return isRegionDisabled(failure) || isKeyUnknown(failure)
}

/** Returns whether the credentials of the caller have expired. */
export const isCallerExpired = (thrown: unknown): boolean => isTokenExpired(readStsFailure(thrown))

/** Returns whether the call did not reach STS, because the endpoint or the certificates are misconfigured. */
export const isEndpointMistake = (thrown: unknown): boolean =>
  explain(readStsFailure(thrown)).isEndpointMistake === true

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
    `The invocation could wait only ${Math.max(0, Math.round(waitMs))} ms for AssumeRole for ${roleArn} (context.${contextKey}).\n${NETWORK_ADVICE}`,
  )

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
  const { code, failed, advice, isEndpointMistake } = explain(failure)
  const lines = [
    `${failed} AssumeRole for ${parameters.roleArn} (context.${contextKey}).`,
    describeFailure(failure),
    ...(isEndpointMistake ? [] : [describeRequest(parameters, region)]),
    typeof advice === 'string' ? advice : advice(failure, parameters),
  ]
  return new CrossAccountDynamoError(code, lines.join('\n'), { cause: plainCause(failure) })
}

/**
 * Returns what the policies must allow. Tag values may be personal data, so the advice allows any value. The `policies`
 * command writes fixed values.
 */
const toSessionNeeds = (parameters: SessionParameters): SessionNeeds => ({
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
  return Object.assign(createPlainError(name, message), plain)
}

const describeFailure = ({ kind, name, message, code, requestId }: StsFailure): string => {
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  if (kind === 'unknown-answer') return `The call failed: ${message}${request}.`
  return `${kind === 'sts-error' ? 'AWS said:' : 'The call failed with'} ${name}: ${message || code || 'no message'}${request}`
}

const describeRequest = (parameters: SessionParameters, region: string | undefined): string => {
  const { externalId, sessionTags, sourceIdentity, policy, policyArns } = parameters
  const keys = sessionTags.map(({ Key }) => Key).join(', ')
  const sent = [
    `session name ${parameters.sessionName}`,
    `${externalId === undefined ? 'no' : 'an'} external ID`,
    keys === '' ? 'no session tags' : `session tags ${keys}`,
    sourceIdentity && `source identity ${sourceIdentity}`,
    (policy ?? policyArns[0]) && 'a session policy',
    `${parameters.durationSeconds} seconds`,
    region && `to STS in ${region}`,
  ]
  return `Sent: ${sent.filter(Boolean).join(', ')}.`
}
