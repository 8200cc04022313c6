/** Classifies failures of AssumeRole, and creates the error for each kind of failure. */
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode, RETRYABLE_CODES } from '../errors.ts'
import { type AdviceParameters, adviseOnDenial } from '../iam/advice.ts'
import type { SessionParameters } from '../identity/session-parameters.ts'
import { NOT_SHOWN } from '../redact.ts'
import { createPlainError, THROTTLING_NAME } from '../thrown.ts'
import { readStsFailure, type StsFailure } from './sts-failure.ts'

const CUSTOM_ENDPOINT = 'stsClientOptions.endpoint, AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL'

const NETWORK_ADVICE =
  'If the problem persists, check the network. In a VPC, the function needs a NAT gateway, or an interface endpoint for STS whose ' +
  `security group allows the function on port 443. If ${CUSTOM_ENDPOINT} is set, check that endpoint first.`

/** What to do in Lambda and in a terminal if the credentials of the caller are missing or not valid. */
export const CREDENTIALS_ADVICE = {
  lambda:
    'In Lambda, check that no code and no variable of the function overrides AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and ' +
    'AWS_SESSION_TOKEN, that the clock is right, and that the account has enabled the Region of STS.',
  terminal: 'In a terminal, sign in, for example with aws sso login, and name the profile in AWS_PROFILE.',
}

/** What a failure means. */
interface Explanation {
  /** @default 'ASSUME_ROLE_REJECTED' */
  readonly code?: CrossAccountDynamoErrorCode
  /**
   * The beginning of the message. `AssumeRole for` and the ARN of the role follow.
   *
   * @default 'STS rejected'
   */
  readonly messageStart?: string
  /** What to do, as sentences. */
  readonly advice: string | ((failure: StsFailure, parameters: SessionParameters) => string)
  /** Whether the endpoint or the certificates of the STS client are misconfigured, so that no request was sent. */
  readonly isClientMisconfigured?: true
  /** Whether the credentials with which the caller signs the request are missing or not valid. */
  readonly isAboutCallerCredentials?: true
}

interface Rule extends Explanation {
  readonly matches: (failure: StsFailure) => boolean
}

/** Creates a condition that matches errors that STS returned, by their error code. */
const matchStsError =
  (names: RegExp): Rule['matches'] =>
  ({ kind, name }) =>
    kind === 'sts-error' && names.test(name)

const matchesDisabledRegion = matchStsError(/^RegionDisabled/)
/** STS in an opt-in Region accepts only the access keys of accounts that have enabled the Region. */
const matchesUnknownAccessKey = matchStsError(/^InvalidClientTokenId/)
const matchesExpiredToken = matchStsError(/^ExpiredToken/)

/** Error codes of STS, and of the services that a credential provider calls. */
const ACCESS_DENIED_NAME = /^(?:AccessDenied|NotAuthorized)/
/** Names of errors about the caller's credentials: the SDK finds no credentials, or STS rejects them. */
const CALLER_CREDENTIALS_NAME =
  /Expired|Signature|^(?:InvalidClientTokenId|UnrecognizedClient|MissingAuthenticationToken|OptInRequired)|ProviderError$/
/** Messages of the SDK and of Node.js about credentials that an HTTP header cannot contain. */
const INVALID_CREDENTIALS_MESSAGE =
  /^Resolved credential object is not valid|^Invalid character in header content/

/** Errors that Node.js and the SDK throw before a request is sent, because the configuration is invalid. */
const CONFIGURATION_CODE = /^(?:ERR_(?:INVALID|OSSL|SSL)_|EPROTO$)/
const CONFIGURATION_MESSAGE =
  /^(?:Region is missing|Region not accepted|Invalid region in client config|Invalid parameter for "defaultsMode")/
