/** The error class, its codes, and the advice that goes with what STS says. */
import { parseRoleArn, roleOfSession } from './limits.ts'
import type { SessionIdentity } from './session-identity.ts'
import { readStsFailure, type StsFailure } from './sts-failure.ts'
import { bulleted } from './values.ts'

/** What went wrong, in one word; the README's table says when each is thrown. */
export type CrossAccountDynamoErrorCode =
  | 'CONFIG_INVALID'
  | 'SESSION_IDENTITY_MISSING'
  | 'ASSUME_ROLE_DENIED'
  | 'ASSUME_ROLE_REJECTED'
  | 'STS_THROTTLED'
  | 'STS_UNAVAILABLE'
  | 'STS_TIMEOUT'

/** Whether the same call may succeed later without anybody changing anything. */
const RETRYABLE: ReadonlySet<CrossAccountDynamoErrorCode> = new Set([
  'STS_THROTTLED',
  'STS_UNAVAILABLE',
  'STS_TIMEOUT',
])

/**
 * Everything that this package throws. DynamoDB's own errors are not wrapped.
 *
 * @example
 * ```ts
 * import { CrossAccountDynamoError } from 'middy-cross-account-dynamo'
 *
 * export const isWorthARetry = (error: unknown): boolean =>
 *   error instanceof CrossAccountDynamoError && error.retryable
 * ```
 */
export class CrossAccountDynamoError extends Error {
  override readonly name = 'CrossAccountDynamoError'
  readonly code: CrossAccountDynamoErrorCode
  /**
   * 503 when a retry may help, 403 when it is not known whose session is meant, else 500. Since `expose` is false,
   * `@middy/http-error-handler` answers 500 to all.
   */
  readonly statusCode: 403 | 500 | 503
  /** Always `false`: the message is for operators, never for an HTTP client. */
  readonly expose = false
  /**
   * `true` when the same call may succeed later without a change of configuration or policy; of a
   * `SESSION_IDENTITY_MISSING`, when a resolver was late or says of its error that it is `retryable`.
   */
  readonly retryable: boolean

  constructor(
    code: CrossAccountDynamoErrorCode,
    message: string,
    { retryable = RETRYABLE.has(code), ...options }: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(`${code}: ${message}`, options)
    this.code = code
    this.retryable = retryable
    this.statusCode = code === 'SESSION_IDENTITY_MISSING' ? 403 : RETRYABLE.has(code) ? 503 : 500
  }
}

/** The error of a configuration that cannot be right, with all that is wrong with it. */
export const configInvalid = (what: string, problems: readonly string[]): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `${what} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${bulleted(problems)}`,
  )

/**
 * A new error with the same code, message and cause. Invocations that wait for one AssumeRole call each throw an
 * object of their own, because error handlers add properties to what they catch.
 */
