export type ServiceName = 'sts' | 'dynamodb'

/** One request that a service received, with the data that CloudTrail would record, and its TCP connection. */
export interface Call {
  service: ServiceName
  operation: string
  /** The ARN of the caller's session. Present only if the signature is valid. */
  principal?: string
  accountId?: string
  /** The access key and the Region in the Authorization header, even if the signature is invalid. */
  accessKeyId?: string
  region?: string
  sessionName?: string
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string
  roleArn?: string
  hasExternalId?: boolean
  /** The parameters of an AssumeRole request, or the body of a DynamoDB request. */
  input?: object
  /** The access key ID in the response of AssumeRole. */
  issuedAccessKeyId?: string
  table?: string
  /** The HTTP status. It is 0 until the service responds, and stays 0 if the service never responds. */
  status: number
  error?: string
  /** The number of the TCP connection, counted separately for each service. */
  connectionNumber: number
  receivedAtMs: number
  host?: string
}