/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODE = /CERT|^(?:UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/

const TIMEOUT_NAME = /^(?:TimeoutError|AbortError|RequestTimeout)/

/** The meanings of failures. The first rule that matches applies. */
const RULES: readonly Rule[] = [
  {
    matches: ({ kind }) => kind === 'invalid-response',
    code: 'STS_UNAVAILABLE',
    messageStart: 'There is no valid response to',
    advice: `If the problem persists, check the HTTP proxy and the firewall. If ${CUSTOM_ENDPOINT} is set, check that endpoint first.`,
  },
  {
    matches: matchStsError(ACCESS_DENIED_NAME),
    code: 'ASSUME_ROLE_DENIED',
    messageStart: 'STS denied',
    advice: ({ message }, parameters) => adviseOnDenial(message, toAdviceParameters(parameters)),
  },
  {
    matches: ({ kind, name, httpStatusCode }) =>
      kind === 'sts-error' && (THROTTLING_NAME.test(name) || httpStatusCode === 429),
    code: 'STS_THROTTLED',
    messageStart: 'STS throttled',
    advice:
      'The next invocation calls STS again. Do not change the policies. If the problem persists, reduce the number of AssumeRole calls in ' +
      "the caller's account: increase maxSessions, or durationSeconds if it is less than 3600. Otherwise, request a higher quota.",
  },
  {
    matches: ({ kind, name }) => kind === 'sts-error' && CALLER_CREDENTIALS_NAME.test(name),
    messageStart: "STS rejected the caller's credentials in",
    advice: `${CREDENTIALS_ADVICE.lambda} ${CREDENTIALS_ADVICE.terminal}`,
    isAboutCallerCredentials: true,
  },
  {
    matches: ({ name, message }) =>
      ACCESS_DENIED_NAME.test(name) ||
      CALLER_CREDENTIALS_NAME.test(name) ||
      INVALID_CREDENTIALS_MESSAGE.test(message),
    messageStart: 'The caller has no valid credentials for',
    advice: `${CREDENTIALS_ADVICE.lambda} ${CREDENTIALS_ADVICE.terminal}`,
    isAboutCallerCredentials: true,
  },
  {
    matches: ({ kind, name, code = '', message }) =>
      kind === 'no-response' &&
      (name === 'EndpointError' || CONFIGURATION_CODE.test(code) || CONFIGURATION_MESSAGE.test(message)),
    messageStart: 'The STS client is misconfigured and did not send',
    advice:
      'Correct the endpoint and requestHandler in stsClientOptions, and the variables AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, ' +
      'AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. An endpoint must be a complete URL and cannot be combined with FIPS or dual-stack.',
    isClientMisconfigured: true,
  },
  {
    matches: ({ code = '' }) => CERTIFICATE_CODE.test(code),
    messageStart: 'The STS client does not trust the certificate of the server and did not send',
    advice:
      'If a proxy inspects TLS, set NODE_EXTRA_CA_CERTS to its CA certificate. Otherwise, check the CA certificate in ' +
      `stsClientOptions.requestHandler, and the server at ${CUSTOM_ENDPOINT}.`,
    isClientMisconfigured: true,
  },
  {
    matches: ({ name, code }) => TIMEOUT_NAME.test(name) || code === 'ETIMEDOUT',
    code: 'STS_TIMEOUT',
    messageStart: 'STS timed out on',
    advice: NETWORK_ADVICE,
  },
  {
    matches: matchesDisabledRegion,
    advice: 'Enable the Region and its STS endpoint in both accounts, or set other Regions in stsRegions.',
  },
  {
    matches: matchStsError(/^PackedPolicyTooLarge/),
    advice: 'Send fewer or shorter session tags, or name fewer tables and keys in scope.',
  },
  {
    matches: matchStsError(/^MalformedPolicyDocument/),
    advice:
      'Correct policy or policyArns. Managed policies must be in the account of the role or be AWS managed.',
  },
  {
    matches: ({ kind, httpStatusCode = 0 }) => kind === 'sts-error' && httpStatusCode < 500,
    advice:
      'Correct the option for the parameter that AWS names above. Do not change IAM policies, because they are not the cause.',
  },
  {
    matches: ({ kind }) => kind === 'sts-error',
    code: 'STS_UNAVAILABLE',
    messageStart: 'STS failed to process',
    advice:
      'The next invocation calls STS again. If the problem persists, check the AWS Health Dashboard, or set other Regions in stsRegions.',
  },
]
const NETWORK_FAILURE: Explanation = {
  code: 'STS_UNAVAILABLE',
  messageStart: 'STS did not respond to',
  advice: ({ code }) =>
    code === 'ENOTFOUND'
      ? `Check the Region of the host, which comes from stsRegions or AWS_REGION. ${NETWORK_ADVICE}`
      : NETWORK_ADVICE,
}

const explain = (failure: StsFailure) => {
  const explanation = RULES.find(({ matches }) => matches(failure)) ?? NETWORK_FAILURE
  return { code: 'ASSUME_ROLE_REJECTED', messageStart: 'STS rejected', ...explanation } as const
}

/** Returns whether another attempt in the same Region may succeed. */
export const isRetryableFailure = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  // The SDK has corrected the clock skew, so it signs the next attempt with the right time.
  return failure.isClockCorrected || RETRYABLE_CODES.has(explain(failure).code)
}

