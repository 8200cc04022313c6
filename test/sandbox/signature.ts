import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

/** The part of a request that is signed. */
export interface SignedRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  body: Buffer
}

/** What an Authorization header claims. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export interface Claim {
  accessKeyId: string
  /** The scope: `20130609/us-east-1/dynamodb/aws4_request`. */
  day: string
  region: string
  service: string
  terminator: string
  signedHeaders: string[]
  signature: string
}

export function readClaim(authorization: string): Claim | undefined {
  const [algorithm, ...rest] = authorization.split(/[\s,]+/)
  const parts = new Map(
    rest.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  )
  const [accessKeyId, day, region, service, terminator, ...more] = (parts.get('Credential') ?? '').split('/')
  const signedHeaders = parts.get('SignedHeaders')?.split(';')
  const signature = parts.get('Signature')
  if (algorithm !== 'AWS4-HMAC-SHA256' || !signedHeaders || !signature || more.length > 0) return undefined
  if (!accessKeyId || !day || !region || !service || !terminator) return undefined
  return { accessKeyId, day, region, service, terminator, signedHeaders, signature }
}

/** Signs what arrived with the secret on record, and compares. */
export async function isSignedWith(
  secretAccessKey: string,
  request: SignedRequest,
  claim: Claim,
): Promise<boolean> {
  const headers = Object.fromEntries(claim.signedHeaders.map((name) => [name, request.headers[name] ?? '']))
  // The signer believes this header; AWS compares it with the body.
  if (headers['x-amz-content-sha256'] !== undefined)
    headers['x-amz-content-sha256'] = createHash('sha256').update(request.body).digest('hex')

  const sessionToken = headers['x-amz-security-token']
  const { accessKeyId, region, service } = claim
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
      signingDate: parseLongDate(request.headers['x-amz-date'] ?? '') ?? new Date(0),
      signableHeaders: new Set(claim.signedHeaders),
    },
  )
  const expected = Buffer.from(signed.headers.authorization?.split('Signature=')[1] ?? '')
  const given = Buffer.from(claim.signature)
  return expected.length > 0 && expected.length === given.length && timingSafeEqual(expected, given)
}

/** `20130609T100015Z` */
export function parseLongDate(text: string): Date | undefined {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const date = new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
  return Number.isNaN(date.getTime()) ? undefined : date
}

export const formatLongDate = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')

/** node:crypto in the shape that the signer wants. */
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
    throw new Error('not used by the signer')
  }
}
