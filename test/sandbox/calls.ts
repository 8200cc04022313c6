export type ServiceName = 'sts' | 'dynamodb'

/** One request as AWS saw it: what CloudTrail would tell, and which connection it came over. */
export interface Call {
  service: ServiceName
  operation: string
  /** The session's ARN; only of a caller whose signature was good. */
  principal?: string
  accountId?: string
  accessKeyId?: string
  /** The Region of the signature's scope. */
  region?: string
  sessionName?: string
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string
  roleArn?: string
  externalIdGiven?: boolean
  table?: string
  /** 0 until it is answered, and for ever when it never is. */
  status: number
  error?: string
  /** The number of its TCP connection, counted per service. */
  connection: number
  at: number
  host?: string
}