/** Returns whether a Region refused a call that another Region may accept. */
export const isRefusedByRegion = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  return matchesDisabledRegion(failure) || matchesUnknownAccessKey(failure)
}

/** Returns whether STS reported that the credentials of the caller have expired. */
export const hasExpiredCallerCredentials = (thrown: unknown): boolean =>
  matchesExpiredToken(readStsFailure(thrown))

/** Returns whether no request was sent to STS, because the endpoint or the certificates are misconfigured. */
export const isClientMisconfigured = (thrown: unknown): boolean =>
  explain(readStsFailure(thrown)).isClientMisconfigured === true

/** Returns whether the credentials of the caller are missing or not valid. */
export const isAboutCallerCredentials = (thrown: unknown): boolean =>
  explain(readStsFailure(thrown)).isAboutCallerCredentials === true

/**
 * Creates the error for an AssumeRole call that did not complete within `waitMs` milliseconds, the time that an invocation can
 * wait. The call itself continues, and other invocations may still wait for it.
 */
export const waitTimeoutError = (
  roleArn: string,
  waitMs: number,
  contextKey = 'dynamo',
): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'STS_TIMEOUT',
    `AssumeRole for ${roleArn} (context.${contextKey}) did not complete within ${Math.max(0, Math.round(waitMs))} ms, the time that the ` +
      `invocation can wait.\n${NETWORK_ADVICE}`,
  )

/** The minimum length of a value to hide, in characters. Hiding shorter values would remove parts of ordinary words. */
const MIN_HIDDEN_VALUE_LENGTH = 4

/** Matches the invalid values that STS repeats in its messages. Our messages must not contain external IDs or tag values. */
const REPEATED_VALUE = /Value '.*?' at '(?!roleArn|roleSessionName|durationSeconds|sourceIdentity)/gs

/**
 * Matches ARNs. No values are hidden in ARNs, because the message contains the role's ARN and the session name anyway, and the
 * advice is based on the caller's ARN.
 */
