export type ServiceName = 'sts' | 'dynamodb'

/** One request as AWS saw it: what CloudTrail would tell, and which connection it came over. */
export interface Call {
  service: ServiceName
  operation: string
  /** The session's ARN; only of a caller whose signature was good. */
  principal?: string
  accountId?: string
  /** Whose signature the request claims to bear, whatever became of it; and the Region of that. */
  accessKeyId?: string
  region?: string
  sessionName?: string
  tags?: Record<string, string>
  transitiveTagKeys?: string[]
  sourceIdentity?: string
  roleArn?: string
  externalIdGiven?: boolean
  /** What the request asks for: of AssumeRole all that it says, of DynamoDB the body. */
  input?: object
  /** The access key that AssumeRole gave out. */
  issued?: string
  table?: string
  /** 0 until it is answered, and for ever when it never is. */
  status: number
  error?: string
  /** The number of its TCP connection, counted per service. */
  connection: number
  at: number
  host?: string
}