export const copyOfError = (error: unknown): unknown => {
  if (!(error instanceof CrossAccountDynamoError)) return error
  const { code, message, cause, retryable } = error
  const withoutCode = message.slice(`${code}: `.length)
  return new CrossAccountDynamoError(code, withoutCode, { retryable, ...(cause !== undefined && { cause }) })
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const THROTTLED = /^(?:Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RequestThrottled|BandwidthLimit)/
const DENIED = /^(?:AccessDenied|NotAuthorized)/
/** The caller's own credentials, not the role, are the problem. */
const CALLER_REFUSED =
  /^(?:ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|OptInRequired|RequestExpired)/
/** The SDK found no credentials to sign with, or some that cannot be sent in a header. */
const CALLER_UNKNOWN = /^(?:CredentialsProviderError|ProviderError)$/
const CALLER_UNUSABLE = /^Resolved credential object is not valid|^Invalid character in header content/
const TIMED_OUT = /^(?:TimeoutError|AbortError|RequestTimeout|RequestTimeoutException)$/
/** The token of the caller has expired: it may have been replaced where the SDK finds it. */
const CALLER_EXPIRED = /^ExpiredToken/
/** What may be otherwise in another Region: in an opt-in Region STS knows the keys only of accounts that enabled it. */
const REGION_REFUSED = /^(?:RegionDisabled|InvalidClientTokenId)/
/** What the SDK and Node.js throw before a request leaves, when it cannot be made from the configuration. */
const CONFIGURATION_CODE = /^(?:ERR_INVALID_|ERR_OSSL_|ERR_SSL_WRONG_VERSION_NUMBER)/
const CONFIGURATION_MESSAGE =
  /^(?:Region is missing|Region not accepted|Invalid region in client config|Invalid parameter for "defaultsMode")/
/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODE =
  /^(?:UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/

const isCallerUnusable = ({ kind, name, message }: StsFailure): boolean =>
  kind !== 'unknown-answer' &&
  (CALLER_REFUSED.test(name) || CALLER_UNKNOWN.test(name) || CALLER_UNUSABLE.test(message))

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

/** Whether the next attempt, in the same Region or another, may succeed where this one failed. */
export const isWorthAnotherAttempt = (thrown: unknown): boolean => {
  const failure = readStsFailure(thrown)
  // The SDK signs with the right time from now on.
  if (failure.isClockCorrected || failure.kind === 'unknown-answer') return true
  if (failure.kind === 'sts-error') return isThrottled(failure) || (failure.httpStatusCode ?? 0) >= 500
  return !isCallerUnusable(failure) && !isLocal(failure)
}

/** Whether a Region refused what another Region may accept. */
export const isRefusedByRegion = (thrown: unknown): boolean => isNamed(thrown, REGION_REFUSED)

/** Whether the credentials of the caller have expired. */
export const isCallerExpired = (thrown: unknown): boolean => isNamed(thrown, CALLER_EXPIRED)

const isLocal = (failure: StsFailure): boolean => isMisconfigured(failure) || isUntrusted(failure)

/** Whether the call never reached STS, because the endpoint or the certificates are configured wrong. */
export const isEndpointMistake = (thrown: unknown): boolean => isLocal(readStsFailure(thrown))

/** The error of an invocation that waited for credentials as long as it could; the flight goes on for others. */
export const waitedTooLong = (
  roleArn: string,
  milliseconds: number,
  contextKey = 'dynamo',
): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'STS_TIMEOUT',
    [
      `STS did not answer in time when assuming ${roleArn} for context.${contextKey}.`,
      `This invocation could wait for ${Math.max(0, Math.round(milliseconds))} ms; what is left of its time is kept for answering.`,
      reachable,
    ].join('\n'),
  )

/** What to do about the requests that STS refuses by a name of their own. */
const REJECTED_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /^RegionDisabled/,
    'Enable that Region and its STS in both accounts, or name other Regions in stsRegions: ' +
      'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html',
  ],
  [
    /^PackedPolicyTooLarge/,
    'The session tags and session policies are too much together, in a form that only STS knows: send fewer tags or shorter ones, ' +
      'or name fewer tables and keys in scope.',
  ],
  [
    /^MalformedPolicyDocument/,
    "It is the session policy that STS refuses: change policy or policyArns (managed policies must be in the account of the role, or AWS's own).",
  ],
]

/** Shorter ones would take ordinary words out of the message. */
const LEAST_SECRET = 4

/** STS repeats what breaks a constraint; of the external ID and of tags that is nobody's business. */
const CONSTRAINT = /Value '.*?' at '(?!roleArn|roleSessionName|durationSeconds|sourceIdentity)/gs

const withoutSecrets = (message: string, { externalId, sessionTags }: SessionIdentity): string => {
  const secrets = [externalId ?? '', ...sessionTags.map(({ Value }) => Value)]
  return (
    secrets
      .filter((secret) => secret.length >= LEAST_SECRET)
      // The longest first, since one may be the beginning of another.
      .sort((a, b) => b.length - a.length)
      .reduce(
        (text, secret) => text.replaceAll(secret, '[not shown]'),
        message.replace(CONSTRAINT, "Value '[not shown]' at '"),
      )
  )
}

export interface AssumeRoleErrorContext {
  /** Region of the last attempt. */
  readonly region?: string
  /** Where the client is on the context. */
  readonly contextKey?: string
  /** Texts that must not be quoted: the caller's access key ID and session token. */
  readonly secrets?: readonly string[]
}

/**
 * The error to throw for a failed AssumeRole: what was tried, what AWS said, and what to change where.
 *
 * Credentials, tag values and the external ID are never in it. Its `cause` is a redacted copy without the SDK's request and
 * response, which hold the caller's session token.
 */
