import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

/** The parts of an HTTP request that Signature Version 4 covers. */
export interface SignedRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  body: Buffer
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export interface AuthorizationHeader {
  accessKeyId: string
  /** The first part of the credential scope `20130609/us-east-1/dynamodb/aws4_request`. */
  date: string
  region: string
  service: string
  terminator: string
  signedHeaders: string[]
  signature: string
}

/** Returns undefined if the header is not complete or uses another algorithm than `AWS4-HMAC-SHA256`. */
export function parseAuthorizationHeader(authorization: string): AuthorizationHeader | undefined {
  const [algorithm, ...rest] = authorization.split(/[\s,]+/)
  const fields = new Map(
    rest.map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  )
  const [accessKeyId, date, region, service, terminator, ...extra] = (fields.get('Credential') ?? '').split(
    '/',
  )
  const signedHeaders = fields.get('SignedHeaders')?.split(';')
  const signature = fields.get('Signature')
  if (algorithm !== 'AWS4-HMAC-SHA256' || !signedHeaders || !signature || extra.length > 0) return undefined
  if (!accessKeyId || !date || !region || !service || !terminator) return undefined
  return { accessKeyId, date, region, service, terminator, signedHeaders, signature }
}

/** Signs the request with the secret access key of the session and compares the signatures. */
export async function isSignedWith(
  secretAccessKey: string,
  request: SignedRequest,
  header: AuthorizationHeader,
): Promise<boolean> {
  const headers = Object.fromEntries(header.signedHeaders.map((name) => [name, request.headers[name] ?? '']))
  // The signer trusts this header, but AWS compares it with the body. Replace it with the real hash.
  if (headers['x-amz-content-sha256'] !== undefined)
    headers['x-amz-content-sha256'] = createHash('sha256').update(request.body).digest('hex')

  const sessionToken = headers['x-amz-security-token']
  const { accessKeyId, region, service } = header
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
  })
  const { method, path, query, body } = request
  const signed = await signer.sign(
    { method, protocol: 'http:', hostname: '', path, query, headers, body },
    {
      signingDate: parseAmzDate(request.headers['x-amz-date'] ?? '') ?? new Date(0),
      signableHeaders: new Set(header.signedHeaders),
    },
  )
  const expectedSignature = Buffer.from(signed.headers.authorization?.split('Signature=')[1] ?? '')
  const actualSignature = Buffer.from(header.signature)
  return (
    expectedSignature.length > 0 &&
    expectedSignature.length === actualSignature.length &&
    timingSafeEqual(expectedSignature, actualSignature)
  )
}

/** Parses the format of the `X-Amz-Date` header, `20130609T100015Z`. */
export function parseAmzDate(text: string): Date | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(date.getTime()) ? undefined : date
}

export const formatAmzDate = (timeMs: number): string =>
  new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '')

/** Adapts the hashes of `node:crypto` to the interface that `SignatureV4` requires. */
export class Sha256 {
  readonly #hash

  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('SignatureV4 does not call reset()')
  }
}
