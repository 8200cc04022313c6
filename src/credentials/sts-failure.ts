/** Reads why an STS call failed, without values that a message must not contain. */
import { redact } from '../redact.ts'

export interface StsFailure {
  /**
   * The source of the failure.
   *
   * - `sts-error`: an error that STS returned
   * - `invalid-response`: an HTTP response that does not come from STS, or that the SDK cannot parse
   * - `no-response`: an error of the SDK, of Node.js or of the credential provider, without a response
   */
  readonly kind: 'sts-error' | 'invalid-response' | 'no-response'
  /** The error code of STS, or the name of the error. */
  readonly name: string
  readonly message: string
  /** The code of an error of Node.js, such as `ECONNREFUSED`. */
  readonly code: string | undefined
  readonly httpStatusCode: number | undefined
  readonly requestId: string | undefined
  readonly attempts: number | undefined
  /** Whether the SDK has detected a wrong local clock and corrects the time of the next signatures. */
  readonly isClockCorrected: boolean
}

/**
 * The properties of a thrown value that this module reads. They can have any type, because the SDK copies all elements of the
 * response to the error, and a credential provider can throw any value.
 */
interface ThrownProperties {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly $fault?: unknown
  readonly $metadata?: Readonly<Record<string, unknown>>
  readonly $response?: { readonly statusCode?: unknown; readonly headers?: unknown }
}

/** Matches AWS error codes. Credentials do not match. */
const ERROR_CODE = /^(?:I[dn](?![a-z])|[A-Z][a-z]{2,}){1,12}$/
/** The names and messages that the SDK uses if the response contains no error code. They depend on the HTTP status code. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'NotFound'])

/**
 * Reads a thrown value without relying on its types. Never throws. Keeps only the messages of STS errors and of errors
 * without a response, and redacts them. Other messages come from the SDK's parser, which quotes text that it cannot parse.
 * That text may contain the credentials that STS issued.
 *
 * @param secrets texts that the failure must not contain, such as the caller's session token
 * @param hideValues removes further values from a text, before the text is redacted. By default, it removes nothing
 */
export const readStsFailure = (
  thrown: unknown,
  secrets: readonly string[] = [],
  hideValues: (message: string) => string = (message) => message,
): StsFailure => {
  try {
    return toStsFailure(
      typeof thrown === 'object' && thrown !== null
        ? (thrown as ThrownProperties)
        : { message: String(thrown) },
      (value) => redact(hideValues(toText(value)), secrets),
    )
  } catch {
    // A getter or a proxy threw.
    return toStsFailure({ message: 'the error cannot be read' }, toText)
  }
}

const toText = (value: unknown): string => (typeof value === 'string' ? value : '')

const toStsFailure = (thrown: ThrownProperties, toSafeText: (value: unknown) => string): StsFailure => {
  const { $metadata = {}, $response } = thrown
  const status = $metadata.httpStatusCode ?? $response?.statusCode
  const name = toSafeText(thrown.name) || 'Error'
  const message = toSafeText(thrown.message)
  const failure = {
    kind: 'no-response',
    name,
    message,
    code: undefined,
    httpStatusCode: typeof status === 'number' ? status : undefined,
    requestId: toSafeText($metadata.requestId) || undefined,
    attempts: typeof $metadata.attempts === 'number' ? $metadata.attempts : undefined,
    isClockCorrected: $metadata.clockSkewCorrected === true,
  } as const
  if (status === undefined && $response === undefined)
    return { ...failure, code: toSafeText(thrown.code) || undefined }
  if (isStsError(thrown, failure))
    return { ...failure, kind: 'sts-error', message: PLACEHOLDERS.has(message) ? '' : message }
  const description = describeResponse(failure, $response?.headers)
  return { ...failure, kind: 'invalid-response', name: 'Error', message: description }
}

/** Returns whether STS sent the error. An STS error has an error code and, like every response of AWS, a request ID. */
const isStsError = (
  { name, $fault }: ThrownProperties,
  { httpStatusCode = 0, requestId }: Pick<StsFailure, 'httpStatusCode' | 'requestId'>,
): boolean =>
  httpStatusCode >= 400 &&
  $fault !== undefined &&
  requestId !== undefined &&
  typeof name === 'string' &&
  ERROR_CODE.test(name) &&
  !PLACEHOLDERS.has(name)

/**
 * Matches a short media type in lowercase, which cannot be a credential.
 *
 * @see https://www.iana.org/assignments/media-types/
 */
const CONTENT_TYPE = /^[a-z]{4,11}\/[a-z][a-z\d.+-]{1,40}(?![^;\s])/

/** Describes an invalid response by its status code and content type. Its body may contain credentials. */
const describeResponse = (
  { httpStatusCode, requestId }: Pick<StsFailure, 'httpStatusCode' | 'requestId'>,
  headers: unknown,
): string => {
  const entries = Object.entries(headers ?? {})
  const contentType = entries.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const [mediaType] = CONTENT_TYPE.exec(String(contentType)) ?? []
  const status = httpStatusCode === undefined ? 'without a status code' : `with status code ${httpStatusCode}`
  const responded = `responded ${status}${mediaType === undefined ? '' : ` (${mediaType})`}`
  return requestId !== undefined && httpStatusCode === 200
    ? `STS ${responded}, but the SDK cannot parse the response`
    : `a proxy or another server ${responded} in place of STS`
}
