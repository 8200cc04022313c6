/** What failed when STS was called, as far as it may be repeated. */
import { redact } from '../redact.ts'

export interface StsFailure {
  /**
   * Where the failure comes from. `sts-error`: an error that STS sent. `unknown-answer`: an HTTP answer that is not STS's,
   * or that the SDK cannot read. `no-answer`: an error of the SDK, of Node.js, or of the credential provider.
   */
  readonly kind: 'sts-error' | 'unknown-answer' | 'no-answer'
  /** The error code of STS, or the name of the error. */
  readonly name: string
  readonly message: string
  /** The code of an error of Node.js, such as `ECONNREFUSED`. */
  readonly code: string | undefined
  readonly httpStatusCode: number | undefined
  readonly requestId: string | undefined
  readonly attempts: number | undefined
  /** Whether the SDK has seen that the function's clock is wrong, and signs with the right time from now on. */
  readonly isClockCorrected: boolean
}

/**
 * What is read of something thrown. None of it can be relied on: the SDK copies elements of the answer to the error, whatever
 * they are, and a credential provider can throw anything.
 */
interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly $fault?: unknown
  readonly $metadata?: Readonly<Record<string, unknown>>
  readonly $response?: { readonly statusCode?: unknown; readonly headers?: unknown }
}

/** An error code as AWS writes them, and no credential. */
const ERROR_CODE = /^(?:I[dn](?![a-z])|[A-Z][a-z]{2,}){1,12}$/
/** What the SDK calls an error whose answer has no code, by the status. */
const PLACEHOLDER_CODES: ReadonlySet<string> = new Set(['Unknown', 'NotFound'])
const PLACEHOLDER_MESSAGES: ReadonlySet<string> = new Set(['Unknown', 'UnknownError'])

/**
 * Reads an error without trusting it. Only messages of STS's own errors and of errors without an answer are kept, and they are
 * redacted: the SDK's parser quotes what it cannot read, which may be the credentials that STS has issued.
 *
 * @param secrets texts that must not appear, such as the caller's session token
 * @param hideValues removes other values from a text; called before the text is redacted
 */
export const readStsFailure = (
  thrown: unknown,
  secrets: readonly string[] = [],
  hideValues: (message: string) => string = (message) => message,
): StsFailure => {
  try {
    return read(
      typeof thrown === 'object' && thrown !== null ? (thrown as Thrown) : { message: String(thrown) },
      (value) => (typeof value === 'string' ? redact(hideValues(value), secrets) : ''),
    )
  } catch {
    // A getter threw, or a proxy.
    return read({ message: 'the error cannot be read' }, String)
  }
}

const read = (thrown: Thrown, quote: (value: unknown) => string): StsFailure => {
  const { $metadata = {}, $response } = thrown
  const status = $metadata.httpStatusCode ?? $response?.statusCode
  const { requestId, attempts, clockSkewCorrected } = $metadata
  const metadata = {
    httpStatusCode: typeof status === 'number' ? status : undefined,
    requestId: quote(requestId) || undefined,
    attempts: typeof attempts === 'number' ? attempts : undefined,
    isClockCorrected: clockSkewCorrected === true,
  }
  const name = quote(thrown.name) || 'Error'
  const message = quote(thrown.message)
  if (status === undefined && $response === undefined)
    return { ...metadata, kind: 'no-answer', name, message, code: quote(thrown.code) || undefined }
  if (isStsError(thrown, metadata))
    return {
      ...metadata,
      kind: 'sts-error',
      name,
      message: PLACEHOLDER_MESSAGES.has(message) ? '' : message,
      code: undefined,
    }
  const description = describeAnswer(metadata, contentTypeOf($response?.headers) ?? '')
  return { ...metadata, kind: 'unknown-answer', name: 'Error', message: description, code: undefined }
}

/** Whether an error of STS was received: it has a code and, as each answer of AWS, a request ID. */
const isStsError = (
  { name, $fault }: Thrown,
  { httpStatusCode, requestId }: Pick<StsFailure, 'httpStatusCode' | 'requestId'>,
): boolean =>
  (httpStatusCode ?? 0) >= 400 &&
  $fault !== undefined &&
  requestId !== undefined &&
  typeof name === 'string' &&
  ERROR_CODE.test(name) &&
  !PLACEHOLDER_CODES.has(name)

/** In lower case and short, so that it cannot be a credential. https://www.iana.org/assignments/media-types/ */
const CONTENT_TYPE = /^[a-z]{4,11}\/[a-z][a-z\d.+-]{1,40}(?![^;\s])/

const describeAnswer = (
  { httpStatusCode, requestId }: Pick<StsFailure, 'httpStatusCode' | 'requestId'>,
  contentType: string,
): string => {
  const status = httpStatusCode ?? 'without a status'
  const answer = contentType === '' ? `${status}` : `${status} (${contentType})`
  return requestId !== undefined && httpStatusCode === 200
    ? `STS answered ${answer}, but the answer cannot be read`
    : `something between the function and STS answered ${answer}`
}

const contentTypeOf = (headers: unknown): string | undefined => {
  const entries = Object.entries(typeof headers === 'object' && headers !== null ? headers : {})
  const value = entries.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  return CONTENT_TYPE.exec(String(value ?? ''))?.[0]
}