const ARN = /(?<arn>arn:aws[\w-]*:[^\s"']+)/

const hideParameterValues = (message: string, { externalId, sessionTags }: SessionParameters): string => {
  const values = [externalId ?? '', ...sessionTags.map(({ Value }) => Value)]
    .filter((value) => value.length >= MIN_HIDDEN_VALUE_LENGTH)
    // Longer values are replaced first, because a shorter value may be a prefix of a longer one.
    .sort((a, b) => b.length - a.length)
  return message
    .replace(REPEATED_VALUE, `Value '${NOT_SHOWN}' at '`)
    .split(ARN)
    .map((part) =>
      ARN.test(part) ? part : values.reduce((text, value) => text.replaceAll(value, NOT_SHOWN), part),
    )
    .join('')
}

export interface AssumeRoleErrorContext {
  /** The Region of the attempt. */
  readonly region?: string
  /**
   * The property of the context that holds the client.
   *
   * @default 'dynamo'
   */
  readonly contextKey?: string
  /** Texts that the message must not contain: the caller's access key ID and session token. */
  readonly secrets?: readonly string[]
}

/**
 * Creates the error for a failed AssumeRole call. Its message states what failed, what AWS said, the request, and what to change
 * in which account.
 *
 * The error never contains credentials. Outside ARNs, the external ID and tag values of at least four characters are hidden.
 * Shorter values are not hidden, because they also occur in ordinary words. The `cause` is a redacted copy without the SDK's
 * request and response, which contain the caller's session token.
 */
export const assumeRoleError = (
  thrown: unknown,
  parameters: SessionParameters,
  { region, contextKey = 'dynamo', secrets = [] }: AssumeRoleErrorContext = {},
): CrossAccountDynamoError => {
  const failure = readStsFailure(thrown, secrets, (message) => hideParameterValues(message, parameters))
  const { code, messageStart, advice, isClientMisconfigured } = explain(failure)
  const lines = [
    `${messageStart} AssumeRole for ${parameters.roleArn} (context.${contextKey}).`,
    describeFailure(failure),
    ...(isClientMisconfigured ? [] : [describeRequest(parameters, region)]),
    typeof advice === 'string' ? advice : advice(failure, parameters),
  ]
  return new CrossAccountDynamoError(code, lines.join('\n'), { cause: createPlainCause(failure) })
}

/**
 * Returns what the policies must allow, without tag values, because they may be personal data. The advice therefore allows
 * any value. The `policies` command writes exact values.
 */
const toAdviceParameters = (parameters: SessionParameters): AdviceParameters => ({
  roleArn: parameters.roleArn,
  hasExternalId: parameters.externalId !== undefined,
  tags: new Map(parameters.sessionTags.map(({ Key }) => [Key, undefined])),
  transitiveTagKeys: parameters.transitiveTagKeys,
  sourceIdentity: parameters.sourceIdentity !== undefined,
})

/** Creates a redacted copy of an error without its request, response and socket. */
const createPlainCause = ({
  name,
  message,
  code,
  httpStatusCode,
  requestId,
  attempts,
}: StsFailure): Error => {
  const knownDetails = Object.fromEntries(
    Object.entries({ code, httpStatusCode, requestId, attempts }).filter(([, value]) => value !== undefined),
  )
  return Object.assign(createPlainError(name, message), knownDetails)
}

const describeFailure = ({ kind, name, message, code, requestId }: StsFailure): string => {
  const requestIdSuffix = requestId === undefined ? '' : ` (request ID ${requestId})`
  if (kind === 'invalid-response') return `The call failed: ${message}${requestIdSuffix}.`
  return `${kind === 'sts-error' ? 'AWS said:' : 'The call failed with'} ${name}: ${message || code || '(no message)'}${requestIdSuffix}`
}

const describeRequest = (parameters: SessionParameters, region: string | undefined): string => {
  const { externalId, sessionTags, sourceIdentity, policy, policyArns } = parameters
  const keys = sessionTags.map(({ Key }) => Key).join(', ')
  const details = [
    `session name ${parameters.sessionName}`,
    `${externalId === undefined ? 'no' : 'an'} external ID`,
    keys === '' ? 'no session tags' : `session tags ${keys}`,
    sourceIdentity && `source identity ${sourceIdentity}`,
    (policy ?? policyArns[0]) && 'a session policy',
    `${parameters.durationSeconds} seconds`,
    region && `to STS in ${region}`,
  ]
  return `Request: ${details.filter(Boolean).join(', ')}.`
}