export const assumeRoleError = (
  thrown: unknown,
  identity: SessionIdentity,
  { region, contextKey = 'dynamo', secrets = [] }: AssumeRoleErrorContext = {},
): CrossAccountDynamoError => {
  const read = readStsFailure(thrown, secrets)
  // The advice on a denied call reads who was denied what from the message.
  const failure = isDenied(read) ? read : { ...read, message: withoutSecrets(read.message, identity) }
  const { code, headline, advice } = explain(failure, identity, region, contextKey)
  return new CrossAccountDynamoError(
    code,
    [headline, describeFailure(failure), describeRequest(identity, region), advice].join('\n'),
    { cause: plainCause(failure) },
  )
}

const isDenied = ({ kind, name }: StsFailure): boolean => kind !== 'unknown-answer' && DENIED.test(name)

interface Explanation {
  readonly code: CrossAccountDynamoErrorCode
  readonly headline: string
  readonly advice: string
}

const explain = (
  failure: StsFailure,
  identity: SessionIdentity,
  region: string | undefined,
  contextKey: string,
): Explanation => {
  const { kind, name, code, httpStatusCode = 0 } = failure
  const role = `${identity.roleArn} for context.${contextKey}`
  if (isDenied(failure))
    return {
      code: 'ASSUME_ROLE_DENIED',
      headline: `STS refused to let this function assume ${role}.`,
      advice: whoMustAllow(failure, identity),
    }
  if (isThrottled(failure))
    return {
      code: 'STS_THROTTLED',
      headline: `STS throttled AssumeRole of ${role}.`,
      advice: 'Nothing is wrong with the set-up; the next invocation tries again.',
    }
  if (isCallerUnusable(failure))
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `The function's own credentials cannot be used to assume ${role}.`,
      advice:
        'The role and its policies were not looked at. In Lambda the runtime sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and ' +
        'AWS_SESSION_TOKEN of the execution role: see that nothing overrides them, that the clock is right, and that the Region of STS is ' +
        'enabled in the account.',
    }
  if (isLocal(failure))
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `The function cannot call STS as it is configured, to assume ${role}.`,
      advice: isUntrusted(failure) ? CERTIFICATE_ADVICE : ENDPOINT_ADVICE,
    }
  if (TIMED_OUT.test(name) || code === 'ETIMEDOUT')
    return {
      code: 'STS_TIMEOUT',
      headline: `STS did not answer in time when assuming ${role}.`,
      advice: reachable,
    }
  if (kind === 'sts-error' && httpStatusCode < 500)
    return {
      code: 'ASSUME_ROLE_REJECTED',
      headline: `STS refused the request itself, to assume ${role}.`,
      advice:
        REJECTED_ADVICE.find(([words]) => words.test(name))?.[1] ??
        'Change the option that AWS names above; policies are not the problem.',
    }
  return {
    code: 'STS_UNAVAILABLE',
    headline: `STS could not be reached or did not answer properly when assuming ${role}.`,
    advice:
      kind === 'unknown-answer'
        ? ANSWER_ADVICE
        : code === 'ENOTFOUND' && region !== undefined
          ? `There is no such host. Is ${region} the Region that is meant? It comes from stsRegions, or from AWS_REGION. ${reachable}`
          : reachable,
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

const reachable =
  'If it lasts: a function in a VPC reaches STS only through a NAT gateway or an interface endpoint for sts in its Region, ' +
  'whose security group must let the function in on port 443.'

/** A copy of an error that holds nothing but what may be repeated: no request, no response, no socket. */
const plainCause = ({ name, message, code, httpStatusCode, requestId, attempts }: StsFailure): Error => {
  const plain = Object.fromEntries(
    Object.entries({ code, httpStatusCode, requestId, attempts }).filter(([, value]) => value !== undefined),
  )
  const cause = Object.assign(new Error(message), plain)
  Object.defineProperty(cause, 'name', { value: name })
  // The stack of this copy would show where it was copied, which helps nobody.
  Object.defineProperty(cause, 'stack', { value: `${cause.name}: ${cause.message}` })
  return cause
}

const describeFailure = ({ kind, name, message, code, requestId }: StsFailure): string => {
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  if (kind === 'unknown-answer') return `The call failed: ${message}${request}.`
  return `${kind === 'sts-error' ? 'AWS said:' : 'The call failed with'} ${name}: ${message || code || 'nothing more'}${request}`
}

const describeRequest = (identity: SessionIdentity, region: string | undefined): string => {
  const keys = identity.sessionTags.map(({ Key }) => Key).join(', ')
  const sent = [
    `session name ${identity.sessionName}`,
    identity.externalId === undefined ? 'no external ID' : 'an external ID',
    keys === '' ? 'no session tags' : `session tags ${keys}`,
    ...(identity.sourceIdentity === undefined ? [] : [`source identity ${identity.sourceIdentity}`]),
    ...(identity.policy === undefined && identity.policyArns.length === 0 ? [] : ['a session policy']),
    `${identity.durationSeconds} seconds`,
    ...(region === undefined ? [] : [`to STS in ${region}`]),
  ]
  return `Sent: ${sent.join(', ')}.`
}

/** Stands for whoever STS does not name. */
export const UNKNOWN_CALLER = "<ARN of the function's execution role>"

/** Who was refused, as STS words it. */
export const CALLER = /User: (?<caller>arn:[^\s]+) is not authorized to perform: (?<action>sts:\w+)/
const ACCOUNT = /^arn:[^:]+:[^:]+::(?<account>\d{12}):/

/**
 * Why, where AWS says it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export const EXPLICIT_DENY = /with an explicit deny in (?<policy>[a-z -]*(?:policy|boundary))/i
export const NO_ALLOW = /because no (?<policy>[a-z -]+?) allows/i

/**
 * Both halves of the set-up, ready to paste. STS mostly does not say which side refused, and never that the external
 * ID is the wrong one.
 */
const whoMustAllow = ({ message }: StsFailure, identity: SessionIdentity): string => {
  const { caller, action = 'sts:AssumeRole' } = CALLER.exec(message)?.groups ?? {}
  const session = roleOfSession(caller ?? '')
  const callerAccount = ACCOUNT.exec(caller ?? '')?.groups?.account ?? 'of the function'
  const callerRole = session?.arn ?? caller ?? UNKNOWN_CALLER
  const target = parseRoleArn(identity.roleArn)
  // Statements of their own: sts:ExternalId is a condition key of sts:AssumeRole and of nothing else.
  // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
  const others = [
    ...(identity.sessionTags.length > 0 ? ['sts:TagSession'] : []),
    ...(identity.sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ]
  // What a calling session hands down needs permission, too, without being asked for here.
  if (action !== 'sts:AssumeRole' && !others.includes(action)) others.push(action)
  const Principal = { AWS: callerRole }
  const callerStatement = {
    Effect: 'Allow',
    Action: others.length > 0 ? ['sts:AssumeRole', ...others] : 'sts:AssumeRole',
    Resource: identity.roleArn,
  }
  const trustStatements = [
    {
      Effect: 'Allow',
      Principal,
      Action: 'sts:AssumeRole',
      ...(identity.externalId !== undefined && {
        Condition: { StringEquals: { 'sts:ExternalId': '<the external ID that the function sends>' } },
      }),
    },
    ...(others.length > 0 ? [{ Effect: 'Allow', Principal, Action: others }] : []),
  ]
  const pathNote =
    session === undefined ? '' : ` (write the principal with its path, if ${session.name} has one)`
  return [
    whoRefused(message, action, callerAccount, target.accountId),
    `- Account ${callerAccount}, a policy of ${callerRole}:`,
    indented(callerStatement),
    `- Account ${target.accountId}, the trust policy of ${target.name}, which must exist${pathNote}:`,
    indented(trustStatements.length === 1 ? trustStatements[0] : trustStatements),
    identity.externalId === undefined
      ? 'If that trust policy asks for sts:ExternalId, set the option externalId.'
      : 'If the trust policy asks for sts:ExternalId, the two must be equal to the letter; AWS never says that they are not.',
  ].join('\n')
}

/** The policies that belong to the account of the role; all others that may refuse belong to the caller's. */
const OF_THE_ROLE = /trust|resource/i

const whoRefused = (message: string, action: string, callerAccount: string, roleAccount: string): string => {
  const account = (policy: string) => (OF_THE_ROLE.test(policy) ? roleAccount : callerAccount)
  const deny = EXPLICIT_DENY.exec(message)?.groups?.policy
  if (deny !== undefined) {
    return (
      `An explicit deny in ${deny} forbids ${action}, whatever else allows it: find that statement in account ${account(deny)} or its organisation, and except this call. ` +
      'Both accounts must allow it, too:'
    )
  }
  const missing = NO_ALLOW.exec(message)?.groups?.policy
  return missing === undefined
    ? `AWS does not say which account refused ${action}; both must allow it:`
    : `AWS says that no ${missing} allows ${action}: that is for account ${account(missing)} to change. In all, both must allow it:`
}

const indented = (statement: unknown): string =>
  JSON.stringify(statement, undefined, 2).replace(/^/gm, '    ')
